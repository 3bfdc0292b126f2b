"""What the market did, minute by minute, and what that made of any metric.

Written from ALERTS.md alone, in the plainest way, and sharing nothing with services/alerts:
it is what the engine is held against. Prices of one symbol are all in the shares of its first
day, so that a split changes nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from services.market.models import Bar
from services.market.provider import Provider

MINUTE = timedelta(minutes=1)


class Minute(NamedTuple):
    """Prices of one minute."""

    start: datetime
    session: date
    open: float
    high: float
    low: float
    close: float


class Range(NamedTuple):
    """What a metric did in a minute: how far it went for certain, and how far at the most.

    The order of prices within a minute is nobody's to know, so the two may differ.
    """

    sure_high: float
    most_high: float
    sure_low: float
    least_low: float

    @classmethod
    def known(cls, low: float, high: float) -> "Range":
        return cls(high, high, low, low)


@dataclass(frozen=True)
class Days:
    """The completed sessions, oldest first."""

    sessions: list[date]
    highs: list[float]
    lows: list[float]
    closes: list[float]


class Tape:
    """One symbol's minutes from `since` (market time) to `now`, and all its days before."""

    def __init__(self, provider: Provider, symbol: str, since: datetime, now: datetime) -> None:
        long_ago = since - timedelta(days=10_000)
        self._splits = provider.splits(symbol, long_ago, now)
        days = provider.bars(symbol, "1d", long_ago, now)
        self.days = Days(
            [bar.session for bar in days],
            [bar.high * self.shares(bar.session) for bar in days],
            [bar.low * self.shares(bar.session) for bar in days],
            [bar.close * self.shares(bar.session) for bar in days],
        )
        self.minutes = [self._minute(bar) for bar in provider.bars(symbol, "1m", since, now)]
        self._known: dict[str, list[Range | None]] = {}

    def shares(self, session: date) -> float:
        """How many shares of that session one of the first day has become."""
        return math.prod(split.ratio for split in self._splits if split.session <= session)

    def covered(self, metric: str) -> list[Range | None]:
        """What each minute made of a metric; None where it has no value."""
        if metric not in self._known:
            family, _, rest = metric.partition(":")
            if family in ("move-up", "move-down", "move"):
                self._known[metric] = [*self._moves(family, rest)]
            else:
                bases = {m.session: self._base(family, rest, m.session) for m in self.minutes}
                self._known[metric] = [
                    _ratio(family, bases[minute.session], minute) for minute in self.minutes
                ]
        return self._known[metric]

    def _minute(self, bar: Bar) -> Minute:
        prices = (bar.open, bar.high, bar.low, bar.close)
        return Minute(bar.start, bar.session, *(p * self.shares(bar.session) for p in prices))

    def _base(self, family: str, rest: str, session: date) -> float | None:
        """What a price of the session is divided by, made of the sessions before it."""
        days, before = self.days, self.days.sessions.index(session)
        if family == "price":
            return 1.0
        if family == "day-change":
            return days.closes[before - 1] if before else None
        count = int(rest.removesuffix("d"))
        if before < count:
            return None
        recent = slice(before - count, before)
        if family == "high":
            return max(days.highs[recent])
        if family == "low":
            return min(days.lows[recent])
        if family == "sma":
            return sum(days.closes[recent]) / count
        assert family == "ema", family
        average = sum(days.closes[:count]) / count
        for close in days.closes[count:before]:
            average += (close - average) * 2 / (count + 1)
        return average

    def _moves(self, family: str, window: str) -> list[Range]:
        """A window may begin a minute earlier or later than one thinks: so it is tried both."""
        wide, narrow = self._windows(window, MINUTE), self._windows(window, -MINUTE)
        ups = [_rise(m, *pasts) for m, *pasts in zip(self.minutes, wide, narrow, strict=True)]
        downs = [_fall(m, *pasts) for m, *pasts in zip(self.minutes, wide, narrow, strict=True)]
        if family == "move":
            return [_greater(up, down) for up, down in zip(ups, downs, strict=True)]
        return ups if family == "move-up" else downs

    def _windows(self, window: str, more: timedelta) -> list[tuple[float, float]]:
        """The lowest and the highest price of each minute's window before that minute."""
        length, unit = int(window[:-1]), window[-1]
        if unit == "d":
            return self._day_windows(length)
        span = timedelta(minutes=length * (60 if unit == "h" else 1)) + more
        first, result = 0, []
        for number, minute in enumerate(self.minutes):
            while self.minutes[first].start < minute.start - span:
                first += 1
            result.append(_extremes(self.minutes[first:number]))
        return result

    def _day_windows(self, length: int) -> list[tuple[float, float]]:
        days, result, today = self.days, [], (float("inf"), 0.0)
        for number, minute in enumerate(self.minutes):
            if number == 0 or self.minutes[number - 1].session != minute.session:
                before = days.sessions.index(minute.session)
                past = slice(max(0, before - length + 1), before)
                today = (
                    min(days.lows[past], default=float("inf")),
                    max(days.highs[past], default=0.0),
                )
            result.append(today)
            today = (min(today[0], minute.low), max(today[1], minute.high))
        return result


