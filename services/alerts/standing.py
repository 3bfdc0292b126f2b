"""Where a metric stands beside its level, and what has yet to happen, in words. Pure but for the
language, which is the one that is spoken."""

import math

from services.alerts.conditions import (
    AverageCondition,
    Condition,
    CrossCondition,
    DayChangeCondition,
    EarningsCondition,
    ExtremeCondition,
    MoveCondition,
    RsiCondition,
    TrailingCondition,
    VolumeCondition,
)
from services.alerts.units import (
    PRICES,
    RATIOS,
    THIN,
    TIMES,
    days_text,
    family,
    high_text,
    is_level,
    low_text,
    percent,
    price,
    tenths,
    value_text,
    window_text,
)
from services.texts import N_, language, ngettext
from services.texts import gettext as _

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def arms_once(condition: Condition, rearm_at: float | None, currency: str) -> str:
    """What must happen before a waiting alert is armed: `Arms once the price has gone back below
    199.00 USD.`"""
    target = condition.target
    level, metric = target.level if rearm_at is None else rearm_at, target.metric
    rise, name, who = target.direction == "rise", family(target.metric), _subject(condition)
    if name == "earnings":
        days = days_text(round(level))
        return _("Arms once the next earnings are more than %(days)s away.", days=days)
    if name in RATIOS:
        return _arms_beside(who, level, rise, _base(metric))
    shown = price(level, currency) if metric in PRICES else value_text(metric, level, "")
    if rise:
        return _("Arms once %(what)s has gone back below %(level)s.", what=who, level=shown)
    return _("Arms once %(what)s has gone back above %(level)s.", what=who, level=shown)


def _arms_beside(who: str, level: float, rise: bool, base: str) -> str:
    if is_level(level):
        if rise:
            return _("Arms once %(what)s has gone back below %(base)s.", what=who, base=base)
        return _("Arms once %(what)s has gone back above %(base)s.", what=who, base=base)
    message = (
        N_("Arms once %(what)s has gone back %(percent)s below %(base)s.")
        if rise
        else N_("Arms once %(what)s has gone back %(percent)s above %(base)s.")
    )
    return _(message, what=who, percent=percent(100 * abs(level - 1)), base=base)


def present(condition: Condition, value: float, currency: str) -> str:
    """Where the metric stands, after *is*: `at 100.00 USD`, `1.30 % above its 200-day average`."""
    metric = condition.target.metric
    name = family(metric)
    if name in RATIOS:
        return _beside(metric, value)
    shown = value_text(metric, value, currency)
    match name:
        case "rsi":
            return _("at RSI(%(days)s) %(level)s", days=metric.split(":")[1], level=shown)
        case "day-change":
            return _("at %(percent)s on the day", percent=shown)
        case "volume":
            return _("at %(times)s its average volume", times=shown)
        case "earnings":
            return _("%(days)s from its earnings", days=shown)
        case "drawdown":
            return _("at %(percent)s below its high since armed", percent=shown)
        case "run-up":
            return _("at %(percent)s above its low since armed", percent=shown)
    if name in _MOVED:
        window = window_text(metric.partition(":")[2])
        return _(_MOVED[name], percent=shown, window=window)
    return _("at %(price)s", price=shown)


_MOVED = {
    "move": N_("at %(percent)s (move within %(window)s)"),
    "move-up": N_("at %(percent)s (rise within %(window)s)"),
    "move-down": N_("at %(percent)s (fall within %(window)s)"),
}


def _beside(metric: str, ratio: float) -> str:
    """Where a price stands beside its average or extreme, or one average beside another."""
    name, first, *rest = metric.split(":")
    shown, above = percent(100 * abs(ratio - 1)), ratio > 1
    if name == "cross":
        both = {"fast": first, "slow": rest[0]}
        if is_level(ratio):
            return _("with its %(fast)s-day average level with the %(slow)s-day one", **both)
        if above:
            message = N_("with its %(fast)s-day average %(percent)s above the %(slow)s-day one")
        else:
            message = N_("with its %(fast)s-day average %(percent)s below the %(slow)s-day one")
        return _(message, percent=shown, **both)
    if is_level(ratio):
        return _("at %(base)s", base=_base(metric))
    if above:
        return _("%(percent)s above %(base)s", percent=shown, base=_base(metric))
    return _("%(percent)s below %(base)s", percent=shown, base=_base(metric))


def to_go(condition: Condition, value: float) -> str:
    """How far the metric is from the level, such as `3.2 %` or `12.0 points`; "" when there."""
    target = condition.target
    if target.reached_by(value) or not math.isfinite(value):
        return ""
    name, left = family(target.metric), abs(target.level - value)
    if target.metric in PRICES or name in RATIOS:
        return f"{tenths(100 * left / abs(value))}{THIN}%" if value else ""
    if name == "volume":
        return f"{tenths(left)}{TIMES}"
    if name == "earnings":
        return days_text(round(left))
    return _("%(points)s points", points=tenths(left))


def too_little(condition: Condition) -> str:
    """From when on an alert counts whose symbol has too little history yet; "" if that is all."""
    match condition:
        case AverageCondition(days=days):
            return _from_session(days)
        case CrossCondition(slow=slow):
            return _from_session(slow)
        case RsiCondition(days=days):
            return _from_session(days + 1)
        case VolumeCondition():
            return _from_session(31)
        case ExtremeCondition(span=span):
            count = int(span[:-1])
            if span.endswith("w"):
                return ngettext(
                    "Counts once its history is %(num)s week long.",
                    "Counts once its history is %(num)s weeks long.",
                    count,
                )
            return ngettext(
                "Counts once its history is %(num)s day long.",
                "Counts once its history is %(num)s days long.",
                count,
            )
        case EarningsCondition():
            return _("Counts once its next earnings date is known.")
    return ""


def _from_session(count: int) -> str:
    return _("Counts from the %(ordinal)s session on.", ordinal=_ordinal(count))


def _base(metric: str) -> str:
    """What a price is compared with, after *below* and *above*."""
    name, first, *rest = metric.split(":")
    match name:
        case "cross":
            return _("the %(days)s-day one", days=rest[0])
        case "sma":
            return _("its %(days)s-day average", days=first)
        case "ema":
            return _("its %(days)s-day exponential average", days=first)
        case "high":
            return _("the %(extreme)s", extreme=high_text(first))
    return _("the %(extreme)s", extreme=low_text(first))


def _subject(condition: Condition) -> str:
    """What has to go back before a waiting alert is armed."""
    match condition:
        case CrossCondition(fast=fast):
            return _("the %(days)s-day average", days=fast)
        case RsiCondition(days=days):
            return f"RSI({days})"
        case DayChangeCondition():
            return _("the change of the day")
        case VolumeCondition():
            return _("the volume of a day")
        case TrailingCondition(kind="falls_from_peak"):
            return _("the fall from its high since armed")
        case TrailingCondition():
            return _("the rise from its low since armed")
        case MoveCondition():
            return _(_MOVES[condition.direction], window=window_text(condition.window))
    return _("the price")


_MOVES = {
    "up": N_("the rise within %(window)s"),
    "down": N_("the fall within %(window)s"),
    "either": N_("the move within %(window)s"),
}


def _ordinal(count: int) -> str:
    if language() != "en":
        return f"{count}."
    if count % 100 in (11, 12, 13):
        return f"{count}th"
    return f"{count}{_ENDINGS.get(count % 10, 'th')}"
