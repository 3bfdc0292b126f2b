"""A text that the grammar does not know, told to the person who typed it. Pure."""

import difflib
import re
from collections.abc import Collection

from lark import Lark

from services.alerts.words.numbers import CURRENCY, how_to_write
from services.errors import WordsError

CONDITION = "a condition, such as above 200, +5% today, new 52 week high or rsi under 30"
OPTIONS = "once, once a day, every time, until or for"

_WORD = re.compile(r"[^\s,]*[^\s,:;.?!]|\S")
_NUMBERLIKE = re.compile(r"[^\s%]*[^\s%,;]")
_HAS_DIGIT = re.compile(r"\d|nan$|inf", re.IGNORECASE)
_CURRENCY_NAME = re.compile(r"(usd|eur|gbp|gbx|jpy|chf|cad|dollars?|euros?|pounds?)", re.I | re.A)
_SPELLINGS = re.compile(r"\(([^()]+)\)\\b")
_FILLERS = {"_COMMA", "_COLON", "_HYPHEN", "_OPEN", "_ITS", "_BY", "_IS", "_OF", "_PRICE", "A"}
_FILLERS |= {"_MAKES", "_INCLUDING"}
_OPTIONS = {"ONCE", "DAILY", "EVERY", "UNTIL", "FOR", "EXTENDED"}
_LABELS = {
    "NUMBER": "a number",
    "SYMBOL": "a symbol",
    "ISO_DATE": "a date such as 2027-01-31",
    "TIME": "a time",
    "WEEKDAY": "a day of the week",
    "MONTH_NAME": "a month",
    "_PERCENT": "%",
    "_CLOSE": ")",
    "_TIMES": "times",
}


def spellings(grammar: Lark) -> dict[str, tuple[str, ...]]:
    """The words that each terminal is made of, the first of them being its name for people."""
    found = ((one.name, _SPELLINGS.match(one.pattern.value)) for one in grammar.terminals)
    return {name: tuple(m[1].replace(" +", " ").split("|")) for name, m in found if m}


def not_understood(
    text: str, column: int, accepted: Collection[str], words: dict[str, tuple[str, ...]]
) -> WordsError:
    """The error for what stands at `column`, where the grammar takes only `accepted`."""
    found = _WORD.match(text, column)
    expected = _expected(accepted, words)
    if found is None:
        message = f"The sentence ends too early. Expected {expected}."
        return WordsError(message, column=column, expected=expected)
    word = found[0]
    meant = _meant(word, accepted, words)
    message = f"“{shown(word)}” is not understood here. "
    message += f"Did you mean “{meant}”?" if meant else f"Expected {expected}."
    if not meant:
        message = _special(text, column, accepted) or message
    return WordsError(message, column=column, word=word, expected=expected, suggestion=meant)


def shown(word: str) -> str:
    """`word` so that it can stand in a message: short, nothing invisible in it."""
    visible = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in word)
    return visible if len(visible) <= 30 else f"{visible[:29]}…"


def _special(text: str, column: int, accepted: Collection[str]) -> str | None:
    """What to do about well-known mistakes."""
    number = _NUMBERLIKE.match(text, column)
    if number and "NUMBER" in accepted and _HAS_DIGIT.search(number[0]):
        return how_to_write(number[0])
    name = _CURRENCY_NAME.match(text, column)
    return CURRENCY if name and "ONCE" in accepted else None


def _meant(word: str, accepted: Collection[str], words: dict[str, tuple[str, ...]]) -> str | None:
    possible = [one for name in accepted for one in words.get(name, ()) if len(one) > 2]
    close = difflib.get_close_matches(word.lower()[:30], sorted(possible), n=1, cutoff=0.7)
    return close[0] if close else None


def _expected(accepted: Collection[str], words: dict[str, tuple[str, ...]]) -> str:
    if "_RSI" in accepted:
        return CONDITION
    known = [name for name in words if name in accepted and name not in _FILLERS | _OPTIONS]
    known += [name for name in _LABELS if name in accepted and name not in known]
    said = [_LABELS.get(name) or words[name][0] for name in known]
    if "$END" in accepted:
        said.append("the end")
    if "UNTIL" in accepted:
        said.append(OPTIONS)
    return _listed(said)


def _listed(said: list[str]) -> str:
    return " or ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)
