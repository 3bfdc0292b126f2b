"""Where the web asks for what is behind the last price. Like the quote desk, it asks a worker
once and waits a little."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

from redis import Redis

from services.jobs import Jobs
from services.market.absent import Absent
from services.market.bars import BarCache, Kept
from services.market.cache import QuoteCache
from services.market.earnings import EarningsCache
from services.market.models import Bar, Split, normal_symbol
from services.market.pending import Pending

OLDEST_MINUTES = timedelta(minutes=15)
"""Older ones are not served: a worker's answer is waited for."""
_POLL = 0.05
T = TypeVar("T")


class PastDesk:
    """`now` is our time, UTC; `wait` is in seconds. Raises only what the Redis client raises."""

    def __init__(
        self,
        redis: Redis,
        jobs: Jobs,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._quotes, self._bars = QuoteCache(redis), BarCache(redis)
        self._earnings = EarningsCache(redis)
        self._jobs = jobs
        self._sleep = sleep
        self._monotonic = monotonic

    def daily(
        self, symbol: str, now: datetime, wait: float, years: int
    ) -> tuple[Bar, ...] | Absent:
        """See QuoteDesk."""
        if not _is_normal(symbol):
            return Absent.MISSING

        def look() -> tuple[tuple[Bar, ...] | Absent, bool]:
            reading = self._quotes.read([symbol], now)[symbol]
            if reading.cached is None:
                return (Absent.MISSING, False) if reading.missing else (Absent.PENDING, True)
            quote, kept = reading.cached.quote, self._bars.get(symbol, "1d")
            if kept is None or not kept.covers(quote.session, years, quote.currency):
                return Absent.PENDING, True
            return kept.daily(quote.session), now >= kept.fresh_until

        mark = _Mark(self._bars.pending, self._bars.name(symbol, "1d"))
        return self._answer(look, mark, lambda: self._jobs.fetch_bars(symbol, "1d", years), wait)

    def splits(self, symbol: str) -> tuple[Split, ...]:
        """See QuoteDesk."""
        kept = self._bars.get(symbol, "1d") if _is_normal(symbol) else None
        return kept.chart.splits if kept else ()

    def minutes(self, symbol: str, now: datetime, wait: float) -> tuple[Bar, ...] | Absent:
        """See QuoteDesk."""
        if not _is_normal(symbol):
            return Absent.MISSING

        def look() -> tuple[tuple[Bar, ...] | Absent, bool]:
            kept = self._bars.get(symbol, "1m")
            if kept is None:
                missing = self._quotes.read([symbol], now)[symbol].missing
                return (Absent.MISSING, False) if missing else (Absent.PENDING, True)
            if now - kept.fetched_at > OLDEST_MINUTES:
                return Absent.PENDING, True
            return _all_of(kept), now >= kept.fresh_until

        mark = _Mark(self._bars.pending, self._bars.name(symbol, "1m"))
        return self._answer(look, mark, lambda: self._jobs.fetch_bars(symbol, "1m"), wait)

    def earnings(self, symbol: str, now: datetime, wait: float) -> date | Absent | None:
        """See QuoteDesk."""
        if not _is_normal(symbol):
            return Absent.MISSING

        def look() -> tuple[date | Absent | None, bool]:
            reading = self._quotes.read([symbol], now)[symbol]
            quote = reading.cached.quote if reading.cached else None
            if quote and quote.earnings and quote.earnings >= quote.session:
                return quote.earnings, False
            known = self._earnings.get(symbol, quote.session if quote else now.date())
            if known is not None:
                return known.day, False
            return (Absent.MISSING, False) if reading.missing else (Absent.PENDING, True)

        mark = _Mark(self._earnings.pending, symbol)
        return self._answer(look, mark, lambda: self._jobs.fetch_earnings(symbol), wait)

    def _answer(
        self,
        look: Callable[[], tuple[T | Absent, bool]],
        mark: "_Mark",
        ask: Callable[[], None],
        wait: float,
    ) -> T | Absent:
        """`look` gives an answer and whether a worker should be asked for a better one."""
        ends = self._monotonic() + wait
        answer, wanted = look()
        if wanted and mark.claim():
            answer, wanted = look()  # another page's request may have been answered meanwhile
            (ask if wanted else mark.release)()
        while answer is Absent.PENDING:
            waiting = mark.is_set()  # before the look: a worker answers first, then takes it away
            answer, _ = look()
            if answer is not Absent.PENDING or not waiting or self._monotonic() >= ends:
                break
            self._sleep(_POLL)
        return answer


class _Mark:
    """One mark among the pending ones."""

    def __init__(self, pending: Pending, name: str) -> None:
        self.claim = partial(pending.claim, name)
        self.release = partial(pending.release, name)
        self.is_set = partial(pending.is_set, name)


def _all_of(kept: Kept) -> tuple[Bar, ...]:
    return kept.minutes(kept.since)


def _is_normal(symbol: str) -> bool:
    try:
        return normal_symbol(symbol) == symbol
    except ValueError:
        return False
