"""What two checks say of the time between them (ALERTS.md rules 1, 2, 3 and 8). Pure.

A reading is what one check keeps of a quote for the next. Two readings, and bars where
they alone cannot tell (paths.py), give the interval [low, high] that a metric covered.
"""

import math
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, PlainSerializer

from services.alerts.conditions import Direction
from services.market.models import BarInterval, Quote

STALE_AFTER = timedelta(minutes=20)
CLOCK_TOLERANCE = timedelta(minutes=5)
JUMP = 0.25
SPLIT_HINT = 0.10
MINUTE_BARS_REACH = timedelta(days=7)
MAX_STEPS = 200
SATURDAY, SUNDAY = 5, 6


IsoDate = Annotated[date, PlainSerializer(date.isoformat)]
"""A calendar day, written as text: the store has no type for it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reading(_Frozen):
    """What is kept of a quote: prices in `currency`, `as_of` in the exchange's time (UTC)."""

    price: float
    day_high: float
    day_low: float
    session: IsoDate
    session_over: bool
    previous_close: float | None
    as_of: datetime
    currency: str
    source: str
    exchange: str = ""
    volume: int | None = None
    extended_price: float | None = None
    extended_at: datetime | None = None

    @classmethod
    def of(cls, quote: Quote) -> "Reading":
        """The day's extremes include the price itself, whatever the source says."""
        return cls(
            price=quote.price,
            day_high=max(quote.price, _number(quote.day_high, quote.price)),
            day_low=min(quote.price, _number(quote.day_low, quote.price)),
            session=quote.session,
            session_over=_is_final(quote),
            previous_close=quote.previous_close,
            as_of=quote.as_of,
            currency=quote.currency,
            source=quote.source,
            exchange=quote.exchange,
            volume=quote.volume,
            extended_price=quote.extended_price,
            extended_at=quote.extended_at,
        )

    def scaled(self, ratio: float) -> "Reading":
        """The same reading in shares after a split into `ratio` for each old one."""
        names = ("price", "day_high", "day_low", "extended_price")
        prices = {name: value / ratio for name in names if (value := getattr(self, name))}
        return self.model_copy(update=prices)

    def extended(self) -> "Reading":
        """The same with the last pre- or post-market price, where it is newer, as the price."""
        if (
            self.extended_price is None
            or self.extended_at is None
            or self.extended_at <= self.as_of
        ):
            return self
        return self.model_copy(update={"price": self.extended_price, "as_of": self.extended_at})

    def followed_by(self, later: "Reading") -> bool:
        """Whether no price was made between this reading's session and `later`'s.

        So it is when this one was taken after the close, `later` names it as the close before,
        and no day lies between the two on which some exchange may have traded.
        """
        return (
            self.session_over
            and _only_weekend_between(self.session, later.session)
            and later.previous_close is not None
            and math.isclose(later.previous_close, self.price, rel_tol=1e-4)
        )


class Step(_Frozen):
    """At `at` (exchange's time, UTC) the metric made a new extreme of its interval."""

    at: datetime
    value: float


class Span(_Frozen):
    """A range, ends included.

    As what is seen of a metric it may be the wrong way round: `low` is a value at or below
    which it certainly was, `high` one at or above which it certainly was.
    """

    low: float
    high: float


class Interval(_Frozen):
    """What a metric covered from `since` up to `until` (exchange's time, UTC), in its unit.

    `rises` are the successive new highs and `falls` the new lows, oldest first; the last of
    each is the interval's high and low.
    """

    since: datetime
    until: datetime
    rises: tuple[Step, ...]
    falls: tuple[Step, ...]

    @property
    def high(self) -> float:
        return self.rises[-1].value

    @property
    def low(self) -> float:
        return self.falls[-1].value

    def left(self, direction: Direction, level: float) -> Step | None:
        """When the price was first on the side from which it can reach `level`; None if never."""
        steps, sign = (self.falls, 1) if direction == "rise" else (self.rises, -1)
        return next((step for step in steps if sign * step.value < sign * level), None)

    def touch(self, direction: Direction, level: float) -> Step | None:
        """When the price first reached `level`, and how far it went at the most; None if never."""
        steps, sign = (self.rises, 1) if direction == "rise" else (self.falls, -1)
        for step in steps:
            if sign * step.value >= sign * level:
                return Step(at=step.at, value=steps[-1].value)
        return None


Fault: TypeAlias = Literal["no price", "older", "stale", "from the future", "currency changed"]


