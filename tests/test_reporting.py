"""What is told to the service that collects errors."""

from services.reporting import _without_addresses


def test_addresses_of_webhooks_and_chats_are_not_reported() -> None:
    asked = {"category": "httplib", "data": {"url": "https://hooks.example/secret"}}
    assert _without_addresses(asked, {}) is None
    logged = {"category": "rq.worker", "message": "begun"}
    assert _without_addresses(logged, {}) == logged
