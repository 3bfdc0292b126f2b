"""From a sentence to a draft of an alert. Pure: the time is an argument."""

import re
from datetime import datetime
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo

from lark import Lark, Token, UnexpectedInput

from services.alerts.conditions import Condition, PriceCondition
from services.alerts.words.complaints import not_understood, spellings
from services.alerts.words.dates import Ending, to_utc
from services.alerts.words.draft import Draft
from services.alerts.words.reading import Option, Reading, Sentence, wrong
from services.errors import WordsError
from services.market.models import normal_symbol
from services.store.alerts import Frequency

MAX_TEXT = 200


def parse(text: str, now: datetime, time_zone: str = "UTC") -> Draft:
    """The alert that `text` asks for; days end at midnight in `time_zone` (IANA).

    The grammar is in docs/words.md. Raises WordsError that points at the word.
    """
    if len(text) > MAX_TEXT:
        message = f"Write the alert with {MAX_TEXT} characters at most."
        raise WordsError(message, column=MAX_TEXT)
    said = _sentence(re.sub(r"\s", " ", text).rstrip())
    options = _each_once(said.options)
    frequency = options.get("frequency")
    return Draft(
        _symbol(said.symbol),
        _in_all_hours(said.condition, options.get("extended")),
        cast(Frequency, frequency.value) if frequency else "once",
        _expires_at(options.get("expiry"), now, time_zone),
    )


@cache
def _grammar() -> Lark:
    return Lark.open(
        "grammar.lark",
        rel_to=__file__,
        parser="lalr",
        transformer=Reading(),
        g_regex_flags=re.IGNORECASE | re.ASCII,
    )


@cache
def _spellings() -> dict[str, tuple[str, ...]]:
    return spellings(_grammar())


def _sentence(text: str) -> Sentence:
    steps = _grammar().parse_interactive(text)
    try:
        steps.exhaust_lexer()
    except UnexpectedInput as error:
        column = error.pos_in_stream or 0
        raise not_understood(text, column, steps.accepts(), _spellings()) from None
    accepted = steps.accepts()
    if "$END" not in accepted:
        raise not_understood(text, len(text), accepted, _spellings())
    return cast(Sentence, steps.feed_eof())


def _symbol(word: Token) -> str:
    try:
        if not word.isascii():
            raise ValueError("Write the symbol with plain letters and digits, such as AAPL.")
        return normal_symbol(word.removeprefix("$"))
    except ValueError as error:
        raise wrong(word, str(error)) from None


def _each_once(options: tuple[Option, ...]) -> dict[str, Option]:
    said: dict[str, Option] = {}
    for option in options:
        if option.sets in said:
            first = said[option.sets].word
            raise wrong(option.word, f"“{first}” is said already; leave one of them out.")
        said[option.sets] = option
    return said


def _in_all_hours(condition: Condition, extended: Option | None) -> Condition:
    if extended is None:
        return condition
    if not isinstance(condition, PriceCondition):
        raise wrong(extended.word, "Only prices can be watched in extended hours.")
    return condition.model_copy(update={"extended": True})


def _expires_at(expiry: Option | None, now: datetime, time_zone: str) -> datetime | None:
    if expiry is None:
        return None
    today = now.astimezone(ZoneInfo(time_zone)).date()
    try:
        ends = to_utc(cast(Ending, expiry.value)(today), time_zone)
    except (OverflowError, ValueError):
        raise wrong(expiry.word, "This is beyond the calendar.") from None
    if ends <= now:
        raise wrong(expiry.word, "This is past already.")
    return ends
