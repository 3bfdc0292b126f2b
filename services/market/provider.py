"""What a source of prices must be able to do. Adapters: yahoo.py (workers only) and replay.py."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from services.market.models import Bar, BarInterval, Chart, Closes, Match, Quote, Split

MAX_SYMBOLS_A_REQUEST = 100


class Provider(Protocol):
    """Every method may raise RateLimited or SourceUnavailable; `now` is our time, UTC."""

    name: str
    """`yahoo` or `replay`: the `source` of quotes and evidence."""
    fresh_for: timedelta
    """How long a quote may be shown before it counts as stale."""

    def market_time(self, now: datetime) -> datetime:
        """The time it is in this market: `now`, except in a replay."""

    def quotes(self, symbols: Sequence[str], now: datetime) -> dict[str, Quote]:
        """The quotes of those of `symbols` that have a usable price (finite, not zero).

        One upstream request for every MAX_SYMBOLS_A_REQUEST symbols.
        """

    def bars(
        self,
        symbol: str,
        interval: BarInterval,
        since: datetime,
        now: datetime,
        *,
        extended: bool = False,
    ) -> list[Bar]:
        """Bars that end after `since` (market time), oldest first, the running one included.

        Prices and volumes are as traded: bars before a split are in old shares. A daily bar
        ends with its session's day, at midnight in the exchange's time zone. An unknown symbol
        has none. `1m` may reach back only 7 days, and with `extended` tells pre- and post-market
        minutes too.
        """

    def splits(self, symbol: str, since: datetime, now: datetime) -> list[Split]:
        """Splits whose session is later than the session of `since` (market time), oldest first."""

    def chart(self, symbol: str, interval: BarInterval, since: datetime, now: datetime) -> Chart:
        """What `bars` (of regular hours) and `splits` tell, in one upstream request."""

    def closes(self, symbols: Sequence[str], since: datetime, now: datetime) -> dict[str, Closes]:
        """The closes of sessions after that of `since` (market time), the running one's last
        price included, of those of `symbols` that have any; many symbols in one request."""

    def earnings(self, symbol: str, now: datetime) -> date | None:
        """The first day on which the next earnings may come, today or later; None: not known."""

    def search(self, text: str, now: datetime) -> list[Match]:
        """Up to 10 symbols that fit a symbol or company name, best first."""
