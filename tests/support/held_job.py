"""A job that tests hold: it says that it has begun, waits to be let go, says that it is done."""

from redis import Redis

PATIENCE_SECONDS = 30


def hold(redis_url: str, name: str) -> None:
    """Begin, wait for something in the list `NAME:go`, end. Each step is a key in Redis."""
    redis = Redis.from_url(redis_url)
    redis.rpush(f"{name}:begun", 1)
    if redis.blpop(f"{name}:go", PATIENCE_SECONDS):
        redis.rpush(f"{name}:done", 1)
    redis.close()
