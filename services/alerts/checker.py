"""One check: hold every armed alert against the market, and record what came true.

The pure rules are in conditions.py, intervals.py, paths.py and scene.py; this fetches the facts
that they need and acts on what they say. A symbol of which nothing sound is known is left as it
was, and the next check starts where its last sound one ended, so nothing in between is missed.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

from services.alerts.arming import Arming
from services.alerts.facts import needs
from services.alerts.history import History, years_needed
from services.alerts.index import ArmedIndex, Probe
from services.alerts.intervals import (
    STALE_AFTER,
    Reading,
    confirmed,
    fault,
    may_have_split,
    needs_second_look,
)
from services.alerts.readings import Readings
from services.alerts.recorder import Recorder
from services.alerts.scene import TRAILING, Scene
from services.alerts.symbol_check import SymbolCheck, Tools
from services.errors import MarketError
from services.market.cache import QuoteCache
from services.market.fetch import fetch_into_cache
from services.market.histories import YEARS, Histories
from services.market.hours import Hours
from services.market.models import Quote
from services.market.provider import Provider
from services.store.alerts import Alerts
from services.store.system import CheckerState, Shard, System, shard_of

DEAD_AFTER = 5
"""Trading days without a price after which the alerts on a symbol are paused (rule 10)."""
NO_PRICE = "no price"
WHOLE = Shard()
MOST_KNOWN = 64
"""Histories that are kept in memory, of some 0.6 MB each."""
KNOWN_FOR = timedelta(minutes=15)
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What one check did; `unchecked` says which symbols it could not see, and why.

    `asleep` symbols were not asked for: their exchange has been closed since the last check.
    """

    symbols: int = 0
    asleep: int = 0
    claimed: int = 0
    recorded: int = 0
    unchecked: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """What is known of one symbol; `error` is why some of its `metrics` are left out."""

    quote: Quote
    before: Reading | None
    scene: Scene
    metrics: tuple[str, ...]
    error: MarketError | None


