"""The sessions before a moment, for a picture of how a symbol came to where it was."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from redis import Redis

from services.market.bars import BarCache
from services.market.cache import QuoteCache
from services.market.histories import YEARS, Histories
from services.market.models import Bar

A_MINUTE = 20
"""How often a process asks the source at most: it counts requests, and checks need them more."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The trading day of a moment, and the completed daily bars before it, in its shares."""

    session: date
    bars: tuple[Bar, ...]


class RecentBars:
    """Reads the caches, and asks the source for what is not there. For workers.

    `histories` opens the source, which a worker that only delivers may never need.
    """

    def __init__(
        self, histories: Callable[[], Histories], redis: Redis, a_minute: int = A_MINUTE
    ) -> None:
        self._histories = histories
        self._bars = BarCache(redis)
        self._quotes = QuoteCache(redis)
        self._a_minute = a_minute
        self._asked: list[datetime] = []

    def before(self, symbol: str, moment: datetime, currency: str, now: datetime) -> Recent | None:
        """What was before `moment` (market time); None where the symbol's exchange is not known,
        or the source has been asked enough.

        Raises MarketError where the source fails, and what the Redis client raises.
        """
        cached = self._quotes.read([symbol], now)[symbol].cached
        if cached is None:
            return None
        quote = cached.quote
        # A session that has not begun yet would have the running one taken for completed.
        session = min(moment.astimezone(ZoneInfo(quote.timezone)).date(), quote.session)
        kept = self._bars.get(symbol, "1d")
        if kept and kept.covers(session, YEARS, currency):
            return Recent(session, kept.daily(session))
        if not self._may_ask(now):
            return None
        return Recent(session, self._histories().daily(symbol, session, now, currency=currency))

    def _may_ask(self, now: datetime) -> bool:
        minute = now.replace(second=0, microsecond=0)
        self._asked = [one for one in self._asked if one == minute]
        if len(self._asked) >= self._a_minute:
            return False
        self._asked.append(minute)
        return True
