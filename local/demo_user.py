"""Who the demo's user is. Apart from demo.py, so that the supervisor need not load services."""

import base64
import hashlib
import hmac

EMAIL = "demo@bellwether.example"


def demo_password(signing_key: str) -> str:
    """The demo user's password: the same at every start on one data folder."""
    digest = hmac.digest(signing_key.encode(), b"password of the demo user", hashlib.sha256)
    return base64.b32encode(digest)[:12].decode().lower()
