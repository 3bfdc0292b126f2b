"""Conditions and metrics in words, each number in its own unit, for pages and mails. Pure.

What happened reads *symbol verb level*: `AAPL` `is down by` `5 % today`.
"""

import math
from functools import singledispatch
from typing import Literal, TypeAlias

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
from services.market.money import price_text

MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
TIMES = "\N{MULTIPLICATION SIGN}"
Way: TypeAlias = Literal["up", "down", "either"]

_PRICES = ("price", "price+extended")
_RATIOS = ("sma", "ema", "high", "low", "cross")
_WINDOWS = {"m": "minute", "h": "hour", "d": "session"}
_SPANS = {"d": "day", "w": "week"}
_MOVES = {"move": "Move", "move-up": "Rise", "move-down": "Fall"}
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
def _(condition: CrossCondition) -> tuple[str, str]:
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
    return _count(condition.days, "day") if condition.days else "today"


def brief(condition: Condition) -> str:
    """The condition in a few characters, beside an arrow that tells its way."""
    match condition:
        case PriceCondition():
            return number(condition.level)
        case DayChangeCondition():
            return f"{signed_percent(condition.level)} today"
        case MoveCondition():
            return f"{percent(condition.percent)} in {condition.window}"
        case TrailingCondition(kind=kind):
            return f"{percent(condition.percent)} off {'high' if 'peak' in kind else 'low'}"
        case ExtremeCondition(kind=kind):
            return f"{condition.span} {'high' if kind == 'new_high' else 'low'}"
        case AverageCondition():
            return f"{condition.average.upper()} {condition.days}"
        case CrossCondition():
            return f"{condition.fast}/{condition.slow} cross"
        case RsiCondition():
            return f"RSI {plain(condition.level)}"
        case VolumeCondition():
            return f"{plain(condition.ratio)}{TIMES} volume"
        case EarningsCondition():
            return f"earnings {condition.days}{THIN}d"


def value_text(metric: str, value: float, currency: str) -> str:
    """A metric's value in its own unit: `25.37 USD`, `+5.20 %`, `1.30 % above`, `2.1×`."""
    name = _family(metric)
    if metric in _PRICES:
        return price(value, currency)
    if name == "day-change":
        return signed_percent(value)
    if name in _RATIOS:
        return _against(value)
    if name == "volume":
        return f"{plain(value)}{TIMES}"
    if name == "earnings":
        return _count(round(value), "day")
    return plain(value) if name == "rsi" else percent(value)


def metric_text(metric: str) -> str:
    """What a metric measures, as a label: `Price`, `Against its 200-day average`, ..."""
    name, *parameters = metric.split(":")
    match name:
        case "price" | "price+extended":
            return "Price"
        case "day-change":
            return "Change today"
        case "sma" | "ema":
            return f"Against its {average_text(name, int(parameters[0]))}"
        case "high" | "low":
            return f"Against the {span_text(parameters[0])} {name}"
        case "rsi":
            return f"RSI({parameters[0]})"
        case "cross":
            return f"{parameters[0]}-day against {parameters[1]}-day average"
        case "volume":
            return "Volume against its average"
        case "earnings":
            return "Days to earnings"
        case "drawdown":
            return "Below its high since armed"
        case "run-up":
            return "Above its low since armed"
    return f"{_MOVES[name]} within {window_text(parameters[0])}"


def gone_back(condition: Condition, rearm_at: float | None, currency: str) -> str:
    """What must happen before a waiting alert is armed: `the price has gone back below 199.00`."""
    target = condition.target
    level = target.level if rearm_at is None else rearm_at
    side = "below" if target.direction == "rise" else "above"
    name = _family(target.metric)
    if target.metric in _PRICES:
        return f"the price has gone back {side} {price(level, currency)}"
    if name in _RATIOS:
        return f"{_subject(condition)} has gone back {_beyond(level, side)} {_base(target.metric)}"
    if name == "earnings":
        return f"the next earnings are more than {value_text(target.metric, level, '')} away"
    return f"{_subject(condition)} has gone back {side} {value_text(target.metric, level, '')}"


def to_go(condition: Condition, value: float) -> str:
    """How far the metric is from the level, such as `3.2 %` or `12.0 points`; "" when there."""
    target = condition.target
    if target.reached_by(value) or not math.isfinite(value):
        return ""
    name, left = _family(target.metric), abs(target.level - value)
    if target.metric in _PRICES or name in _RATIOS:
        return f"{100 * left / abs(value):.1f}{THIN}%" if value else ""
    if name == "volume":
        return f"{left:.1f}{TIMES}"
    return _count(round(left), "day") if name == "earnings" else f"{left:.1f} points"


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
            return f"Counts once its history is {_count(int(span[:-1]), _SPANS[span[-1]])} long."
        case EarningsCondition():
            return "Counts once its next earnings date is known."
    return ""


def average_text(average: str, days: int) -> str:
    return f"{days}-day {'exponential ' if average == 'ema' else ''}average"


def span_text(span: str) -> str:
    """`52-week`, `20-day`."""
    return f"{span[:-1]}-{_SPANS[span[-1]]}"


def window_text(window: str) -> str:
    """`15 minutes`, `1 hour`, `2 sessions`; a day of a window is the symbol's session."""
    return _count(int(window[:-1]), _WINDOWS[window[-1]])


def price(value: float, currency: str) -> str:
    """A price with its currency, with a true minus sign."""
    return f"{number(value)} {currency}".rstrip()


def number(value: float) -> str:
    return price_text(value).replace("-", MINUS)


def plain(value: float) -> str:
    """A number with two decimals at most, and none that are naught."""
    return f"{value:,.2f}".rstrip("0").rstrip(".").replace("-", MINUS)


def percent(value: float) -> str:
    return f"{plain(value)}{THIN}%"


def signed_percent(value: float) -> str:
    return f"{'+' if value > 0 else ''}{percent(value)}"


def _against(ratio: float) -> str:
    away = 100 * (ratio - 1)
    if abs(away) < 0.005:
        return "level with it"
    return f"{percent(abs(away))} {'above' if away > 0 else 'below'}"


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


def _family(metric: str) -> str:
    return metric.partition(":")[0]


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _ordinal(count: int) -> str:
    if count % 100 in (11, 12, 13):
        return f"{count}th"
    return f"{count}{_ENDINGS.get(count % 10, 'th')}"
