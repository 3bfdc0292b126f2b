"""The way a price took between two checks, and what it means to a metric. Pure.

A path is made of two readings, or of bars where they alone cannot tell. Order within one move
is unknown, so only what is certain counts: its open comes first and its close last.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from operator import attrgetter
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


_at = attrgetter("at")
_session = attrgetter("session")


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Successive moves, oldest first, of which many paths are parts.

    What is worked out of them, by metric and whatever else it depends on, is worked out once.
    """

    moves: tuple[Move, ...]
    _points: dict[Hashable, list[Point]] = field(default_factory=dict, repr=False)
    _parts: dict[date, "Track"] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, bars: Iterable[Bar]) -> "Track":
        return cls(tuple(map(Move.of_bar, bars)))

    def from_session(self, session: date) -> "Track":
        """The part of it from that session on."""
        if session not in self._parts:
            first = bisect_left(self.moves, session, key=_session)
            self._parts[session] = Track(self.moves[first:])
        return self._parts[session]

    def points(self, key: Hashable, work: Callable[[], list[Point]]) -> list[Point]:
        """What `work` gave when it was first asked for by that key; to be left as it is."""
        if key not in self._points:
            self._points[key] = work()
        return self._points[key]


@dataclass(frozen=True, slots=True)
class Path:
    """From `since` up to the present reading, in whose shares all prices are.

    `previous` is the reading where it began, None if that is not known or not to count.
    `earlier` is what came before, for windows that reach back. Sessions up to `rests_after`
    are not in it. Its moves are minutes; those from before `days_until` are whole days.
    `minutes` are those that its own minutes, where it has any, are the last of.
    """

    since: datetime
    previous: Reading | None
    moves: tuple[Move, ...]
    present: Reading
    earlier: tuple[Move, ...] = ()
    rests_after: date | None = None
    days_until: datetime | None = None
    minutes: Track | None = None

    def is_day(self, at: datetime) -> bool:
        """Whether the move that began at `at` is a whole day."""
        return self.days_until is not None and at < self.days_until

    def of_price(self) -> Interval:
        """What the price covered, its start included."""
        return interval_of(self.since, self.present, self.price_points())

    def price_points(self) -> list[Point]:
        return self._gauged("price", self._start(), self._seen(), lambda _: _itself)

    def points(self, metric: str, gauge_of: Callable[[date], Gauge | None]) -> list[Point]:
        """What a metric covered, by the gauge of each session; empty where none has one.

        Of the start, only one in the present session counts: another was judged by its own day.
        """
        start = [move for move in self._start() if move.session == self.present.session]
        return self._gauged(metric, start, self._today(), gauge_of)

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

    def day_until(self, moment: datetime, session: date) -> Span:
        """What is known of a session up to the end of the move that began at `moment`; without
        bounds, the wrong way round, where that is nothing."""
        seen = [
            (point.low_price, point.high_price)
            for point in self.price_points()
            if point.at <= moment and point.session == session
        ]
        seen += [(move.low, move.high) for move in self.earlier if move.session == session]
        readings = [self.previous, self.present if moment >= self.present.as_of else None]
        seen += [(r.day_low, r.day_high) for r in readings if r and r.session == session]
        low = min((low for low, _ in seen), default=math.inf)
        return Span(low=low, high=max((high for _, high in seen), default=-math.inf))

    def after(self, session: date | None) -> "Path":
        """Only what came in later sessions, the start not among it; all of it for None."""
        if session is None or self.previous is None or self.previous.session > session:
            return self
        moves = self.moves[bisect_right(self.moves, session, key=_session) :]
        path = replace(self, previous=None, moves=moves, rests_after=session)
        return path if moves else replace(path, moves=(self._end(self._today()),), minutes=None)

    def _gauged(
        self,
        metric: str,
        start: Iterable[Move],
        seen: Span,
        gauge_of: Callable[[date], Gauge | None],
    ) -> list[Point]:
        own = self._own()
        points = gauged([*start, *own], gauge_of)
        if self.minutes is not None and len(own) < len(self.moves):
            moves = self.minutes.moves
            shared = self.minutes.points(metric, lambda: gauged(moves, gauge_of))
            points += starting(shared, self.moves[len(own)].at)
        return points + gauged([self._end(seen)], gauge_of)

    def _own(self) -> tuple[Move, ...]:
        """The moves that are not shared with other paths."""
        if self.minutes is None:
            return self.moves
        days = bisect_left(self.moves, self.days_until, key=_at) if self.days_until else 0
        return self.moves[:days]

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


def starting(points: list[Point], moment: datetime) -> list[Point]:
    """Those of `points`, in their order, that begin at that moment or later."""
    return points[bisect_left(points, moment, key=_at) :]


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


def may_reach(points: Iterable[Point], direction: Direction, level: float) -> bool:
    """Whether an interval of these points may touch `level`: at no cost, unlike the interval."""
    if direction == "rise":
        return any(point.high >= level for point in points)
    return any(point.low <= level for point in points)


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
    minutes: Track,
    present: Reading,
    *,
    only_after: bool = False,
) -> Path:
    """The path that minute bars tell, together with what the readings prove.

    The minute in which `since` lies counts, unless `only_after`: what was before an alert was
    set is no evidence. Bars from before are kept as the path's `earlier`.
    """
    if only_after:
        first = bisect_left(minutes.moves, since, key=_at)
    else:
        first = bisect_right(minutes.moves, since - MINUTE, key=_at)
    earlier, moves = minutes.moves[:first], minutes.moves[first:]
    return Path(since, previous, moves, present, earlier, minutes=minutes)


def from_daily_bars(
    since: datetime,
    previous: Reading | None,
    days: Iterable[Move],
    present: Reading,
    minutes: Track | None = None,
) -> Path:
    """The path that daily bars tell, together with what the readings prove.

    Of the day of `previous` only what goes beyond the extremes that it had seen counts, and
    its close. `minutes` of later sessions, each whole but the running one, stand for their days.
    """
    moves = []
    known = minutes.moves if minutes else ()
    for day in days:
        move = day._replace(at=max(day.at, since))
        if known and day.session >= known[0].session:
            continue
        if previous is not None:
            if day.session < previous.session or day.session == present.session:
                continue
            if day.session == previous.session:
                move = _rest_of_day(move, previous)
        moves.append(move)
    until = known[0].at if known else present.as_of
    return Path(since, previous, (*moves, *known), present, days_until=until, minutes=minutes)


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
