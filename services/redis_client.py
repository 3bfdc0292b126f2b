"""The Redis client that all parts share."""

from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from redis import ConnectionError, Redis, TimeoutError
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 5.0
PAGE_SECONDS = 2.5
"""For whom somebody waits."""
REST_SECONDS = 1.0
DEFAULT_ADDRESS = "redis://127.0.0.1:6379/0"
T = TypeVar("T")


class Rest(Retry):
    """Tries nothing twice, and after a command without an answer nothing at all for a moment: a
    page that asks several times waits once. One for all connections of a client."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 0)
        self._ends = 0.0

    def __deepcopy__(self, _memo: object) -> "Rest":
        return self

    def call_with_retry(self, do: Callable[[], T], *more: Any, **options: Any) -> T:
        if monotonic() < self._ends:
            raise ConnectionError("Redis did not answer a moment ago.")
        try:
            return super().call_with_retry(do, *more, **options)
        except TimeoutError:
            self._ends = monotonic() + REST_SECONDS
            raise


def open_redis(url: str) -> Redis:
    """A thread-safe client that answers in bytes, with a time limit on every command.

    It connects at the first command; commands raise redis.RedisError when Redis is away.
    RESP2, because its answers have one shape for every server version.
    """
    return _open(url, TIMEOUT_SECONDS)


def open_redis_for_pages(url: str) -> Redis:
    """The same for pages, of which one in all waits no longer than PAGE_SECONDS for a Redis that
    stalls."""
    return _open(url, PAGE_SECONDS, retry=Rest())


def _open(url: str, seconds: float, **options: Any) -> Redis:
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        health_check_interval=30,
        **options,
    )


def text_of(value: object) -> str:
    """A Redis answer as text, whether or not the client decodes."""
    return value.decode() if isinstance(value, bytes) else str(value)
