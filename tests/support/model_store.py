"""The contract of the store on a dict: what both engines are held against."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from services.errors import AlreadyExists, Conflict, NotFound
from services.store.batch import check_batch
from services.store.contract import (
    Create,
    Cursor,
    Delete,
    Document,
    Fields,
    Query,
    Transaction,
    Update,
    Value,
    Write,
)

T = TypeVar("T")
MISSING = object()


class ModelStore:
    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._commits = 0

    def get(self, path: str) -> Document | None:
        return self._documents.get(path)

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        return [self.get(path) for path in paths]

    def write(self, *writes: Write) -> None:
        check_batch(writes)
        after = dict(self._documents)
        self._commits += 1
        for write in writes:
            if isinstance(write, Delete):
                after.pop(write.path, None)
            else:
                fields = result(write, after.get(write.path))
                after[write.path] = Document(write.path, fields, str(self._commits))
        for path, document in after.items():
            before = self._documents.get(path)
            deleted = any(isinstance(w, Delete) and w.path == path for w in writes)
            if before and not deleted and typed(before.fields) == typed(document.fields):
                after[path] = before  # a write that changes nothing leaves the version
        self._documents = after

    def transact(self, work: Callable[[Transaction], T]) -> T:
        transaction = ModelTransaction(self)
        answer = work(transaction)
        self.write(*transaction.writes)
        return answer

    def query(self, query: Query) -> list[Document]:
        found = [document for document in self._documents.values() if matches(query, document)]
        found.sort(key=lambda document: path_key(document.path), reverse=is_reversed(query))
        for field, direction in reversed(order_of(query)):
            found.sort(
                key=lambda document: key(value_at(document.fields, field)),
                reverse=direction == "descending",
            )
        if query.after is not None:
            found = [document for document in found if is_behind(query, query.after, document)]
        return found[: query.limit]

    def count(self, query: Query) -> int:
        return len(self.query(query))


class ModelTransaction:
    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self.writes: list[Write] = []

    def get(self, path: str) -> Document | None:
        return self.get_all([path])[0]

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        if self.writes:
            raise RuntimeError("reads come before the first write")
        return self._store.get_all(paths)

    def write(self, *writes: Write) -> None:
        self.writes += writes
        check_batch(self.writes)


def result(write: Write, stored: Document | None) -> Fields:
    """The fields after `write`, or the error that ends it."""
    assert not isinstance(write, Delete)
    if isinstance(write, Create) and stored:
        raise AlreadyExists(write.path)
    if not isinstance(write, Update):
        return write.fields
    if write.version is not None and (stored is None or stored.version != write.version):
        raise Conflict(write.path)
    if stored is None:
        raise NotFound(write.path)
    return {**stored.fields, **write.fields}


def order_of(query: Query) -> list[tuple[str, str]]:
    named = {field for field, _ in query.order_by}
    ranged = {field for field, operator, _ in query.where if operator not in ("==", "in")}
    last = "descending" if is_reversed(query) else "ascending"
    return [*query.order_by, *((field, last) for field in sorted(ranged - named))]


def is_reversed(query: Query) -> bool:
    return bool(query.order_by) and query.order_by[-1][1] == "descending"


def matches(query: Query, document: Document) -> bool:
    parent = document.path.rpartition("/")[0]
    if (parent.rpartition("/")[2] if query.group else parent) != query.collection:
        return False
    if any(value_at(document.fields, field) is MISSING for field, _ in order_of(query)):
        return False
    return all(
        holds(value_at(document.fields, field), operator, operand)
        for field, operator, operand in query.where
    )


def holds(value: object, operator: str, operand: Value) -> bool:
    if value is MISSING:
        return False
    if operator == "in":
        assert isinstance(operand, list)
        return any(key(value) == key(item) for item in operand)
    ours, theirs = key(value), key(operand)
    if operator == "==":
        return ours == theirs
    if ours[0] != theirs[0] or value != value:  # a range stays within one type, without NaN
        return False
    sign = (ours > theirs) - (ours < theirs)
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[operator]


def is_behind(query: Query, cursor: Cursor, document: Document) -> bool:
    for (field, direction), place in zip(order_of(query), cursor.values, strict=True):
        ours, theirs = key(value_at(document.fields, field)), key(place)
        if ours != theirs:
            return (ours > theirs) == (direction == "ascending")
    ours, theirs = path_key(document.path), path_key(cursor.path)
    return ours < theirs if is_reversed(query) else ours > theirs


def value_at(fields: object, field: str) -> object:
    for name in field.split("."):
        if not isinstance(fields, dict) or name not in fields:
            return MISSING
        fields = fields[name]
    return fields


def path_key(path: str) -> list[bytes]:
    return [part.encode() for part in path.split("/")]


def key(value: object) -> tuple[object, ...]:
    """Sorts as Firestore does: by type, then within it."""
    if value is None:
        return (0,)
    if isinstance(value, bool):
        return (1, value)
    if isinstance(value, int | float):
        return (2, value == value, value if value == value else 0)  # NaN sorts first
    if isinstance(value, datetime):
        return (3, value)
    if isinstance(value, str):
        return (4, value.encode())
    if isinstance(value, list):
        return (5, *map(key, value))
    assert isinstance(value, dict)
    return (6, *sorted((name.encode(), key(item)) for name, item in value.items()))


def typed(value: object) -> object:
    """A form in which equal values of different types differ, and the order of a map does not."""
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}
    return [typed(item) for item in value] if isinstance(value, list) else repr(value)