class Checker:
    """Runs checks, one at a time for each shard (workers/jobs.py holds a lock). Were there two at
    once, the claims and the store's transactions would still give each arming one trigger."""

    def __init__(
        self,
        provider: Provider,
        cache: QuoteCache,
        index: ArmedIndex,
        readings: Readings,
        histories: Histories,
        hours: Hours,
        alerts: Alerts,
        arming: Arming,
        recorder: Recorder,
        system: System,
    ) -> None:
        self._provider = provider
        self._cache = cache
        self._index = index
        self._readings = readings
        self._histories = histories
        self._hours = hours
        self._alerts = alerts
        self._arming = arming
        self._recorder = recorder
        self._system = system
        self._tools = Tools(provider, index, arming)
        self._known: dict[str, _Known] = {}

    def run(self, now: datetime) -> Report:
        """Check every armed alert once; `now` is our time, UTC.

        Raises StoreError or redis.RedisError when the store or Redis is away; what was claimed
        by then stays in the stream for the next sweep.
        """
        self.prepare(now)
        return self.run_shard(WHOLE, now)

    def prepare(self, now: datetime, shards: int = 1) -> None:
        """Make the index complete, which one process does before the shards of a check begin."""
        market = self._provider.name
        if not self._index.is_built_for(market):
            states = [self._system.checker(market, Shard(n, shards)) for n in range(shards)]
            count = self._index.rebuild(
                market, self._alerts.to_index(), partial(self._caught_up, states, now)
            )
            log.info("Rebuilt the index of armed alerts from the store: %d alerts", count)
        self._arming.follow_marked(now)

    def run_shard(self, shard: Shard, now: datetime) -> Report:
        """Check the symbols of one shard, once `prepare` was run; raises as `run` does."""
        report = Report()
        if not self._index.is_built_for(self._provider.name):
            return report
        state = self._system.checker(self._provider.name, shard)
        watched = {s: m for s, m in self._index.watched().items() if shard.holds(s)}
        report.symbols = len(watched)
        tasks = self._tasks(self._sound_quotes(watched, state, report, now), watched, now)
        for task in self._not_quiet(tasks):
            try:
                report.claimed += self._check(task, state, now)
            except MarketError as error:
                report.unchecked[task.quote.symbol] = str(error)
        report.recorded = self._recorder.drain()
        self._finish(shard, state, report, now)
        return report

    def _caught_up(
        self, states: Sequence[CheckerState], now: datetime, symbol: str
    ) -> datetime | None:
        state = states[shard_of(symbol, len(states))]
        return _Times(self._provider, state, now).caught_up(symbol)

    # Quotes

    def _sound_quotes(
        self,
        watched: dict[str, list[str]],
        state: CheckerState,
        report: Report,
        now: datetime,
    ) -> list[tuple[Quote, Reading | None]]:
        """The quotes that may fire something (rule 8), each with the reading of the last check."""
        previous = self._readings.get(sorted(watched))
        times = _Times(self._provider, state, now)
        symbols = [
            symbol
            for symbol in sorted(watched)
            if not self._sleeps(symbol, previous.get(symbol), watched[symbol], times)
        ]
        report.asleep = len(watched) - len(symbols)
        fetched = fetch_into_cache(self._provider, self._cache, symbols, now)
        report.unchecked = dict.fromkeys(fetched.unanswered, str(fetched.error))
        sound, doubtful = [], []
        for symbol in symbols:
            quote = fetched.quotes.get(symbol)
            if quote is None:
                report.unchecked.setdefault(symbol, NO_PRICE)
                continue
            before = _of_same_market(previous.get(symbol), quote)
            known = before or _of_same_market(self._index.newest_baseline(symbol), quote)
            if why := fault(known, quote, times.market_now):
                report.unchecked[symbol] = why
                continue
            sound.append((quote, before))
            if needs_second_look(known, Reading.of(quote)):
                doubtful.append(quote)
        report.unchecked |= self._unconfirmed(doubtful, now)
        return [(quote, before) for quote, before in sound if quote.symbol not in report.unchecked]

    def _sleeps(
        self, symbol: str, reading: Reading | None, metrics: Sequence[str], times: "_Times"
    ) -> bool:
        """Whether nothing was traded since the last check, which saw the session's end (rule 7)."""
        since = times.checked_until(symbol)
        if since is None or reading is None or not reading.session_over or "earnings" in metrics:
            return False
        extended = "price+extended" in metrics
        return not self._hours.has_traded_since(
            reading.exchange, since, times.market_now, extended=extended
        )

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

    # Facts

    def _tasks(
        self,
        sound: Iterable[tuple[Quote, Reading | None]],
        watched: dict[str, list[str]],
        now: datetime,
    ) -> list[Task]:
        return [self._task(quote, before, watched[quote.symbol], now) for quote, before in sound]

    def _task(
        self, quote: Quote, before: Reading | None, metrics: Sequence[str], now: datetime
    ) -> Task:
        """What the metrics of a symbol need to know. Where that cannot be had, the others are
        looked at all the same."""
        scene = Scene(Reading.of(quote), self._provider.market_time(now), quote.timezone)
        wanted = {metric: needs(metric) for metric in metrics}
        history, earnings, error = None, None, None
        try:
            if any("history" in want for want in wanted.values()):
                history = self._history(quote, metrics, now)
            if any("earnings" in want for want in wanted.values()):
                earnings = self._histories.earnings(quote.symbol, now)
        except MarketError as problem:
            error = problem
            metrics = [metric for metric in metrics if not wanted[metric] & {"history", "earnings"}]
        scene = Scene(scene.present, scene.market_now, scene.timezone, history, earnings)
        return Task(quote, before, scene, tuple(metrics), error)

    def _history(self, quote: Quote, metrics: Iterable[str], now: datetime) -> History:
        """As long as the longest metric wants. The last ones used are kept for some checks."""
        years = max(YEARS, *(years_needed(metric) for metric in metrics))
        known = self._known.pop(quote.symbol, None)
        if known is None or not known.serves(quote.session, years, now):
            bars = self._histories.daily(quote.symbol, quote.session, now, years, quote.currency)
            known = _Known(History(bars), quote.session, years, now)
        self._known[quote.symbol] = known
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return known.history

    def _not_quiet(self, tasks: Iterable[Task]) -> list[Task]:
        """The tasks in which something may have come true; of the others the readings are kept.

        A quiet symbol costs its share of one call to Redis.
        """
        fresh = self._index.fresh_symbols()
        open_tasks: list[Task] = []
        simple: list[Task] = []
        for task in tasks:
            (simple if _is_simple(task, fresh) else open_tasks).append(task)
        probes = [probe for task in simple for probe in _probes(task)]
        loud = {
            probe.symbol
            for probe, verdict in zip(probes, self._index.probe(probes), strict=True)
            if any(verdict)
        }
        quiet = [task for task in simple if task.quote.symbol not in loud]
        self._readings.put_all({task.quote.symbol: task.scene.present for task in quiet})
        return [*open_tasks, *(task for task in simple if task.quote.symbol in loud)]

    # Checking

    def _check(self, task: Task, state: CheckerState, now: datetime) -> int:
        symbol = task.quote.symbol
        check = SymbolCheck(
            self._tools,
            task.quote,
            task.scene,
            task.metrics,
            task.before,
            _Times(self._provider, state, now).caught_up(symbol),
            now,
        )
        claimed = check.check_settled()
        if task.error is not None:
            raise task.error
        self._conclude(symbol, task.scene.present, check.peaks)
        return claimed + check.check_fresh()

    def _conclude(
        self, symbol: str, reading: Reading, peaks: dict[str, dict[float, float]]
    ) -> None:
        """Keep the reading and the peaks that it made in one step: a path that is looked at
        again from the old reading on must meet the old peaks."""
        with self._readings.writing() as pipe:
            self._readings.put(symbol, reading, pipe)
            for metric, moved in peaks.items():
                self._index.move_peaks(symbol, metric, moved, pipe)
            pipe.execute()

    # The end of a check

    def _finish(
        self,
        shard: Shard,
        state: CheckerState,
        report: Report,
        now: datetime,
    ) -> None:
        """Remember up to when everything was checked, and which symbols are behind.

        What only Redis knows does not count: claims not recorded yet, and a check during which
        it was emptied or restarted.
        """
        self._readings.note_unchecked(report.unchecked, now, shard.holds)
        self._pause_dead(state, report, now)
        if report.symbols and len(report.unchecked) == report.symbols:
            return
        left = (symbol for symbol in self._recorder.unrecorded() if shard.holds(symbol))
        unsure = {*report.unchecked, *left}
        if not self._index.is_built_for(self._provider.name):
            return
        behind = {symbol: state.checked_until(symbol) for symbol in unsure}
        after = CheckerState(completed_at=now, behind=behind)
        self._system.save_checker(self._provider.name, after, shard)

    def _pause_dead(self, state: CheckerState, report: Report, now: datetime) -> None:
        """Pause the alerts on symbols that have had no price for days (rule 10)."""
        times = _Times(self._provider, state, now)
        dead = [symbol for symbol, reason in report.unchecked.items() if reason == NO_PRICE]
        readings = self._readings.get(dead)
        for symbol in dead:
            seen = times.checked_until(symbol)
            exchange = readings[symbol].exchange if symbol in readings else ""
            if seen is None:
                continue
            since, today = seen.date(), times.market_now.date()
            if self._hours.sessions_between(exchange, since, today) >= DEAD_AFTER:
                self._arming.pause_dead(symbol, since, now)


