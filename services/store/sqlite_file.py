"""Opening the SQLite file: its schema, its settings, and what its errors mean to a person.

Power loss: the file is in WAL mode with `synchronous = FULL`, so a commit returns only after
its pages are in the log and the log was put on the disk (fsync). After a power cut the next
opening replays the log up to its last whole commit, told by checksums: every acknowledged
write is there, and no write is there in part. A new file is made aside, and the folder is put
on the disk after it got its name, so that the file itself cannot be lost either. All this
holds as far as the disk keeps what it said it keeps. See https://www.sqlite.org/wal.html and
https://www.sqlite.org/pragma.html#pragma_synchronous.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

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
CREATE INDEX by_parent ON documents (name, parent, key);
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

_READ_ONLY_DISK = (
    "is on a read-only disk. Mount that disk for writing, or choose a folder on another."
)
# SQLite has no error of its own for these, or only at some steps: then the disk itself is asked.
_PERHAPS_THE_DISK = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_ROOM_BYTES = 128 * 1024
"""What opening needs beside the file, with some to spare: the log and its index."""


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the file at `path`, made if missing. Raises StoreUnavailable."""
    with explained(path):
        if not path.exists():
            _make(path)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",  # never makes an empty file
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.create_function("field_key", 2, field_key, deterministic=True)
        _check_schema(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
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
        raise StoreUnavailable(f"The database {path} {_meaning(error, path)}") from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether others held the file until the time was up."""
    return _primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _meaning(error: sqlite3.Error, path: Path) -> str:
    code = _primary_code(error)
    fault = _fault_of_disk(path.parent) if code in _PERHAPS_THE_DISK else None
    return fault or _REMEDIES.get(code, f"failed: {error}.")


def _fault_of_disk(folder: Path) -> str | None:
    """What is wrong with the disk that `folder` is on, if it says so."""
    try:
        disk = os.statvfs(folder)
    except OSError:  # no such folder: that is what is to be told
        return None
    if disk.f_flag & os.ST_RDONLY:
        return _READ_ONLY_DISK
    lacks_names = disk.f_files > 0 and disk.f_favail == 0
    if lacks_names or disk.f_bavail * disk.f_frsize < _ROOM_BYTES:
        return _REMEDIES[sqlite3.SQLITE_FULL]
    return None


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise StoreUnavailable(
            f"The file {path} is empty or belongs to another program. Restore a backup, or move"
            " the file away to begin with an empty database."
        )
    if version > SCHEMA_VERSION:
        raise StoreUnavailable(
            f"The database {path} was written by a newer Bellwether (schema {version}; this one"
            f" reads {SCHEMA_VERSION}). Install that version again, or restore an older backup."
        )


def _make(path: Path) -> None:
    """Make the file aside and put it in place complete, so that nobody ever sees half of it."""
    try:
        with TemporaryDirectory(dir=path.parent, prefix=".new-database-") as folder:
            draft = Path(folder) / path.name
            draft.touch(mode=0o600)
            with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                connection.create_function("field_key", 2, field_key, deterministic=True)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            with suppress(FileExistsError):  # another process was first: then its file counts
                path.hardlink_to(draft)
        sync_folder(path.parent)
    except OSError as error:
        reason = _fault_of_disk(path.parent) or (
            f"cannot be made ({error.strerror}). See that its folder exists and that this user may"
            " write there."
        )
        raise StoreUnavailable(f"The database {path} {reason}") from error


def sync_folder(folder: Path) -> None:
    """Put the folder's entries on the disk: without this a power cut could lose the new file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
