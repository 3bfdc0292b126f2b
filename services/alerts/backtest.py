"""When would an alert have rung? Pure.

The alert is set at the open of the first bar and checked through all of them, with the same
rules as the live engine: what is true already at the start waits for the other side, frequency
says what follows a ring, and where the order of prices within a bar matters only what is certain
counts. Live checks may lie between two rings that this tells apart: an alert rings at most once
a check.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

from services.alerts import trailing
from services.alerts.backtest_notes import notes_on
from services.alerts.conditions import Condition, Target
from services.alerts.course import Course
from services.alerts.history import History
from services.alerts.paths import Move, Point, where_left
from services.alerts.windows import is_sound
from services.market.models import Bar, BarInterval
from services.store.alerts import Frequency

TRAILING = ("drawdown", "run-up")
REARM_MARGIN = 0.5


class Ring(NamedTuple):
    """`at` is the bar's first moment (UTC); `value` is in the metric's unit, and `price` the one
    at which the metric had it, in the bars' shares."""

    at: datetime
    session: date
    value: float
    price: float


@dataclass(frozen=True, slots=True)
class Rings:
    """When an alert would have rung, the oldest first, between the first moments of the first and
    the last bar looked at (UTC; None without bars). `notes` are for people: what the bars could
    not tell."""

    rings: tuple[Ring, ...]
    since: datetime | None
    until: datetime | None
    notes: tuple[str, ...] = ()


def backtest(
    condition: Condition,
    bars: Sequence[Bar],
    *,
    frequency: Frequency = "every",
    since: date | None = None,
    rearm_margin: float = REARM_MARGIN,
    interval: BarInterval = "1d",
    daily: Sequence[Bar] = (),
) -> Rings:
    """What an alert set at the open of session `since`, by default of the first bar, rings.

    `bars` are oldest first and in the shares in which the condition's level is; those before
    `since` are its history. `daily` are completed days, for minute bars those of their own
    sessions too. `rearm_margin` is in per cent of the level.
    """
    metric = condition.target.metric
    counted = [bar for bar in bars if since is None or bar.session >= since]
    earlier = bars[: len(bars) - len(counted)]
    history = History((*daily, *bars) if interval == "1d" else tuple(daily))
    course = Course(counted, earlier, history, interval)
    if not counted:
        return Rings((), None, None, notes_on(metric, course))
    watch = _Watch(condition.target, frequency, rearm_margin)
    found = _trail(watch, course.moves) if metric in TRAILING else _follow(watch, course, metric)
    return Rings(tuple(found), counted[0].start, counted[-1].start, notes_on(metric, course))


class _Watch:
    """An alert as it goes from state to state (rule 5)."""

    def __init__(self, target: Target, frequency: Frequency, rearm_margin: float) -> None:
        self.target = target
        self._frequency = frequency
        self._rearm_level = target.rearm_level(rearm_margin)
        self._waits_for: float | None = None
        self._rests_after: date | None = None
        self.done = False

    def begin(self, start: Point) -> None:
        """Set the alert where the metric stands exactly at `start`."""
        if self._reached(start):
            self._waits_for = self.target.level

    def heeds(self, point: Point) -> bool:
        """Whether it changes its state at this point: is armed, or rings."""
        if self.rests(point.session):
            return False
        if self._waits_for is None:
            return self._reached(point)
        return where_left([point], self.target.direction, self._waits_for) is not None

    def meet(self, point: Point) -> bool:
        """Whether it rings now."""
        if not self.heeds(point):
            return False
        if self._waits_for is not None:
            self._waits_for = None
            return False
        self.ring(point.session)
        if self._frequency == "every":
            self._waits_for = self._rearm_level
        return True

    def ring(self, session: date) -> None:
        self.done = self._frequency == "once"
        self._rests_after = session if self._frequency == "daily" else None

    def rests(self, session: date) -> bool:
        """Whether it has rung in this session and does so once a day."""
        return self._rests_after is not None and session <= self._rests_after

    def _reached(self, point: Point) -> bool:
        return self.target.reached_by(_far(point, self.target).value)


class _Far(NamedTuple):
    value: float
    price: float


def _far(point: Point, target: Target) -> _Far:
    """How far the metric went towards the level."""
    if target.direction == "rise":
        return _Far(point.high, point.high_price)
    return _Far(point.low, point.low_price)


def _follow(watch: _Watch, course: Course, metric: str) -> Iterator[Ring]:
    points = course.points(metric, watch.heeds)
    for start in islice(points, 1):
        watch.begin(start)
    for point in points:
        if watch.meet(point):
            yield Ring(point.at, point.session, *_far(point, watch.target))
        if watch.done:
            return


def _trail(watch: _Watch, moves: Iterable[Move]) -> Iterator[Ring]:
    """A trailing alert that rang begins anew: the price at its ring is the new extreme, and what
    certainly came after in that bar, its close, is no further away."""
    metric, extreme = watch.target.metric, 0.0
    for move in filter(is_sound, moves):
        value, extreme = trailing.advance(move, extreme, metric)
        if not watch.rests(move.session) and watch.target.reached_by(value):
            watch.ring(move.session)
            yield Ring(move.at, move.session, value, _price_at(move, value, extreme, metric))
            extreme = move.close
        if watch.done:
            return


def _price_at(move: Move, value: float, extreme: float, metric: str) -> float:
    """The move's close where that was the distance from the extreme, else its low (high)."""
    if trailing.distance(extreme, move.close, metric) == value:
        return move.close
    return move.low if metric == "drawdown" else move.high
