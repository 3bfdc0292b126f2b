"""Addresses and secrets of destinations, encrypted as they are stored (docs/decisions/0012)."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from services.errors import DeliveryError
from services.notify.shown import shown
from services.store.users import Destination
from services.texts import gettext as _

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

MARK = "sealed:"
_PURPOSE = b"bellwether destinations"


class Seal:
    """`keys` are secrets of the site: the last one seals, all open."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    def seal(self, plain: Destination) -> Destination:
        """As it is stored; what may be seen of its address stays to be seen."""
        return plain.model_copy(
            update={
                "leads_to": shown(plain),
                "url": self.sealed(plain.url),
                "secret": plain.secret and self.sealed(plain.secret),
            }
        )

    def open(self, stored: Destination) -> Destination:
        """With its address and secret in plain text. Raises DeliveryError where no key opens it."""
        return stored.model_copy(
            update={"url": self._opened(stored.url), "secret": self._opened(stored.secret)}
        )

    def sealed(self, text: str) -> str:
        return MARK + self._locks[0].encrypt(text.encode()).decode()

    def renewed(self, stored: Destination) -> Destination:
        """Sealed with the last key; the same where it is already. Raises as `open`."""
        texts = filter(None, (stored.url, stored.secret))
        if all(self._opened_by(self._locks[:1], text) is not None for text in texts):
            return stored
        return self.seal(self.open(stored))

    @cached_property
    def _locks(self) -> "list[Fernet]":
        from cryptography.fernet import Fernet  # 9 MB, only where it is used
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derived = (HKDF(SHA256(), 32, None, _PURPOSE).derive(k.encode()) for k in self._keys[::-1])
        return [Fernet(urlsafe_b64encode(key)) for key in derived]

    def _opened(self, text: str) -> str:
        if not text.startswith(MARK):
            return text  # stored before there were seals
        opened = self._opened_by(self._locks, text)
        if opened is None:
            raise DeliveryError(
                _(
                    "Bellwether cannot read this address any more, for its keys were changed."
                    " Remove the channel, and add it again."
                ),
                permanent=True,
            )
        return opened

    def _opened_by(self, locks: "Sequence[Fernet]", text: str) -> str | None:
        from cryptography.fernet import InvalidToken

        for lock in locks if text.startswith(MARK) else ():
            try:
                return lock.decrypt(text.removeprefix(MARK)).decode()
            except InvalidToken:
                continue
        return None
