"""A text that the grammar does not know, told to the person who typed it. Pure."""

import difflib
import re
from collections.abc import Collection, Mapping
from typing import TypeAlias

from lark import Lark

from services.alerts.words.numbers import CURRENCY, how_to_write
from services.errors import WordsError
from services.texts import N_
from services.texts import gettext as _

CONDITION = N_("a condition, such as above 200, +5% today, new 52 week high or rsi under 30")
DATE = N_("a date, such as 2027-01-31, 31 Jan 2027 or friday")

SHORTEST_TYPO = 4

_WORD = re.compile(r"[^\s,]*[^\s,:;.?!]|\S")
_NUMBERLIKE = re.compile(r"[^\s%]*[^\s%,;]")
_HAS_DIGIT = re.compile(r"\d|nan$|inf", re.IGNORECASE)
_CURRENCY_NAME = re.compile(r"(usd|eur|gbp|gbx|jpy|chf|cad|dollars?|euros?|pounds?)", re.I | re.A)
_SPELLINGS = re.compile(r"\(([^()]+)\)\\b")
_FILLERS = {"_COMMA", "_COLON", "_HYPHEN", "_OPEN", "_ITS", "_BY", "_IS", "_OF", "_PRICE", "A"}
_FILLERS |= {"_MAKES", "_INCLUDING"}
_LABELS = {
    "NUMBER": N_("a number"),
    "SYMBOL": N_("a symbol, such as AAPL"),
    "YEAR": N_("a year, such as 2027"),
    "_PERCENT": "%",
    "_CLOSE": ")",
}

Words: TypeAlias = Mapping[str, tuple[str, ...]]
"""The words that each terminal is made of, the first of them being its name for people."""


def words_of(grammar: Lark) -> Words:
    """The words of a grammar whose terminals are written as grammar.lark says."""
    found = ((one.name, _SPELLINGS.match(one.pattern.value)) for one in grammar.terminals)
    return {name: tuple(m[1].replace(" +", " ").split("|")) for name, m in found if m}


def not_understood(text: str, column: int, accepted: Collection[str], words: Words) -> WordsError:
    """The error for what stands at `column`, where the grammar takes only `accepted`."""
    found = _WORD.match(text, column)
    expected = _expected(accepted, words)
    if found is None:
        message = _("The sentence ends too early. Expected %(expected)s.", expected=expected)
        return WordsError(message, column=column, expected=expected)
    word, meant = _meant(text, column, accepted, words) or (found[0], None)
    message = _misread(shown(word), meant, expected)
    if not meant and (remedy := _remedy(text, column, accepted)):
        word, message = remedy
    return WordsError(message, column=column, word=word, expected=expected, suggestion=meant)


def _misread(word: str, meant: str | None, expected: str) -> str:
    if meant:
        return _(
            "“%(word)s” is not understood here. Did you mean “%(meant)s”?", word=word, meant=meant
        )
    return _(
        "“%(word)s” is not understood here. Expected %(expected)s.", word=word, expected=expected
    )


def shown(word: str) -> str:
    """`word` so that it can stand in a message: short, nothing invisible in it."""
    visible = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in word)
    return visible if len(visible) <= 30 else f"{visible[:29]}…"


def _remedy(text: str, column: int, accepted: Collection[str]) -> tuple[str, str] | None:
    """A well-known mistake, and what to do about it."""
    number = _NUMBERLIKE.match(text, column)
    if number and "NUMBER" in accepted and _HAS_DIGIT.search(number[0]):
        return number[0], how_to_write(number[0])
    name = _CURRENCY_NAME.match(text, column)
    return (name[0], _(CURRENCY)) if name and "ONCE" in accepted else None


def _meant(
    text: str, column: int, accepted: Collection[str], words: Words
) -> tuple[str, str] | None:
    """What was misspelt, and the accepted words that it resembles; the longest such."""
    typed = list(_WORD.finditer(text, column))
    known = [one for name in accepted for one in words.get(name, ()) if len(one) > 2]
    for count in range(min(3, len(typed)), 0, -1):
        span = text[column : typed[count - 1].end()]
        if len(span) < SHORTEST_TYPO:
            continue
        possible = sorted(one for one in known if one.count(" ") == count - 1)
        if close := difflib.get_close_matches(span.lower(), possible, n=1, cutoff=0.7):
            return span, close[0]
    return None


def _expected(accepted: Collection[str], words: Words) -> str:
    if "_RSI" in accepted:
        return _(CONDITION)
    if "MONTH_NAME" in accepted:
        return _(DATE)
    places = [name for name in [*_LABELS, *words] if name in accepted and name not in _FILLERS]
    if "$END" in accepted and "DAY" in places:
        places.remove("DAY")
    said = [_label(name) or words[name][0] for name in dict.fromkeys(places)]
    return _listed([*said, _("the end")] if "$END" in accepted else said)


def _listed(said: list[str]) -> str:
    if len(said) < 2:
        return "".join(said)
    return _("%(some)s or %(last)s", some=", ".join(said[:-1]), last=said[-1])


def _label(name: str) -> str:
    return _(_LABELS[name]) if name in _LABELS else ""
