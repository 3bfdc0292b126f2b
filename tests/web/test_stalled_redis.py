"""A Redis that takes connections and never answers."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import ConnectionError, Redis, TimeoutError

from app import create_app
from config import Settings
from services import redis_client
from services.redis_client import open_redis, open_redis_for_pages
from web.limits import limiter


@pytest.fixture
def stalled() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        listener.setblocking(False)
        yield listener
    limiter._storage_dead = False


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_client, "PAGE_SECONDS", 0.2)
    monkeypatch.setattr(redis_client, "REST_SECONDS", 60)


def address(listener: socket.socket) -> str:
    return f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def waits(listener: socket.socket) -> int:
    """How often Redis was waited for: each command without an answer gives up its connection."""
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/status", "/ready", "/sign-in", "/watchlists/default"])
def test_a_page_waits_for_it_once(path: str, stalled: socket.socket, tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, bellwether_data=tmp_path, secret_key="a key", redis_url=address(stalled)
    )
    client = create_app(settings).test_client()
    client.set_cookie("session", "a" * 43)
    assert client.get(path).status_code == 503
    assert waits(stalled) == 1


def test_after_a_moment_it_is_asked_again(
    stalled: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = open_redis_for_pages(address(stalled))
    with pytest.raises(TimeoutError):
        redis.ping()
    with pytest.raises(ConnectionError, match="a moment ago"):
        redis.pipeline().get("a").execute()
    assert waits(stalled) == 1
    monkeypatch.setattr(redis_client, "monotonic", lambda: float("inf"))
    with pytest.raises(TimeoutError):
        redis.ping()


def test_one_that_answers_again_is_believed(redis_url: str) -> None:
    redis = open_redis_for_pages(redis_url)
    with pytest.raises(TimeoutError):
        redis.blpop(["nothing comes"], timeout=1)
    with pytest.raises(ConnectionError):
        redis.ping()
    retry = redis.get_retry()
    assert isinstance(retry, redis_client.Rest)
    retry._ends = 0
    assert redis.ping()


def test_one_that_refuses_is_asked_each_time() -> None:
    redis = open_redis_for_pages("redis://127.0.0.1:1/0")
    for _ in range(2):
        with pytest.raises(ConnectionError, match="refused"):
            redis.ping()


def test_workers_have_more_patience() -> None:
    options = open_redis("redis://127.0.0.1:1/0").get_connection_kwargs()
    assert options["socket_timeout"] == redis_client.TIMEOUT_SECONDS
    assert "retry" not in options


def test_limits_are_counted_by_the_same_client(stalled: socket.socket, tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, bellwether_data=tmp_path, secret_key="a key", redis_url=address(stalled)
    )
    app = create_app(settings)
    redis: Redis = app.extensions["bellwether"].redis
    assert limiter.storage.storage.connection_pool is redis.connection_pool  # type: ignore[union-attr]
