"""Alerts to a program: all that is due together is one signed POST."""

from datetime import datetime

from services.notify import switches
from services.notify.channel import Letter
from services.notify.channels.webhook.payload import test_body, triggers_body
from services.notify.channels.webhook.transport import WebhookTransport
from services.notify.deliveries import identity
from services.notify.sealing import Seal
from services.store.users import Destination, User
from services.texts import gettext as _

TOGETHER = 100
"""Triggers in one message, at most."""


class WebhookChannel:
    """`address` is the site's, without a slash at its end."""

    def __init__(self, address: str, transport: WebhookTransport, seal: Seal) -> None:
        self._address = address
        self._seal = seal
        self._transport = transport

    def together(self, waiting: int) -> int:
        return min(waiting, TOGETHER)

    def absent_because(self, user: User, name: str) -> str | None:
        return switches.off_because(user, name)

    def is_held(self, user: User) -> bool:  # noqa: ARG002 - no address of theirs to confirm
        return False

    def send(self, letter: Letter, now: datetime) -> tuple[str, ...]:
        triggers, user = letter.triggers, letter.user
        id_ = f"{letter.delivery.group or identity(triggers[0], letter.name)}.{letter.name}"
        body = triggers_body(triggers, id_, user, self._address)
        self._transport.post(self._place(user, letter.name), id_, body, now)
        return ()

    def send_test(self, user: User, name: str, now: datetime) -> str:
        destination = self._place(user, name)
        id_ = f"test.{int(now.timestamp())}.{name}"
        status = self._transport.post(destination, id_, test_body(id_, self._address), now)
        return _("The webhook took a test and answered %(status)s.", status=status)

    def switched_off(self, user: User, name: str, reason: str, now: datetime) -> dict[str, object]:
        return switches.switched_off(user, name, reason, now)

    def _place(self, user: User, name: str) -> Destination:
        return self._seal.open(switches.place(user, name))
