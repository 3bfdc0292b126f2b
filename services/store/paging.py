"""Pages of typed documents."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import cast

from services.store.contract import Cursor, Document, Query, Store
from services.store.kept import KeptStore
from services.store.queries import cursor_of
from services.store.record import R, Record

REMEMBERED = 4_000
"""Records that a process holds, of documents whose fields are equal."""


def page_of(
    store: Store, query: Query, limit: int, record: type[R]
) -> tuple[list[R], Cursor | None]:
    """The first `limit` records of `query` (which asks for one more), and the next cursor."""
    documents = first_of(store, query)
    shown = documents[:limit]
    cursor = cursor_of(query, shown[-1]) if len(documents) > limit else None
    return [cast(R, _as_record(record, document)) for document in shown], cursor


def first_of(store: Store, query: Query) -> Sequence[Document]:
    """The result of a query, as it was kept for pages where the store keeps any."""
    return store.first(query) if isinstance(store, KeptStore) else list(store.query(query))


def count_of(store: Store, query: Query) -> int:
    """How many documents match, as it was kept for pages where the store keeps any."""
    return store.known_count(query) if isinstance(store, KeptStore) else store.count(query)


def looking_ahead(
    store: Store, pages: Sequence[Query], counts: Sequence[Query] = ()
) -> AbstractContextManager[None]:
    """A context in which the first pages and counts of these queries, which are asked for next,
    take one round trip where the store keeps any."""
    return store.looking_ahead(pages, counts) if isinstance(store, KeptStore) else nullcontext()


@lru_cache(REMEMBERED)
def _as_record(record: type[Record], document: Document) -> Record:
    return record.from_document(document)
