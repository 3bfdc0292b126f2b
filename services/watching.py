"""The first watchlist, which nobody has to make."""

from contextlib import suppress
from datetime import datetime

from services.errors import AlreadyExists
from services.store.watchlists import Watchlist, Watchlists

DEFAULT_ID = "default"
DEFAULT_NAME = "Watchlist"


def ensure_default(watchlists: Watchlists, uid: str, now: datetime) -> list[Watchlist]:
    """All lists of a person in their order; one who has none gets the default list.

    Its id is fixed, so that however many requests find no list at once, one list is made.
    """
    if lists := watchlists.of(uid):
        return lists
    first = Watchlist(uid=uid, id=DEFAULT_ID, name=DEFAULT_NAME, position=0, created_at=now)
    with suppress(AlreadyExists):
        watchlists.create(first)
    return watchlists.of(uid)
