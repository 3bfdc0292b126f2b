"""One check: hold every armed alert against the market, and record what came true.

The pure rules are in conditions.py and intervals.py; this fetches the facts that they need
and acts on what they say. A symbol of which nothing sound is known is left as it was, and the
next check starts where its last sound one ended, so nothing in between is missed.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from services.alerts.arming import Arming
from services.alerts.index import ArmedIndex
from services.alerts.intervals import (
    STALE_AFTER,
    Reading,
    confirmed,
    fault,
    needs_second_look,
)
from services.alerts.readings import Readings
from services.alerts.recorder import Recorder
from services.alerts.symbol_check import SymbolCheck
from services.errors import MarketError
from services.market.cache import QuoteCache
from services.market.fetch import fetch_into_cache
from services.market.models import Quote
from services.market.provider import Provider
from services.store.alerts import Alerts
from services.store.system import CheckerState, System

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What one check did; `unchecked` says which symbols it could not see, and why."""

    symbols: int = 0
    claimed: int = 0
    recorded: int = 0
    unchecked: dict[str, str] = field(default_factory=dict)


class Checker:
    """Runs checks, one at a time (workers/jobs.py holds a lock). Were there two at once, the
    claims and the store's transactions would still give each arming one trigger."""

    def __init__(
        self,
        provider: Provider,
        cache: QuoteCache,
        index: ArmedIndex,
        readings: Readings,
        alerts: Alerts,
        arming: Arming,
        recorder: Recorder,
        system: System,
    ) -> None:
        self._provider = provider
        self._cache = cache
        self._index = index
        self._readings = readings
        self._alerts = alerts
        self._arming = arming
        self._recorder = recorder
        self._system = system

    def run(self, now: datetime) -> Report:
        """Check every armed alert once; `now` is our time, UTC.

        Raises StoreError or redis.RedisError when the store or Redis is away; what was claimed
        by then stays in the stream for the next sweep.
        """
        state = self._system.checker(self._provider.name)
        self._prepare(state, now)
        report = Report()
        for quote, previous in self._sound_quotes(report, now):
            try:
                report.claimed += self._check(quote, previous, state, now)
            except MarketError as error:
                report.unchecked[quote.symbol] = str(error)
        report.recorded = self._recorder.drain()
        self._finish(state, report, now)
        return report

    def _prepare(self, state: CheckerState, now: datetime) -> None:
        market = self._provider.name
        if not self._index.is_built_for(market):
            count = self._index.rebuild(
                market, self._alerts.to_index(), partial(self._caught_up, state)
            )
            log.info("Rebuilt the index of armed alerts from the store: %d alerts", count)
        self._arming.follow_marked(now)

    def _caught_up(self, state: CheckerState, symbol: str) -> datetime | None:
        """Up to when (market time) all that a symbol did is known to have been looked at.

        A quote of that check may have been as old as a sound one can be.
        """
        until = state.checked_until(symbol)
        return self._provider.market_time(until) - STALE_AFTER if until else None

    def _sound_quotes(self, report: Report, now: datetime) -> list[tuple[Quote, Reading | None]]:
        """The quotes that may fire something (rule 8), each with the reading of the last check."""
        symbols = self._index.symbols()
        report.symbols = len(symbols)
        fetched = fetch_into_cache(self._provider, self._cache, symbols, now)
        report.unchecked = dict.fromkeys(fetched.unanswered, str(fetched.error))
        previous = self._readings.get(symbols)
        sound, doubtful = [], []
        for symbol in symbols:
            quote = fetched.quotes.get(symbol)
            if quote is None:
                report.unchecked.setdefault(symbol, "no price")
                continue
            before = _of_same_market(previous.get(symbol), quote)
            known = before or _of_same_market(self._index.newest_baseline(symbol), quote)
            if why := fault(known, quote, self._provider.market_time(now)):
                report.unchecked[symbol] = why
                continue
            sound.append((quote, before))
            if needs_second_look(known, Reading.of(quote)):
                doubtful.append(quote)
        report.unchecked |= self._unconfirmed(doubtful, now)
        return [(quote, before) for quote, before in sound if quote.symbol not in report.unchecked]

    def _unconfirmed(self, doubtful: list[Quote], now: datetime) -> dict[str, str]:
        """Those of the symbols whose quotes a second fetch does not bear out."""
        symbols = [quote.symbol for quote in doubtful]
        second = fetch_into_cache(self._provider, self._cache, symbols, now).quotes
        return {
            quote.symbol: "a jump that a second look did not confirm"
            for quote in doubtful
            if (again := second.get(quote.symbol)) is None
            or not confirmed(Reading.of(quote), Reading.of(again))
        }

    def _check(
        self, quote: Quote, previous: Reading | None, state: CheckerState, now: datetime
    ) -> int:
        check = SymbolCheck(
            self._provider,
            self._index,
            self._arming,
            quote,
            previous,
            self._caught_up(state, quote.symbol),
            now,
        )
        claimed = check.check_settled()
        self._readings.put(quote.symbol, Reading.of(quote))
        claimed += check.check_fresh()
        if claimed:
            self._index.forget_if_empty(quote.symbol)
        return claimed

    def _finish(self, state: CheckerState, report: Report, now: datetime) -> None:
        """Remember up to when everything was checked, and which symbols are behind.

        What only Redis knows does not count: claims not recorded yet, and a check during which
        it was emptied or restarted.
        """
        self._readings.note_unchecked(report.unchecked, now)
        if report.symbols and len(report.unchecked) == report.symbols:
            return
        unsure = {*report.unchecked, *self._recorder.unrecorded()}
        if not self._index.is_built_for(self._provider.name):
            return
        behind = {symbol: state.checked_until(symbol) for symbol in unsure}
        after = CheckerState(completed_at=now, behind=behind)
        self._system.save_checker(self._provider.name, after)


def _of_same_market(previous: Reading | None, quote: Quote) -> Reading | None:
    """`previous`, unless it comes from another source: replayed prices prove nothing live."""
    return previous if previous and previous.source == quote.source else None
