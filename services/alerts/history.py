"""The completed days of a symbol, and what they make of a price of the running one. Pure."""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, partial
from typing import TypeAlias

from services.alerts.indicators import (
    Averages,
    emas,
    highest,
    lowest,
    per_cent,
    positive,
    running_rsi,
    sma,
    wilders,
)
from services.alerts.paths import Gauge
from services.market.models import Bar

VOLUME_SESSIONS = 30
TRADING_DAYS_A_WEEK = 5
SESSIONS_A_YEAR = 250
SEED_WEIGHT = 0.001
"""How much of an average may still be owed to where the history happens to begin."""
_MOST = 1e15
_Key: TypeAlias = tuple[str, date, float | None]


@dataclass(frozen=True)
class History:
    """Daily bars, oldest first, in present shares, none of a running session.

    Bars without a price (NaN, infinite, zero, beyond 1e15) are left out.
    """

    bars: tuple[Bar, ...]
    _gauges: dict[_Key, Gauge | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _ema_series: dict[int, list[float]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _wilder_series: dict[int, list[Averages]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "bars", tuple(bar for bar in self.bars if _has_prices(bar)))

    def before(self, session: date) -> Sequence[Bar]:
        """The bars of the sessions before that one."""
        return self.bars[: self._count_before(session)]

    def and_close(self, bar: Bar) -> "History":
        """This history with one more completed session as its last."""
        return History((*self.before(bar.session), bar))

    def gauge(
        self, metric: str, session: date, previous_close: float | None = None
    ) -> Gauge | None:
        """The value of `metric` at a price (`volume`: at a volume) in the session.

        It never falls when the price rises, and is NaN, which reaches no level, for a price
        that is none. None where the history is too short, where a ratio would be to nothing
        or less, and for metrics that are none of the moment's price. `previous_close` is that
        of the session, by default the last close before it.
        """
        key = (metric, session, previous_close)
        if key not in self._gauges:
            self._gauges[key] = self._new_gauge(*key)
        return self._gauges[key]

    def cross(self, fast: int, slow: int, through: date) -> float | None:
        """SMA(fast) / SMA(slow) of the closes of the sessions up to and with `through`."""
        closes = self._closes[: self._count_before(through + timedelta(days=1))]
        quick, base = sma(closes, fast), sma(closes, slow)
        if quick is None or base is None or not positive(base):
            return None
        return quick / base

    @cached_property
    def _sessions(self) -> list[date]:
        return [bar.session for bar in self.bars]

    @cached_property
    def _highs(self) -> list[float]:
        return [bar.high for bar in self.bars]

    @cached_property
    def _lows(self) -> list[float]:
        return [bar.low for bar in self.bars]

    @cached_property
    def _closes(self) -> list[float]:
        return [bar.close for bar in self.bars]

    def _emas(self, n: int) -> list[float]:
        if n not in self._ema_series:
            self._ema_series[n] = emas(self._closes, n)
        return self._ema_series[n]

    def _wilders(self, n: int) -> list[Averages]:
        if n not in self._wilder_series:
            self._wilder_series[n] = wilders(self._closes, n)
        return self._wilder_series[n]

    def _count_before(self, session: date) -> int:
        return bisect_left(self._sessions, session)

    def _new_gauge(self, metric: str, session: date, previous_close: float | None) -> Gauge | None:
        family, *parameters = metric.split(":")
        if family == "day-change":
            return self._day_change(session, previous_close)
        make = _FAMILIES.get(family)
        return make(self, session, *parameters) if make else None

    def _price(self, session: date) -> Gauge:  # noqa: ARG002 - the same in all sessions
        return _as_it_is

    def _day_change(self, session: date, previous_close: float | None) -> Gauge | None:
        count = self._count_before(session)
        if previous_close is None and count:
            previous_close = self._closes[count - 1]
        if previous_close is None or not positive(previous_close):
            return None
        return partial(_change_from, previous_close)

    def _sma(self, session: date, n: str) -> Gauge | None:
        return _ratio_to(sma(self._closes[: self._count_before(session)], int(n)))

    def _ema(self, session: date, n: str) -> Gauge | None:
        days, count = int(n), self._count_before(session)
        return _ratio_to(self._emas(days)[count - days]) if count >= days else None

    def _rsi(self, session: date, n: str) -> Gauge | None:
        days, count = int(n), self._count_before(session)
        if count <= days:
            return None
        averages = self._wilders(days)[count - days - 1]
        return partial(_rsi_at, averages, self._closes[count - 1], days)

    def _high(self, session: date, span: str) -> Gauge | None:
        return _ratio_to(highest(self._highs[self._span(session, span)]))

    def _low(self, session: date, span: str) -> Gauge | None:
        return _ratio_to(lowest(self._lows[self._span(session, span)]))

    def _cross(self, session: date, fast: str, slow: str) -> Gauge | None:
        ratio = self.cross(int(fast), int(slow), session - timedelta(days=1))
        return None if ratio is None else partial(_always, ratio)

    def _volume(self, session: date) -> Gauge | None:
        volumes = [bar.volume for bar in self.before(session)[-VOLUME_SESSIONS:]]
        mean = sma(volumes, VOLUME_SESSIONS)
        return partial(_volume_ratio, mean) if mean is not None and mean > 0 else None

    def _span(self, session: date, span: str) -> slice:
        """Where the bars of the span before the session are, none where the history does not
        cover it."""
        count, length = self._count_before(session), int(span[:-1])
        if span.endswith("d"):
            return slice(count - length, count) if count >= length else slice(0)
        start = session - timedelta(weeks=length)
        covered = count > 0 and self._sessions[0] <= start
        return slice(self._count_before(start + timedelta(days=1)), count) if covered else slice(0)


def sessions_needed(metric: str) -> int:
    """How many completed sessions must lie before a session in which the metric has a value.

    0 where it takes none. Spans of weeks are counted as five sessions a week.
    """
    family, *parameters = metric.split(":")
    if family in ("high", "low"):
        length = int(parameters[0][:-1])
        return length * TRADING_DAYS_A_WEEK if parameters[0].endswith("w") else length
    if family in ("move-up", "move-down", "move"):
        return int(parameters[0][:-1]) - 1 if parameters[0].endswith("d") else 0
    if family == "volume":
        return VOLUME_SESSIONS
    needed = max(map(int, parameters), default=0)
    return needed + 1 if family == "rsi" else needed


def sessions_to_settle(metric: str) -> int:
    """After how many sessions the value no longer depends on where the history begins.

    EMA and RSI carry their seed on for ever, by (1 - alpha) less each day: this is when it
    weighs less than a thousandth. All other metrics are settled as soon as they are defined.
    """
    family, *parameters = metric.split(":")
    alphas = {"ema": lambda n: 2 / (n + 1), "rsi": lambda n: 1 / n}
    needed = sessions_needed(metric)
    if family not in alphas:
        return needed
    alpha = alphas[family](int(parameters[0]))
    return needed + math.ceil(math.log(SEED_WEIGHT) / math.log(1 - alpha))


def years_needed(metric: str) -> int:
    """The years of daily bars in which that many sessions surely are."""
    return 1 + -(-sessions_needed(metric) // SESSIONS_A_YEAR)


def days_to(earnings: date, session: date) -> float | None:
    """Calendar days from the session to the earnings date; None once it is over."""
    days = (earnings - session).days
    return float(days) if days >= 0 else None


def _has_prices(bar: Bar) -> bool:
    return all(0 < abs(price) < _MOST for price in (bar.high, bar.low, bar.close))


def _is_price(price: float) -> bool:
    """Futures may trade below zero; zero is how sources write that they know none (rule 8)."""
    return math.isfinite(price) and price != 0


def _as_it_is(price: float) -> float:
    return price if _is_price(price) else math.nan


def _change_from(base: float, price: float) -> float:
    return per_cent(price - base, base) if _is_price(price) else math.nan


def _ratio(base: float, price: float) -> float:
    return price / base if _is_price(price) else math.nan


def _rsi_at(averages: Averages, last_close: float, n: int, price: float) -> float:
    return running_rsi(averages, last_close, price, n) if _is_price(price) else math.nan


def _volume_ratio(mean: float, volume: float) -> float:
    return volume / mean if 0 <= volume < math.inf else math.nan


def _always(value: float, price: float) -> float:  # noqa: ARG001 - a gauge that no price moves
    return value


def _ratio_to(base: float | None) -> Gauge | None:
    return partial(_ratio, base) if base is not None and positive(base) else None


_FAMILIES: dict[str, Callable[..., Gauge | None]] = {
    "price": History._price,
    "price+extended": History._price,
    "sma": History._sma,
    "ema": History._ema,
    "rsi": History._rsi,
    "high": History._high,
    "low": History._low,
    "cross": History._cross,
    "volume": History._volume,
}
