"""One check: hold every armed alert against the market, and record what came true.

The pure rules are in conditions.py, intervals.py, paths.py and scene.py; this fetches the facts
that they need and acts on what they say. A symbol of which nothing sound is known is left as it
was, and the next check starts where its last sound one ended, so nothing in between is missed.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby

from redis import WatchError

from services.alerts.arming import Arming
from services.alerts.evidence import Evidence
from services.alerts.index import ArmedIndex
from services.alerts.readings import Readings
from services.alerts.recorder import Recorder
from services.alerts.sound_quotes import NO_PRICE, SoundQuotes
from services.alerts.symbol_check import SymbolCheck, Tools
from services.alerts.tasks import Task, Tasks
from services.alerts.times import Times
from services.errors import MarketError
from services.market.hours import Hours
from services.market.provider import Provider
from services.store.alerts import Alerts
from services.store.system import CheckerState, Shard, System, shard_of

DEAD_AFTER = 5
"""Trading days without a price after which the alerts on a symbol are paused (rule 10)."""
WHOLE = Shard()
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What one check did; `unchecked` says which symbols it could not see, and why.

    `asleep` symbols were not asked for: their exchange has been closed since the last check.
    `completed` when the next one need not look at it all again.
    """

    symbols: int = 0
    asleep: int = 0
    claimed: int = 0
    recorded: int = 0
    unchecked: dict[str, str] = field(default_factory=dict)
    completed: bool = False