@dataclass(frozen=True, slots=True)
class _Known:
    """A history, for which session it was read, and when."""

    history: History
    session: date
    years: int
    read_at: datetime

    def serves(self, session: date, years: int, now: datetime) -> bool:
        fresh = timedelta(0) <= now - self.read_at < KNOWN_FOR
        return fresh and (self.session, self.years) == (session, years)


@dataclass(frozen=True, slots=True)
class _Times:
    """The state of the last check in the market's time."""

    provider: Provider
    state: CheckerState
    now: datetime

    @property
    def market_now(self) -> datetime:
        return self.provider.market_time(self.now)

    def checked_until(self, symbol: str) -> datetime | None:
        until = self.state.checked_until(symbol)
        return self.provider.market_time(until) if until else None

    def caught_up(self, symbol: str) -> datetime | None:
        """Up to when all that a symbol did is known to have been looked at.

        A quote of that check may have been as old as a sound one can be.
        """
        until = self.checked_until(symbol)
        return until - STALE_AFTER if until else None


def _is_simple(task: Task, fresh: set[str]) -> bool:
    """Whether a probe of the levels is enough to find that nothing came true."""
    return (
        task.error is None
        and task.before is not None
        and task.quote.symbol not in fresh
        and not may_have_split(task.before, task.scene.present)
        and not any(metric in TRAILING for metric in task.metrics)
    )


def _probes(task: Task) -> list[Probe]:
    assert task.before is not None
    spans = ((metric, task.scene.spans(metric, task.before)) for metric in task.metrics)
    return [Probe(task.quote.symbol, metric, *found) for metric, found in spans if found]


def _of_same_market(previous: Reading | None, quote: Quote) -> Reading | None:
    """`previous`, unless it comes from another source: replayed prices prove nothing live."""
    return previous if previous and previous.source == quote.source else None
