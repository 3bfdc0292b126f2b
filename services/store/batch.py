"""Writes that are applied together, the same on both engines."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime

from services.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from services.store.contract import MAX_BATCH, Create, Delete, Document, Update, Write
from services.store.paths import check_document_path
from services.store.server_time import stamped
from services.store.values import plain_fields

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def check_batch(writes: Sequence[Write]) -> None:
    """Raises InvalidPath or InvalidValue when no engine could apply `writes`; AlreadyExists,
    NotFound or Conflict when an earlier one of them rules a later one out."""
    if len(writes) > MAX_BATCH:
        raise InvalidValue(f"{len(writes)} writes at once; the limit is {MAX_BATCH}.")
    for write in writes:
        check_document_path(write.path)
        if isinstance(write, Delete):
            continue
        plain_fields(write.path, stamped(write.fields, _ANY_TIME))
        if isinstance(write, Update) and not write.fields:
            raise InvalidValue(f"The update of {write.path} names no field.")
    _check_sequence(writes)


def _check_sequence(writes: Sequence[Write]) -> None:
    """Firestore refuses such writes as malformed, without telling which and why."""
    is_there: dict[str, bool] = {}
    for write in writes:
        known = is_there.get(write.path)
        if known and isinstance(write, Create):
            raise AlreadyExists(f"{write.path} is written before it is created.")
        if known is not None and isinstance(write, Update) and write.version is not None:
            raise Conflict(f"{write.path} is written before it is updated at a version.")
        if known is False and isinstance(write, Update):
            raise NotFound(f"{write.path} is deleted before it is updated.")
        is_there[write.path] = not isinstance(write, Delete)


def check_precondition(write: Write, stored: Document | None) -> None:
    """Raises AlreadyExists, NotFound or Conflict when `write` cannot be applied to `stored`."""
    if isinstance(write, Create) and stored is not None:
        raise AlreadyExists(f"{write.path} exists already.")
    if not isinstance(write, Update):
        return
    if write.version is not None and (stored is None or stored.version != write.version):
        raise Conflict(f"{write.path} was changed by somebody else.")
    if stored is None:
        raise NotFound(f"{write.path} is not there to be updated.")


class Buffered(ABC):
    """A transaction that keeps its writes back, and refuses reads after the first one."""

    def __init__(self) -> None:
        self.writes: list[Write] = []

    def get(self, path: str) -> Document | None:
        return self.get_all([path])[0]

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        if self.writes:
            raise RuntimeError("In a transaction all reads come before the first write.")
        return self._fetch([check_document_path(path) for path in paths])

    def write(self, *writes: Write) -> None:
        self.writes += writes
        check_batch(self.writes)

    @abstractmethod
    def _fetch(self, paths: Sequence[str]) -> list[Document | None]: ...
