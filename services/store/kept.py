"""A store whose first pages of what people look at are kept in Redis until they change.

Every commit passes here, whoever makes it, so that what is kept is dropped in one place. All but
`first` and `known_count` is the engine's own: decisions are never made on what was kept.
"""

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeVar, cast

from services.store.contract import Document, Query, Snapshot, Store, Transaction, Write
from services.store.encoding import from_json, to_json
from services.store.shelf import Found, Shelf
from services.store.values import Plain

T = TypeVar("T")
COLLECTIONS = frozenset({"watchlist", "alerts", "triggers"})
"""Those below a person whose pages are kept."""
_DECODED = 128
"""Pages that a process holds decoded; they are told apart by their bytes, so none is too old."""


class KeptStore:
    """The contract on another store, with its errors; `shelf` adds none."""

    def __init__(self, store: Store, shelf: Shelf) -> None:
        self._store = store
        self._shelf = shelf
        self._ahead: ContextVar[dict[tuple[str, str], Found]] = ContextVar("ahead")

    def get(self, path: str) -> Document | None:
        return self._store.get(path)

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        return self._store.get_all(paths)

    def write(self, *writes: Write) -> None:
        self._ahead.get({}).clear()
        writer = self._shelf.writer()
        writer.begin(_concerned(writes))
        self._store.write(*writes)
        writer.end()

    def transact(self, work: Callable[[Transaction], T]) -> T:
        self._ahead.get({}).clear()
        writer = self._shelf.writer()

        def announced(transaction: Transaction) -> T:
            noted = _Noted(transaction)
            result = work(noted)
            writer.begin(_concerned(noted.writes))
            return result

        result = self._store.transact(announced)
        writer.end()
        return result

    def query(self, query: Query) -> Iterator[Document]:
        return self._store.query(query)

    def count(self, query: Query) -> int:
        return self._store.count(query)

    def all(self, after: str | None = None) -> Iterator[Document]:
        return self._store.all(after)

    def size(self) -> int:
        return self._store.size()

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        return self._store.snapshot()

    def ping(self) -> None:
        self._store.ping()

    def close(self) -> None:
        self._store.close()

    def first(self, query: Query) -> Sequence[Document]:
        """The result of a query with a limit, as of now or as it was kept.

        Kept are the first pages of a collection in one order, of each the longest: shorter ones
        are its beginning.
        """
        if query.limit is None or not _can_be_kept(query):
            return list(self._store.query(query))
        name = _page_name(query)
        found = self._look(query.collection, name)
        limit, documents = _decoded(query.collection, found.page) if found.page else (0, ())
        if limit < query.limit and len(documents) == limit:
            documents = tuple(self._store.query(query))
            if found.generation:
                page = _encoded(query.limit, documents)
                self._shelf.put(query.collection, found.generation, name, page)
                _limit, documents = _decoded(query.collection, page)  # the objects of later looks
        return documents[: query.limit]

    def known_count(self, query: Query) -> int:
        """How many documents match, as of now or as it was kept; for few different queries."""
        if not _is_kept(query.collection):
            return self._store.count(query)
        name = _count_name(query)
        found = self._look(query.collection, name)
        if found.page is not None:
            return int(found.page)
        number = self._store.count(query)
        if found.generation:
            self._shelf.put(query.collection, found.generation, name, str(number).encode())
        return number

    @contextmanager
    def looking_ahead(self, pages: Sequence[Query], counts: Sequence[Query]) -> Iterator[None]:
        """Look up at once what is kept of these: for `first` and `known_count` of each, once,
        within the context and before anything is written."""
        asked = [(query.collection, _page_name(query)) for query in pages if _can_be_kept(query)]
        asked += [(one.collection, _count_name(one)) for one in counts if _is_kept(one.collection)]
        before = self._ahead.set(dict(zip(asked, self._shelf.look_all(asked), strict=True)))
        try:
            yield
        finally:
            self._ahead.reset(before)

    def _look(self, collection: str, name: str) -> Found:
        found = self._ahead.get({}).pop((collection, name), None)
        return self._shelf.look(collection, name) if found is None else found


class _Noted:
    """A transaction that notes what it is asked to write."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.writes: list[Write] = []

    def get(self, path: str) -> Document | None:
        return self._transaction.get(path)

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        return self._transaction.get_all(paths)

    def write(self, *writes: Write) -> None:
        self._transaction.write(*writes)
        self.writes += writes


def _page_name(query: Query) -> str:
    return " ".join(["page", *(part for order in query.order_by for part in order)])


def _count_name(query: Query) -> str:
    return f"count {query.where} {query.limit}"


def _can_be_kept(query: Query) -> bool:
    whole = not (query.group or query.where or query.after)
    return whole and _is_kept(query.collection)


def _concerned(writes: Iterable[Write]) -> Collection[str]:
    """The collections and people of whom something may be kept."""
    paths = {write.path for write in writes}
    collections = {path.rpartition("/")[0] for path in paths}
    return {one for one in paths if _is_person(one)} | {one for one in collections if _is_kept(one)}


def _is_person(path: str) -> bool:
    """What is kept of one is `services/accounts/profiles.py`'s."""
    return path.startswith("users/") and path.count("/") == 1


def _is_kept(collection: str) -> bool:
    parts = collection.split("/")
    return len(parts) == 3 and parts[0] == "users" and parts[2] in COLLECTIONS


def _encoded(limit: int, documents: Iterable[Document]) -> bytes:
    rows: list[Plain] = [
        [document.id, document.version, cast(Plain, document.fields)] for document in documents
    ]
    return zlib.compress(to_json({"limit": limit, "rows": rows}).encode(), level=1)


@lru_cache(_DECODED)
def _decoded(collection: str, page: bytes) -> tuple[int, tuple[Document, ...]]:
    """The limit under which a page was read, and its documents."""
    content: dict[str, Any] = from_json(zlib.decompress(page).decode())
    return content["limit"], tuple(
        Document(f"{collection}/{name}", fields, version)
        for name, version, fields in content["rows"]
    )
