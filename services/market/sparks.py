"""The closes of a symbol's last 30 sessions, small enough for fifty on a page.

| key | holds | kept |
|---|---|---|
| `spark:{symbol}` | the closes before a session, and until when they are good | 4 days |
| `pending:spark:{symbol}` | a mark: a worker is asked for it | at most 30 s |

Workers fill it (fetch_sparks.py); the web reads it, asks for what is not there, and waits for
nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import cast

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.jobs import Jobs
from services.market.models import Quote
from services.market.pending import Pending

SESSIONS = 30
_KEPT = timedelta(days=4)
_MOST_AT_HAND = 5_000
_A_SPLIT = 1.45
"""An older line whose end differs from the last close by such a factor may be in old shares."""


class Spark(BaseModel):
    """`closes` (oldest first, at most 30) of the completed sessions before `session`, in shares
    of that session; empty where the source has none. To be fetched anew from `fresh_until`
    (our time, UTC) on, and when another session has begun."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    session: date
    closes: tuple[float, ...]
    fresh_until: datetime

    def fits(self, quote: Quote) -> bool:
        """Whether it can be drawn beside a quote: of its session, or with no split since."""
        if not self.closes:
            return False
        if self.session >= quote.session or not quote.previous_close:
            return True
        ratio = self.closes[-1] / quote.previous_close
        return 1 / _A_SPLIT < ratio < _A_SPLIT

    def is_good(self, session: date, now: datetime) -> bool:
        return self.session >= session and now < self.fresh_until


class SparkCache:
    """Sparks in Redis. Raises only what the Redis client raises."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.pending = Pending(redis, "spark")

    def get(self, symbols: Sequence[str]) -> dict[str, Spark]:
        """Those that are kept, however old, in one round trip."""
        if not symbols:
            return {}
        kept = cast(list[bytes | None], self._redis.mget([f"spark:{s}" for s in symbols]))
        found = {symbol: _spark(text) for symbol, text in zip(symbols, kept, strict=True)}
        return {symbol: spark for symbol, spark in found.items() if spark}

    def put(self, sparks: dict[str, Spark]) -> None:
        with self._redis.pipeline(transaction=False) as batch:
            for symbol, spark in sparks.items():
                batch.set(f"spark:{symbol}", spark.model_dump_json(), ex=_KEPT)
            batch.execute()


class SparkDesk:
    """Where the web asks for sparks. What it has read it keeps in the process."""

    def __init__(self, redis: Redis, jobs: Jobs) -> None:
        self._cache = SparkCache(redis)
        self._jobs = jobs
        self._at_hand: dict[str, Spark] = {}

    def of(self, quotes: Iterable[Quote], now: datetime) -> dict[str, Spark]:
        """The sparks that fit these quotes, by symbol; workers are asked for the others, once.

        Raises only what the Redis client raises.
        """
        found, asked = self._good(quotes, now)
        if asked:
            self._remember(self._cache.get([quote.symbol for quote in asked]))
            more, missing = self._good(asked, now)
            found |= more
            if missing:
                self._fetch([quote.symbol for quote in missing])
            found |= {
                quote.symbol: spark
                for quote in missing
                if (spark := self._at_hand.get(quote.symbol)) and spark.fits(quote)
            }
        return found

    def _good(self, quotes: Iterable[Quote], now: datetime) -> tuple[dict[str, Spark], list[Quote]]:
        """Good sparks that are at hand, without empty ones; and the quotes that have none."""
        found, others = {}, []
        at_hand = self._at_hand
        for quote in quotes:
            spark = at_hand.get(quote.symbol)
            if spark is None or not spark.is_good(quote.session, now):
                others.append(quote)
            elif spark.closes:
                found[quote.symbol] = spark
        return found, others

    def _remember(self, sparks: dict[str, Spark]) -> None:
        if len(self._at_hand) > _MOST_AT_HAND:
            self._at_hand.clear()
        self._at_hand.update(sparks)

    def _fetch(self, symbols: list[str]) -> None:
        if claimed := self._cache.pending.claim_all(symbols):
            self._jobs.fetch_sparks(claimed)


def _spark(text: bytes | None) -> Spark | None:
    try:
        spark = Spark.model_validate_json(text) if text else None
    except ValidationError:  # written by another version; it will be fetched again
        return None
    # Pydantic's own UTC makes comparisons slow.
    return spark and spark.model_copy(update={"fresh_until": spark.fresh_until.astimezone(UTC)})
