"""What happened to the safety of accounts: `users/{uid}/events/{id}`."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Literal, TypeAlias

from pydantic import Field

from services.store.contract import MAX_BATCH, Create, Delete, Query, Store
from services.store.record import Record, readable

EventKind: TypeAlias = Literal[
    "signed_in",
    "sign_in_failed",
    "signed_out_everywhere",
    "password_changed",
    "password_reset",
    "email_confirmed",
    "token_made",
    "channel_added",
    "channel_removed",
    "secret_renewed",
    "device_added",
    "device_removed",
    "data_exported",
]
MAX_ABOUT = 60


class Event(Record):
    """Something that its owner may want to have been: `at`, UTC, from the network `address`.

    `browser` is its family and system as it says itself, "" where nothing is known. `about` names
    the channel or device. `count` is how often it happened since `since`, for what is told
    together.
    """

    uid: str
    id: str
    kind: EventKind
    at: datetime
    address: str = Field(max_length=60)
    browser: str = Field("", max_length=60)
    about: str = Field("", max_length=MAX_ABOUT)
    count: int = 1
    since: datetime | None = None


class Events:
    """Reads and writes events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, event: Event) -> None:
        self._store.write(Create(f"users/{event.uid}/events/{event.id}", event.fields()))

    def newest(self, uid: str, limit: int) -> list[Event]:
        """The newest first."""
        query = Query(f"users/{uid}/events", order_by=(("at", "descending"),), limit=limit)
        return list(readable(Event, self._store.query(query)))

    def forget_behind(self, uid: str, limit: int) -> int:
        """Delete all but the newest `limit`; returns how many."""
        query = Query(f"users/{uid}/events", order_by=(("at", "descending"),))
        paths = (document.path for document in self._store.query(query))
        return self._forget(islice(paths, limit, None))

    def forget_before(self, until: datetime) -> int:
        """Delete everybody's that happened before; returns how many."""
        query = Query("events", group=True, where=(("at", "<", until),))
        return self._forget(document.path for document in self._store.query(query))

    def _forget(self, paths: Iterator[str]) -> int:
        number = 0
        while some := list(islice(paths, MAX_BATCH)):
            self._store.write(*map(Delete, some))
            number += len(some)
        return number
