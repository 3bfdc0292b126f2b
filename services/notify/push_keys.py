"""The key pair that signs Web Push (RFC 8292): browsers subscribe with its public half.

A person's subscriptions are bound to it: with another key every browser subscribes anew.
"""

import base64
from dataclasses import dataclass, field

from config import Settings, SettingsError, kept_secret
from services.errors import PushOff

_NO_SHARED_KEY = (
    "Push messages to browsers are not set up here: VAPID_PRIVATE_KEY is not set. Whoever runs"
    " this Bellwether can make one: flask --app app push-key"
)


@dataclass(frozen=True, slots=True)
class PushKey:
    """Both halves in base64url without padding: the number, and the uncompressed point."""

    private: str = field(repr=False)
    public: str

    @classmethod
    def of(cls, private: str) -> "PushKey":
        # 7 MB, only in processes that push or offer it
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        number = int.from_bytes(from_base64url(private))
        point = ec.derive_private_key(number, ec.SECP256R1()).public_key()
        return cls(
            private, base64url(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        )


def push_key(settings: Settings) -> PushKey:
    """The key of VAPID_PRIVATE_KEY, or the one kept in the data folder, made at first use.

    Raises PushOff that says why there is none.
    """
    if given := settings.vapid_private_key.get_secret_value():
        return PushKey.of(given)
    if settings.firebase_project_id and not settings.bellwether_local:
        raise PushOff(_NO_SHARED_KEY)
    try:
        return PushKey.of(kept_secret(settings.data / "vapid_private_key", new_private_key))
    except (SettingsError, ValueError) as error:
        raise PushOff(f"Push messages to browsers cannot be signed: {error}") from error


def new_private_key() -> str:
    """A private key as the setting VAPID_PRIVATE_KEY takes it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64url(number.to_bytes(32))


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of base64url, padded or not. Raises ValueError."""
    text = text.rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
