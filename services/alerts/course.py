"""What a metric did over bars of the past, by the functions that the live engine uses. Pure.

Each bar gives up to three points: its open comes first, its close last, and of the order of its
low and high nothing is known.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from services.alerts import windows
from services.alerts.history import History
from services.alerts.paths import Gauge, Move, Point
from services.market.models import Bar, BarInterval

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Course:
    """`bars` are those that count, oldest first, and `earlier` those before them; `history` holds
    the completed days around them. All in the same shares."""

    bars: Sequence[Bar]
    earlier: Sequence[Bar]
    history: History
    interval: BarInterval

    @cached_property
    def moves(self) -> list[Move]:
        """The first open, at which the course begins, and then each bar in its three parts."""
        return [_opening(self.bars[0]), *(move for bar in self.bars for move in _parts(bar))]

    def points(self, metric: str, matters: Callable[[Point], bool]) -> Iterator[Point]:
        """What the metric covered, the start first, which is NaN where it has no value yet; none
        where it never has one. A bar that does not matter as a whole is not taken apart.

        Trailing metrics have no points of their own: they depend on when an alert rang.
        """
        match metric.partition(":")[0]:
            case "volume":
                return self._volume()
            case "cross":
                return self._cross(metric)
            case "move-up" | "move-down" | "move":
                return iter(self._windows(metric))
            case "earnings" | "drawdown" | "run-up":
                return iter(())
            case _:
                return self._gauged(metric, matters)

    def gauge(self, metric: str, session: date) -> Gauge | None:
        return self.history.gauge(metric, session)

    def _gauged(self, metric: str, matters: Callable[[Point], bool]) -> Iterator[Point]:
        first = self.bars[0]
        gauge = self.gauge(metric, first.session)
        yield _at(first, gauge(first.open) if gauge else math.nan, first.open)
        for bar in self.bars:
            gauge = self.gauge(metric, bar.session)
            if gauge is not None:
                whole = _covered(Move.of_bar(bar), gauge)
                if matters(whole):
                    yield from (_covered(part, gauge) for part in _parts(bar))

    def _volume(self) -> Iterator[Point]:
        """The volume of the day only grows: from nothing, or from the minute before."""
        session, sum_ = None, 0
        yield _at_close(self.bars[0], math.nan)
        for bar in self.bars:
            sum_ = sum_ if bar.session == session else 0
            session = bar.session
            gauge = self.gauge("volume", session)
            if gauge:
                yield _at_close(bar, gauge(sum_))
                yield _at_close(bar, gauge(sum_ + bar.volume))
            sum_ += bar.volume

    def _cross(self, metric: str) -> Iterator[Point]:
        """The averages of completed days; a day's own close counts once the day is over."""
        fast, slow = (int(days) for days in metric.split(":")[1:])
        before = self.history.cross(fast, slow, self.bars[0].session - DAY)
        yield _at_close(self.bars[0], math.nan if before is None else before)
        for bar, following in zip(self.bars, [*self.bars[1:], None], strict=True):
            if following is None or following.session > bar.session:
                value = self.history.cross(fast, slow, bar.session)
                if value is not None:
                    yield _at_close(bar, value)

    def _windows(self, metric: str) -> list[Point]:
        if self.interval == "1d" and not metric.endswith("d"):
            return []
        first = self.moves[0]
        past = [Move.of_bar(bar) for bar in self._past_of(metric)]
        return windows.moves([*past, *self.moves], metric, first.at)

    def _past_of(self, metric: str) -> Sequence[Bar]:
        """What lies before the course in the first windows; whole days for windows of days."""
        if self.interval == "1d" or not metric.endswith("d"):
            return self.earlier
        began = (self.earlier or self.bars)[0].session
        return [*self.history.before(began), *self.earlier]


def _parts(bar: Bar) -> tuple[Move, ...]:
    whole = Move.of_bar(bar)
    if bar.low == bar.high:
        return (whole,)
    return _opening(bar), whole, Move.point(bar.start, bar.session, bar.close)


def _opening(bar: Bar) -> Move:
    return Move.point(bar.start, bar.session, bar.open)


def _covered(move: Move, gauge: Gauge) -> Point:
    low, high = move.low, move.high
    return Point(move.at, move.session, gauge(low), gauge(high), low, high, move.close)


def _at_close(bar: Bar, value: float) -> Point:
    return _at(bar, value, bar.close)


def _at(bar: Bar, value: float, price: float) -> Point:
    return Point(bar.start, bar.session, value, value, price, price, price)
