"""`GET /metrics`: what Prometheus reads, and who else may."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from redis import Redis

from config import Settings, SettingsError, load_settings
from services.store.billing import Bill
from services.store.contract import Store
from tests.support.web import make_site
from tests.web.conftest import Reader, signed_in
from tests.web.test_errors import lose_redis

TOKEN = "a token of some length"


def documents(text: str, **labels: str) -> float:
    """The documents counted under these labels, of all callers where none is named."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "bellwether_store_documents_total"
        and labels.items() <= sample.labels.items()
    )


@pytest.fixture
def guarded(anybody: Reader) -> Reader:
    """Somebody at a site that has a token."""
    services = anybody.site.services
    settings = services.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    services.__dict__["settings"] = settings
    return anybody


@pytest.mark.emulator
def test_what_a_page_reads_from_firestore_is_exported(
    firestore_store: Store, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    site = make_site(firestore_store, redis, redis_url, tmp_path)
    before = site.app.test_client().get("/metrics").text
    ada = signed_in(site, "ada@example.com")
    ada.page("/")
    after = ada.get("/metrics").text
    assert documents(after, operation="read") > documents(before, operation="read")
    snapshot = firestore_store.bill.snapshot()  # type: ignore[attr-defined]
    callers = {site for site, kind in snapshot if kind == "read"}
    assert "services.store.watchlists.Watchlists.of" in callers
    assert all(documents(after, operation="read", caller=site) for site in callers)


def test_it_is_prometheus_text_that_nobody_keeps(anybody: Reader) -> None:
    answer = anybody.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "# TYPE bellwether_store_documents_total counter" in answer.text


def test_a_hostile_caller_stays_within_its_quotes(anybody: Reader) -> None:
    caller = 'x"} 1\nforged_total{a="b\\"} 2\n#'
    Bill().add(caller, "write", 3)
    text = anybody.get("/metrics").text
    assert documents(text, operation="write", caller=caller) == 3
    assert "\nforged_total" not in text


def test_it_needs_neither_session_nor_redis(anybody: Reader) -> None:
    lose_redis(anybody.site)
    answer = anybody.get("/metrics")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_who_knows_the_token_may_read(guarded: Reader) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.9"}
    assert guarded.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize("sent", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer \xff"])
def test_a_wrong_token_is_refused(guarded: Reader, sent: str | None) -> None:
    answer = guarded.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "bellwether_store" not in answer.text


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("203.0.113.9", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", {"Host": "evil.example"}),
    ],
)
def test_without_a_token_nobody_from_elsewhere_finds_it(
    anybody: Reader, address: str, headers: dict[str, str]
) -> None:
    answer = anybody.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == 404
    assert "bellwether_store" not in answer.text


def test_a_site_with_https_answers_within_the_machine_without(
    anybody: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.security.talisman.force_https", True)
    assert anybody.get("/metrics").status_code == 200


def test_a_token_that_can_be_guessed_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_TOKEN", "secret")
    with pytest.raises(SettingsError, match="METRICS_TOKEN") as refused:
        load_settings()
    assert "'secret'" not in str(refused.value)


def test_the_token_is_not_shown_with_the_settings() -> None:
    assert TOKEN not in repr(Settings(_env_file=None, metrics_token=SecretStr(TOKEN)))
