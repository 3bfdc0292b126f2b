"""Cursors: opaque to programs, signed, and good for one person and one collection only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from itsdangerous import BadData, URLSafeSerializer

from services.errors import InvalidInput
from services.store.contract import Cursor
from web.context import me, services

T = TypeVar("T")
Place: TypeAlias = tuple[int, str]


def store_cursor(collection: str, text: str | None) -> Cursor | None:
    """The place in a collection ordered by one time that `text` names. Raises InvalidInput."""
    if text is None:
        return None
    time, document_id = _open(collection, text)
    return Cursor((datetime.fromisoformat(time),), f"users/{me().uid}/{collection}/{document_id}")


def text_of(collection: str, cursor: Cursor | None) -> str | None:
    """The text that `store_cursor` opens."""
    if cursor is None:
        return None
    (time,) = cursor.values
    if not isinstance(time, datetime):
        raise TypeError(f"{collection} must be ordered by a time.")
    return _signer(collection).dumps([time.isoformat(), cursor.path.rpartition("/")[2]])


def page_of_all(
    collection: str, placed: Sequence[tuple[Place, T]], text: str | None, limit: int
) -> tuple[list[T], str | None]:
    """A page of a short collection whose members, in order, are all at hand."""
    after = tuple(_open(collection, text)) if text is not None else None
    rest = [(place, item) for place, item in placed if after is None or place > after]
    more = len(rest) > limit
    following = _signer(collection).dumps(list(rest[limit - 1][0])) if more else None
    return [item for _, item in rest[:limit]], following


def _open(collection: str, text: str) -> list[Any]:
    try:
        place: list[Any] = _signer(collection).loads(text)
    except BadData:
        raise InvalidInput(
            "cursor", "This is no cursor of this list. Begin again without one."
        ) from None
    return place


def _signer(collection: str) -> URLSafeSerializer:
    keys = services().settings.signing_keys()
    return URLSafeSerializer(keys, salt=f"cursor:{me().uid}:{collection}")
