"""Ringing again, as a message about an alert offers it: once for the epoch that it tells of."""

from dataclasses import dataclass
from datetime import datetime

from services.alerts.arming import KEEP, Arming
from services.alerts.finder import Finder
from services.store.alerts import Alert, Alerts


@dataclass(frozen=True, slots=True)
class Follow:
    """An alert, whether it can be armed from the epoch in question, and whether it just was."""

    alert: Alert
    is_open: bool
    is_new: bool = False


class FollowUps:
    """Every method may raise redis.RedisError and StoreError."""

    def __init__(self, alerts: Alerts, arming: Arming, finder: Finder) -> None:
        self._alerts = alerts
        self._arming = arming
        self._finder = finder

    def look(self, uid: str, alert_id: str, epoch: int) -> Follow:
        """Whether an alert waits to be armed after that epoch. Raises NotFound."""
        alert = self._alerts.get(uid, alert_id)
        return Follow(alert, alert.may_ring_again(epoch))

    def ring_again(self, uid: str, alert_id: str, epoch: int, now: datetime) -> Follow:
        """Arm an alert anew that has not been armed since that epoch, else leave it.

        What is true already waits for the next crossing, and an expiry that is over is dropped.
        Raises NotFound, or, having done nothing, NoQuote, UnknownSymbol or InvalidInput.
        """
        before = self.look(uid, alert_id, epoch)
        if not before.is_open:
            return before
        alert = before.alert
        is_over = alert.expires_at is not None and alert.expires_at <= now
        facts = self._finder.to_arm(alert.symbol, alert.condition, now)
        after = self._arming.rearm(
            uid,
            alert_id,
            facts,
            now,
            expires_at=None if is_over else KEEP,
            if_true="wait",
            after_epoch=epoch,
        )
        return Follow(after, is_open=False, is_new=after.epoch == epoch + 1)
