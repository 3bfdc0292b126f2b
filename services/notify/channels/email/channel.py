"""Alerts by e-mail: all that is due together is one mail."""

from datetime import datetime
from typing import Protocol

from services.errors import DeliveryError
from services.notify.channel import Letter
from services.notify.channels.email.charts import Charts
from services.notify.compose import Composer
from services.notify.deliveries import no_mail_because
from services.notify.message import Message
from services.store.users import User
from services.texts import gettext as _

TOGETHER = 100
"""Triggers in one mail, at most."""


class Transport(Protocol):
    def send(self, message: Message, now: datetime) -> None:
        """Raises DeliveryError."""


class EmailChannel:
    """Without `charts` mails have no pictures."""

    def __init__(
        self, composer: Composer, transport: Transport, charts: Charts | None = None
    ) -> None:
        self._composer = composer
        self._transport = transport
        self._charts = charts

    def together(self, waiting: int) -> int:
        return min(waiting, TOGETHER)

    def absent_because(self, user: User, name: str) -> str | None:  # noqa: ARG002 - one address
        return no_mail_because(user)

    def is_held(self, user: User) -> bool:
        return user.confirmed_at is None

    def send(self, letter: Letter, now: datetime) -> tuple[str, ...]:
        charts = self._charts.of(letter.triggers, now) if self._charts else {}
        group = letter.delivery.group
        message = self._composer.triggers(letter.triggers, letter.user, group, now, charts)
        self._transport.send(message, now)
        return ()

    def send_test(self, user: User, name: str, now: datetime) -> str:  # noqa: ARG002 - one address
        if because := no_mail_because(user):
            raise DeliveryError(because, permanent=True)
        key = f"test.{user.uid}.{int(now.timestamp())}"
        self._transport.send(self._composer.test(user, key), now)
        return _(
            "The mail server took a test mail to %(email)s. Look into your mailbox.",
            email=user.email,
        )

    def switched_off(self, user: User, name: str, reason: str, now: datetime) -> dict[str, object]:  # noqa: ARG002
        """No mail until the address is confirmed again."""
        return {"mail_refused_at": now}
