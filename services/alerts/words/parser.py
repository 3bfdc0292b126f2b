"""From a sentence to a draft of an alert. Pure: the time is an argument."""

import re
from datetime import datetime
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo

from lark import Lark, Token, UnexpectedInput

from services.alerts.conditions import Condition, PriceCondition
from services.alerts.words.complaints import Words, not_understood, words_of
from services.alerts.words.dates import LATEST, to_utc
from services.alerts.words.draft import Draft
from services.alerts.words.reading import Expiry, Option, Reading, Sentence, wrong
from services.errors import WordsError
from services.market.models import normal_symbol
from services.texts import N_
from services.texts import gettext as _

MAX_TEXT = 200
NO_SYMBOL = N_("Start with the symbol, such as AAPL above 200.")
BEYOND = N_("This is beyond the calendar.")


def parse(text: str, now: datetime, time_zone: str = "UTC") -> Draft:
    """The alert that `text` asks for; days end at midnight in `time_zone` (IANA).

    The grammar is in docs/words.md. Raises WordsError that points at the word.
    """
    if len(text) > MAX_TEXT:
        message = f"Write the alert with {MAX_TEXT} characters at most."
        raise WordsError(message, column=MAX_TEXT)
    said = _with_symbol(re.sub(r"\s", " ", text).rstrip())
    options = _each_once(said.options)
    frequency, expiry = options.get("frequency"), options.get("expiry")
    return Draft(
        _symbol(said.symbol),
        _in_all_hours(said.condition, options.get("extended")),
        frequency.frequency if frequency else "once",
        _expires_at(expiry.expiry if expiry else None, now, time_zone),
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
def _words() -> Words:
    return words_of(_grammar())


def _with_symbol(text: str) -> Sentence:
    """The sentence; one that lacks nothing but its symbol is told so."""
    try:
        return _sentence(text)
    except WordsError as error:
        try:
            _sentence(f"X {text}")
        except WordsError:
            raise error from None
        word = text.split()[0]
        raise WordsError(_(NO_SYMBOL), column=text.index(word), word=word) from None


def _sentence(text: str) -> Sentence:
    steps = _grammar().parse_interactive(text)
    try:
        steps.exhaust_lexer()
    except UnexpectedInput as error:
        column = error.pos_in_stream or 0
        raise not_understood(text, column, steps.accepts(), _words()) from None
    accepted = steps.accepts()
    if "$END" not in accepted:
        raise not_understood(text, len(text), accepted, _words())
    return cast(Sentence, steps.feed_eof())


def _symbol(word: Token) -> str:
    try:
        if not word.isascii():
            raise ValueError(_("Write the symbol with plain letters and digits, such as AAPL."))
        return normal_symbol(word.removeprefix("$"))
    except ValueError as error:
        raise wrong(word, str(error)) from None


def _each_once(options: tuple[Option, ...]) -> dict[str, Option]:
    said: dict[str, Option] = {}
    for option in options:
        if option.sets in said:
            first = said[option.sets].word
            raise wrong(
                option.word, _("“%(word)s” is said already; leave one of them out.", word=first)
            )
        said[option.sets] = option
    return said


def _in_all_hours(condition: Condition, extended: Option | None) -> Condition:
    if extended is None:
        return condition
    if not isinstance(condition, PriceCondition):
        raise wrong(extended.word, _("Only prices can be watched in extended hours."))
    return condition.model_copy(update={"extended": True})


def _expires_at(expiry: Expiry | None, now: datetime, time_zone: str) -> datetime | None:
    if expiry is None:
        return None
    today = now.astimezone(ZoneInfo(time_zone)).date()
    try:
        ends = to_utc(expiry.ends(today), time_zone)
    except (OverflowError, ValueError):
        raise wrong(expiry.word, _(BEYOND)) from None
    if ends > LATEST:
        raise wrong(expiry.word, _(BEYOND))
    if ends <= now:
        raise wrong(expiry.word, _("This is past already."))
    return ends
