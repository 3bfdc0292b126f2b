"""What each rule of grammar.lark means. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias, TypeVar

from lark import Token, Transformer, v_args
from pydantic import BaseModel, ValidationError

from services.alerts.conditions import (
    WINDOWS,
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
from services.alerts.words.dates import end_of, month_number, months_later, next_weekday
from services.alerts.words.numbers import number, plain, whole_number
from services.errors import WordsError
from services.store.alerts import Frequency
from services.texts import N_
from services.texts import gettext as _

Way: TypeAlias = Literal["up", "down", "either"]
Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")

_FREQUENCIES: Mapping[str, Frequency] = {"ONCE": "once", "DAILY": "daily", "EVERY": "every"}
_BOUNDS = {
    "ge": N_("This must be at least %(limit)s."),
    "gt": N_("This must be more than %(limit)s."),
    "le": N_("This must be at most %(limit)s."),
    "lt": N_("This must be less than %(limit)s."),
}


@dataclass(frozen=True)
class Expiry:
    """When an alert ends: `ends` gives the local time from today's date, `word` said it."""

    ends: Callable[[date], datetime]
    word: Token


@dataclass(frozen=True)
class Option:
    """Something said after the condition, and the word that said it, `until` for an expiry."""

    sets: Literal["frequency", "expiry", "extended"]
    word: Token
    frequency: Frequency = "once"
    expiry: Expiry | None = None


@dataclass(frozen=True)
class Sentence:
    """A sentence whose dates are not counted yet."""

    symbol: Token
    condition: Condition
    options: tuple[Option, ...]


@dataclass(frozen=True)
class _Series:
    average: Literal["sma", "ema"]
    days: int
    count: Token
    kind: Token


@dataclass(frozen=True)
class _Spell:
    """A text such as `52w`, and the number in it."""

    text: str
    count: Token


def wrong(word: Token, message: str) -> WordsError:
    return WordsError(message, column=word.start_pos or 0, word=str(word))


def _read(word: Token, read: Callable[[str], Value]) -> Value:
    try:
        return read(word)
    except ValueError as error:
        raise wrong(word, str(error)) from None


def _count(word: Token) -> int:
    return 1 if word.type == "A" else _read(word, whole_number)


def _unsigned(word: Token) -> float:
    if word.startswith(("+", "-")):
        raise wrong(word, _("Write %(number)s without the sign.", number=word[1:]))
    return _read(word, number)


def _made(model: Callable[..., Model], words: Mapping[str, Token], **values: object) -> Model:
    """A condition; what its own limits refuse is told at the word that gave the value."""
    try:
        return model(**values)
    except ValidationError as refusal:
        first = refusal.errors(include_url=False)[0]
        context = first.get("ctx", {})
        word = next((words[str(name)] for name in first["loc"]), next(iter(words.values())))
        if "error" in context:
            raise wrong(word, str(context["error"])) from None
        bound, limit = next(iter(context.items()))
        raise wrong(word, _(_BOUNDS[bound], limit=plain(float(limit)))) from None


def _rises_or_falls(kind: str, side: Way) -> str:
    return f"{kind}_rises_to" if side == "up" else f"{kind}_falls_to"


