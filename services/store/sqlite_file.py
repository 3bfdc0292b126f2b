"""Opening the SQLite file: its schema, its settings, and what its errors mean to a person."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.errors import StoreUnavailable
from services.store.encoding import field_key

SCHEMA_VERSION = 1
APPLICATION_ID = 0x42656C6C  # "Bell", so that a stranger's database is not written into
BUSY_SECONDS = 10.0

# `key` is the path with slashes as zero bytes: it sorts as Firestore sorts document names.
# `parent` is the collection's path, `name` its last part (the collection group).
_SCHEMA = f"""
CREATE TABLE documents (
    key BLOB NOT NULL PRIMARY KEY,
    parent TEXT NOT NULL,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    version TEXT NOT NULL
);
CREATE INDEX by_parent ON documents (parent, key);
CREATE INDEX by_name ON documents (name, key);
CREATE INDEX alerts_by_state ON documents (field_key(fields, 'state'), key)
    WHERE name = 'alerts';
CREATE INDEX alerts_by_symbol
    ON documents (field_key(fields, 'symbol'), field_key(fields, 'state'), key)
    WHERE name = 'alerts';
CREATE INDEX alerts_by_creation ON documents (parent, field_key(fields, 'created_at'), key)
    WHERE name = 'alerts';
CREATE INDEX triggers_by_due
    ON documents (field_key(fields, 'open'), field_key(fields, 'due_at'), key)
    WHERE name = 'triggers';
CREATE INDEX triggers_by_notice ON documents (parent, field_key(fields, 'noticed_at'), key)
    WHERE name = 'triggers';
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

_REMEDIES = {
    sqlite3.SQLITE_BUSY: "is kept locked by another program. Close that program and try again.",
    sqlite3.SQLITE_LOCKED: "is kept locked by another program. Close that program and try again.",
    sqlite3.SQLITE_READONLY: "cannot be written. Give this user write permission on the file"
    " and its folder.",
    sqlite3.SQLITE_PERM: "cannot be opened. Give this user permission on the file and its folder.",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. See that its folder exists and that this user"
    " may read and write there.",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. Free some space and try again.",
    sqlite3.SQLITE_IOERR: "cannot be read or written. Check the disk and its free space.",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database. Restore a backup, or move the file away"
    " to begin with an empty one.",
    sqlite3.SQLITE_CORRUPT: "is damaged. Stop Bellwether and restore a backup.",
}


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the file at `path`, made if missing. Raises StoreUnavailable."""
    with explained(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.create_function("field_key", 2, field_key, deterministic=True)
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns an error of SQLite into StoreUnavailable with the remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(f"The database {path} {_meaning(error)}") from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether others held the file until the time was up."""
    return _primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _meaning(error: sqlite3.Error) -> str:
    return _REMEDIES.get(_primary_code(error), f"failed: {error}.")


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if not _has_schema(connection, path):
        connection.execute("PRAGMA journal_mode = WAL")
        _make_schema(connection, path)
    connection.execute("PRAGMA synchronous = FULL")


def _has_schema(connection: sqlite3.Connection, path: Path) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION and application == APPLICATION_ID:
        raise StoreUnavailable(
            f"The database {path} was written by a newer Bellwether (schema {version}; this one"
            f" reads {SCHEMA_VERSION}). Install that version again, or restore an older backup."
        )
    if application == APPLICATION_ID:
        return True
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
        raise StoreUnavailable(
            f"The database {path} belongs to another program."
            " Set BELLWETHER_DATA to another folder."
        )
    return False


def _make_schema(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _has_schema(connection, path):  # another process may have been first
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
