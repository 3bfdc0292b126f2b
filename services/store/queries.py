"""What a query means, the same on both engines."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from services.errors import InvalidPath, InvalidValue
from services.store.contract import Cursor, Direction, Document, Query, Value
from services.store.paths import check_collection_path, check_document_path, check_group
from services.store.values import plain_value

_RANGES = ("<", "<=", ">", ">=")
MAX_DISJUNCTIONS = 30
PAGE = 500
"""Documents in memory at once while a result is streamed."""


def full_order(query: Query) -> tuple[tuple[str, Direction], ...]:
    """The order of the result before the tie by path: ranges order by their fields, too."""
    named = [field for field, _ in query.order_by]
    ranged = {field for field, operator, _ in query.where if operator in _RANGES}
    implied = sorted(ranged.difference(named))
    return query.order_by + tuple((field, last_direction(query)) for field in implied)


def last_direction(query: Query) -> Direction:
    """The direction in which ties are broken by path."""
    return query.order_by[-1][1] if query.order_by else "ascending"


def cursor_of(query: Query, document: Document) -> Cursor:
    """The place of `document` in the result of `query`; as `after`, it continues behind it."""
    values = tuple(_value(document, field) for field, _ in full_order(query))
    return Cursor(values, document.path)


def stream(query: Query, page: Callable[[Query], list[Document]]) -> Iterator[Document]:
    """The result of `query`, fetched by `page` in pieces that each continue behind the last."""
    left = math.inf if query.limit is None else query.limit
    while left > 0:
        size = int(min(PAGE, left))
        documents = page(replace(query, limit=size))
        yield from documents
        left -= len(documents)
        if len(documents) < size:
            return
        query = replace(query, after=cursor_of(query, documents[-1]))


def stream_all(
    after: str | None, page: Callable[[str | None, int], list[Document]]
) -> Iterator[Document]:
    """Every document behind `after`, fetched by `page` in pieces of at most so many."""
    while True:
        documents = page(after, PAGE)
        yield from documents
        if len(documents) < PAGE:
            return
        after = documents[-1].path


def check_query(query: Query) -> Query:
    """`query`, if both engines can run it, else InvalidPath or InvalidValue."""
    (check_group if query.group else check_collection_path)(query.collection)
    if query.limit is not None and query.limit < 1:
        raise InvalidValue(f"A query's limit is at least 1, not {query.limit}.")
    for field in {field for field, *_ in query.where + query.order_by}:
        if not all(field.split(".")):
            raise InvalidValue(f"A query names the field {field!r}, which cannot be.")
    for field, operator, value in query.where:
        _check_operand(field, operator, value)
    _check_disjunctions(query)
    if query.after is not None:
        _check_cursor(query, query.after)
    return query


def _check_operand(field: str, operator: str, value: Value) -> None:
    plain_value(value, f"The operand of {field}")
    if operator in _RANGES and _is_unordered(value):
        raise InvalidValue(f"A range of {field} cannot begin or end at {value}.")
    if operator == "in" and (not _list_of(value) or any(map(_is_unordered, _list_of(value)))):
        raise InvalidValue(f"`in` on {field} needs a list of values, without null and NaN.")


def _is_unordered(value: Value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _list_of(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list | tuple) else ()


def _check_disjunctions(query: Query) -> None:
    branches = math.prod(
        len(_list_of(value)) for _, operator, value in query.where if operator == "in"
    )
    if branches > MAX_DISJUNCTIONS:
        raise InvalidValue(
            f"A query has at most {MAX_DISJUNCTIONS} values of `in`, not {branches}."
        )


def _check_cursor(query: Query, cursor: Cursor) -> None:
    check_document_path(cursor.path)
    parent, _, _ = cursor.path.rpartition("/")
    if (parent.rpartition("/")[2] if query.group else parent) != query.collection:
        raise InvalidPath(f"A cursor at {cursor.path!r} is not in {query.collection!r}.")
    if len(cursor.values) != len(full_order(query)):
        raise InvalidValue("A cursor needs one value for each field that the query is ordered by.")
    for value in cursor.values:
        plain_value(value, "A cursor's value")


def _value(document: Document, field: str) -> Value:
    value: Value = document.fields
    for name in field.split("."):
        value = value[name]  # type: ignore[call-overload,index]  # ordered by it, so it is there
    return value
