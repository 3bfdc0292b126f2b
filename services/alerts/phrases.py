"""Conditions and metrics in words, each number in its own unit, for pages and mails. Pure.

What happened reads *symbol verb level*: `AAPL` `is down by` `5 % today`.
"""

import math
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
from services.alerts.units import (
    PRICES,
    RATIOS,
    SPANS,
    THIN,
    TIMES,
    average_text,
    count_text,
    family,
    metric_text,
    number,
    percent,
    plain,
    price,
    signed_percent,
    span_text,
    value_text,
    window_text,
)

Way: TypeAlias = Literal["up", "down", "either"]

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def verb(condition: Condition, past: bool = False) -> str:
    """`rises to`, `fell to`, `is up by`, ...: what stands before the level."""
    now, then = _verbs(condition)
    return then if past else now


def level_text(condition: Condition, currency: str) -> str:
    """The level with its unit, such as `200.00 USD`, `5 % within 1 hour`, `52-week high`."""
    return _level(condition, currency)


def headline(symbol: str, condition: Condition, currency: str, past: bool = False) -> str:
    """`AAPL rises to 200.00 USD`."""
    return f"{symbol} {verb(condition, past)} {level_text(condition, currency)}"


def subject(symbol: str, now: float, condition: Condition, currency: str) -> str:
    """What happened, the price first, for a list on a phone: `AAPL 198.50, rose to 198.00`."""
    level = level_text(condition, currency)
    if isinstance(condition, PriceCondition):
        level = number(condition.level)
    return f"{symbol} {number(now)}, {verb(condition, past=True)} {level}"


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


@singledispatch
def _verbs(condition: Condition) -> tuple[str, str]:
    raise TypeError(f"No words for {type(condition).__name__}.")


@singledispatch
def _level(condition: Condition, _currency: str) -> str:
    raise TypeError(f"No words for {type(condition).__name__}.")


@_verbs.register
def _(condition: PriceCondition) -> tuple[str, str]:
    return _rises_or_falls(condition.target.direction == "rise", "to")


@_level.register
def _(condition: PriceCondition, currency: str) -> str:
    beyond = ", in extended hours too" if condition.extended else ""
    return f"{price(condition.level, currency)}{beyond}"


@_verbs.register
def _(condition: DayChangeCondition) -> tuple[str, str]:
    rises = condition.target.direction == "rise"
    if _is_away_from_zero(condition):
        return ("is up by", "was up by") if rises else ("is down by", "was down by")
    return _rises_or_falls(rises, "to")


@_level.register
def _(condition: DayChangeCondition, _currency: str) -> str:
    level = condition.level
    shown = percent(abs(level)) if _is_away_from_zero(condition) else signed_percent(level)
    return f"{shown} today"


def _is_away_from_zero(condition: DayChangeCondition) -> bool:
    return condition.level * (1 if condition.target.direction == "rise" else -1) > 0


@_verbs.register
def _(condition: MoveCondition) -> tuple[str, str]:
    if condition.direction == "either":
        return "moves by", "moved by"
    return _rises_or_falls(condition.direction == "up", "by")


@_level.register
def _(condition: MoveCondition, _currency: str) -> str:
    return f"{percent(condition.percent)} within {window_text(condition.window)}"


@_verbs.register
def _(condition: TrailingCondition) -> tuple[str, str]:
    if condition.kind == "falls_from_peak":
        return "falls from its high by", "fell from its high by"
    return "rises from its low by", "rose from its low by"


@_level.register
def _(condition: TrailingCondition, _currency: str) -> str:
    return percent(condition.percent)


@_verbs.register
def _(_condition: ExtremeCondition) -> tuple[str, str]:
    return "makes a new", "made a new"


@_level.register
def _(condition: ExtremeCondition, _currency: str) -> str:
    return f"{span_text(condition.span)} {'high' if condition.kind == 'new_high' else 'low'}"


@_verbs.register
def _(condition: AverageCondition) -> tuple[str, str]:
    side = "above" if condition.direction == "up" else "below"
    return f"crosses {side} its", f"crossed {side} its"


