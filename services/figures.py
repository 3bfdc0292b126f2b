"""Digits and dates as they are written in the language that is spoken (services/texts.py)."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache, lru_cache

from babel import Locale
from babel.dates import format_date

from services.texts import DEFAULT, language

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"-?[0-9]+(,[0-9]+)?")
_POINTED = re.compile(r"-?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?")
_TWO_WAYS = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")
_DAYS = {"en": "d MMMM y", "de": "d. MMMM y"}
_SHORT_DAYS = {"en": "d MMM y", "de": "d. MMM y"}
_SHORTEST_DAYS = {"en": "d MMM", "de": "d. MMM"}


def localized(text: str) -> str:
    """A number that is written as `1,234.50`, with the separators of the language."""
    code = language()
    return text if code == DEFAULT else text.translate(_separators(code))


def decimal_point() -> str:
    """What stands between the whole and its parts."""
    return _separators(language())[ord(".")]


def plain_number(typed: str) -> str | None:
    """A number as people of the language type it, with plain digits and a point; None for what is
    none to them. With a decimal comma a point groups thousands where it can: `1.000` is a thousand,
    `180.5` is not."""
    if decimal_point() == "." or (_PLAIN.fullmatch(typed) and not _POINTED.fullmatch(typed)):
        return typed if _PLAIN.fullmatch(typed) else None
    if _DECIMAL_COMMA.fullmatch(typed) or _POINTED.fullmatch(typed):
        return typed.replace(".", "").replace(",", ".")
    return None


def reads_two_ways(typed: str) -> bool:
    """Whether elsewhere a typed number means a thousand times as much, or as little."""
    return _TWO_WAYS.fullmatch(typed) is not None


def typed(plain: str) -> str:
    """A number with plain digits and a point as it is typed in the language, without groups."""
    return plain.replace(".", decimal_point())


def day(day: date) -> str:
    """`19 June 2000`, `19. Juni 2000`."""
    return _written(_plain(day), _DAYS[language()], language())


def short_day(day: date) -> str:
    """`19 Jun 2000`, `19. Juni 2000`."""
    return _written(_plain(day), _SHORT_DAYS[language()], language())


def day_of_year(day: date) -> str:
    """`21 Nov`, `21. Nov.`."""
    return _written(_plain(day), _SHORTEST_DAYS[language()], language())


def _plain(day: date) -> date:
    return day.date() if isinstance(day, datetime) else day


@lru_cache(4096)
def _written(day: date, pattern: str, code: str) -> str:
    return str(format_date(day, pattern, code))


@cache
def _separators(code: str) -> Mapping[int, str]:
    symbols = Locale.parse(code).number_symbols["latn"]
    return {ord(","): symbols["group"], ord("."): symbols["decimal"]}
