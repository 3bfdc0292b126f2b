"""Passwords: what is accepted, and argon2id hashes of them (RFC 9106)."""

from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from services.errors import InvalidInput
from services.texts import gettext as _

MIN_LENGTH, MAX_LENGTH = 12, 128
_KNOWN = Path(__file__).with_name("known_passwords.txt")
"""Those of 12 characters and more among the 20,000 and 30,000 most common ones that Django 5.2 and
zxcvbn 4.5 refuse."""


class Passwords:
    """Hashes and verifies. `cost` is a factor on argon2's memory, lowered in tests only."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("nobody's password")

    def hash(self, password: str) -> str:
        """Raises InvalidInput when the password is too short, too long or known to everybody."""
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise InvalidInput(
                "password",
                _(
                    "A password has %(least)s to %(most)s characters.",
                    least=MIN_LENGTH,
                    most=MAX_LENGTH,
                ),
            )
        if password.casefold() in _known():
            raise InvalidInput(
                "password",
                _("Many people use this password, so it is guessed first. Take another."),
            )
        return self._hasher.hash(password)

    def fits(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the hash's; as slow for an unknown person (None)."""
        tried = password if len(password) <= MAX_LENGTH else ""
        try:
            fits = self._hasher.verify(password_hash or self._nobody, tried)
        except (Argon2Error, InvalidHashError):
            return False
        return fits and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)


@cache
def _known() -> frozenset[str]:
    return frozenset(_KNOWN.read_text(encoding="ascii").splitlines())
