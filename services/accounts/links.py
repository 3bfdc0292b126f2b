"""Signed links of limited life: confirm an address, reset a password."""

import hashlib
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from itsdangerous import BadSignature, URLSafeSerializer

from services.errors import AuthenticationFailed
from services.store.users import User

Purpose: TypeAlias = Literal["confirm", "reset"]
LIFE: dict[Purpose, timedelta] = {"confirm": timedelta(days=7), "reset": timedelta(hours=1)}


class Links:
    """Makes and opens tokens. One for a reset dies with the password that it was made for."""

    def __init__(self, key: str) -> None:
        self._key = key

    def make(self, purpose: Purpose, user: User, now: datetime) -> str:
        until = int((now + LIFE[purpose]).timestamp())
        return self._serializer(purpose).dumps([user.uid, _bound_to(purpose, user), until])

    def owner(self, purpose: Purpose, token: str, now: datetime) -> str:
        """The uid that a token names. Raises AuthenticationFailed for a forged or old one."""
        uid, _, until = self._open(purpose, token)
        if now.timestamp() > until:
            raise AuthenticationFailed("This link is too old. Ask for a new one.")
        return uid

    def check(self, purpose: Purpose, token: str, user: User) -> None:
        """Raises AuthenticationFailed when the address or password has changed since."""
        if self._open(purpose, token)[1] != _bound_to(purpose, user):
            raise AuthenticationFailed("This link has been used, or is no longer valid.")

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, salt=f"bellwether-{purpose}")

    def _open(self, purpose: Purpose, token: str) -> tuple[str, str, int]:
        try:
            uid, bound, until = self._serializer(purpose).loads(token)
        except (BadSignature, ValueError, TypeError):
            raise AuthenticationFailed("This link is not valid. Copy all of it.") from None
        return str(uid), str(bound), int(until)


def _bound_to(purpose: Purpose, user: User) -> str:
    fact = user.email if purpose == "confirm" else user.password_hash
    return hashlib.sha256(fact.encode()).hexdigest()[:16]
