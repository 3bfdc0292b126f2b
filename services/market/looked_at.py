"""Which symbols people looked at lately, so that their quotes are fresh when somebody comes back.

Kept in Redis under `looked-at` with the time of the last look; no document is read for it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from redis import Redis

from services.redis_client import text_of

KEY = "looked-at"
LATELY = timedelta(hours=24)
MOST = 2_000
"""Symbols that are kept fresh; of more, those that were looked at last."""
NOTED_EVERY = timedelta(minutes=30)
"""A process notes a symbol once in so long: most looks cost nothing."""
_REMEMBERED = 20_000


class LookedAt:
    """Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._noted: dict[str, datetime] = {}

    def note(self, symbols: Sequence[str], now: datetime) -> None:
        """Somebody looks at these symbols."""
        never = datetime.min.replace(tzinfo=UTC)
        due = [s for s in symbols if now - self._noted.get(s, never) >= NOTED_EVERY]
        if not due:
            return
        self._redis.zadd(KEY, dict.fromkeys(due, now.timestamp()))
        if len(self._noted) > _REMEMBERED:
            self._noted.clear()
        self._noted.update(dict.fromkeys(due, now))

    def lately(self, now: datetime) -> list[str]:
        """What was looked at within LATELY, the newest first; older ones are forgotten."""
        self._redis.zremrangebyscore(KEY, "-inf", f"({(now - LATELY).timestamp()}")
        return [text_of(name) for name in self._redis.zrevrange(KEY, 0, MOST - 1)]
