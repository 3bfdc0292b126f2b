"""Forms that count once, however often they are sent."""

import secrets
from collections.abc import Callable
from typing import cast

from services.errors import BellwetherError
from web.context import me, services

KEPT_SECONDS = 3_600
MAX_TOKEN = 64


def new_token() -> str:
    """A hidden field's value that names one opening of a form."""
    return secrets.token_urlsafe(12)


def once(token: str, create: Callable[[], str]) -> str | None:
    """The id that `create` returned, now or when the same form was sent before.

    None while the first sending still runs. What `create` raises lets the form count again.
    """
    redis, key = services().redis, f"form:{me().uid}:{token[:MAX_TOKEN]}"
    if not token:
        return create()
    if not redis.set(key, "", nx=True, ex=KEPT_SECONDS):
        before = cast(bytes | None, redis.get(key))
        return before.decode() if before else None
    try:
        created = create()
    except BellwetherError:
        redis.delete(key)
        raise
    redis.set(key, created, ex=KEPT_SECONDS)
    return created
