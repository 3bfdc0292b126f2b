"""What browsers and apps send so that they can be pushed to, made into devices. Pure.

Where an endpoint leads is checked when something is sent there: names change their addresses.
"""

import re
from datetime import datetime
from urllib.parse import urlsplit

from services.errors import InvalidInput
from services.notify.push_keys import base64url, from_base64url
from services.store.devices import MAX_ENDPOINT, MAX_NAME, Device, Kind, device_id

_VISIBLE = re.compile(r"[!-~]+")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_AUTH_BYTES = 16


def browser_device(
    uid: str, endpoint: str, p256dh: str, auth: str, name: str, now: datetime
) -> Device:
    """A browser's subscription (its `toJSON`). Raises InvalidInput."""
    if not _is_address(endpoint):
        raise InvalidInput("endpoint", "This is no https address of a push service.")
    from cryptography.hazmat.primitives.asymmetric import ec  # 7 MB, only where it is used

    point, secret = _decoded(p256dh, "keys.p256dh"), _decoded(auth, "keys.auth")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise InvalidInput("keys.p256dh", "This is no public key of P-256.") from None
    if len(point) != 65:
        raise InvalidInput("keys.p256dh", "Send the point uncompressed, 65 bytes.")
    if len(secret) != _AUTH_BYTES:
        raise InvalidInput("keys.auth", f"The secret has {_AUTH_BYTES} bytes.")
    keys = {"p256dh": base64url(point), "auth": base64url(secret)}
    return _device(uid, "webpush", endpoint, name, now, **keys)


def app_device(uid: str, token: str, name: str, now: datetime) -> Device:
    """An app's registration with Firebase Cloud Messaging. Raises InvalidInput."""
    if len(token) > MAX_ENDPOINT or not _VISIBLE.fullmatch(token):
        raise InvalidInput("token", "This is no registration token.")
    return _device(uid, "fcm", token, name, now)


def _device(uid: str, kind: Kind, endpoint: str, name: str, now: datetime, **keys: str) -> Device:
    return Device(
        uid=uid,
        id=device_id(kind, endpoint),
        kind=kind,
        endpoint=endpoint,
        name=name[:MAX_NAME],
        created_at=now,
        last_seen_at=now,
        **keys,
    )


def _is_address(endpoint: str) -> bool:
    if len(endpoint) > MAX_ENDPOINT or not _VISIBLE.fullmatch(endpoint):
        return False
    try:
        place = urlsplit(endpoint)
        return (
            endpoint.startswith("https://")
            and bool(place.hostname)
            and place.port != 0
            and place.username is None
            and not place.fragment
        )
    except ValueError:
        return False


def _decoded(text: str, field: str) -> bytes:
    if not _BASE64URL.fullmatch(text):
        raise InvalidInput(field, "Send base64url.")
    try:
        return from_base64url(text)
    except ValueError:
        raise InvalidInput(field, "Send base64url.") from None
