"""What the last check saw of each symbol, and which symbols it could not see. In Redis.

`reading:S` holds the reading on which the next interval starts; `unchecked` (a hash) says of
which symbols nothing sound is known, since when and why. Both can be lost: the next check then
starts from the time of the last completed one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis
from redis.client import Pipeline

from services.alerts.intervals import Reading
from services.redis_client import text_of

KEPT = timedelta(days=10)
_UNCHECKED = "unchecked"


class Unchecked(BaseModel):
    """Why a symbol's alerts are blind, and since which of our times (UTC)."""

    model_config = ConfigDict(frozen=True)

    since: datetime
    reason: str


class Readings:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, symbols: Sequence[str]) -> dict[str, Reading]:
        """The last readings of those of `symbols` that have one in today's shape."""
        if not symbols:
            return {}
        found = self._redis.mget([f"reading:{symbol}" for symbol in symbols])
        readings = zip(symbols, map(_reading, found), strict=True)
        return {symbol: reading for symbol, reading in readings if reading is not None}

    def put(self, symbol: str, reading: Reading, pipe: "Pipeline | None" = None) -> None:
        """At once, or with the other commands of `pipe`."""
        (pipe or self._redis).set(f"reading:{symbol}", reading.model_dump_json(), ex=KEPT)

    def begin_run(self, run: str) -> None:
        """Forget what was read in another run of a replay: its later days prove nothing now.

        Where no run is known Redis was emptied, and what is there was read since, in this one:
        without it the index that stands beside it would be held against too early prices.
        """
        known = self._redis.getset("readings:run", run)
        if known is None or text_of(known) == run:
            return
        for key in self._redis.scan_iter("reading:*", count=1_000):
            self._redis.delete(key)

    def unchecked(self, symbols: Sequence[str]) -> dict[str, Unchecked]:
        """Those of `symbols` whose alerts are blind."""
        if not symbols:
            return {}
        found = self._redis.hmget(_UNCHECKED, list(symbols))
        return {
            symbol: Unchecked.model_validate_json(text)
            for symbol, text in zip(symbols, found, strict=True)
            if text is not None
        }

    def all_unchecked(self) -> dict[str, Unchecked]:
        """Every symbol whose alerts are blind."""
        found = self._redis.hgetall(_UNCHECKED)
        return {
            text_of(symbol): Unchecked.model_validate_json(text) for symbol, text in found.items()
        }

    def note_unchecked(
        self, reasons: dict[str, str], now: datetime, among: Callable[[str], bool]
    ) -> None:
        """Keep which symbols are blind, and of those `among` which it looked no others."""
        before = self.unchecked(list(reasons))
        seen = [s for s in map(text_of, self._redis.hkeys(_UNCHECKED)) if among(s)]
        notes = {
            symbol: Unchecked(since=before[symbol].since if symbol in before else now, reason=why)
            for symbol, why in reasons.items()
        }
        with self._redis.pipeline() as pipe:
            if seen:
                pipe.hdel(_UNCHECKED, *seen)
            if notes:
                pipe.hset(
                    _UNCHECKED, mapping={s: note.model_dump_json() for s, note in notes.items()}
                )
            pipe.execute()


def _reading(text: bytes | str | None) -> Reading | None:
    try:
        return Reading.model_validate_json(text) if text is not None else None
    except ValidationError:  # written by another version
        return None
