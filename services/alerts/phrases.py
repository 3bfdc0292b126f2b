"""Conditions in words, each number in its own unit, for pages and mails. Pure but for the
language, which is the one that is spoken (services/texts.py).

What happened reads as a symbol and what it does: `AAPL` `is down by 5 % today`.
"""

from collections.abc import Mapping
from functools import singledispatch
from typing import Literal, NamedTuple, Protocol, TypeAlias

from services.alerts.conditions import (
    AverageCondition,
    Condition,
    CrossCondition,
    DayChangeCondition,
    EarningsCondition,
    ExtremeCondition,
    MoveCondition,
    PriceCondition,
    RsiCondition,
    TrailingCondition,
    VolumeCondition,
)
from services.alerts.deeds import Priced, deed
from services.alerts.standing import arms_once, present, to_go, too_little
from services.alerts.units import (
    PRICES,
    THIN,
    TIMES,
    metric_text,
    number,
    percent,
    plain,
    price,
    signed_percent,
    value_text,
)
from services.texts import gettext as _

__all__ = [
    "Evidence",
    "arms_once",
    "brief",
    "evidence",
    "headline",
    "predicate",
    "present",
    "subject",
    "to_go",
    "told",
    "too_little",
    "way",
]

Way: TypeAlias = Literal["up", "down", "either"]


class Told(NamedTuple):
    """A message in the language that is spoken, and the values of its places."""

    message: str
    values: Mapping[str, str]


def told(condition: Condition, currency: str, past: bool = False, price_of: Priced = price) -> Told:
    """What a symbol does, or did, for who puts the values in on his own."""
    now, then, values = deed(condition, currency, price_of)
    return Told(_(then if past else now), values)


def predicate(
    condition: Condition, currency: str, past: bool = False, price_of: Priced = price
) -> str:
    """`rises to 200.00 USD`, `fell by 5 % within 1 hour`, ...: what a symbol does, or did."""
    message, values = told(condition, currency, past, price_of)
    return message % values


def headline(symbol: str, condition: Condition, currency: str, past: bool = False) -> str:
    """`AAPL rises to 200.00 USD`."""
    return f"{symbol} {predicate(condition, currency, past)}"


def subject(symbol: str, now: float, condition: Condition, currency: str) -> str:
    """What happened, the price first, for a list on a phone: `AAPL 198.50, rose to 198.00`."""
    if isinstance(condition, PriceCondition):
        condition = condition.model_copy(update={"extended": False})
    did = predicate(condition, currency, past=True, price_of=lambda level, _: number(level))
    return f"{symbol} {number(now)}, {did}"


def way(condition: Condition) -> Way:
    """Where the price goes when the condition comes true."""
    match condition:
        case MoveCondition(direction=direction):
            return direction
        case TrailingCondition(kind=kind):
            return "down" if kind == "falls_from_peak" else "up"
        case VolumeCondition() | EarningsCondition():
            return "either"
    return "up" if condition.target.direction == "rise" else "down"


def brief(condition: Condition) -> str:
    """The condition in a few characters, beside an arrow that tells its way."""
    return _brief(condition)


@singledispatch
def _brief(condition: Condition) -> str:
    raise TypeError(f"No words for {type(condition).__name__}.")


@_brief.register
def _price_brief(condition: PriceCondition) -> str:
    return number(condition.level)


@_brief.register
def _day_change_brief(condition: DayChangeCondition) -> str:
    return _("%(percent)s today", percent=signed_percent(condition.level))


@_brief.register
def _move_brief(condition: MoveCondition) -> str:
    return _(
        "%(percent)s in %(window)s", percent=percent(condition.percent), window=condition.window
    )


@_brief.register
def _trailing_brief(condition: TrailingCondition) -> str:
    if condition.kind == "falls_from_peak":
        return _("%(percent)s off high", percent=percent(condition.percent))
    return _("%(percent)s off low", percent=percent(condition.percent))


@_brief.register
def _extreme_brief(condition: ExtremeCondition) -> str:
    if condition.kind == "new_high":
        return _("%(span)s high", span=condition.span)
    return _("%(span)s low", span=condition.span)


@_brief.register
def _average_brief(condition: AverageCondition) -> str:
    return f"{condition.average.upper()} {condition.days}"


@_brief.register
def _cross_brief(condition: CrossCondition) -> str:
    return _("%(fast)s/%(slow)s cross", fast=condition.fast, slow=condition.slow)


@_brief.register
def _rsi_brief(condition: RsiCondition) -> str:
    return f"RSI {plain(condition.level)}"


@_brief.register
def _volume_brief(condition: VolumeCondition) -> str:
    return _("%(times)s volume", times=f"{plain(condition.ratio)}{TIMES}")


@_brief.register
def _earnings_brief(condition: EarningsCondition) -> str:
    return _("earnings %(days)s%(space)sd", days=condition.days, space=THIN)


class Evidence(NamedTuple):
    """A line of what made an alert ring."""

    label: str
    text: str


class Rung(Protocol):
    """What is told of a trigger."""

    @property
    def condition(self) -> Condition: ...
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def peak(self) -> float | None: ...


def evidence(rung: Rung, currency: str) -> list[Evidence]:
    """How far the metric went, and its low and high between two checks."""
    metric = rung.condition.target.metric
    is_price = metric in PRICES
    label = _("Went to") if is_price else metric_text(metric)
    lines = [Evidence(label, value_text(metric, rung.value, currency))]
    if rung.low != rung.high or is_price:
        low, high = (
            number(end) if is_price else value_text(metric, end, currency)
            for end in (rung.low, rung.high)
        )
        lines.append(Evidence(_("Low – high between checks"), f"{low} – {high}"))
    if rung.peak is not None:
        label = _("Lowest since armed") if metric == "run-up" else _("Highest since armed")
        lines.append(Evidence(label, price(rung.peak, currency)))
    return lines
