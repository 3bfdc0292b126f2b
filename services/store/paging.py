"""Pages of typed documents."""

from services.store.contract import Cursor, Query, Store
from services.store.queries import cursor_of
from services.store.record import R


def page_of(
    store: Store, query: Query, limit: int, record: type[R]
) -> tuple[list[R], Cursor | None]:
    """The first `limit` records of `query` (which asks for one more), and the next cursor."""
    documents = list(store.query(query))
    shown = documents[:limit]
    cursor = cursor_of(query, shown[-1]) if len(documents) > limit else None
    return [record.from_document(document) for document in shown], cursor
