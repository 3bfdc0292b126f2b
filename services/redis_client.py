"""The Redis client that all parts share."""

from redis import Redis

TIMEOUT_SECONDS = 5
DEFAULT_ADDRESS = "redis://127.0.0.1:6379/0"


def open_redis(url: str) -> Redis:
    """A thread-safe client that answers in bytes, with a time limit on every command.

    It connects at the first command; commands raise redis.RedisError when Redis is away.
    RESP2, because its answers have one shape for every server version.
    """
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        health_check_interval=30,
    )


def text_of(value: object) -> str:
    """A Redis answer as text, whether or not the client decodes."""
    return value.decode() if isinstance(value, bytes) else str(value)
