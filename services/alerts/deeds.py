"""What a symbol does when a condition comes true, as messages of the catalogs: one for each
kind, with its level in it, so that a language may put that where it belongs. Pure."""

from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import NamedTuple, TypeAlias

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
    TIMES,
    high_text,
    low_text,
    percent,
    plain,
    signed_percent,
    window_text,
)
from services.texts import N_, ngettext

Priced: TypeAlias = Callable[[float, str], str]
"""Writes a price in its currency."""


class Deed(NamedTuple):
    """What a symbol does, or did: messages of the catalogs, and the values of their places."""

    now: str
    then: str
    values: Mapping[str, str]


@singledispatch
def deed(condition: Condition, _currency: str, _price_of: Priced) -> Deed:
    """What a symbol does, its prices written by the last argument."""
    raise TypeError(f"No words for {type(condition).__name__}.")


@deed.register
def _price_deed(condition: PriceCondition, currency: str, price_of: Priced) -> Deed:
    values = {"level": price_of(condition.level, currency)}
    rises = condition.target.direction == "rise"
    if condition.extended:
        now = N_("rises to %(level)s, in extended hours too")
        then = N_("rose to %(level)s, in extended hours too")
        if not rises:
            now = N_("falls to %(level)s, in extended hours too")
            then = N_("fell to %(level)s, in extended hours too")
        return Deed(now, then, values)
    if rises:
        return Deed(N_("rises to %(level)s"), N_("rose to %(level)s"), values)
    return Deed(N_("falls to %(level)s"), N_("fell to %(level)s"), values)


@deed.register
def _day_change_deed(condition: DayChangeCondition, _currency: str, _price_of: Priced) -> Deed:
    rises, level = condition.target.direction == "rise", condition.level
    if level * (1 if rises else -1) > 0:
        values = {"percent": percent(abs(level))}
        if rises:
            now = N_("is up by %(percent)s today")
            return Deed(now, N_("was up by %(percent)s today"), values)
        return Deed(N_("is down by %(percent)s today"), N_("was down by %(percent)s today"), values)
    values = {"percent": signed_percent(level)}
    if rises:
        return Deed(N_("rises to %(percent)s today"), N_("rose to %(percent)s today"), values)
    return Deed(N_("falls to %(percent)s today"), N_("fell to %(percent)s today"), values)


@deed.register
def _move_deed(condition: MoveCondition, _currency: str, _price_of: Priced) -> Deed:
    values = {"percent": percent(condition.percent), "window": window_text(condition.window)}
    match condition.direction:
        case "up":
            now = N_("rises by %(percent)s within %(window)s")
            return Deed(now, N_("rose by %(percent)s within %(window)s"), values)
        case "down":
            now = N_("falls by %(percent)s within %(window)s")
            return Deed(now, N_("fell by %(percent)s within %(window)s"), values)
    now = N_("moves by %(percent)s within %(window)s")
    return Deed(now, N_("moved by %(percent)s within %(window)s"), values)


@deed.register
def _trailing_deed(condition: TrailingCondition, _currency: str, _price_of: Priced) -> Deed:
    values = {"percent": percent(condition.percent)}
    if condition.kind == "falls_from_peak":
        now = N_("falls from its high by %(percent)s")
        return Deed(now, N_("fell from its high by %(percent)s"), values)
    now = N_("rises from its low by %(percent)s")
    return Deed(now, N_("rose from its low by %(percent)s"), values)


@deed.register
def _extreme_deed(condition: ExtremeCondition, _currency: str, _price_of: Priced) -> Deed:
    values = {"extreme": extreme_text(condition)}
    return Deed(N_("makes a new %(extreme)s"), N_("made a new %(extreme)s"), values)


@deed.register
def _average_deed(condition: AverageCondition, _currency: str, _price_of: Priced) -> Deed:
    values, up = {"days": str(condition.days)}, condition.direction == "up"
    if condition.average == "ema":
        now = N_("crosses below its %(days)s-day exponential average")
        then = N_("crossed below its %(days)s-day exponential average")
        if up:
            now = N_("crosses above its %(days)s-day exponential average")
            then = N_("crossed above its %(days)s-day exponential average")
        return Deed(now, then, values)
    if up:
        now = N_("crosses above its %(days)s-day average")
        return Deed(now, N_("crossed above its %(days)s-day average"), values)
    now = N_("crosses below its %(days)s-day average")
    return Deed(now, N_("crossed below its %(days)s-day average"), values)


@deed.register
def _cross_deed(condition: CrossCondition, _currency: str, _price_of: Priced) -> Deed:
    values = {"fast": str(condition.fast), "slow": str(condition.slow)}
    if condition.direction == "up":
        return Deed(
            N_("makes a golden cross (%(fast)s-day above %(slow)s-day average)"),
            N_("made a golden cross (%(fast)s-day above %(slow)s-day average)"),
            values,
        )
    return Deed(
        N_("makes a death cross (%(fast)s-day below %(slow)s-day average)"),
        N_("made a death cross (%(fast)s-day below %(slow)s-day average)"),
        values,
    )


@deed.register
def _rsi_deed(condition: RsiCondition, _currency: str, _price_of: Priced) -> Deed:
    values = {"days": str(condition.days), "level": plain(condition.level)}
    if condition.target.direction == "rise":
        return Deed(
            N_("RSI(%(days)s) rises to %(level)s"), N_("RSI(%(days)s) rose to %(level)s"), values
        )
    return Deed(
        N_("RSI(%(days)s) falls to %(level)s"), N_("RSI(%(days)s) fell to %(level)s"), values
    )


@deed.register
def _volume_deed(condition: VolumeCondition, _currency: str, _price_of: Priced) -> Deed:
    values = {"times": f"{plain(condition.ratio)}{TIMES}"}
    now = N_("volume reaches %(times)s its average")
    return Deed(now, N_("volume reached %(times)s its average"), values)


@deed.register
def _earnings_deed(condition: EarningsCondition, _currency: str, _price_of: Priced) -> Deed:
    if not condition.days:
        return Deed(N_("reports earnings today"), N_("reports earnings today"), {})
    within = ngettext("within %(num)s day", "within %(num)s days", condition.days)
    message = N_("reports earnings %(within)s")
    return Deed(message, message, {"within": within})


def extreme_text(condition: ExtremeCondition) -> str:
    """`52-week high`."""
    return high_text(condition.span) if condition.kind == "new_high" else low_text(condition.span)
