"""From what a person typed to a symbol that has a quote."""

import re
from datetime import datetime

from services.errors import InvalidInput, NoQuote, UnknownSymbol
from services.market.desk import QuoteDesk
from services.market.models import Quote, normal_symbol

_SHARE_CLASS = re.compile(r"([A-Z]+)\.([A-Z])")
MAX_SUGGESTIONS = 5


class Lookup:
    def __init__(self, desk: QuoteDesk) -> None:
        self._desk = desk

    def find(self, text: str, now: datetime) -> Quote:
        """The quote of the symbol that `text` spells; `BRK.B` is understood as `BRK-B`.

        Raises InvalidInput, UnknownSymbol with what may have been meant, or NoQuote when the
        source could not be asked.
        """
        try:
            symbol = normal_symbol(text)
        except ValueError:
            raise self._unknown(text, now) from None
        try:
            return self._desk.require(symbol, now)
        except NoQuote as error:
            if not error.known_missing:
                raise
        if share_class := _SHARE_CLASS.fullmatch(symbol):
            try:
                return self._desk.require("-".join(share_class.groups()), now)
            except NoQuote as error:
                if not error.known_missing:
                    raise
        raise self._unknown(symbol, now)

    def _unknown(self, text: str, now: datetime) -> UnknownSymbol | InvalidInput:
        text = text.strip()
        if not text:
            return InvalidInput("symbol", "Type a symbol or a company's name.")
        matches = self._desk.search(text, now).matches[:MAX_SUGGESTIONS]
        return UnknownSymbol(text[:60], tuple((m.symbol, m.name) for m in matches))
