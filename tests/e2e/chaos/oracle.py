"""Which alerts must have rung, and which may have, by a plain look at the tape.

Frequencies `daily` and `every` go on from the moment in which the ring before was noticed, as
the check that noticed it has looked at everything up to then.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from services.store.alerts import Frequency
from services.store.triggers import Trigger
from tests.e2e.chaos.tape import MINUTE, Minute, Range, Tape, trailing

DAY = timedelta(days=1)
REARM_MARGIN = 0.005
TRAILING = ("drawdown", "run-up")
ORDERED = (*TRAILING, "move", "move-up", "move-down")
"""Families on which the order of a day's prices bears, which the day as one bar does not tell."""
REACH = timedelta(days=7)
"""How far back minutes are kept (rule 3): what no check saw for longer is known by days."""
IN_THE_MAKING = timedelta(seconds=10)
"""For so long after it was set an alert may not be known to a check that runs already."""


@dataclass(frozen=True)
class Wish:
    """One alert as it was set, on a price of `price` at `since` (market time).

    `level` is in the metric's unit, prices in shares of `session`. `waits`: it was true
    already. `answered` is our time when setting it had returned, None where that failed.
    """

    name: str
    symbol: str
    metric: str
    rises: bool
    level: float
    frequency: Frequency
    waits: bool
    since: datetime
    session: date
    price: float
    answered: datetime | None = None


@dataclass(frozen=True)
class Sought:
    """What one arming waits for, from `since` on, sessions up to `rests` left out.

    With `leave` the metric must have been beyond that first. What is closer to a level than
    `slack` is not decided here. `price` is where a trailing extreme begins.
    """

    symbol: str
    metric: str
    rises: bool
    level: float
    slack: float
    since: datetime
    price: float
    leave: float | None = None
    rests: date | None = None

    def surely_reached(self, value: Range) -> bool:
        if self.rises:
            return value.sure_high >= self.level + self.slack
        return value.sure_low <= self.level - self.slack

    def maybe_reached(self, value: Range) -> bool:
        if self.rises:
            return value.most_high >= self.level - self.slack
        return value.least_low <= self.level + self.slack

    def surely_left(self, value: Range) -> bool:
        assert self.leave is not None
        if self.rises:
            return value.sure_low < self.leave - self.slack
        return value.sure_high > self.leave + self.slack

    def maybe_left(self, value: Range) -> bool:
        assert self.leave is not None
        if self.rises:
            return value.least_low < self.leave + self.slack
        return value.most_high > self.leave - self.slack


