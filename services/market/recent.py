"""The sessions before a moment, for a picture of how a symbol came to where it was."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.market.cache import QuoteCache
from services.market.histories import Histories
from services.market.models import Bar


@dataclass(frozen=True, slots=True)
class Recent:
    """The trading day of a moment, and the completed daily bars before it, in its shares."""

    session: date
    bars: tuple[Bar, ...]


class RecentBars:
    """Reads the cache, and asks the source for what is not there. For workers."""

    def __init__(self, histories: Histories, quotes: QuoteCache) -> None:
        self._histories = histories
        self._quotes = quotes

    def before(self, symbol: str, moment: datetime, currency: str, now: datetime) -> Recent | None:
        """What was before `moment` (market time); None where the symbol's exchange is not known.

        Raises MarketError where the source fails, and what the Redis client raises.
        """
        cached = self._quotes.read([symbol], now)[symbol].cached
        if cached is None:
            return None
        quote = cached.quote
        # A session that has not begun yet would have the running one taken for completed.
        session = min(moment.astimezone(ZoneInfo(quote.timezone)).date(), quote.session)
        return Recent(session, self._histories.daily(symbol, session, now, currency=currency))
