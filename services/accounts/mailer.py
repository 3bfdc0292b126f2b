"""Mails about an account, composed when they are sent, so that no queue holds a link."""

from datetime import datetime

from services.accounts.links import Links, Purpose
from services.jobs import AccountMail
from services.notify.channels.email.channel import Transport
from services.notify.compose import Composer
from services.store.users import User, Users
from services.texts import speaking

_PURPOSE: dict[AccountMail, Purpose] = {
    "confirm": "confirm",
    "reset": "reset",
    "known": "reset",
    "changed": "reset",
}


class AccountMailer:
    def __init__(
        self, users: Users, links: Links, composer: Composer, transport: Transport
    ) -> None:
        self._users = users
        self._links = links
        self._composer = composer
        self._transport = transport

    def send(self, kind: AccountMail, uid: str, now: datetime) -> None:
        """Raises DeliveryError; does nothing for an account that is gone, or confirmed already
        and not refused since."""
        user = self._users.get(uid)
        if user is None or (kind == "confirm" and _is_confirmed(user)):
            return
        token = self._links.make(_PURPOSE[kind], user, now)
        key = f"{kind}.{uid}.{int(now.timestamp())}"
        with speaking(user.language):
            self._transport.send(self._composer.account(kind, user, token, key), now)


def _is_confirmed(user: User) -> bool:
    return user.confirmed_at is not None and user.mail_refused_at is None
