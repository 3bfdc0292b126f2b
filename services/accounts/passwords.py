"""Passwords: what is accepted, and argon2id hashes of them (RFC 9106)."""

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from services.errors import InvalidInput
from services.texts import gettext as _

MIN_LENGTH, MAX_LENGTH = 8, 200


class Passwords:
    """Hashes and verifies. `cost` is a factor on argon2's memory, lowered in tests only."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("nobody's password")

    def hash(self, password: str) -> str:
        """Raises InvalidInput when the password is too short or too long."""
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise InvalidInput(
                "password",
                _(
                    "A password has %(least)s to %(most)s characters.",
                    least=MIN_LENGTH,
                    most=MAX_LENGTH,
                ),
            )
        return self._hasher.hash(password)

    def fits(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the hash's; as slow for an unknown person (None)."""
        try:
            fits = self._hasher.verify(password_hash or self._nobody, password[:MAX_LENGTH])
        except (Argon2Error, InvalidHashError):
            return False
        return fits and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)
