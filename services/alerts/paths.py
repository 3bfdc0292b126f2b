"""The way a price took between two checks, and what it means to a metric. Pure.

A path is made of two readings, or of bars where they alone cannot tell. Order within one move
is unknown, so only what is certain counts: its open comes first and its close last.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from services.alerts.intervals import MAX_STEPS, Interval, Reading, Span, Step, certain
from services.market.models import Bar, Split

MINUTE = timedelta(minutes=1)
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
    """What a metric covered from `at` on."""

    at: datetime
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Path:
    """From `since` up to the present reading. `start` is the price where it began, None if that
    is not known; `seen` is what the readings prove, whatever the moves tell."""

    since: datetime
    start: Move | None
    moves: tuple[Move, ...]
    present: Reading
    seen: Span

    def of_price(self) -> Interval:
        """What the price covered, its start included."""
        moves = [*([self.start] if self.start else []), *self.moves, self._end(self.seen)]
        return interval_of(self.since, self.present, [Point(m.at, m.low, m.high) for m in moves])

    def of_metric(self, gauge_of: Callable[[date], Gauge | None]) -> Interval | None:
        """What a metric covered, by the gauge of each session; None where none has one.

        Of the start, only one in the present session counts: another was judged by its own day.
        """
        today = self.start and self.start.session == self.present.session
        start = [self.start] if self.start and today else []
        points = gauged([*start, *self.moves, self._end(self.seen)], gauge_of)
        return interval_of(self.since, self.present, points) if points else None

    def walk(self) -> list[Move]:
        """The moves in their order, the start first, for metrics on which the order bears."""
        known = [*([self.start] if self.start else []), *self.moves]
        if not self.moves:
            return [*known, self._end(self.seen)]
        price = self.present.price
        low, high = min(move.low for move in known), max(move.high for move in known)
        beyond = Span(
            low=self.seen.low if self.seen.low < low else price,
            high=self.seen.high if self.seen.high > high else price,
        )
        return [*known, self._end(beyond)]

    def _end(self, seen: Span) -> Move:
        price = self.present.price
        return Move(
            self.present.as_of,
            self.present.session,
            price,
            min(price, seen.low),
            max(price, seen.high),
            price,
        )


def gauged(moves: Iterable[Move], gauge_of: Callable[[date], Gauge | None]) -> list[Point]:
    """The moves as a metric sees them, without those of sessions that have no gauge."""
    points = []
    for move in moves:
        gauge = gauge_of(move.session)
        if gauge is not None:
            points.append(Point(move.at, gauge(move.low), gauge(move.high)))
    return points


def interval_of(since: datetime, present: Reading, points: Sequence[Point]) -> Interval:
    """The interval that at least one point makes."""
    return Interval(
        since=since,
        until=present.as_of,
        rises=_records([(point.at, point.high) for point in points], sign=1),
        falls=_records([(point.at, point.low) for point in points], sign=-1),
    )


def from_readings(previous: Reading, present: Reading) -> Path:
    """The path that two readings prove."""
    return _path(previous.as_of, previous, [], present)


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
    set is no evidence.
    """
    moves = [
        Move.of_bar(bar)
        for bar in bars
        if (bar.start >= since if only_after else bar.start + MINUTE > since)
    ]
    return _path(since, previous, moves, present)


def from_daily_bars(
    since: datetime, previous: Reading | None, bars: Iterable[Bar], present: Reading
) -> Path:
    """The path that daily bars tell, together with what the readings prove.

    Of the day of `previous` only what goes beyond the extremes that it had seen counts.
    """
    moves = []
    for bar in bars:
        move = Move.of_bar(bar)._replace(at=max(bar.start, since))
        if previous is not None:
            if bar.session < previous.session or bar.session == present.session:
                continue
            if bar.session == previous.session:
                move = _rest_of_day(move, previous)
        moves.append(move)
    return _path(since, previous, moves, present)


def _rest_of_day(day: Move, seen: Reading) -> Move:
    """What a whole day tells of its time after a reading."""
    price = seen.price
    low = day.low if day.low < seen.day_low else min(price, day.close)
    high = day.high if day.high > seen.day_high else max(price, day.close)
    return day._replace(open=price, low=low, high=high)


def _path(
    since: datetime, previous: Reading | None, moves: Sequence[Move], present: Reading
) -> Path:
    seen = certain(previous, present) if previous else Span(low=present.price, high=present.price)
    start = Move.point(since, previous.session, previous.price) if previous else None
    return Path(since, start, tuple(moves), present, seen)


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


def _records(path: Iterable[tuple[datetime, float]], sign: int) -> tuple[Step, ...]:
    """The successive records of a path; evenly thinned where there are very many."""
    steps: list[Step] = []
    for at, value in path:
        if not steps or sign * value > sign * steps[-1].value:
            steps.append(Step(at=at, value=value))
    every = -(-len(steps) // MAX_STEPS)
    return tuple(steps[(len(steps) - 1) % every :: every])
