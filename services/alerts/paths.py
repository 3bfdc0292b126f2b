"""The way a price took between two checks, and what it means to a metric. Pure.

A path is made of two readings, or of bars where they alone cannot tell. Order within one move
is unknown, so only what is certain counts: its open comes first and its close last.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from services.alerts.conditions import Direction
from services.alerts.intervals import MAX_STEPS, Interval, Reading, Span, Step, certain, today
from services.market.models import Bar, Split

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
Gauge: TypeAlias = Callable[[float], float]
"""The value of a metric at a price, in one session; never falls when the price rises."""


class Move(NamedTuple):
    """Prices covered in one span of one session, in the shares of the path's end.

    `at` is the span's first moment (UTC).
    """

    at: datetime
    session: date
    open: float
    low: float
    high: float
    close: float

    @classmethod
    def of_bar(cls, bar: Bar) -> "Move":
        return cls(bar.start, bar.session, bar.open, bar.low, bar.high, bar.close)

    @classmethod
    def point(cls, at: datetime, session: date, price: float) -> "Move":
        return cls(at, session, price, price, price, price)


class Point(NamedTuple):
    """What a metric covered from `at` on, in its unit, and at which prices."""

    at: datetime
    session: date
    low: float
    high: float
    low_price: float
    high_price: float
    close_price: float


@dataclass(frozen=True, slots=True)
class Path:
    """From `since` up to the present reading, in whose shares all prices are.

    `previous` is the reading where it began, None if that is not known or not to count.
    `earlier` is what came before, for windows that reach back. Sessions up to `rests_after`
    are not in it. Its moves are minutes; those from before `days_until` are whole days.
    """

    since: datetime
    previous: Reading | None
    moves: tuple[Move, ...]
    present: Reading
    earlier: tuple[Move, ...] = ()
    rests_after: date | None = None
    days_until: datetime | None = None

    def is_day(self, at: datetime) -> bool:
        """Whether the move that began at `at` is a whole day."""
        return self.days_until is not None and at < self.days_until

    def of_price(self) -> Interval:
        """What the price covered, its start included."""
        return interval_of(self.since, self.present, self.price_points())

    def price_points(self) -> list[Point]:
        return gauged([*self._start(), *self.moves, self._end(self._seen())], lambda _: _itself)

    def points(self, gauge_of: Callable[[date], Gauge | None]) -> list[Point]:
        """What a metric covered, by the gauge of each session; empty where none has one.

        Of the start, only one in the present session counts: another was judged by its own day.
        """
        start = [move for move in self._start() if move.session == self.present.session]
        return gauged([*start, *self.moves, self._end(self._today())], gauge_of)

    def walk(self) -> list[Move]:
        """The moves in their order, the start first, for metrics on which the order bears."""
        known = [*self._start(), *self.moves]
        if not known:
            return [self._end(self._today())]
        seen, price = self._today(), self.present.price
        low, high = min(move.low for move in known), max(move.high for move in known)
        beyond = Span(
            low=seen.low if seen.low < low else price, high=seen.high if seen.high > high else price
        )
        return [*known, self._end(beyond)]

    def after(self, session: date | None) -> "Path":
        """Only what came in later sessions, the start not among it; all of it for None."""
        if session is None or self.previous is None or self.previous.session > session:
            return self
        moves = tuple(move for move in self.moves if move.session > session)
        moves = moves or (self._end(self._today()),)
        return replace(self, previous=None, moves=moves, rests_after=session)

    def _start(self) -> list[Move]:
        before = self.previous
        return [Move.point(self.since, before.session, before.price)] if before else []

    def _seen(self) -> Span:
        return certain(self.previous, self.present) if self.previous else _price(self.present)

    def _today(self) -> Span:
        return today(self.previous, self.present) if self.previous else _price(self.present)

    def _end(self, seen: Span) -> Move:
        """The present reading; it opens where what is known before it ended."""
        end, known = self.present, [*self._start(), *self.moves]
        low, high = min(end.price, seen.low), max(end.price, seen.high)
        opened = min(max(known[-1].close, low), high) if known else end.price
        return Move(end.as_of, end.session, opened, low, high, end.price)


def gauged(moves: Iterable[Move], gauge_of: Callable[[date], Gauge | None]) -> list[Point]:
    """The moves as a metric sees them, without those that have no value in it."""
    points = []
    for at, session, _, low, high, close in moves:
        gauge = gauge_of(session)
        if gauge is None:
            continue
        least, most = gauge(low), gauge(high)
        if not (math.isnan(least) or math.isnan(most)):
            points.append(Point(at, session, least, most, low, high, close))
    return points


def interval_of(since: datetime, present: Reading, points: Sequence[Point]) -> Interval:
    """The interval that at least one point makes."""
    return Interval(
        since=since,
        until=present.as_of,
        rises=_records([(point.at, point.high) for point in points], sign=1),
        falls=_records([(point.at, point.low) for point in points], sign=-1),
    )


def where_left(points: Iterable[Point], direction: Direction, level: float) -> Point | None:
    """The first point on the side from which `level` can be reached."""
    if direction == "rise":
        return next((point for point in points if point.low < level), None)
    return next((point for point in points if point.high > level), None)


def from_readings(previous: Reading, present: Reading) -> Path:
    """The path that two readings prove."""
    return Path(previous.as_of, previous, (), present)


def from_minute_bars(
    since: datetime,
    previous: Reading | None,
    bars: Iterable[Bar],
    present: Reading,
    *,
    only_after: bool = False,
) -> Path:
    """The path that minute bars tell, together with what the readings prove.

    The minute in which `since` lies counts, unless `only_after`: what was before an alert was
    set is no evidence. Bars from before are kept as the path's `earlier`.
    """
    moves: list[Move] = []
    earlier: list[Move] = []
    for bar in bars:
        after = bar.start >= since if only_after else bar.start + MINUTE > since
        (moves if after else earlier).append(Move.of_bar(bar))
    return Path(since, previous, tuple(moves), present, tuple(earlier))


def from_daily_bars(
    since: datetime,
    previous: Reading | None,
    bars: Iterable[Bar],
    present: Reading,
    minutes: Sequence[Bar] = (),
) -> Path:
    """The path that daily bars tell, together with what the readings prove.

    Of the day of `previous` only what goes beyond the extremes that it had seen counts, and
    its close. `minutes` of later sessions, each whole but the running one, stand for their days.
    """
    moves = []
    for bar in bars:
        move = Move.of_bar(bar)._replace(at=max(bar.start, since))
        if minutes and bar.session >= minutes[0].session:
            continue
        if previous is not None:
            if bar.session < previous.session or bar.session == present.session:
                continue
            if bar.session == previous.session:
                move = _rest_of_day(move, previous)
        moves.append(move)
    until = minutes[0].start if minutes else present.as_of
    moves += map(Move.of_bar, minutes)
    return Path(since, previous, tuple(moves), present, days_until=until)


def _rest_of_day(day: Move, seen: Reading) -> Move:
    """What a whole day tells of its time after a reading."""
    price = seen.price
    low = day.low if day.low < seen.day_low else min(price, day.close)
    high = day.high if day.high > seen.day_high else max(price, day.close)
    return day._replace(open=price, low=low, high=high)


def unsplit(bars: Sequence[Bar], splits: Iterable[Split]) -> list[Bar]:
    """`bars` in shares after all of `splits`."""
    result = list(bars)
    for split in splits:
        result = [
            _divided(bar, split.ratio) if bar.session < split.session else bar for bar in result
        ]
    return result


def _divided(bar: Bar, ratio: float) -> Bar:
    prices = {name: getattr(bar, name) / ratio for name in ("open", "high", "low", "close")}
    return bar.model_copy(update={**prices, "volume": round(bar.volume * ratio)})


def _price(reading: Reading) -> Span:
    return Span(low=reading.price, high=reading.price)


def _itself(price: float) -> float:
    return price


def _records(path: Iterable[tuple[datetime, float]], sign: int) -> tuple[Step, ...]:
    """The successive records of a path; evenly thinned where there are very many."""
    steps: list[Step] = []
    for at, value in path:
        if not steps or sign * value > sign * steps[-1].value:
            steps.append(Step(at=at, value=value))
    every = -(-len(steps) // MAX_STEPS)
    return tuple(steps[(len(steps) - 1) % every :: every])
