"""A query of the contract as Firestore's own message."""

import math
from typing import Any

from google.cloud.firestore_v1.types import StructuredQuery

from services.store.contract import Direction, Operator, Query, Value
from services.store.firestore_values import field_path, fill_value
from services.store.queries import full_order, last_direction
from services.store.values import plain_value

_Message = StructuredQuery.pb()
_OPERATORS = {
    "==": StructuredQuery.FieldFilter.Operator.EQUAL,
    "<": StructuredQuery.FieldFilter.Operator.LESS_THAN,
    "<=": StructuredQuery.FieldFilter.Operator.LESS_THAN_OR_EQUAL,
    ">": StructuredQuery.FieldFilter.Operator.GREATER_THAN,
    ">=": StructuredQuery.FieldFilter.Operator.GREATER_THAN_OR_EQUAL,
    "in": StructuredQuery.FieldFilter.Operator.IN,
}
_DIRECTIONS = {
    "ascending": StructuredQuery.Direction.ASCENDING,
    "descending": StructuredQuery.Direction.DESCENDING,
}


def query_message(root: str, query: Query) -> Any:
    """`query` as a message; `root` is the database's name for all documents, with a slash."""
    message = _Message()
    source = message.from_.add()
    source.collection_id = query.collection.rpartition("/")[2]
    source.all_descendants = query.group
    _add_filters(message, query)
    for field, direction in full_order(query):
        _add_order(message, field_path(*field.split(".")), direction)
    _add_order(message, "__name__", last_direction(query))
    if query.after is not None:
        message.start_at.before = False
        for value in query.after.values:
            fill_value(message.start_at.values.add(), plain_value(value, "A cursor's value"))
        message.start_at.values.add().reference_value = root + query.after.path
    if query.limit is not None:
        message.limit.value = query.limit
    return message


def message_of_all(root: str, after: str | None = None) -> Any:
    """A message for all documents of the database by name, from behind the path `after`."""
    message = _Message()
    message.from_.add().all_descendants = True  # of no collection in particular
    _add_order(message, "__name__", "ascending")
    if after is not None:
        message.start_at.before = False
        message.start_at.values.add().reference_value = root + after
    return message


def parent_of(root: str, query: Query) -> str:
    """The name of the document above the query's collection; of the database for a group."""
    above = "" if query.group else query.collection.rpartition("/")[0]
    return (root + above).rstrip("/")


def _add_filters(message: Any, query: Query) -> None:
    if not query.where:
        return
    message.where.composite_filter.op = StructuredQuery.CompositeFilter.Operator.AND
    for field, operator, value in query.where:
        _fill_filter(message.where.composite_filter.filters.add(), field, operator, value)


def _fill_filter(target: Any, field: str, operator: Operator, value: Value) -> None:
    path = field_path(*field.split("."))
    if value is None or (isinstance(value, float) and math.isnan(value)):
        unary = StructuredQuery.UnaryFilter.Operator
        target.unary_filter.op = unary.IS_NULL if value is None else unary.IS_NAN
        target.unary_filter.field.field_path = path
        return
    target.field_filter.field.field_path = path
    target.field_filter.op = _OPERATORS[operator]
    fill_value(target.field_filter.value, plain_value(value, f"The operand of {field}"))


def _add_order(message: Any, path: str, direction: Direction) -> None:
    order = message.order_by.add()
    order.field.field_path = path
    order.direction = _DIRECTIONS[direction]
