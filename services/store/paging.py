"""Pages of typed documents."""

from services.store.contract import Cursor, Document, Query, Store
from services.store.record import R


def page_of(
    store: Store, query: Query, limit: int, record: type[R]
) -> tuple[list[R], Cursor | None]:
    """The first `limit` records of `query` (which asks for one more), and the next cursor."""
    documents = list(store.query(query))
    shown = documents[:limit]
    more = len(documents) > limit
    return [record.from_document(d) for d in shown], _cursor(shown[-1], query) if more else None


def _cursor(last: Document, query: Query) -> Cursor:
    return Cursor(tuple(last.fields[field] for field, _ in query.order_by), last.path)
