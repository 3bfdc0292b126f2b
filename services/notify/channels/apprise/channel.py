"""Alerts to chats, phones and the other services that Apprise knows: a few lines of text."""

from datetime import datetime

from services.notify import switches
from services.notify.brief import Brief, brief_of
from services.notify.channel import Letter
from services.notify.channels.apprise.address import Service
from services.notify.channels.apprise.words import body_of, title_of
from services.notify.sealing import Seal
from services.store.users import Destination, User
from services.texts import gettext as _

TOGETHER = 100
"""Triggers in one message, at most; it names the first few."""


class AppriseChannel:
    """`address` is the site's, without a slash at its end."""

    def __init__(self, address: str, allowed_hosts: frozenset[str], seal: Seal) -> None:
        self._address = address
        self._seal = seal
        self._allowed_hosts = allowed_hosts

    def together(self, waiting: int) -> int:
        return min(waiting, TOGETHER)

    def absent_because(self, user: User, name: str) -> str | None:
        return switches.off_because(user, name)

    def is_held(self, user: User) -> bool:  # noqa: ARG002 - no address of theirs to confirm
        return False

    def send(self, letter: Letter, now: datetime) -> tuple[str, ...]:
        brief = brief_of(letter.triggers, letter.user, self._address)
        self._send(switches.place(letter.user, letter.name), brief, now)
        return ()

    def send_test(self, user: User, name: str, now: datetime) -> str:
        brief = Brief(
            _("This is how an alert reaches you"),
            _("Nothing has happened on the market. This message was sent as a test."),
            f"{self._address}/account/notifications",
        )
        service = self._send(switches.place(user, name), brief, now)
        return _("%(service)s took a test message. Look there.", service=service.name)

    def switched_off(self, user: User, name: str, reason: str, now: datetime) -> dict[str, object]:
        return switches.switched_off(user, name, reason, now)

    def _send(self, destination: Destination, brief: Brief, now: datetime) -> Service:
        # Apprise costs some 20 MB: only workers that send by it load it.
        from services.notify.channels.apprise.transport import AppriseTransport

        transport = AppriseTransport(self._allowed_hosts)
        url = self._seal.open(destination).url
        return transport.send(url, title_of(brief), body_of(brief), now)
