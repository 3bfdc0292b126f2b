"""Running migrations: page by page, each page in one commit with how far it is, so that one that
is killed goes on where it stopped."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias

from services.errors import Conflict, NotFound
from services.migrations.all import MIGRATIONS
from services.migrations.migration import Migration
from services.store.contract import Document, Store, Update, Write
from services.store.schema import Schema, SchemaState

Progress: TypeAlias = Callable[[int], object]
"""Is told how many more documents were looked at."""
TRIES = 10
"""Of a page whose documents others change meanwhile."""


class Migrations:
    def __init__(self, store: Store, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self._schema = Schema(store)
        self._migrations = migrations

    def pending(self) -> list[Migration]:
        """Those that are not done, in order."""
        version = self._schema.read()[0].version
        return [one for one in self._migrations if one.number > version]

    def begun(self) -> bool:
        """Whether one was interrupted."""
        return self._schema.read()[0].running is not None

    def count(self, migration: Migration, progress: Progress = lambda _: None) -> int:
        """How many documents it would change. Nothing is written."""
        found = 0
        for page in self._pages(migration.group):
            found += len(_changes(migration, page))
            progress(len(page))
        return found

    def run(self, migration: Migration, now: datetime, progress: Progress = lambda _: None) -> int:
        """Run it from where it stopped; returns how many documents it has changed in all.

        Raises Conflict when another process runs it at the same time.
        """
        while True:
            looked_at = self._try_page(migration, now)
            if looked_at is None:
                return self._finish(migration, now)
            progress(looked_at)

    def _try_page(self, migration: Migration, now: datetime) -> int | None:
        """How many documents were looked at, None behind the last one."""
        for left in reversed(range(TRIES)):
            state, seen = self._schema.read()
            at = state if state.running == migration.number else SchemaState(version=state.version)
            page = self._schema.page(migration.group, at.after)
            if not page:
                return None
            writes = _changes(migration, page)
            coming = SchemaState(
                version=state.version,
                running=migration.number,
                after=page[-1].path,
                changed=at.changed + len(writes),
                at=now,
            )
            try:
                self._schema.come_on(coming, seen, writes)
                return len(page)
            except (Conflict, NotFound):  # a document was changed or deleted: look again
                self._schema.require_same(seen)
                if not left:
                    raise
        return None

    def _finish(self, migration: Migration, now: datetime) -> int:
        state, seen = self._schema.read()
        changed = state.changed if state.running == migration.number else 0
        self._schema.come_on(SchemaState(version=migration.number, at=now), seen, [])
        return changed

    def _pages(self, group: str) -> Iterator[list[Document]]:
        after: str | None = None
        while page := self._schema.page(group, after):
            yield page
            after = page[-1].path


def _changes(migration: Migration, page: Sequence[Document]) -> list[Write]:
    changed = ((document, migration.change(document.fields)) for document in page)
    return [
        Update(document.path, fields, version=document.version)
        for document, fields in changed
        if fields
    ]
