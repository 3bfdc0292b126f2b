from flask import request
from redis import Redis

from app import create_app
from config import Settings
from services.container import Services
from services.store.contract import Store
from tests.support.market import RecordingJobs


def address_seen(store: Store, redis: Redis, hops: int) -> str:
    """The client's address as the application sees it behind a proxy."""
    settings = Settings(_env_file=None, secret_key="for tests", proxy_hops=hops)
    app = create_app(settings, Services(settings, store, redis, RecordingJobs()))
    seen = []
    app.before_request(lambda: seen.append(request.remote_addr or ""))
    app.test_client().get("/health", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})
    return seen[0]


def test_a_client_cannot_choose_its_address_where_no_proxy_is_named(
    chosen_store: Store, redis: Redis
) -> None:
    assert address_seen(chosen_store, redis, hops=0) == "127.0.0.1"


def test_behind_a_named_proxy_the_address_is_the_one_that_it_saw(
    chosen_store: Store, redis: Redis
) -> None:
    assert address_seen(chosen_store, redis, hops=1) == "203.0.113.9"
