"""The embedded engine: one SQLite file, safe for many threads and processes of one machine."""

import os
import secrets
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from services.errors import Contention, StoreUnavailable
from services.store.batch import Buffered, check_batch, check_precondition
from services.store.contract import (
    Create,
    Delete,
    Document,
    Fields,
    Query,
    Set,
    Snapshot,
    Transaction,
    Update,
    Write,
)
from services.store.encoding import from_json, to_json
from services.store.paths import check_document_path, key_of, path_of
from services.store.queries import check_query, stream, stream_all
from services.store.server_time import stamped
from services.store.sqlite_file import explained, is_busy, open_database
from services.store.sqlite_health import back_up, check_at_start
from services.store.sqlite_query import select, select_count
from services.store.sqlite_turns import begin_writing
from services.store.values import plain_fields

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_READ = "SELECT key, fields, version FROM documents WHERE key = ?"
_VERSION = "SELECT version, key, fields FROM documents WHERE key = ?"
_KEEP_VERSION = "UPDATE documents SET version = ? WHERE key = ? AND fields = ?"
_READ_BEHIND = "SELECT key, fields, version FROM documents WHERE key > ? ORDER BY key LIMIT ?"
_WRITE = """
INSERT INTO documents (key, parent, name, fields, version) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET fields = excluded.fields,
    version = CASE fields WHEN excluded.fields THEN version ELSE excluded.version END
"""


