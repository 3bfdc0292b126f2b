"""Whether the armed index holds what the store says, and making good what it does not (daily).

Nothing is called drift that somebody changes meanwhile, or that is claimed and not yet recorded:
before it counts, the index, the stream and the store are asked again, in the order in which an
alert that rings goes through them. One that goes on comes back to the index before the stream
forgets it, so that it can be missed on one such way, but not on the next.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from services.alerts.index import ArmedIndex, Held, Member
from services.errors import NotFound
from services.store.alerts import Alert, Alerts, State

BATCH = 1_000
WATCHED_STATES: tuple[State, ...] = ("armed", "waiting")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Drift:
    """How many alerts the index lacked, held although they are over, and held at a wrong place."""

    missing: int = 0
    extra: int = 0
    misplaced: int = 0

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.misplaced)


def reconcile(index: ArmedIndex, market: str, alerts: Alerts) -> Drift:
    """Compare and repair; the drift found is 0 of each unless something went wrong.

    Reads every armed and waiting alert of the store once, and holds in memory a number for each
    symbol, and one symbol's alerts where its numbers differ. Raises StoreError and RedisError.
    """
    return _Reconciler(index, market, alerts).run()


class _Reconciler:
    def __init__(self, index: ArmedIndex, market: str, alerts: Alerts) -> None:
        self._index, self._market, self._alerts = index, market, alerts
        self._drift = Drift()
        self._settled, self._fresh = Counter[str](), Counter[str]()

    def run(self) -> Drift:
        for batch in _batches(filter(self._belongs, self._alerts.to_index())):
            self._compare(batch)
        settled, fresh = self._index.sizes()
        for symbol in sorted({*settled, *fresh}):
            held = (settled[symbol], fresh[symbol])
            if held != (self._settled[symbol], self._fresh[symbol]):
                self._look_through(symbol)
        if self._drift:
            log.error("The index of armed alerts had drifted from the store: %s", self._drift)
        return self._drift

    def _belongs(self, alert: Alert) -> bool:
        return alert.baseline is not None and alert.baseline.source == self._market

    def _compare(self, batch: list[Alert]) -> None:
        lost = self._nowhere(self._nowhere(batch))
        for symbol in {alert.symbol for alert in lost}:
            elsewhere = {held.member for held in self._index.held(symbol)}
            for alert in (alert for alert in lost if alert.symbol == symbol):
                self._put_right(alert, elsewhere)

    def _nowhere(self, batch: list[Alert]) -> list[Alert]:
        """Those that have no right place in the index, are not claimed and did not change; the
        others are counted."""
        astray = []
        for alert, place in zip(batch, self._index.places(batch), strict=True):
            if place is None:
                astray.append(alert)
            else:
                counts = self._settled if place == "settled" else self._fresh
                counts[alert.symbol] += 1
        if not astray:
            return []
        claimed = {(one.uid, one.alert_id) for one in map(Member.parse, self._index.claimed())}
        return [a for a in astray if (a.uid, a.id) not in claimed and self._still(a)]

    def _still(self, alert: Alert) -> bool:
        """Whether the store says the same of an alert as before, and nobody is changing it."""
        now = self._now(alert.uid, alert.id)
        same = now is not None and Held.of(now) == Held.of(alert)
        return same and not self._is_marked(alert.uid, alert.id)

    def _now(self, uid: str, alert_id: str) -> Alert | None:
        """The alert as the index should hold it now, if it should."""
        try:
            alert = self._alerts.get(uid, alert_id)
        except NotFound:
            return None
        return alert if alert.state in WATCHED_STATES and self._belongs(alert) else None

    def _is_marked(self, uid: str, alert_id: str) -> bool:
        return (uid, alert_id) in self._index.marked()

    def _put_right(self, alert: Alert, elsewhere: set[Member]) -> None:
        if Member.of(alert) in elsewhere:
            self._drift.misplaced += 1
        else:
            self._drift.missing += 1
        self._index.follow(alert, thorough=True)

    def _look_through(self, symbol: str) -> None:
        expected = {
            Held.of(alert)
            for alert in filter(self._belongs, self._alerts.of_symbol(symbol, WATCHED_STATES))
        }
        right, odd = set[Held](), list[Held]()
        for held in self._index.held(symbol):
            if held in expected and held not in right:
                right.add(held)
            else:
                odd.append(held)
        for held in odd:
            self._judge(symbol, held, times=2 if held in right else 1)

    def _judge(self, symbol: str, held: Held, times: int) -> None:
        """Whether an alert that the index held there so many times has changed since, or is
        wrong: the store tells, and the index has followed it unless the alert is marked."""
        member = held.member
        alert = self._now(member.uid, member.alert_id)
        if self._is_marked(member.uid, member.alert_id):
            return
        if Counter(self._index.held(symbol))[held] < times:
            return
        if alert is None or alert.epoch != member.epoch:
            self._drift.extra += 1
            self._index.drop(symbol, held.metric, member)
        elif times > 1 or Held.of(alert) != held:
            self._drift.misplaced += 1
            self._index.follow(alert, thorough=True)


def _batches(alerts: Iterable[Alert]) -> Iterator[list[Alert]]:
    left = iter(alerts)
    while batch := list(islice(left, BATCH)):
        yield batch
