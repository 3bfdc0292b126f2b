"""From what a person typed to a symbol that has a quote."""

import re
from datetime import datetime, timedelta

from services.errors import InvalidInput, NoQuote, UnknownSymbol
from services.market.desk import QuoteDesk
from services.market.models import Quote, normal_symbol

_SHARE_CLASS = re.compile(r"([A-Z]+)\.([A-Z])")
MAX_SUGGESTIONS = 5
FRESH_TO_ARM = timedelta(seconds=15)
OLDEST_TO_ARM = timedelta(minutes=15)


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
            return InvalidInput("symbol", "Type a symbol or a company's name.")
        matches = self._desk.search(text, now).matches[:MAX_SUGGESTIONS]
        return UnknownSymbol(text[:60], tuple((m.symbol, m.name) for m in matches))