@_level.register
def _(condition: AverageCondition, _currency: str) -> str:
    return average_text(condition.average, condition.days)


@_verbs.register
def _(_condition: CrossCondition) -> tuple[str, str]:
    return "makes a", "made a"


@_level.register
def _(condition: CrossCondition, _currency: str) -> str:
    name, side = ("golden", "above") if condition.direction == "up" else ("death", "below")
    return f"{name} cross ({condition.fast}-day {side} {condition.slow}-day average)"


@_verbs.register
def _(condition: RsiCondition) -> tuple[str, str]:
    now, then = _rises_or_falls(condition.target.direction == "rise", "to")
    return f"RSI({condition.days}) {now}", f"RSI({condition.days}) {then}"


@_level.register
def _(condition: RsiCondition, _currency: str) -> str:
    return plain(condition.level)


@_verbs.register
def _(_condition: VolumeCondition) -> tuple[str, str]:
    return "volume reaches", "volume reached"


@_level.register
def _(condition: VolumeCondition, _currency: str) -> str:
    return f"{plain(condition.ratio)}{TIMES} its average"


@_verbs.register
def _(condition: EarningsCondition) -> tuple[str, str]:
    return ("reports earnings within",) * 2 if condition.days else ("reports earnings",) * 2


@_level.register
def _(condition: EarningsCondition, _currency: str) -> str:
    return count_text(condition.days, "day") if condition.days else "today"


def brief(condition: Condition) -> str:
    """The condition in a few characters, beside an arrow that tells its way."""
    return _brief(condition)


@singledispatch
def _brief(condition: Condition) -> str:
    raise TypeError(f"No words for {type(condition).__name__}.")


@_brief.register
def _(condition: PriceCondition) -> str:
    return number(condition.level)


@_brief.register
def _(condition: DayChangeCondition) -> str:
    return f"{signed_percent(condition.level)} today"


@_brief.register
def _(condition: MoveCondition) -> str:
    return f"{percent(condition.percent)} in {condition.window}"


@_brief.register
def _(condition: TrailingCondition) -> str:
    end = "high" if condition.kind == "falls_from_peak" else "low"
    return f"{percent(condition.percent)} off {end}"


@_brief.register
def _(condition: ExtremeCondition) -> str:
    return f"{condition.span} {'high' if condition.kind == 'new_high' else 'low'}"


@_brief.register
def _(condition: AverageCondition) -> str:
    return f"{condition.average.upper()} {condition.days}"


@_brief.register
def _(condition: CrossCondition) -> str:
    return f"{condition.fast}/{condition.slow} cross"


@_brief.register
def _(condition: RsiCondition) -> str:
    return f"RSI {plain(condition.level)}"


@_brief.register
def _(condition: VolumeCondition) -> str:
    return f"{plain(condition.ratio)}{TIMES} volume"


@_brief.register
def _(condition: EarningsCondition) -> str:
    return f"earnings {condition.days}{THIN}d"


def gone_back(condition: Condition, rearm_at: float | None, currency: str) -> str:
    """What must happen before a waiting alert is armed: `the price has gone back below 199.00`."""
    target = condition.target
    level = target.level if rearm_at is None else rearm_at
    side = "below" if target.direction == "rise" else "above"
    name = family(target.metric)
    if target.metric in PRICES:
        return f"the price has gone back {side} {price(level, currency)}"
    if name in RATIOS:
        return f"{_subject(condition)} has gone back {_beyond(level, side)} {_base(target.metric)}"
    if name == "earnings":
        return f"the next earnings are more than {value_text(target.metric, level, '')} away"
    return f"{_subject(condition)} has gone back {side} {value_text(target.metric, level, '')}"