def _machine_time() -> datetime:
    """The time of this machine, which is the server of its file."""
    return _EPOCH + timedelta(microseconds=time.time_ns() // 1_000)


class SqliteStore:
    """The contract on the file at `path`, which is made when it is missing.

    One writer at a time, also across processes; readers are never held up. What a call
    acknowledges is on the disk.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] = _machine_time) -> None:
        self._path = path
        self._clock = clock
        # By process id, for a connection must not be used on the other side of a fork.
        self._idle: dict[int, deque[sqlite3.Connection]] = {}
        self._found_sound: set[int] = set()  # processes, by id

    def get(self, path: str) -> Document | None:
        key = key_of(check_document_path(path))
        with self._connection() as connection:
            return _read(connection, key)

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        keys = [key_of(check_document_path(path)) for path in paths]
        with self._connection() as connection, _snapshot(connection):
            return [_read(connection, key) for key in keys]

    def write(self, *writes: Write) -> None:
        check_batch(writes)
        if not writes:
            return
        with self._connection() as connection, _writing(connection):
            _apply(connection, writes, self._clock())

    def transact(self, work: Callable[[Transaction], T]) -> T:
        with self._connection() as connection:
            try:
                begin_writing(connection)
            except sqlite3.OperationalError as error:
                if is_busy(error):
                    raise Contention("Other writers kept the database busy; try again.") from error
                raise
            with _ended(connection):
                transaction = _SqliteTransaction(connection)
                result = work(transaction)
                _apply(connection, transaction.writes, self._clock())
                return result

    def query(self, query: Query) -> Iterator[Document]:
        return stream(check_query(query), self._page)

    def count(self, query: Query) -> int:
        statement = select_count(check_query(query))
        with self._connection() as connection:
            (number,) = connection.execute(statement.sql, statement.parameters).fetchone()
        return int(number)

    def all(self, after: str | None = None) -> Iterator[Document]:
        if after is not None:
            check_document_path(after)
        return stream_all(after, self._page_of_all)

    def size(self) -> int:
        with self._connection() as connection:
            return _size(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Readers and writers are not held up; the log beside the file grows until its end."""
        with self._connection() as connection, _snapshot(connection):
            connection.execute("SELECT key FROM documents LIMIT 1").fetchone()  # begins it
            yield _SqliteSnapshot(connection, self._clock())

    def ping(self) -> None:
        with self._connection() as connection:
            connection.execute("SELECT version FROM documents LIMIT 1").fetchone()

    def backup(self, target: Path) -> None:
        """Copy the whole store, as it is at one moment, to the file `target`; others may write
        meanwhile. `target` is replaced once the copy has been verified, else left alone."""
        with self._connection() as connection:
            back_up(connection, self._path, target)

    def close(self) -> None:
        for connection in self._idle.pop(os.getpid(), ()):
            connection.close()

    def _page(self, query: Query) -> list[Document]:
        statement = select(query)
        with self._connection() as connection:
            return [
                _document(row) for row in connection.execute(statement.sql, statement.parameters)
            ]

    def _page_of_all(self, after: str | None, size: int) -> list[Document]:
        with self._connection() as connection:
            return _page_of_all(connection, after, size)

    def _open(self) -> sqlite3.Connection:
        """A new connection; the first one of each process looks whether the file is sound."""
        connection = open_database(self._path)
        if os.getpid() not in self._found_sound:
            try:
                with explained(self._path):
                    check_at_start(connection, self._path)
            except StoreUnavailable:
                connection.close()
                raise
            self._found_sound.add(os.getpid())
        return connection

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile; errors come out as StoreUnavailable."""
        idle = self._idle.setdefault(os.getpid(), deque())
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._open()
        try:
            with explained(self._path):
                yield connection
        finally:
            if connection.in_transaction:  # interrupted where nobody could end it
                connection.close()
            else:
                idle.append(connection)


class _SqliteSnapshot:
    """What the connection sees since its transaction began."""

    def __init__(self, connection: sqlite3.Connection, read_time: datetime) -> None:
        self._connection = connection
        self.read_time = read_time

    def all(self, after: str | None = None) -> Iterator[Document]:
        return stream_all(after, partial(_page_of_all, self._connection))

    def size(self) -> int:
        return _size(self._connection)


class _SqliteTransaction(Buffered):
    """Reads from the connection that holds the write lock."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    def _fetch(self, paths: Sequence[str]) -> list[Document | None]:
        return [_read(self._connection, key_of(path)) for path in paths]


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    with _ended(connection):
        yield


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    begin_writing(connection)
    with _ended(connection):
        yield


@contextmanager
def _ended(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits the begun transaction, or rolls it back if anything fails, the commit included."""
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _read(connection: sqlite3.Connection, key: bytes) -> Document | None:
    row = connection.execute(_READ, (key,)).fetchone()
    return None if row is None else _document(row)


def _page_of_all(connection: sqlite3.Connection, after: str | None, size: int) -> list[Document]:
    key = b"" if after is None else key_of(after)
    return [_document(row) for row in connection.execute(_READ_BEHIND, (key, size))]


def _size(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("SELECT count(*) FROM documents").fetchone()
    return int(number)


def _document(row: tuple[bytes, str, str]) -> Document:
    key, fields, version = row
    return Document(path_of(key), from_json(fields), version)


def _apply(connection: sqlite3.Connection, writes: Sequence[Write], now: datetime) -> None:
    version = secrets.token_hex(8)
    times = Counter(write.path for write in writes)
    deleted = {write.path for write in writes if isinstance(write, Delete)}
    keys = [key_of(path) for path, count in times.items() if count > 1 and path not in deleted]
    before = [connection.execute(_VERSION, (key,)).fetchone() for key in keys]
    for write in writes:
        key = key_of(write.path)
        if isinstance(write, Delete):
            connection.execute("DELETE FROM documents WHERE key = ?", (key,))
        else:
            fields = to_json(plain_fields(write.path, _result(write, _read(connection, key), now)))
            parent = write.path.rpartition("/")[0]
            name = parent.rpartition("/")[2]
            connection.execute(_WRITE, (key, parent, name, fields, version))
    # Several writes that together change nothing leave the version, as one does.
    connection.executemany(_KEEP_VERSION, filter(None, before))


def _result(write: Create | Set | Update, stored: Document | None, now: datetime) -> Fields:
    """The fields after `write` at `now`, or the error of the precondition that does not hold."""
    check_precondition(write, stored)
    if isinstance(write, Update) and stored is not None:
        return {**stored.fields, **stamped(write.fields, now)}
    return stamped(write.fields, now)
