"""The document contract: what both engines promise, and all that the rest may rely on.

A document is a mapping of field names to values at a path such as
`users/01H.../alerts/01J...`: collection and id alternate. Values are null, booleans,
integers, floats, strings, aware UTC datetimes (microseconds), lists and string-keyed
maps. Reads see every write acknowledged before them.

Order of values, within and between types, is Firestore's: null, booleans, numbers
(integers and floats as one), timestamps, strings by UTF-8 bytes, arrays, maps.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias, TypeVar

Value: TypeAlias = (
    "bool | int | float | str | datetime | Sequence[Value] | Mapping[str, Value] | None"
)
Fields: TypeAlias = Mapping[str, Value]


class ServerTime(Enum):
    """The type of SERVER_TIME."""

    NOW = "the time of the commit"


SERVER_TIME: Final = ServerTime.NOW
"""As the value of a top-level field that is written: the store's own time of the commit, the
same in all its fields and documents, exact to a millisecond at least. Read as a datetime."""

WrittenFields: TypeAlias = "Mapping[str, Value | ServerTime]"
Operator: TypeAlias = Literal["==", "<", "<=", ">", ">=", "in"]
Direction: TypeAlias = Literal["ascending", "descending"]
T = TypeVar("T")

MAX_BATCH = 500
"""Writes in one atomic `write`, at most."""


@dataclass(frozen=True, slots=True)
class Document:
    """A stored document. `version` changes with every write that changes it, and serves as
    a precondition."""

    path: str
    fields: Fields = field(hash=False)
    version: str

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Create:
    """Write a document that must not exist yet, else `AlreadyExists`."""

    path: str
    fields: WrittenFields


@dataclass(frozen=True, slots=True)
class Set:
    """Write a whole document, whether or not one exists."""

    path: str
    fields: WrittenFields


@dataclass(frozen=True, slots=True)
class Update:
    """Replace the named top-level fields of a document that must exist, else `NotFound`.

    With `version`, the document must still be there with that version, else `Conflict`.
    """

    path: str
    fields: WrittenFields
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a document; one that is not there is no error."""

    path: str


Write: TypeAlias = Create | Set | Update | Delete


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the values of the order fields of its last document, and its path."""

    values: tuple[Value, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Query:
    """Documents of one collection (`users/U/alerts`), or of a collection group (`alerts`).

    `where` holds (field, operator, value); fields may be dotted into maps. Ranges compare
    within one type. A document without an `order_by` field is not in the result. Ties are
    broken by path, in the direction of the last order. `after` continues behind a cursor.
    """

    collection: str
    group: bool = False
    where: tuple[tuple[str, Operator, Value], ...] = ()
    order_by: tuple[tuple[str, Direction], ...] = ()
    limit: int | None = None
    after: Cursor | None = None


class Reader(Protocol):
    def get(self, path: str) -> Document | None:
        """The document at `path`, or None."""

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        """The documents at `paths` as of one moment, in their order, None where there is none."""


class Transaction(Reader, Protocol):
    """Reads see one consistent state; writes are kept back and applied together at the end.

    All reads come before the first write (Firestore's rule; both engines enforce it).
    """

    def write(self, *writes: Write) -> None: ...


class Snapshot(Protocol):
    """All documents as they were at one moment, whatever is written meanwhile."""

    @property
    def read_time(self) -> datetime:
        """That moment, by the store's clock."""

    def all(self, after: str | None = None) -> Iterator[Document]:
        """Every document, streamed by path, from behind `after`."""

    def size(self) -> int:
        """How many documents there were."""


class Store(Reader, Protocol):
    """One engine. Every method may raise `StoreUnavailable`."""

    def write(self, *writes: Write) -> None:
        """Apply up to MAX_BATCH writes atomically: all of them or none.

        Raises AlreadyExists, NotFound or Conflict when a precondition does not hold.
        """

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a read-write transaction and return its result once committed.

        `work` may run several times and must have no other effect. Raises Contention when
        it could not be committed before the engine's deadline.
        """

    def query(self, query: Query) -> Iterator[Document]:
        """The matching documents, streamed in pages; never all in memory at once."""

    def count(self, query: Query) -> int:
        """How many documents match."""

    def all(self, after: str | None = None) -> Iterator[Document]:
        """Every document, streamed by path (part by part, as UTF-8), from behind `after`.

        Not of one moment: what is written meanwhile is in the result or not.
        """

    def size(self) -> int:
        """How many documents there are."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """The documents as of now, for as long as the context lasts."""

    def ping(self) -> None:
        """Return when the store answers, else raise StoreUnavailable."""

    def close(self) -> None: ...
