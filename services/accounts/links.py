"""Signed links of limited life: confirm an address, reset a password, answer a message about an
alert (snooze, ring again, pause), stop mail."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from itsdangerous import BadSignature, URLSafeSerializer

from services.errors import AuthenticationFailed
from services.store.users import User
from services.texts import gettext as _

Purpose: TypeAlias = Literal["confirm", "reset"]
LIFE: dict[Purpose, timedelta] = {"confirm": timedelta(days=7), "reset": timedelta(hours=1)}
MAIL_LIFE = timedelta(days=366)
"""Of a link in a message about alerts: mails are kept for long."""


class Links:
    """Makes and opens tokens. One for a reset dies with the password that it was made for."""

    def __init__(self, key: str | list[str]) -> None:
        """`key` may be several: the last one signs, all are believed."""
        self._key = key

    def make(self, purpose: Purpose, user: User, now: datetime) -> str:
        until = _until(now + LIFE[purpose])
        return self._serializer(purpose).dumps([user.uid, _bound_to(purpose, user), until])

    def make_pause(self, uid: str, alert_id: str, now: datetime) -> str:
        """A token that pauses this alert and does nothing else."""
        return self._serializer("pause").dumps([uid, alert_id, _until(now + MAIL_LIFE)])

    def paused(self, token: str, now: datetime) -> tuple[str, str]:
        """The uid and the alert's id. Raises AuthenticationFailed."""
        return self._current("pause", token, now)

    def make_snooze(self, uid: str, trigger_id: str, round_: int, now: datetime) -> str:
        """A token that has this trigger told once more, after that round, and does nothing else."""
        return self._make_numbered("snooze", uid, trigger_id, round_, now)

    def snoozed(self, token: str, now: datetime) -> tuple[str, str, int]:
        """The uid, the trigger's id and the round. Raises AuthenticationFailed."""
        return self._numbered("snooze", token, now)

    def make_again(self, uid: str, alert_id: str, epoch: int, now: datetime) -> str:
        """A token that arms this alert once more, after that epoch, and does nothing else."""
        return self._make_numbered("again", uid, alert_id, epoch, now)

    def again(self, token: str, now: datetime) -> tuple[str, str, int]:
        """The uid, the alert's id and the epoch. Raises AuthenticationFailed."""
        return self._numbered("again", token, now)

    def make_stop(self, uid: str, now: datetime) -> str:
        """A token that stops a person's mail and does nothing else."""
        return self._serializer("stop").dumps([uid, "", _until(now + MAIL_LIFE)])

    def stopped(self, token: str, now: datetime) -> str:
        """The uid. Raises AuthenticationFailed."""
        return self._current("stop", token, now)[0]

    def made_at(self, purpose: Purpose, token: str) -> datetime:
        """When a token was made, to the second. Raises AuthenticationFailed."""
        return datetime.fromtimestamp(self._open(purpose, token)[2], UTC) - LIFE[purpose]

    def owner(self, purpose: Purpose, token: str, now: datetime) -> str:
        """The uid that a token names. Raises AuthenticationFailed for a forged or old one."""
        return self._current(purpose, token, now)[0]

    def check(self, purpose: Purpose, token: str, user: User) -> None:
        """Raises AuthenticationFailed when the address or password has changed since."""
        if self._open(purpose, token)[1] != _bound_to(purpose, user):
            raise AuthenticationFailed(_("This link has been used, or is no longer valid."))

    def _make_numbered(self, purpose: str, uid: str, id_: str, number: int, now: datetime) -> str:
        return self._serializer(purpose).dumps([uid, f"{id_} {number}", _until(now + MAIL_LIFE)])

    def _numbered(self, purpose: str, token: str, now: datetime) -> tuple[str, str, int]:
        uid, bound = self._current(purpose, token, now)
        id_, _, number = bound.rpartition(" ")
        return uid, id_, int(number)

    def _current(self, purpose: str, token: str, now: datetime) -> tuple[str, str]:
        uid, bound, until = self._open(purpose, token)
        if now.timestamp() > until:
            raise AuthenticationFailed(_("This link is too old. Ask for a new one."))
        return uid, bound

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._key, salt=f"bellwether-{purpose}", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def _open(self, purpose: str, token: str) -> tuple[str, str, int]:
        try:
            uid, bound, until = self._serializer(purpose).loads(token)
        except (BadSignature, ValueError, TypeError):
            raise AuthenticationFailed(_("This link is not valid. Copy all of it.")) from None
        return str(uid), str(bound), int(until)


def _until(moment: datetime) -> int:
    return int(moment.timestamp())


def _bound_to(purpose: Purpose, user: User) -> str:
    fact = user.email if purpose == "confirm" else user.password_hash
    return hashlib.sha256(fact.encode()).hexdigest()[:16]
