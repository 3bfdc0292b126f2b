"""Earnings dates in Redis: `earnings:{symbol}`, kept a day; that there is none is kept too."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from redis import Redis

from services.market.pending import Pending

KEPT = timedelta(days=1)
_NONE = b"none"


@dataclass(frozen=True, slots=True)
class Announced:
    """The first day on which the next earnings may come, where they are traded, or None."""

    day: date | None


class EarningsCache:
    """The cache itself; `pending` holds marks by symbol. Raises what the Redis client raises."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.pending = Pending(redis, "earnings")

    def get(self, symbol: str, today: date) -> Announced | None:
        """What is kept, unless it was over the day before `today` (UTC) at the latest."""
        held = cast(bytes | None, self._redis.get(_key(symbol)))
        if held is None or held == _NONE:
            return Announced(None) if held else None
        try:
            day = date.fromisoformat(held.decode())
        except ValueError:  # written by another version
            return None
        # The exchange may still be at the day before.
        return Announced(day) if day >= today - timedelta(days=1) else None

    def put(self, symbol: str, day: date | None) -> None:
        """Keep it for a day."""
        self._redis.set(_key(symbol), day.isoformat() if day else _NONE, ex=KEPT)


def _key(symbol: str) -> str:
    return f"earnings:{symbol}"
