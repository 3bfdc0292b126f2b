"""Yahoo Finance through yfinance. For workers only: it costs the memory of pandas."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote as url_quote

from services.errors import RateLimited
from services.market import news_yahoo, yahoo_answers
from services.market.backoff import Backoff
from services.market.models import Bar, BarInterval, Chart, Closes, Match, Quote, Split
from services.market.news import NewsItem
from services.market.provider import MAX_SYMBOLS_A_REQUEST
from services.market.yahoo_line import TIME_LIMIT, Session, YahooLine
from services.metrics.source import counted

_QUOTES = "https://query1.finance.yahoo.com/v7/finance/quote?"
_CHART = "https://query1.finance.yahoo.com/v8/finance/chart/"
_SPARK = "https://query1.finance.yahoo.com/v7/finance/spark"
_SEARCH = "https://query1.finance.yahoo.com/v1/finance/search"
_CLOSES_A_REQUEST = 20
"""Yahoo refuses more with 400."""
_MOST_REFUSALS = 6
"""One symbol without a past makes Yahoo refuse its whole batch: so often it is halved."""
_NO_DATA = frozenset({400, 404, 422})
_MINUTES_REACH = timedelta(days=7)
# How much more is asked for than is wanted, before and after: the running session and a split
# at its open must be within, and minutes of more than eight days are refused.
_MARGINS: dict[BarInterval, tuple[timedelta, timedelta]] = {
    "1d": (timedelta(days=2), timedelta(days=1)),
    "1m": (timedelta(minutes=1), timedelta(hours=12)),
}


class YahooProvider:
    """A `Provider` of what Yahoo knows. Prices are in the quote's own currency (GBp is pence)."""

    name = yahoo_answers.SOURCE
    fresh_for = timedelta(minutes=5)

    def __init__(
        self,
        backoff: Backoff,
        session: Session | None = None,
        cache_folder: Path | None = None,
        time_limit: timedelta = TIME_LIMIT,
    ) -> None:
        self._backoff = backoff
        self._line = YahooLine(session, cache_folder, time_limit)

    def market_time(self, now: datetime) -> datetime:
        return now

    def quotes(self, symbols: Sequence[str], now: datetime) -> dict[str, Quote]:
        """The usable quotes, one request for every hundred symbols."""
        quotes: dict[str, Quote] = {}
        for start in range(0, len(symbols), MAX_SYMBOLS_A_REQUEST):
            batch = symbols[start : start + MAX_SYMBOLS_A_REQUEST]
            answer = self._ask(_QUOTES, {"symbols": ",".join(batch)}, now)
            quotes |= yahoo_answers.read_quotes(answer, batch, now)
        return quotes

    def bars(
        self,
        symbol: str,
        interval: BarInterval,
        since: datetime,
        now: datetime,
        *,
        extended: bool = False,
    ) -> list[Bar]:
        """Bars as traded: Yahoo's split-adjusted prices turned back. Minutes reach back 7 days."""
        since = _within_reach(interval, since, now)
        answer = self._chart(symbol, interval, since, now, extended)
        return yahoo_answers.read_bars(answer, interval, since) if answer else []

    def splits(self, symbol: str, since: datetime, now: datetime) -> list[Split]:
        """Splits after the session of `since`, up to today's."""
        answer = self._chart(symbol, "1d", since, now)
        return yahoo_answers.read_splits(answer, symbol, since, now) if answer else []

    def chart(self, symbol: str, interval: BarInterval, since: datetime, now: datetime) -> Chart:
        """Bars and splits are in the same answer."""
        since = _within_reach(interval, since, now)
        answer = self._chart(symbol, interval, since, now)
        if not answer:
            return Chart()
        return yahoo_answers.read_chart(answer, symbol, interval, since, now)

    def closes(self, symbols: Sequence[str], since: datetime, now: datetime) -> dict[str, Closes]:
        """Of up to three months, one request for every twenty symbols."""
        starts = range(0, len(symbols), _CLOSES_A_REQUEST)
        batches = [symbols[start : start + _CLOSES_A_REQUEST] for start in starts]
        closes: dict[str, Closes] = {}
        refused = 0
        while batches and refused < _MOST_REFUSALS:
            batch = batches.pop(0)  # halves wait behind the batches that may be well
            params = {"symbols": ",".join(batch), "range": "3mo", "interval": "1d"}
            answer = self._ask(_SPARK, params, now, _NO_DATA)
            if answer:
                closes |= yahoo_answers.read_closes(answer, batch, since)
                continue
            refused += 1
            if half := len(batch) // 2:
                batches += [batch[:half], batch[half:]]
        return closes

    def earnings(self, symbol: str, now: datetime) -> date | None:
        """Quotes carry it; this asks for one."""
        quote = self.quotes([symbol], now).get(symbol)
        return quote.earnings if quote else None

    def search(self, text: str, now: datetime) -> list[Match]:
        """Yahoo's own search; without its news, lists and other extras."""
        params = {
            "q": text,
            "quotesCount": str(yahoo_answers.MAX_MATCHES),
            "newsCount": "0",
            "listsCount": "0",
            "recommendedCount": "0",
            "enableCb": "false",
        }
        return yahoo_answers.read_matches(self._ask(_SEARCH, params, now))

    def news(self, symbol: str, name: str, now: datetime) -> list[NewsItem]:  # noqa: ARG002
        """What Yahoo's search tells of the symbol."""
        return news_yahoo.read_news(self._ask(_SEARCH, news_yahoo.params_for(symbol), now))

    def _chart(
        self,
        symbol: str,
        interval: BarInterval,
        since: datetime,
        now: datetime,
        extended: bool = False,
    ) -> Any:
        before, after = _MARGINS[interval]
        params = {
            "period1": str(int((min(since, now) - before).timestamp())),
            "period2": str(int((now + after).timestamp())),
            "interval": interval,
            "includePrePost": "true" if extended else "false",
            "events": "split",
        }
        answer = self._ask(_CHART + url_quote(symbol, safe=""), params, now, _NO_DATA)
        return None if answer and yahoo_answers.is_of_another(answer, symbol) else answer

    def _ask(
        self,
        url: str,
        params: Mapping[str, str],
        now: datetime,
        absent: frozenset[int] = frozenset(),
    ) -> Any:
        self._backoff.check(now)
        try:
            with counted(self.name):
                answer = self._line.ask(url, params, absent)
        except RateLimited:
            self._backoff.failed(now)
            raise
        self._backoff.succeeded(now)
        return answer


def _within_reach(interval: BarInterval, since: datetime, now: datetime) -> datetime:
    return max(since, now - _MINUTES_REACH) if interval == "1m" else since
