"""From what a person typed to a symbol that has a quote."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.errors import InvalidInput, NoQuote, UnknownSymbol
from services.market.cache import CachedQuote
from services.market.desk import WAIT, Absent, QuoteDesk
from services.market.models import Quote, normal_symbol
from services.texts import gettext as _

_SHARE_CLASS = re.compile(r"([A-Z]+)\.([A-Z])")
MAX_SUGGESTIONS = 5
FRESH_TO_ARM = timedelta(seconds=15)
OLDEST_TO_ARM = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Several:
    """What became of symbols: those that have a quote, by what was typed; those that the source
    does not know; those about which it gave no answer in time."""

    found: dict[str, str]
    unknown: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()


class Lookup:
    def __init__(self, desk: QuoteDesk) -> None:
        self._desk = desk

    def find(self, text: str, now: datetime, max_age: timedelta | None = None) -> Quote:
        """The quote of the symbol that `text` spells; `BRK.B` is understood as `BRK-B`.

        It is older than `max_age` only if the source gives no newer one in time.

        Raises InvalidInput, UnknownSymbol with what may have been meant, or NoQuote when the
        source could not be asked.
        """
        try:
            symbol = normal_symbol(text)
        except ValueError:
            raise self._unknown(text, now) from None
        try:
            return self._desk.require(symbol, now, max_age=max_age)
        except NoQuote as error:
            if not error.known_missing:
                raise
        if share_class := _SHARE_CLASS.fullmatch(symbol):
            return self.find("-".join(share_class.groups()), now, max_age)
        raise self._unknown(symbol, now)

    def find_all(self, texts: Iterable[str], now: datetime, wait: float = WAIT) -> Several:
        """Which of these symbols have a quote, all asked for at once; what is not spelt as a
        symbol is unknown. `BRK.B` is understood as `BRK-B`."""
        spelt = {text: _spelt(text) for text in dict.fromkeys(texts)}
        answers = self._desk.get([s for s in spelt.values() if s], now, wait)
        missing = [s for s, answer in answers.items() if answer is Absent.MISSING]
        classes = {s: "-".join(m.groups()) for s in missing if (m := _SHARE_CLASS.fullmatch(s))}
        if classes:
            answers |= self._desk.get(list(classes.values()), now, wait)
        found: dict[str, str] = {}
        unknown: list[str] = []
        unanswered: list[str] = []
        for text, symbol in spelt.items():
            named = classes.get(symbol, symbol) if symbol else ""
            answer = answers.get(named, Absent.MISSING)
            if isinstance(answer, CachedQuote):
                found[text] = named
            else:
                (unanswered if answer is Absent.PENDING else unknown).append(text)
        return Several(found, tuple(unknown), tuple(unanswered))

    def find_to_arm(self, text: str, now: datetime) -> Quote:
        """The same, read just now: what a price did before an alert was set is no evidence.

        Raises NoQuote, too, when only an old quote is to be had.
        """
        quote = self.find(text, now, FRESH_TO_ARM)
        if now - quote.fetched_at > OLDEST_TO_ARM:
            raise NoQuote(quote.symbol, known_missing=False)
        return quote

    def _unknown(self, text: str, now: datetime) -> UnknownSymbol | InvalidInput:
        text = text.strip()
        if not text:
            return InvalidInput("symbol", _("Type a symbol or a company's name."))
        matches = self._desk.search(text, now).matches[:MAX_SUGGESTIONS]
        return UnknownSymbol(text[:60], tuple((m.symbol, m.name) for m in matches))


def _spelt(text: str) -> str | None:
    try:
        return normal_symbol(text)
    except ValueError:
        return None