def trailing(
    minutes: Sequence[Minute], metric: str, began: float, sure_from: int, *, rested: bool
) -> list[Range]:
    """How far each minute went from the extreme since a price of `began`, in per cent.

    What was before the minute `sure_from` counts at the most, and never for certain: it may
    have been before the alert was set or, if it has `rested`, `began` itself may not count.
    """
    falls = metric == "drawdown"
    sign = 1 if falls else -1
    most = sign * began
    sure = -math.inf if rested else most
    result = []
    for number, minute in enumerate(minutes):
        near, far = (minute.high, minute.low) if falls else (minute.low, minute.high)
        near, far, first, last = (sign * price for price in (near, far, minute.open, minute.close))
        most = max(most, near)
        certain = -1.0
        if number >= sure_from:
            before = max(sure, first)
            sure = max(before, near)
            certain = 100 * max((before - far) / abs(before), (sure - last) / abs(sure))
        result.append(Range(certain, 100 * (most - far) / abs(most), 0.0, 0.0))
    return result


def _ratio(family: str, base: float | None, minute: Minute) -> Range | None:
    if base is None:
        return None
    low, high = minute.low / base, minute.high / base
    if family == "day-change":
        low, high = 100 * (low - 1), 100 * (high - 1)
    return Range.known(low, high)


def _greater(one: Range, other: Range) -> Range:
    return Range(*(max(pair) for pair in zip(one, other, strict=True)))


def _extremes(minutes: Sequence[Minute]) -> tuple[float, float]:
    return (
        min((minute.low for minute in minutes), default=float("inf")),
        max((minute.high for minute in minutes), default=0.0),
    )


def _rise(minute: Minute, wide: tuple[float, float], narrow: tuple[float, float]) -> Range:
    lowest, least = min(narrow[0], minute.open), min(wide[0], minute.low)
    own = min(narrow[0], minute.low)
    return Range(
        sure_high=max(minute.high / lowest, minute.close / own) * 100 - 100,
        most_high=minute.high / least * 100 - 100,
        sure_low=minute.close / least * 100 - 100,
        least_low=minute.low / own * 100 - 100,
    )


def _fall(minute: Minute, wide: tuple[float, float], narrow: tuple[float, float]) -> Range:
    highest, most = max(narrow[1], minute.open), max(wide[1], minute.high)
    own = max(narrow[1], minute.high)
    return Range(
        sure_high=100 - min(minute.low / highest, minute.close / own) * 100,
        most_high=100 - minute.low / most * 100,
        sure_low=100 - minute.close / most * 100,
        least_low=100 - minute.high / own * 100,
    )