@v_args(inline=True)
class Reading(Transformer[Token, Sentence]):
    """Makes a Sentence of what the parser finds. Raises WordsError at the word that is wrong."""

    def start(self, symbol: Token, condition: Condition, *options: Option) -> Sentence:
        return Sentence(symbol, condition, options)

    def up(self) -> Way:
        return "up"

    def down(self) -> Way:
        return "down"

    def either(self) -> Way:
        return "either"

    rising = up
    falling = down

    def price(self, side: Way, level: Token) -> Condition:
        return _made(
            PriceCondition,
            {"level": level},
            kind=_rises_or_falls("price", side),
            level=_read(level, number),
        )

    def average(self, side: Way, series: _Series) -> Condition:
        return _made(
            AverageCondition,
            {"days": series.count},
            kind="crosses_average",
            average=series.average,
            days=series.days,
            direction=side,
        )

    def cross(self, fast: _Series, side: Way, slow: _Series) -> Condition:
        for series in (fast, slow):
            if series.average == "ema":
                raise wrong(series.kind, _("Only simple averages can cross each other here."))
        return _made(
            CrossCondition,
            {"fast": fast.count, "slow": slow.count},
            kind="averages_cross",
            fast=fast.days,
            slow=slow.days,
            direction=side,
        )

    def golden_cross(self) -> Condition:
        return CrossCondition(kind="averages_cross", direction="up")

    def death_cross(self) -> Condition:
        return CrossCondition(kind="averages_cross", direction="down")

    def change(self, way: Way, percent: Token, _today: Token) -> Condition:
        level = _unsigned(percent)
        return self._day_change(way, percent, level if way == "up" else 0.0 - level)

    def signed_change(self, percent: Token, _today: Token) -> Condition:
        level = _read(percent, number)
        if not percent.startswith(("+", "-")):
            raise wrong(percent, _("Write +%(number)s%% or -%(number)s%%.", number=percent))
        return self._day_change("up" if percent.startswith("+") else "down", percent, level)

    def change_to(self, side: Way, percent: Token) -> Condition:
        return self._day_change(side, percent, _read(percent, number))

    def _day_change(self, side: Way, percent: Token, level: float) -> Condition:
        kind = _rises_or_falls("day_change", side)
        return _made(DayChangeCondition, {"level": percent}, kind=kind, level=level)

    def move(self, way: Way, percent: Token, window: _Spell) -> Condition:
        if window.text not in WINDOWS:
            raise wrong(
                window.count,
                _("The window must be one of %(windows)s.", windows=", ".join(WINDOWS)),
            )
        return _made(
            MoveCondition,
            {"percent": percent},
            kind="moves_by",
            percent=_unsigned(percent),
            window=window.text,
            direction=way,
        )

    def trailing(self, way: Way, percent: Token, extreme: Token) -> Condition:
        if (way == "down") != (extreme.type == "HIGH"):
            raise wrong(extreme, _("A price falls from its high, or rises from its low."))
        return self._trailing(percent, "falls_from_peak" if way == "down" else "rises_from_trough")

    def trailing_stop(self, percent: Token) -> Condition:
        return self._trailing(percent, "falls_from_peak")

    def _trailing(self, percent: Token, kind: str) -> Condition:
        words = {"percent": percent}
        return _made(TrailingCondition, words, kind=kind, percent=_unsigned(percent))

    def extreme(self, span: _Spell, extreme: Token) -> Condition:
        words = {"span": span.count}
        return _made(ExtremeCondition, words, kind=_new(extreme), span=span.text)

    def extreme_of_a_year(self, extreme: Token) -> Condition:
        return ExtremeCondition(kind=_new(extreme))

    def rsi(self, days: Token, side: Way, level: Token) -> Condition:
        return _made(
            RsiCondition,
            {"days": days, "level": level},
            kind=_rises_or_falls("rsi", side),
            days=_count(days),
            level=_read(level, number),
        )

    def rsi_of_14_days(self, side: Way, level: Token) -> Condition:
        kind = _rises_or_falls("rsi", side)
        return _made(RsiCondition, {"level": level}, kind=kind, level=_read(level, number))

    def volume(self, ratio: Token, *_average: Token) -> Condition:
        words = {"ratio": ratio}
        return _made(VolumeCondition, words, kind="volume_reaches", ratio=_unsigned(ratio))

    def earnings(self, days: _Spell) -> Condition:
        words = {"days": days.count}
        return _made(EarningsCondition, words, kind="earnings_within", days=int(days.text))

    def series(self, *said: Token) -> _Series:
        kind = next(word for word in said if word.type in ("SMA", "EMA"))
        count = next(word for word in said if word.type == "NUMBER")
        return _Series("sma" if kind.type == "SMA" else "ema", _count(count), count, kind)

    def span(self, count: Token, unit: Token) -> _Spell:
        return _Spell(f"{_count(count)}{unit.type[0].lower()}", count)

    def window(self, count: Token, unit: Token) -> _Spell:
        length, letter = _count(count), unit.type[0].lower()
        if unit.type == "MINUTE" and length % 60 == 0:
            length, letter = length // 60, "h"
        return _Spell(f"{length}{letter}", count)

    def days(self, count: Token, unit: Token) -> _Spell:
        return _Spell(str(_count(count) * (7 if unit.type == "WEEK" else 1)), count)

    def option(self, word: Token) -> Option:
        return Option("frequency", word, frequency=_FREQUENCIES[word.type])

    def extended(self, word: Token) -> Option:
        return Option("extended", word)

    def until(self, word: Token, expiry: Expiry) -> Option:
        return Option("expiry", word, expiry=expiry)

    def lasting(self, word: Token, count: Token, unit: Token) -> Option:
        length = _count(count)
        if unit.type == "MONTH":
            expiry = Expiry(lambda today: end_of(months_later(today, length)), count)
        else:
            step = timedelta(weeks=1) if unit.type == "WEEK" else timedelta(days=1)
            expiry = Expiry(lambda today: end_of(today + step * length), count)
        return Option("expiry", word, expiry=expiry)

    def iso_date(self, typed: Token, at: Token | None = None) -> Expiry:
        expiry = _on_day(typed, *(int(part) for part in typed.split("-")))
        if at is None:
            return expiry
        hour, minute = (int(part) for part in at.split(":"))
        if hour > 23 or minute > 59:
            raise wrong(at, _("A time is between 0:00 and 23:59."))
        to_midnight = timedelta(days=1) - timedelta(hours=hour, minutes=minute)
        return Expiry(lambda today: expiry.ends(today) - to_midnight, typed)

    def day_month_year(self, day: Token, month: Token, year: Token) -> Expiry:
        return _on_day(day, int(year), month_number(month), _count(day))

    def month_day_year(self, month: Token, day: Token, year: Token) -> Expiry:
        return _on_day(day, int(year), month_number(month), _count(day))

    def weekday(self, name: Token) -> Expiry:
        return Expiry(lambda today: end_of(next_weekday(name, today)), name)

    def today(self, word: Token) -> Expiry:
        return Expiry(end_of, word)

    def tomorrow(self, word: Token) -> Expiry:
        return Expiry(lambda today: end_of(today + timedelta(days=1)), word)


def _new(extreme: Token) -> Literal["new_high", "new_low"]:
    return "new_high" if extreme.type == "HIGH" else "new_low"


def _on_day(word: Token, year: int, month: int, day: int) -> Expiry:
    try:
        wanted = date(year, month, day)
    except (ValueError, OverflowError):
        raise wrong(word, _("There is no such day in the calendar.")) from None
    return Expiry(lambda _today: end_of(wanted), word)