def fault(previous: Reading | None, quote: Quote, market_now: datetime) -> Fault | None:
    """Why nothing may fire on this quote (rule 8), or None when it is sound."""
    if not math.isfinite(quote.price) or quote.price == 0:
        return "no price"
    if quote.as_of > market_now + CLOCK_TOLERANCE:
        return "from the future"
    if quote.market_state == "open" and market_now - quote.as_of > STALE_AFTER:
        return "stale"
    if previous is None:
        return None
    if quote.currency != previous.currency:
        return "currency changed"
    return "older" if quote.as_of < previous.as_of else None


def jumped(before: float, after: float, by: float = JUMP) -> bool:
    """Whether a price moved by more than the share `by`, so that it must be confirmed."""
    return before == 0 or abs(after / before - 1) > by


def certain(previous: Reading, present: Reading) -> Span:
    """What two readings prove: both prices, and a day's extreme new since the first (rule 2).

    A new date alone makes no extreme new: a future's trading day goes on over midnight.
    """
    seen = today(previous, present)
    return Span(low=min(seen.low, previous.price), high=max(seen.high, previous.price))


def today(previous: Reading, present: Reading) -> Span:
    """What two readings prove of the present session alone."""
    prices = [present.price]
    if previous.session == present.session:
        prices.append(previous.price)
    new_day = present.session > previous.session and _shrank(previous, present)
    if new_day or present.day_high > previous.day_high:
        prices.append(present.day_high)
    if new_day or present.day_low < previous.day_low:
        prices.append(present.day_low)
    return Span(low=min(prices), high=max(prices))


def dated(previous: Reading, present: Reading) -> Span:
    """What two readings prove together with its time: over a gap nothing but the first price."""
    if gap(previous, present):
        return Span(low=previous.price, high=previous.price)
    return certain(previous, present)


def possible(previous: Reading, present: Reading) -> Span:
    """What the price may have covered unseen; without bounds over a gap between sessions."""
    if gap(previous, present):
        return Span(low=-math.inf, high=math.inf)
    seen = certain(previous, present)
    return Span(low=min(seen.low, present.day_low), high=max(seen.high, present.day_high))


def gap(previous: Reading, present: Reading) -> bool:
    """Whether the day began anew, so that its extremes do not tell what was before."""
    if present.session > previous.session:
        return not previous.followed_by(present)
    return _shrank(previous, present)


def _shrank(previous: Reading, present: Reading) -> bool:
    """Whether the extremes of the day are not those that `previous` had seen, or wider."""
    return present.day_high < previous.day_high or present.day_low > previous.day_low


def hidden(level: float, seen: Span, unseen: Span) -> bool:
    """Whether the price may have reached a level without being seen there."""
    return unseen.low <= level < seen.low or seen.high < level <= unseen.high


def may_have_left(level: float, seen: Span, unseen: Span) -> bool:
    """Whether the price may have left a level on which it was seen, or that it was not seen at."""
    return unseen.low < level <= seen.low or seen.high <= level < unseen.high


def needs_second_look(previous: Reading | None, present: Reading) -> bool:
    """Whether a price, or an extreme new since `previous`, may be a jump to confirm (rule 8)."""
    if previous is None:
        return True
    seen, late = certain(previous, present), present.extended().price
    prices = (seen.low, seen.high, late)
    return any(jumped(previous.price, price) for price in prices)


def confirmed(present: Reading, second: Reading) -> bool:
    """Whether a second fetch bears out a jump: no number of it is a jump away from the first."""
    return not (
        jumped(present.price, second.price)
        or jumped(present.day_high, second.day_high)
        or jumped(present.day_low, second.day_low)
        or jumped(present.extended().price, second.extended().price)
    )


def may_have_split(previous: Reading | None, present: Reading) -> bool:
    """Whether the source must be asked for a split between the two readings (rule 9).

    Over days the price may have made good what the split took.
    """
    if previous is None or present.session - previous.session > MINUTE_BARS_REACH:
        return True
    return present.session > previous.session and jumped(previous.price, present.price, SPLIT_HINT)


def bars_wanted(since: datetime, until: datetime) -> BarInterval:
    """Minute bars as far as sources keep them, daily ones beyond (rule 3)."""
    return "1m" if until - since <= MINUTE_BARS_REACH else "1d"


def _is_final(quote: Quote) -> bool:
    """Whether the session has no later price: a delayed quote shows the close minutes after it."""
    return quote.market_state != "open" and quote.fetched_at - quote.as_of > STALE_AFTER


def _only_weekend_between(earlier: date, later: date) -> bool:
    days = range(earlier.toordinal() + 1, later.toordinal())
    return all(date.fromordinal(day).weekday() in (SATURDAY, SUNDAY) for day in days)


def _number(value: float | None, otherwise: float) -> float:
    return value if value is not None and math.isfinite(value) and value != 0 else otherwise
