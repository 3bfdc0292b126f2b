"""What is looked at when old documents are let go: person by person, never all at once.

Queries over one person use the indexes that pages use anyway. An index of times over everybody's
triggers would slow each recording down, for a deletion that may wait some days.
"""

from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from services.store.alerts import Alert
from services.store.contract import Cursor, Document, Query, Set, Store
from services.store.queries import cursor_of
from services.store.record import Record, readable
from services.store.triggers import Trigger
from services.store.watchlists import Watchlist

PAGE = 200
PATH = "system/cleaning"
R = TypeVar("R", bound=Record)


class Round(BaseModel):
    """How far the present round through all people has come: to the document at `after`."""

    model_config = ConfigDict(frozen=True)

    after: str | None = None


class Keeping:
    def __init__(self, store: Store) -> None:
        self._store = store

    def round(self) -> Round:
        document = self._store.get(PATH)
        return Round.model_validate(document.fields) if document else Round()

    def save_round(self, after: str | None) -> None:
        self._store.write(Set(PATH, Round(after=after).model_dump()))

    def count_people(self) -> int:
        return self._store.count(Query("users"))

    def people(self, after: str | None, limit: int) -> list[Document]:
        """The next profiles behind that path."""
        cursor = Cursor((), after) if after else None
        return list(self._store.query(Query("users", limit=limit, after=cursor)))

    def old_triggers(
        self, uid: str, until: datetime, after: Cursor | None = None
    ) -> tuple[list[Trigger], Cursor | None]:
        """A page of what was noticed by `until`, newest first, and the cursor of the next."""
        query = Query(
            f"users/{uid}/triggers",
            where=(("noticed_at", "<=", until),),
            order_by=(("noticed_at", "descending"),),
            limit=PAGE,
            after=after,
        )
        return self._page(query, Trigger)

    def old_alerts(
        self, uid: str, until: datetime, after: Cursor | None = None
    ) -> tuple[list[Alert], Cursor | None]:
        """A page of alerts whose last moment lay at `until` or before, and the next's cursor."""
        query = Query(
            f"users/{uid}/alerts",
            where=(("expires_at", "<=", until),),
            order_by=(("expires_at", "ascending"),),
            limit=PAGE,
            after=after,
        )
        return self._page(query, Alert)

    def is_unused(self, uid: str) -> bool:
        """Whether nothing was ever set, rung, connected or put on a list."""
        if any(self._has(uid, name) for name in ("alerts", "triggers", "devices", "tokens")):
            return False
        lists = self._store.query(Query(f"users/{uid}/watchlist", limit=PAGE))
        return not any(one.symbols for one in readable(Watchlist, lists))

    def _has(self, uid: str, collection: str) -> bool:
        found = self._store.query(Query(f"users/{uid}/{collection}", limit=1))
        return next(found, None) is not None

    def _page(self, query: Query, record: type[R]) -> tuple[list[R], Cursor | None]:
        documents = list(self._store.query(query))
        following = cursor_of(query, documents[-1]) if len(documents) == PAGE else None
        return list(readable(record, documents)), following
