"""Telling people what became of their alerts without them (rules 9 and 10)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from services.jobs import Notice
from services.notify.channels.email.channel import Transport
from services.notify.compose import Composer
from services.notify.deliveries import no_mail_because
from services.store.alerts import Alert, Alerts
from services.store.users import Users
from services.texts import speaking


class Notices:
    """One plain mail for each owner and event, composed from the alerts as they are when it is
    sent, so that one which is no longer true is not sent."""

    def __init__(
        self, alerts: Alerts, users: Users, composer: Composer, transport: Transport
    ) -> None:
        self._alerts = alerts
        self._users = users
        self._composer = composer
        self._transport = transport

    def send(self, kind: Notice, uid: str, alert_ids: Sequence[str], now: datetime) -> None:
        """Raises DeliveryError; does nothing where the address is not confirmed or takes no mail.

        A retry after an unknown outcome carries the same Message-ID.
        """
        user = self._users.get(uid)
        if user is None or user.confirmed_at is None or no_mail_because(user) is not None:
            return
        alerts = [a for a in self._alerts.some(uid, alert_ids) if _still_so(kind, a)]
        if alerts:
            key = f"{kind}.{_digest(kind, alerts)}"
            with speaking(user.language):
                self._transport.send(self._composer.notice(kind, alerts, user, key, now), now)


def _still_so(kind: Notice, alert: Alert) -> bool:
    if kind == "split":
        return bool(alert.adjustments)
    return alert.state == "paused" and alert.paused_because is not None


def _digest(kind: Notice, alerts: Sequence[Alert]) -> str:
    """Names the event: which alerts, at which arming or after which split."""
    events = [
        f"{alert.uid}/{alert.id}/{alert.epoch if kind == 'paused' else len(alert.adjustments)}"
        for alert in alerts
    ]
    return hashlib.sha256(" ".join(sorted(events)).encode()).hexdigest()[:32]