def present(condition: Condition, value: float, currency: str) -> str:
    """Where the metric stands, after *is*: `at 100.00 USD`, `1.30 % above its 200-day average`."""
    metric = condition.target.metric
    shown, name = value_text(metric, value, currency), family(metric)
    match name:
        case "cross":
            return f"with its {metric.split(':')[1]}-day average {shown} {_base(metric)}"
        case "sma" | "ema" | "high" | "low":
            return (
                f"{shown} {_base(metric)}" if "it" not in shown.split() else f"at {_base(metric)}"
            )
        case "rsi":
            return f"at RSI({metric.split(':')[1]}) {shown}"
        case "day-change":
            return f"at {shown} on the day"
        case "volume":
            return f"at {shown} its average volume"
        case "earnings":
            return f"{shown} from its earnings"
    return f"at {shown}" if metric in PRICES else f"at {shown} {_label_of_move(metric)}"


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
    label = "Went to" if is_price else metric_text(metric)
    lines = [Evidence(label, value_text(metric, rung.value, currency))]
    if rung.low != rung.high or is_price:
        low, high = (
            number(end) if is_price else value_text(metric, end, currency)
            for end in (rung.low, rung.high)
        )
        lines.append(Evidence("Low – high between checks", f"{low} – {high}"))
    if rung.peak is not None:
        end = "Lowest" if metric == "run-up" else "Highest"
        lines.append(Evidence(f"{end} since armed", price(rung.peak, currency)))
    return lines


def to_go(condition: Condition, value: float) -> str:
    """How far the metric is from the level, such as `3.2 %` or `12.0 points`; "" when there."""
    target = condition.target
    if target.reached_by(value) or not math.isfinite(value):
        return ""
    name, left = family(target.metric), abs(target.level - value)
    if target.metric in PRICES or name in RATIOS:
        return f"{100 * left / abs(value):.1f}{THIN}%" if value else ""
    if name == "volume":
        return f"{left:.1f}{TIMES}"
    return count_text(round(left), "day") if name == "earnings" else f"{left:.1f} points"


def too_little(condition: Condition) -> str:
    """From when on an alert counts whose symbol has too little history yet; "" if that is all."""
    match condition:
        case AverageCondition(days=days):
            return f"Counts from the {_ordinal(days)} session on."
        case CrossCondition(slow=slow):
            return f"Counts from the {_ordinal(slow)} session on."
        case RsiCondition(days=days):
            return f"Counts from the {_ordinal(days + 1)} session on."
        case VolumeCondition():
            return "Counts from the 31st session on."
        case ExtremeCondition(span=span):
            return f"Counts once its history is {count_text(int(span[:-1]), SPANS[span[-1]])} long."
        case EarningsCondition():
            return "Counts once its next earnings date is known."
    return ""


def _label_of_move(metric: str) -> str:
    label = metric_text(metric)
    return (
        label[0].lower() + label[1:]
        if label.startswith(("Above", "Below"))
        else f"({label.lower()})"
    )


def _beyond(level: float, side: str) -> str:
    return side if abs(level - 1) < 5e-5 else f"{percent(100 * abs(level - 1))} {side}"


def _base(metric: str) -> str:
    name, *parameters = metric.split(":")
    if name == "cross":
        return f"the {parameters[1]}-day one"
    if name in ("sma", "ema"):
        return f"its {average_text(name, int(parameters[0]))}"
    return f"the {span_text(parameters[0])} {name}"


def _subject(condition: Condition) -> str:
    match condition:
        case CrossCondition(fast=fast):
            return f"the {fast}-day average"
        case AverageCondition() | ExtremeCondition():
            return "the price"
        case RsiCondition(days=days):
            return f"RSI({days})"
        case DayChangeCondition():
            return "the change of the day"
        case VolumeCondition():
            return "the volume of a day"
    return f"the {metric_text(condition.target.metric).lower()}"


def _rises_or_falls(rises: bool, where: str) -> tuple[str, str]:
    now, then = ("rises", "rose") if rises else ("falls", "fell")
    return f"{now} {where}", f"{then} {where}"


def _ordinal(count: int) -> str:
    if count % 100 in (11, 12, 13):
        return f"{count}th"
    return f"{count}{_ENDINGS.get(count % 10, 'th')}"