@dataclass
class Verdict:
    """What the engine got wrong, each a line that says how."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    must_have_rung: int = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        return len(self.lost), len(self.doubled), len(self.wrong)


@dataclass(frozen=True)
class Oracle:
    """Holds triggers against the tapes up to `end` (market time).

    `checks` are, by symbol, our times up to which a finished check had looked at it, in order.
    Beyond the reach of minutes only what whole days tell is demanded, and times to the day.
    """

    tapes: Mapping[str, Tape]
    checks: Mapping[str, Sequence[datetime]]
    market_time: Callable[[datetime], datetime]
    end: datetime

    def judge(self, wish: Wish, triggers: Sequence[Trigger], verdict: Verdict) -> None:
        """Hold the triggers of one alert, in the order of their epochs, against what it says."""
        sought = self._first_sought(wish)
        due = self._surely(sought, self.end)
        verdict.must_have_rung += due is not None
        if due and triggers and (check := self._too_late(wish, due, triggers[0])):
            verdict.lost.append(f"{_told(wish, triggers)}: due {due}, yet the check of {check}"
                                " ended without it")  # fmt: skip
        for number, trigger in enumerate(triggers, 1):
            if trigger.epoch != number:
                verdict.lost.append(f"{_told(wish, triggers)}: epoch {number} gave no trigger")
                return
            noticed = self.market_time(trigger.noticed_at)
            again = number > 1 and wish.frequency == "once"
            found = None if again else self._maybe(sought, noticed)
            if found is None:
                (verdict.doubled if number > 1 else verdict.wrong).append(
                    f"{_told(wish, triggers)}: epoch {number} had no reason ({sought})"
                )
            elif trigger.occurred_at + _precision(trigger.occurred_at, noticed) < found:
                verdict.wrong.append(
                    f"{_told(wish, triggers)}: epoch {number} cannot have come before {found}"
                )
            sought = self._next_sought(wish, trigger, noticed)
        if not triggers or wish.frequency != "once":
            missed = self._surely(sought, self.end)
            if missed:
                verdict.lost.append(f"{_told(wish, triggers)}: due at {missed} ({sought})")

    def _too_late(self, wish: Wish, due: datetime, trigger: Trigger) -> datetime | None:
        """The finished check that should have found it before the one that did."""
        if wish.answered is None:
            return None
        ready = wish.answered + IN_THE_MAKING
        for check in self.checks.get(wish.symbol, ()):
            if check > ready and self.market_time(check) >= due + MINUTE:
                return check if trigger.noticed_at > check else None
        return None

    def _first_sought(self, wish: Wish) -> Sought:
        shares = self.tapes[wish.symbol].shares(wish.session)
        level = wish.level * shares if wish.metric == "price" else wish.level
        return Sought(
            wish.symbol,
            wish.metric,
            wish.rises,
            level,
            _slack(wish.metric, level),
            wish.since,
            wish.price * shares,
            leave=level if wish.waits else None,
        )

    def _next_sought(self, wish: Wish, trigger: Trigger, noticed: datetime) -> Sought:
        first, session = self._first_sought(wish), self._session_at(wish.symbol, noticed)
        price = trigger.price * self.tapes[wish.symbol].shares(session)
        rests = session if wish.frequency == "daily" else None
        margin = abs(first.level) * REARM_MARGIN
        leave: float | None = first.level - margin if first.rises else first.level + margin
        if wish.frequency != "every" or wish.metric in TRAILING:
            leave = None
        return replace(first, since=noticed, price=price, leave=leave, rests=rests)

    def _session_at(self, symbol: str, moment: datetime) -> date:
        return [m.session for m in self.tapes[symbol].minutes if m.start <= moment][-1]

    def _surely(self, sought: Sought, until: datetime) -> datetime | None:
        """The first minute in which it certainly came true."""
        left = sought.leave is None
        for minute, value in self._values(sought, until):
            if minute.start < sought.since or value is None:
                continue
            if not left:
                left = sought.surely_left(value) and self._is_told(sought, minute)
            elif sought.surely_reached(value) and self._is_told(sought, minute):
                return minute.start
        return None

    def _maybe(self, sought: Sought, until: datetime) -> datetime | None:
        """The first minute in which it may have come true."""
        left = sought.leave is None
        for minute, value in self._values(sought, until):
            if value is None:
                continue
            left = left or sought.maybe_left(value)
            if left and sought.maybe_reached(value):
                return minute.start
        return None

    def _is_told(self, sought: Sought, minute: Minute) -> bool:
        """Whether minutes, or else its day alone, told the check that came next what it did."""
        checks, after = self.checks.get(sought.symbol, ()), minute.start + MINUTE
        place = bisect_left(checks, after, key=self.market_time)
        seen = self.market_time(checks[place]) if place < len(checks) else self.end
        if not _is_known_by_day(minute.start, seen):
            return True
        in_order = sought.leave is not None or sought.metric.partition(":")[0] in ORDERED
        return not in_order and minute.session > sought.since.date()

    def _values(self, sought: Sought, until: datetime) -> Iterator[tuple[Minute, Range | None]]:
        """The minutes that count, the one in which it began included."""
        tape, rests = self.tapes[sought.symbol], sought.rests
        begin = bisect_right(tape.minutes, sought.since - MINUTE, key=_start)
        end = bisect_right(tape.minutes, until, key=_start)
        minutes = tape.minutes[begin:end]
        if sought.metric in TRAILING:
            sure_from = sum(
                m.start < sought.since or (rests is not None and m.session <= rests)
                for m in minutes
            )
            values: Sequence[Range | None] = trailing(
                minutes, sought.metric, sought.price, sure_from, rested=rests is not None
            )
        else:
            values = tape.covered(sought.metric)[begin:end]
        for minute, value in zip(minutes, values, strict=True):
            if rests is None or minute.session > rests:
                yield minute, value


def _start(minute: Minute) -> datetime:
    return minute.start


def _precision(occurred: datetime, noticed: datetime) -> timedelta:
    """How exactly the engine can say when something was; a day is told by its beginning."""
    return DAY if _is_known_by_day(occurred, noticed) else MINUTE


def _is_known_by_day(moment: datetime, seen: datetime) -> bool:
    return moment.date() <= (seen - REACH).date()


def _slack(metric: str, level: float) -> float:
    """Splits are rounded: a close before one to four decimals, a level to eight."""
    match metric.partition(":")[0]:
        case "day-change":
            return 2e-3
        case "high" | "low":
            return 5e-8  # a cent more is beyond, the same price is not
        case _:
            return 1e-6 * abs(level)


def _told(wish: Wish, triggers: Sequence[Trigger]) -> str:
    rang = ", ".join(
        f"{t.epoch}: {t.occurred_at:%m-%d %H:%M:%S} noticed {t.noticed_at:%H:%M:%S.%f}"
        for t in triggers
    )
    return f"{wish} rang [{rang}]"
