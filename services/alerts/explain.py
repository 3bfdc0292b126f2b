"""What a check would see of one symbol now, and why each alert near by does or does not ring.

Nothing is claimed and no alert or reading is written. Bars and earnings that have to be fetched
are kept as a check keeps them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest

from pydantic import BaseModel, ConfigDict

from services.alerts.conditions import Condition
from services.alerts.facts import needs
from services.alerts.history import History, years_needed
from services.alerts.index import ArmedIndex, Probe
from services.alerts.intervals import Reading, Span, bars_wanted, fault
from services.alerts.readings import Readings
from services.alerts.scene import TRAILING, Scene
from services.alerts.why import Sight, why
from services.errors import NoQuote, NotFound
from services.market.histories import YEARS, Histories
from services.market.hours import Hours
from services.market.models import BarInterval, Quote
from services.market.provider import Provider
from services.store.alerts import Alert, Alerts, State
from services.store.system import System

NEAREST = 20
"""How many alerts are shown on either side of where a metric stands."""
STATES: tuple[State, ...] = ("armed", "waiting", "paused")


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class MetricSeen(_Shown):
    """`value` is where the metric stands now; between `seen` and `possible` (of `since` until now)
    lies what only bars can tell, and `bars` says which ones a check asks for."""

    metric: str
    value: float | None
    since: datetime | None
    seen: Span | None
    possible: Span | None
    bars: BarInterval | None
    alerts: int


class AlertSeen(_Shown):
    """`stands` is where the armed index holds it: among those that an earlier check has seen, or
    as set since. `outcome` is what a check that was run made of it."""

    id: str
    uid: str
    metric: str
    state: State
    condition: Condition
    level: float
    stands: str
    why: str
    last_trigger: str | None
    outcome: str | None = None


class Explanation(_Shown):
    """`fault` is why nothing may ring on the present quote; `asleep`: a check would not ask for
    it, for its exchange was closed since the last one."""

    symbol: str
    at: datetime
    timezone: str
    checked_until: datetime | None
    previous: Reading | None
    present: Reading
    fault: str | None
    asleep: bool
    metrics: list[MetricSeen]
    alerts: list[AlertSeen]


class Explainer:
    """Raises NoQuote, MarketError, StoreError or redis.RedisError."""

    def __init__(
        self,
        provider: Provider,
        index: ArmedIndex,
        readings: Readings,
        histories: Histories,
        hours: Hours,
        alerts: Alerts,
        system: System,
    ) -> None:
        self._provider = provider
        self._index = index
        self._readings = readings
        self._histories = histories
        self._hours = hours
        self._alerts = alerts
        self._system = system

    def explain(self, symbol: str, now: datetime) -> Explanation:
        """`now` is our time, UTC."""
        quote = self._provider.quotes([symbol], now).get(symbol)
        if quote is None:
            raise NoQuote(symbol, known_missing=True)
        found = [*self._alerts.of_symbol(symbol, STATES)]
        metrics = sorted({alert.condition.target.metric for alert in found})
        scene = self._scene(quote, metrics, now)
        previous = self._readings.get([symbol]).get(symbol)
        if previous and previous.source != quote.source:
            previous = None
        checked = self._checked_until(symbol)
        known = previous or self._index.newest_baseline(symbol)
        wrong = fault(known, quote, scene.market_now)
        asleep = self._sleeps(previous, checked, metrics, scene.market_now)
        seen = {metric: self._metric(symbol, metric, scene, previous) for metric in metrics}
        sight = Sight(scene, previous, wrong, asleep, self._peaks(symbol, metrics))
        near = [alert for metric in metrics for alert in _nearest(found, metric, seen[metric])]
        return Explanation(
            symbol=symbol,
            at=now,
            timezone=quote.timezone,
            checked_until=checked,
            previous=previous,
            present=scene.present,
            fault=wrong,
            asleep=asleep,
            metrics=[_counted(seen[metric], found) for metric in metrics],
            alerts=self._alerts_seen(near, sight, now),
        )

    def after(self, before: Explanation) -> Explanation:
        """The same with what has become of its alerts since."""
        alerts = [
            shown.model_copy(update={"outcome": self._outcome(shown)}) for shown in before.alerts
        ]
        return before.model_copy(update={"alerts": alerts})

    def _scene(self, quote: Quote, metrics: Sequence[str], now: datetime) -> Scene:
        wanted = {need for metric in metrics for need in needs(metric)}
        history, earnings = None, None
        if "history" in wanted:
            years = max(YEARS, *map(years_needed, metrics))
            history = History(
                self._histories.daily(quote.symbol, quote.session, now, years, quote.currency)
            )
        if "earnings" in wanted:
            earnings = self._histories.earnings(quote.symbol, now)
        market_now = self._provider.market_time(now)
        return Scene(Reading.of(quote), market_now, quote.timezone, history, earnings)

    def _checked_until(self, symbol: str) -> datetime | None:
        until = self._system.checker(self._provider.name).checked_until(symbol)
        return self._provider.market_time(until) if until else None

    def _sleeps(
        self,
        previous: Reading | None,
        since: datetime | None,
        metrics: Sequence[str],
        market_now: datetime,
    ) -> bool:
        if since is None or previous is None or not previous.session_over or "earnings" in metrics:
            return False
        extended = "price+extended" in metrics
        return not self._hours.has_traded_since(
            previous.exchange, since, market_now, extended=extended
        )

    def _peaks(self, symbol: str, metrics: Iterable[str]) -> dict[str, list[float]]:
        return {
            metric: list(self._index.peaks(symbol, metric))
            for metric in metrics
            if metric in TRAILING
        }

    def _metric(
        self, symbol: str, metric: str, scene: Scene, previous: Reading | None
    ) -> MetricSeen:
        spans = scene.spans(metric, previous) if previous and metric not in TRAILING else None
        bars: BarInterval | None = None
        if spans and previous:
            verdict = self._index.probe(Probe(symbol, metric, *spans))
            if verdict.undecided:
                bars = bars_wanted(previous.as_of, scene.present.as_of)
        return MetricSeen(
            metric=metric,
            value=scene.value(metric),
            since=previous.as_of if previous else None,
            seen=spans.seen if spans else None,
            possible=spans.possible if spans else None,
            bars=bars,
            alerts=0,
        )

    def _alerts_seen(self, near: Sequence[Alert], sight: Sight, now: datetime) -> list[AlertSeen]:
        watched = [alert for alert in near if alert.state != "paused"]
        places = dict(zip([a.id for a in watched], self._index.places(watched), strict=True))
        return [
            AlertSeen(
                id=alert.id,
                uid=alert.uid,
                metric=alert.condition.target.metric,
                state=alert.state,
                condition=alert.condition,
                level=alert.watched_level,
                stands=_standing(alert, places),
                why=why(alert, sight, fresh=places.get(alert.id) == "fresh", now=now),
                last_trigger=alert.last_trigger,
            )
            for alert in near
        ]

    def _outcome(self, shown: AlertSeen) -> str:
        try:
            alert = self._alerts.get(shown.uid, shown.id)
        except NotFound:
            return "deleted"
        stands = f"it is {alert.state} {'still' if alert.state == shown.state else 'now'}"
        rang = alert.last_trigger
        return stands if rang == shown.last_trigger else f"rang: trigger {rang}; {stands}"


def _standing(alert: Alert, places: Mapping[str, str | None]) -> str:
    if alert.state == "paused":
        return "nowhere"
    return places[alert.id] or "not in the index; the next check mends that"


def _counted(seen: MetricSeen, alerts: Iterable[Alert]) -> MetricSeen:
    count = sum(alert.condition.target.metric == seen.metric for alert in alerts)
    return seen.model_copy(update={"alerts": count})


def _nearest(alerts: Iterable[Alert], metric: str, seen: MetricSeen) -> list[Alert]:
    """The alerts next to where the metric stands, the lowest level first."""
    mine = [alert for alert in alerts if alert.condition.target.metric == metric]
    value = seen.value or 0.0
    below = [alert for alert in mine if alert.watched_level < value]
    above = [alert for alert in mine if alert.watched_level >= value]
    sides = (
        nsmallest(NEAREST, side, key=lambda alert: abs(alert.watched_level - value))
        for side in (below, above)
    )
    return sorted((a for side in sides for a in side), key=lambda a: (a.watched_level, a.id))
