"""What a check knows of one symbol before it looks at its alerts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.alerts.evidence import Evidence
from services.alerts.facts import needs
from services.alerts.history import History, years_needed
from services.alerts.index import Probe
from services.alerts.intervals import Reading, gap, may_have_split
from services.alerts.paths import interval_of
from services.alerts.scene import TRAILING, Scene
from services.errors import MarketError
from services.market.histories import YEARS, Histories
from services.market.models import Quote
from services.market.provider import Provider

MOST_KNOWN = 64
"""Histories that are kept in memory, of some 0.6 MB each."""
KNOWN_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Task:
    """What is known of one symbol; `error` is why some of its metrics are left out."""

    quote: Quote
    before: Reading | None
    scene: Scene
    metrics: tuple[str, ...]
    error: MarketError | None

    def is_simple(self) -> bool:
        """Whether a probe of the levels is enough to find that no settled alert came true."""
        return (
            self.error is None
            and self.before is not None
            and not may_have_split(self.before, self.scene.present)
            and not any(metric in TRAILING for metric in self.metrics)
        )

    def probes(self) -> list[Probe]:
        """What the metrics of a simple task covered."""
        assert self.before is not None
        spans = ((metric, self.scene.spans(metric, self.before)) for metric in self.metrics)
        return [Probe(self.quote.symbol, metric, *found) for metric, found in spans if found]

    def evidence(self, metric: str, now: datetime) -> Evidence | None:
        """What the readings of a simple task prove of a metric; None where it has no value."""
        assert self.before is not None
        path, present = self.scene.between(metric, self.before), self.scene.present
        points = self.scene.points(metric, path)
        if not points:
            return None
        interval = interval_of(path.since, present, points)
        return Evidence.of(self.quote.symbol, metric, interval, present, now)


class Tasks:
    """Finds the facts that the metrics of a symbol need."""

    def __init__(self, provider: Provider, histories: Histories) -> None:
        self._provider = provider
        self._histories = histories
        self._known: dict[str, _Known] = {}

    def of(
        self, quote: Quote, before: Reading | None, metrics: Sequence[str], now: datetime
    ) -> Task:
        """Where something cannot be had, the metrics that need it are left out."""
        present = Reading.of(quote)
        wanted = {metric: self._needs(metric, before, present) for metric in metrics}
        history, earnings, error = None, None, None
        try:
            if any("history" in want for want in wanted.values()):
                history = self._history(quote, metrics, now)
            if any("earnings" in want for want in wanted.values()):
                earnings = self._histories.earnings(quote.symbol, now)
        except MarketError as problem:
            error = problem
            metrics = [metric for metric in metrics if not wanted[metric] & {"history", "earnings"}]
        market_now = self._provider.market_time(now)
        scene = Scene(present, market_now, quote.timezone, history, earnings)
        return Task(quote, before, scene, tuple(metrics), error)

    def _needs(self, metric: str, before: Reading | None, present: Reading) -> frozenset[str]:
        """Changes of days that no check saw are reckoned from the closes before them."""
        if metric == "day-change" and (before is None or gap(before, present)):
            return frozenset({"history"})
        return needs(metric)

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
