"""What is behind the last price: daily bars, minutes and earnings, from the cache or the source.

For workers: pages ask services/market/past_desk.py, which has a worker come here.
"""

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from redis import Redis

from services.errors import MarketError, SourceUnavailable
from services.market.bars import MOST_BARS, BarCache, Kept, years_before
from services.market.earnings import EarningsCache
from services.market.hours import Hours
from services.market.models import Bar, Chart, Split
from services.market.provider import Provider

YEARS = 4
"""Enough for 52 weeks, and for an average of 200 days to forget where it began."""
MOST_YEARS = 10
MINUTES_REACH = timedelta(days=7)
_FRESH_MINUTES = timedelta(minutes=1)
_NOT_AGAIN = timedelta(days=4)
_RETRY = timedelta(minutes=15)
_MOST_DOUBLINGS = 6
_OVERLAP = timedelta(days=1)
"""Fetched again with new minutes: late corrections, and the splits since."""


class Histories:
    """Raises MarketError where the source fails, and what the Redis client raises."""

    def __init__(self, provider: Provider, redis: Redis, hours: Hours | None = None) -> None:
        self._provider = provider
        self._bars = BarCache(redis)
        self._earnings = EarningsCache(redis)
        self._hours = hours or Hours()

    def daily(
        self, symbol: str, session: date, now: datetime, years: int = YEARS, currency: str = ""
    ) -> tuple[Bar, ...]:
        """Completed daily bars of `years` (at most 10) before `session`, in its shares.

        One request per symbol and session; where the source is late with the last bars, it is
        asked again after 15 minutes, 30, 60 and so on. Raises MarketError, too, where the
        source states them in another currency than `currency`.
        """
        years = min(years, MOST_YEARS)
        kept = self._bars.get(symbol, "1d")
        covered = kept is not None and kept.covers(session, years, currency)
        if kept is None or not covered or now >= kept.fresh_until:
            try:
                kept = self._fetch_days(symbol, session, now, years, currency, kept)
            except MarketError:
                if kept is None or not covered:
                    raise
        return kept.daily(session)

    def minutes(self, symbol: str, since: datetime, now: datetime) -> tuple[Bar, ...]:
        """Minutes that end after `since` (market time, at most 7 days back), the running one
        included, up to a minute old, in shares of the last one."""
        market = self._provider.market_time(now)
        since = max(since, market - MINUTES_REACH)
        kept = self._bars.get(symbol, "1m")
        if kept and (kept.since > since or _is_ahead(kept, market)):
            kept = None
        if kept is None or now >= kept.fresh_until:
            kept = self._fetch_minutes(symbol, since, now, kept)
        return kept.minutes(since)

    def earnings(self, symbol: str, now: datetime) -> date | None:
        """The first day on which the next earnings may come; asked for once a day at most.

        It may have been yesterday where the day has just changed.
        """
        known = self._earnings.get(symbol, self._provider.market_time(now).date())
        if known is not None:
            return known.day
        day = self._provider.earnings(symbol, now)
        self._earnings.put(symbol, day)
        return day

    def _fetch_days(
        self,
        symbol: str,
        session: date,
        now: datetime,
        years: int,
        currency: str,
        before: Kept | None,
    ) -> Kept:
        since = years_before(session, years)
        chart = self._provider.chart(symbol, "1d", since, now)
        if currency and chart.currency not in ("", currency):
            raise SourceUnavailable(
                f"The past of {symbol} is stated in {chart.currency}, its quote in {currency}."
            )
        by_session = {bar.session: bar for bar in _sound(chart.bars) if bar.session < session}
        bars = tuple(by_session[day] for day in sorted(by_session))[-MOST_BARS["1d"] :]
        if before and not bars and before.covers(session, years, currency):
            bars, chart = before.chart.bars, before.chart  # it had some a while ago
        late = not bars or bars[-1].session < self._hours.session_before(chart.exchange, session)
        tries = before.tries + 1 if late and before and before.session == session else 0
        wait = _RETRY * 2 ** min(tries, _MOST_DOUBLINGS) if late else _NOT_AGAIN
        chart = chart.model_copy(update={"bars": bars})
        kept = Kept(session, since, now, now + wait, chart, tries)
        self._bars.put(symbol, "1d", kept)
        return kept

    def _fetch_minutes(
        self, symbol: str, since: datetime, now: datetime, before: Kept | None
    ) -> Kept:
        market = self._provider.market_time(now)
        held = before.chart if before else Chart()
        begin = max(since, held.bars[-1].start - _OVERLAP) if held.bars else since
        chart = self._provider.chart(symbol, "1m", begin, now)
        if held.currency and chart.currency not in ("", held.currency):  # they cannot be joined
            return self._fetch_minutes(symbol, since, now, None)
        oldest = market - MINUTES_REACH - timedelta(minutes=1)
        joined = {
            bar.start: bar
            for bar in (*held.bars, *_sound(chart.bars))
            if oldest < bar.start <= market
        }
        bars = tuple(joined[start] for start in sorted(joined))[-MOST_BARS["1m"] :]
        kept = Kept(
            session=bars[-1].session if bars else market.date(),
            since=max(before.since if before else since, market - MINUTES_REACH),
            fetched_at=now,
            fresh_until=now + min(self._provider.fresh_for, _FRESH_MINUTES),
            chart=Chart(
                bars=bars,
                splits=_joined(held.splits, chart.splits),
                currency=chart.currency or held.currency,
                exchange=chart.exchange or held.exchange,
            ),
        )
        self._bars.put(symbol, "1m", kept)
        return kept


def _sound(bars: Iterable[Bar]) -> Iterable[Bar]:
    """Those with real prices in an order that can be; a negative one is legal for futures."""
    for bar in bars:
        prices = (bar.open, bar.high, bar.low, bar.close)
        if (
            all(math.isfinite(price) and price for price in prices)
            and bar.low <= min(bar.open, bar.close)
            and bar.high >= max(bar.open, bar.close)
        ):
            yield bar


def _is_ahead(kept: Kept, market: datetime) -> bool:
    """A replay that began anew."""
    return bool(kept.chart.bars) and kept.chart.bars[-1].start > market


def _joined(old: Iterable[Split], new: Iterable[Split]) -> tuple[Split, ...]:
    by_session = {split.session: split for split in (*old, *new)}
    return tuple(by_session[session] for session in sorted(by_session))
