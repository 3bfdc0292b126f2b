"""From a draft to the sentence that was understood. Pure."""

from functools import singledispatch

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
from services.alerts.words.dates import written
from services.alerts.words.draft import Draft
from services.alerts.words.numbers import plain

_FREQUENCIES = {"once": "once", "daily": "once a day", "every": "every time"}
_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_CROSSES = {"up": "crosses above", "down": "crosses below"}


def sentence(draft: Draft, time_zone: str = "UTC") -> str:
    """`draft` in words that parse back to it, such as *AAPL price rises to 200, once*.

    Dates are those of `time_zone` (IANA), times of day to the minute.
    """
    parts = [f"{draft.symbol} {condition_words(draft.condition)}", _FREQUENCIES[draft.frequency]]
    if draft.expires_at is not None:
        parts.append(f"until {written(draft.expires_at, time_zone)}")
    return ", ".join(parts)


@singledispatch
def condition_words(condition: Condition) -> str:
    """The condition as it stands in the sentence: *price rises to 200*."""
    raise TypeError(f"No words for {type(condition).__name__}.")


@condition_words.register
def _price(condition: PriceCondition) -> str:
    hours = " including extended hours" if condition.extended else ""
    return f"price {_to(condition.kind)} {plain(condition.level)}{hours}"


@condition_words.register
def _day_change(condition: DayChangeCondition) -> str:
    rises = condition.kind == "day_change_rises_to"
    if (condition.level > 0) if rises else (condition.level < 0):
        return f"is {'up' if rises else 'down'} by {plain(abs(condition.level))}% today"
    return f"change today {_to(condition.kind)} {plain(condition.level)}%"


@condition_words.register
def _move(condition: MoveCondition) -> str:
    verb = {"up": "rises", "down": "falls", "either": "moves"}[condition.direction]
    window = _spell(condition.window)
    return f"{verb} by {plain(condition.percent)}% within {window}"


@condition_words.register
def _trailing(condition: TrailingCondition) -> str:
    falls = condition.kind == "falls_from_peak"
    verb, extreme = ("falls", "high") if falls else ("rises", "low")
    return f"{verb} by {plain(condition.percent)}% from its {extreme}"


@condition_words.register
def _extreme(condition: ExtremeCondition) -> str:
    extreme = "high" if condition.kind == "new_high" else "low"
    return f"makes a new {condition.span[:-1]} {_UNITS[condition.span[-1]]} {extreme}"


@condition_words.register
def _average(condition: AverageCondition) -> str:
    average = "average" if condition.average == "sma" else "exponential average"
    return f"{_CROSSES[condition.direction]} its {condition.days} day {average}"


@condition_words.register
def _cross(condition: CrossCondition) -> str:
    crosses = _CROSSES[condition.direction]
    return f"{condition.fast} day average {crosses} {condition.slow} day average"


@condition_words.register
def _rsi(condition: RsiCondition) -> str:
    return f"RSI {condition.days} {_to(condition.kind)} {plain(condition.level)}"


@condition_words.register
def _volume(condition: VolumeCondition) -> str:
    return f"volume reaches {plain(condition.ratio)} times its average"


@condition_words.register
def _earnings(condition: EarningsCondition) -> str:
    return f"earnings within {_spell(f'{condition.days}d')}"


def _to(kind: str) -> str:
    return "rises to" if kind.endswith("_rises_to") else "falls to"


def _spell(span: str) -> str:
    count, unit = span[:-1], _UNITS[span[-1]]
    return f"{count} {unit}" if count == "1" else f"{count} {unit}s"
