"""Bars in Redis: written by workers, read by all.

| key | holds | kept |
|---|---|---|
| `bars:{symbol}:1d` | completed daily bars of 4 or 10 years as traded, with their splits | 4 days |
| `bars:{symbol}:1m` | 1-minute bars of up to 7 days, likewise | a day |
| `pending:bars:{symbol}:{interval}` | a mark: a worker is asked for it | at most 30 s |
"""

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import cast

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.market.models import Bar, BarInterval, Chart, Split
from services.market.pending import Pending

MOST_BARS: dict[BarInterval, int] = {"1d": 3_700, "1m": 7 * 1_440 + 1}
"""Of an instrument that never rests: ten years of days, a week of minutes."""
_KEPT: dict[BarInterval, timedelta] = {"1d": timedelta(days=4), "1m": timedelta(days=1)}
_FORM = 1
_ALL_FIELDS = set(Bar.model_fields)
"""One for all bars: a set for each would be half of their memory."""
_TO_SPARE = timedelta(weeks=2)
"""So that an earlier session needs no request of its own."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A chart as it is kept.

    Daily bars are all of sessions before `session`; of minutes it is the last bar's. The bars
    reach back to `since` (market time), as far as the source has any. After `fresh_until` (our
    time) they should be fetched again, `tries` tells how often that was in vain.
    """

    session: date
    since: datetime
    fetched_at: datetime
    fresh_until: datetime
    chart: Chart
    tries: int = 0

    def covers(self, session: date, years: int, currency: str = "") -> bool:
        """Whether it holds the daily bars of `years` before `session`, in `currency` if known."""
        same = not currency or self.chart.currency in ("", currency)
        far_enough = self.since <= years_before(session, years) + _TO_SPARE
        return same and self.session >= session and far_enough

    def daily(self, session: date) -> tuple[Bar, ...]:
        """The bars of sessions before `session`, in shares of `session`."""
        bars = [bar for bar in self.chart.bars if bar.session < session]
        return in_shares_of(bars, self.chart.splits, session)

    def minutes(self, since: datetime) -> tuple[Bar, ...]:
        """The bars that end after `since`, in shares of the last one's session."""
        bars = [bar for bar in self.chart.bars if bar.start + timedelta(minutes=1) > since]
        return in_shares_of(bars, self.chart.splits, self.session)


class BarCache:
    """The cache itself; `pending` holds marks by `name`. Raises what the Redis client raises."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.pending = Pending(redis, "bars")

    def get(self, symbol: str, interval: BarInterval) -> Kept | None:
        """What is kept, however old."""
        packed = cast(bytes | None, self._redis.get(_key(symbol, interval)))
        return _unpacked(packed) if packed else None

    def put(self, symbol: str, interval: BarInterval, kept: Kept) -> None:
        """Keep at most MOST_BARS, the newest."""
        packed = _packed(symbol, kept, MOST_BARS[interval])
        self._redis.set(_key(symbol, interval), packed, ex=_KEPT[interval])

    @staticmethod
    def name(symbol: str, interval: BarInterval) -> str:
        """The name under which a worker is asked for these bars."""
        return f"{symbol}:{interval}"


def in_shares_of(bars: Iterable[Bar], splits: Sequence[Split], session: date) -> tuple[Bar, ...]:
    """`bars`, as traded, in shares of `session`."""
    due = [split for split in splits if split.session <= session]
    return tuple(
        _divided(bar, ratio)
        if (ratio := math.prod(split.ratio for split in due if bar.session < split.session)) != 1
        else bar
        for bar in bars
    )


def years_before(session: date, years: int) -> datetime:
    """Midnight, UTC, of the day `years` (of 365 days) and two weeks to spare earlier."""
    day = session - timedelta(days=365 * years) - _TO_SPARE
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _divided(bar: Bar, ratio: float) -> Bar:
    prices = {name: getattr(bar, name) / ratio for name in ("open", "high", "low", "close")}
    return bar.model_copy(update={**prices, "volume": round(bar.volume * ratio)})


class _Packed(BaseModel):
    """Columns compress better than rows, and times better as differences: the first of
    `starts` (seconds) and `sessions` (days) is absolute. Floats are written in full."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    form: int
    symbol: str
    session: date
    since: datetime
    fetched_at: datetime
    fresh_until: datetime
    tries: int
    currency: str
    exchange: str
    starts: list[int]
    sessions: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[int]
    splits: list[tuple[date, float]]


def _packed(symbol: str, kept: Kept, most: int) -> bytes:
    bars, chart = kept.chart.bars[-most:], kept.chart
    record = _Packed(
        form=_FORM,
        symbol=symbol,
        session=kept.session,
        since=kept.since,
        fetched_at=kept.fetched_at,
        fresh_until=kept.fresh_until,
        tries=kept.tries,
        currency=chart.currency,
        exchange=chart.exchange,
        starts=_differences([int(bar.start.timestamp()) for bar in bars]),
        sessions=_differences([bar.session.toordinal() for bar in bars]),
        open=[bar.open for bar in bars],
        high=[bar.high for bar in bars],
        low=[bar.low for bar in bars],
        close=[bar.close for bar in bars],
        volume=[bar.volume for bar in bars],
        splits=[(split.session, split.ratio) for split in chart.splits],
    )
    return zlib.compress(record.model_dump_json().encode())


@lru_cache(4)  # days and minutes of two symbols: a page asks for them three times
def _unpacked(packed: bytes) -> Kept | None:
    """None for what another version wrote; it will be fetched again."""
    try:
        record = _Packed.model_validate_json(zlib.decompress(packed))
        bars = tuple(_bars(record))
    except (zlib.error, ValidationError, ValueError, OverflowError):
        return None
    if record.form != _FORM:
        return None
    splits = tuple(Split(symbol=record.symbol, session=d, ratio=r) for d, r in record.splits)
    return Kept(
        session=record.session,
        since=record.since,
        fetched_at=record.fetched_at,
        fresh_until=record.fresh_until,
        tries=record.tries,
        chart=Chart.model_construct(
            bars=bars, splits=splits, currency=record.currency, exchange=record.exchange
        ),
    )


def _bars(record: _Packed) -> Iterable[Bar]:
    starts, sessions = accumulate(record.starts), accumulate(record.sessions)
    prices = (record.open, record.high, record.low, record.close)
    for start, session, opened, high, low, close, volume in zip(
        starts, sessions, *prices, record.volume, strict=True
    ):
        yield Bar.model_construct(  # checked when it came from the source
            _fields_set=_ALL_FIELDS,
            start=datetime.fromtimestamp(start, UTC),
            session=date.fromordinal(session),
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
        )


def _differences(numbers: list[int]) -> list[int]:
    return [*numbers[:1], *(later - earlier for earlier, later in pairwise(numbers))]


def _key(symbol: str, interval: BarInterval) -> str:
    return f"bars:{symbol}:{interval}"
