"""Telling people by another channel that one of theirs has ended (ALERTS.md rule 13)."""

import hashlib
import logging
from datetime import datetime
from typing import Protocol

from services.errors import DeliveryError
from services.notify.channels.email.channel import Transport
from services.notify.channels.push.push import Push
from services.notify.compose import Composer
from services.notify.deliveries import no_mail_because
from services.notify.plain import plain
from services.store.users import EMAIL, User, Users
from services.texts import gettext as _
from services.texts import speaking

MAX_NAME, MAX_REASON = 60, 300
SETTINGS = "/account/notifications"
log = logging.getLogger(__name__)


class Pusher(Protocol):
    def tell(self, user: User, push: Push, now: datetime) -> None:
        """Raises DeliveryError."""


class ChannelNotices:
    """By mail where mail works, else by push. `address` is the site's, without a slash."""

    def __init__(
        self,
        users: Users,
        composer: Composer,
        transport: Transport,
        push: Pusher,
        address: str,
    ) -> None:
        self._users = users
        self._composer = composer
        self._transport = transport
        self._push = push
        self._address = address

    def send(self, uid: str, channel: str, reason: str, now: datetime) -> None:
        """Raises DeliveryError where trying again may help. Where nothing can be told, the pages
        tell it. A retry of the same day carries the same Message-ID."""
        user = self._users.get(uid)
        if user is None:
            return
        with speaking(user.language):
            self._send(user, channel, plain(_(reason), MAX_REASON), now)

    def _send(self, user: User, channel: str, reason: str, now: datetime) -> None:
        uid, title = user.uid, _title(channel)
        named = hashlib.sha256(f"{uid} {channel} {now:%Y-%m-%d}".encode()).hexdigest()[:32]
        try:
            if channel != EMAIL and _takes_mail(user):
                self._mail(user, title, reason, f"off.{named}", now)
            else:
                self._tell(user, channel, title, reason, f"off-{named}", now)
        except DeliveryError as error:
            if not error.permanent:
                raise
            log.warning("Nobody could be told that %s of %s is off: %s", channel, uid, error)

    def _mail(self, user: User, title: str, reason: str, key: str, now: datetime) -> None:
        subject = f"{title} · Bellwether"
        mail = self._composer.write(
            "off",
            user,
            key,
            now,
            subject=subject,
            title=title,
            reason=reason,
            link=f"{self._address}{SETTINGS}",
        )
        self._transport.send(mail, now)

    def _tell(
        self, user: User, channel: str, title: str, reason: str, tag: str, now: datetime
    ) -> None:
        place = "/account" if channel == EMAIL else SETTINGS
        self._push.tell(user, Push(title, reason, f"{self._address}{place}", tag), now)


def _takes_mail(user: User) -> bool:
    return user.confirmed_at is not None and no_mail_because(user) is None


def _title(channel: str) -> str:
    if channel == EMAIL:
        return _("Mail does not reach you any more")
    return _("%(channel)s takes no alerts any more", channel=plain(channel, MAX_NAME))