class Checker:
    """Runs checks, one at a time for each shard (workers/jobs.py holds a lock). Were there two at
    once, the claims and the store's transactions would still give each arming one trigger."""

    def __init__(
        self,
        provider: Provider,
        quotes: SoundQuotes,
        tasks: Tasks,
        index: ArmedIndex,
        readings: Readings,
        hours: Hours,
        alerts: Alerts,
        arming: Arming,
        recorder: Recorder,
        system: System,
    ) -> None:
        self._provider = provider
        self._quotes = quotes
        self._tasks = tasks
        self._index = index
        self._readings = readings
        self._hours = hours
        self._alerts = alerts
        self._arming = arming
        self._recorder = recorder
        self._system = system
        self._tools = Tools(provider, index, arming)

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
            self._rebuild(market, now, shards)
        self._arming.follow_marked(now)

    def _rebuild(self, market: str, now: datetime, shards: int) -> None:
        states = [self._system.checker(market, Shard(n, shards)) for n in range(shards)]
        try:
            count = self._index.rebuild(
                market, self._alerts.to_index(), partial(self._caught_up, states, now)
            )
        except WatchError:
            log.warning("Redis was emptied, or another worker rebuilds the index; it is not ready")
            return
        log.info("Rebuilt the index of armed alerts from the store: %d alerts", count)

    def run_shard(self, shard: Shard, now: datetime) -> Report:
        """Check the symbols of one shard, once `prepare` was run; raises as `run` does."""
        building = self._index.building(self._provider.name)
        if building is None:
            return Report()
        state = self._system.checker(self._provider.name, shard)
        times = Times(self._provider, state, now)
        watched = {s: m for s, m in self._index.watched().items() if shard.holds(s)}
        heard = self._quotes.fetch(watched, times)
        report = Report(symbols=len(watched), asleep=heard.asleep, unchecked=heard.unchecked)
        tasks = [self._tasks.of(q, before, watched[q.symbol], now) for q, before in heard.sound]
        try:
            self._check_all(tasks, report, times, building)
        except WatchError:
            log.warning("Redis was emptied during the check; the next one looks at it all again")
            return report
        report.recorded = self._recorder.drain()
        self._finish(shard, times, report, building)
        return report

    def _check_all(
        self, tasks: Iterable[Task], report: Report, times: Times, building: bytes
    ) -> None:
        fresh = self._index.fresh_symbols()
        simple: list[Task] = []
        others: list[Task] = []
        for task in tasks:
            is_simple = task.quote.symbol not in fresh and task.is_simple()
            (simple if is_simple else others).append(task)
        claimed, left = self._check_simple(simple, times.now, building)
        report.claimed += claimed
        for task in (*others, *left):
            try:
                report.claimed += self._check(task, times, building)
            except MarketError as error:
                report.unchecked[task.quote.symbol] = str(error)

    def _caught_up(
        self, states: Sequence[CheckerState], now: datetime, symbol: str
    ) -> datetime | None:
        state = states[shard_of(symbol, len(states))]
        return Times(self._provider, state, now).caught_up(symbol)

    def _check_simple(
        self, tasks: Sequence[Task], now: datetime, building: bytes
    ) -> tuple[int, list[Task]]:
        """Claim at once what the readings alone prove, and keep those; a quiet symbol costs its
        share of one call to Redis.

        Returns how many alerts were claimed, and the tasks that need another look.
        """
        of_symbol = {task.quote.symbol: task for task in tasks}
        probes = [probe for task in tasks for probe in task.probes()]
        left: list[Task] = []

        def proved() -> Iterator[Evidence]:
            for symbol, some in groupby(self._index.loud(probes), lambda loud: loud[0].symbol):
                task, found = of_symbol[symbol], list(some)
                if any(verdict.crossed or verdict.undecided for _, verdict in found):
                    left.append(task)
                    continue
                for probe, _ in found:
                    if evidence := task.evidence(probe.metric, now):
                        yield evidence

        claimed = self._index.claim_all(proved(), building)
        for task in left:
            del of_symbol[task.quote.symbol]
        with self._index.only_on(building) as pipe:
            for symbol, task in of_symbol.items():
                self._readings.put(symbol, task.scene.present, pipe)
        return claimed, left

    # Checking

    def _check(self, task: Task, times: Times, building: bytes) -> int:
        symbol = task.quote.symbol
        check = SymbolCheck(
            self._tools,
            task.quote,
            task.scene,
            task.metrics,
            task.before,
            times.caught_up(symbol),
            building,
            times.now,
        )
        claimed = check.check_settled()
        if task.error is not None:
            raise task.error
        self._conclude(task, check.peaks, building)
        return claimed + check.check_fresh()

    def _conclude(self, task: Task, peaks: dict[str, dict[float, float]], building: bytes) -> None:
        """Keep the reading and the peaks that it made in one step: a path that is looked at
        again from the old reading on must meet the old peaks.

        And only beside the index that was looked at. In one that another worker has built since,
        alerts stand that this check has not seen.
        """
        symbol = task.quote.symbol
        with self._index.only_on(building) as pipe:
            self._readings.put(symbol, task.scene.present, pipe)
            for metric, moved in peaks.items():
                self._index.move_peaks(symbol, metric, moved, pipe)

    # The end of a check

    def _finish(self, shard: Shard, times: Times, report: Report, building: bytes) -> None:
        """Remember up to when everything was checked, and which symbols are behind.

        What only Redis knows does not count: claims not recorded yet, and a check during which
        it was emptied or restarted.
        """
        self._readings.note_unchecked(report.unchecked, times.now, shard.holds)
        self._pause_dead(times, report)
        if report.symbols and len(report.unchecked) == report.symbols:
            return
        left = (symbol for symbol in self._recorder.unrecorded() if shard.holds(symbol))
        unsure = {*report.unchecked, *left}
        if self._index.building(self._provider.name) != building:
            return
        behind = {symbol: times.state.checked_until(symbol) for symbol in unsure}
        after = CheckerState(completed_at=times.now, behind=behind)
        self._system.save_checker(self._provider.name, after, shard)
        report.completed = True

    def _pause_dead(self, times: Times, report: Report) -> None:
        """Pause the alerts on symbols that have had no price for days (rule 10)."""
        dead = [symbol for symbol, reason in report.unchecked.items() if reason == NO_PRICE]
        readings = self._readings.get(dead)
        for symbol in dead:
            seen = times.checked_until(symbol)
            exchange = readings[symbol].exchange if symbol in readings else ""
            if seen is None:
                continue
            since, today = seen.date(), times.market_now.date()
            if self._hours.sessions_between(exchange, since, today) >= DEAD_AFTER:
                self._arming.pause_dead(symbol, since, times.now)
