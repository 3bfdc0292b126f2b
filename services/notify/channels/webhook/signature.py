"""Signs what is posted, so that its receiver knows who sent it and when. Pure."""

import hashlib
import hmac
import secrets
from datetime import datetime

HEADER = "Bellwether-Signature"


def new_secret() -> str:
    """32 random bytes in 43 characters."""
    return secrets.token_urlsafe(32)


def sign(secret: str, body: bytes, now: datetime) -> str:
    """The header's value: `t=<Unix seconds>,v1=<HMAC-SHA256 of "t.body" in hexadecimal>`."""
    at = int(now.timestamp())
    signed = b"%d.%b" % (at, body)
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
