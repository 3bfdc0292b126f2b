"""Where the web asks for quotes. It never talks to the source: what is not in the cache is
asked of a worker, once, however many pages want it."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import TypeAlias

from redis import Redis

from services.errors import NoQuote
from services.jobs import Jobs
from services.market.absent import Absent as Absent
from services.market.cache import (
    CachedQuote,
    Found,
    MarketStatus,
    QuoteCache,
    Reading,
    normal_search,
)
from services.market.looked_at import LookedAt
from services.market.models import Bar, Match, Quote, Split
from services.market.past_desk import PastDesk
from services.metrics import QUOTE_AGE

WAIT = 3.0
"""Seconds that a page waits for a worker, at most."""
_POLL = 0.05


Answer: TypeAlias = CachedQuote | Absent


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Matches, best first; `pending` when no answer came in time (then there are none)."""

    matches: tuple[Match, ...]
    pending: bool


class QuoteDesk:
    """Quotes, matches and the market's state for pages and the API.

    `now` is our time, UTC; `wait` is in seconds. Raises only what the Redis client raises,
    except where said.
    """

    def __init__(
        self,
        redis: Redis,
        jobs: Jobs,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = QuoteCache(redis)
        self._looked_at = LookedAt(redis)
        self._past = PastDesk(redis, jobs, sleep, monotonic)
        self._jobs = jobs
        self._sleep = sleep
        self._monotonic = monotonic

    def get(self, symbols: Sequence[str], now: datetime, wait: float = WAIT) -> dict[str, Answer]:
        """As `look` answers."""
        return self.look(symbols, now, wait)[0]

    def look(
        self, symbols: Sequence[str], now: datetime, wait: float = WAIT
    ) -> tuple[dict[str, Answer], MarketStatus]:
        """An answer for each symbol, in their order; and the market's state.

        Fresh quotes are served; stale ones too, while a worker fetches newer ones; symbols
        that were never seen are waited for.
        """
        self._looked_at.note(symbols, now)
        fresh, status = self._cache.fresh(symbols, now)
        answers: dict[str, Answer] = {**fresh}
        if rest := [symbol for symbol in symbols if symbol not in answers]:
            readings = self._await(self._ask(rest, now, _is_wanted), now, wait, _is_cold)
            answers |= {symbol: _answer(reading) for symbol, reading in readings.items()}
            status = self._cache.status()  # of after the wait
        _note_age(answers.values())
        return {symbol: answers[symbol] for symbol in symbols}, status

    def require(
        self, symbol: str, now: datetime, wait: float = WAIT, max_age: timedelta | None = None
    ) -> Quote:
        """The newest quote to be had within `wait`: a stale one, or one older than `max_age`,
        only if no newer one comes.

        Raises NoQuote, whose `known_missing` says whether the source has no such symbol.
        """

        def wanted(reading: Reading) -> bool:
            old = max_age is not None and reading.cached and reading.cached.age > max_age
            return reading.wanted or bool(old)

        readings = self._await(self._ask([symbol], now, wanted), now, wait, wanted)
        answer = _answer(readings[symbol])
        if isinstance(answer, Absent):
            raise NoQuote(symbol, known_missing=answer is Absent.MISSING)
        return answer.quote

    def search(self, text: str, now: datetime, wait: float = WAIT) -> SearchResult:
        """Symbols and companies that fit the first 60 characters of `text`."""
        text = normal_search(text)
        if not text:
            return SearchResult((), pending=False)
        found, pending = self._cache.read_found(text)
        if (found is None or now >= found.fresh_until) and not pending:
            found, pending = self._ask_search(text, now)
        ends = self._monotonic() + wait
        while found is None and pending and self._monotonic() < ends:
            self._sleep(_POLL)
            found, pending = self._cache.read_found(text)
        return SearchResult(found.matches if found else (), pending=found is None)

    def daily(
        self, symbol: str, now: datetime, wait: float = WAIT, years: int = 4
    ) -> tuple[Bar, ...] | Absent:
        """Completed daily bars of `years` (4 or 10) before the session of the last quote, oldest
        first, in shares of that session. Empty where the source has none."""
        return self._past.daily(symbol, now, wait, years)

    def splits(self, symbol: str) -> tuple[Split, ...]:
        """The splits of the years of daily bars that are at hand, oldest first."""
        return self._past.splits(symbol)

    def minutes(self, symbol: str, now: datetime, wait: float = WAIT) -> tuple[Bar, ...] | Absent:
        """1-minute bars of up to 7 days, oldest first, in shares of the last one; at most
        15 minutes old."""
        return self._past.minutes(symbol, now, wait)

    def earnings(self, symbol: str, now: datetime, wait: float = WAIT) -> date | Absent | None:
        """The first day, where it is traded, on which the next earnings may come; None: none
        is known."""
        return self._past.earnings(symbol, now, wait)

    def status(self) -> MarketStatus:
        """The source, whether and since when its quotes are delayed, and its time."""
        return self._cache.status()

    def _ask(
        self, symbols: Sequence[str], now: datetime, is_wanted: Callable[[Reading], bool]
    ) -> dict[str, Reading]:
        readings = self._cache.read(list(dict.fromkeys(symbols)), now)
        wanted = [symbol for symbol, reading in readings.items() if is_wanted(reading)]
        if not wanted:
            return readings
        claimed = self._cache.claim([s for s in wanted if not readings[s].pending])
        # Between reading and claiming, another page's request may have been answered.
        current = self._cache.read(wanted, now)
        answered = [symbol for symbol in claimed if not is_wanted(current[symbol])]
        self._cache.release(answered)
        if fetch := [symbol for symbol in claimed if is_wanted(current[symbol])]:
            never_seen_first = sorted(fetch, key=lambda symbol: current[symbol].cached is not None)
            self._jobs.fetch_quotes(never_seen_first)
        return {**readings, **self._cache.read(wanted, now)}

    def _ask_search(self, text: str, now: datetime) -> tuple[Found | None, bool]:
        if self._cache.claim_search(text):
            found, _ = self._cache.read_found(text)
            if found is None or now >= found.fresh_until:
                self._jobs.search_symbols(text)
            else:
                self._cache.release_search(text)
        return self._cache.read_found(text)

    def _await(
        self,
        readings: dict[str, Reading],
        now: datetime,
        wait: float,
        worth_a_wait: Callable[[Reading], bool],
    ) -> dict[str, Reading]:
        """Read again until all that is worth waiting for is there, or nobody fetches it."""
        ends = self._monotonic() + wait
        while self._monotonic() < ends:
            waiting = [
                s for s, reading in readings.items() if reading.pending and worth_a_wait(reading)
            ]
            if not waiting:
                break
            self._sleep(_POLL)
            readings = {**readings, **self._cache.read(waiting, now)}
        return readings


def _is_cold(reading: Reading) -> bool:
    return reading.cold


def _is_wanted(reading: Reading) -> bool:
    return reading.wanted


def _note_age(answers: Iterable[Answer]) -> None:
    """The oldest one tells how well the whole page is served."""
    cached = [answer for answer in answers if isinstance(answer, CachedQuote)]
    if cached:
        oldest = max(cached, key=attrgetter("age"))
        QUOTE_AGE.labels(oldest.quote.source).observe(oldest.age.total_seconds())


def _answer(reading: Reading) -> Answer:
    if reading.cached is not None:
        return reading.cached
    return Absent.MISSING if reading.missing else Absent.PENDING
