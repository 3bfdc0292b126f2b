"""Ending alerts at their expiry (rule 6)."""

from collections.abc import Callable, Iterator
from datetime import datetime

from services.alerts.arming import Arming
from services.alerts.intervals import STALE_AFTER
from services.errors import NotFound
from services.store.alerts import Alert, Alerts
from services.store.contract import Store
from services.store.record import readable


class Expiry:
    """Ends what is over, once every price before the expiry was looked at.

    `checked_until` says up to when (our time, UTC) a symbol's alerts were checked, None if never.
    That bound, and not some grace, is what loses no bell: after an outage of days the first check
    looks at them all before anything ends, and without one nothing is held back. What is claimed
    but not recorded counts as not checked; a symbol that is dead ends with its alerts paused.
    `ended` is told of each owner, and when the alert has ended.
    """

    def __init__(
        self,
        store: Store,
        arming: Arming,
        checked_until: Callable[[str], datetime | None],
        ended: Callable[[str, datetime, datetime], object] = lambda _uid, _ended, _now: None,
    ) -> None:
        self._alerts = Alerts(store)
        self._arming = arming
        self._checked_until = checked_until
        self._ended = ended

    def run(self, now: datetime) -> int:
        """End everybody's alerts whose time is over; returns how many."""
        ended = 0
        for alert in self._due(now):
            try:
                ended += self._is_settled(alert) and self._end(alert, now)
            except NotFound:  # deleted in this moment
                continue
        return ended

    def _end(self, alert: Alert, now: datetime) -> bool:
        if not self._arming.expire(alert.uid, alert.id, now):
            return False
        if alert.expires_at is not None:
            self._ended(alert.uid, alert.expires_at, now)
        return True

    def _due(self, now: datetime) -> Iterator[Alert]:
        """Page by page, each read before its alerts are changed."""
        page, following = self._alerts.ended(now)
        yield from readable(Alert, page)
        while following:
            page, following = self._alerts.ended(now, following)
            yield from readable(Alert, page)

    def _is_settled(self, alert: Alert) -> bool:
        """A quote of the last check may have been as old as a sound one can be."""
        if alert.state == "paused":
            return True
        checked = self._checked_until(alert.symbol)
        return bool(checked and alert.expires_at and checked - STALE_AFTER >= alert.expires_at)
