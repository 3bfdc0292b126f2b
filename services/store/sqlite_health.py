"""Whether the SQLite file is sound, and copies of it that are."""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from services.errors import StoreUnavailable
from services.store.encoding import field_key
from services.store.sqlite_file import explained, sync_folder

CHECKED_BYTES = 512 * 1024 * 1024
"""Up to this size a file is checked at start: some seconds from a slow disk, 0.4 s from memory."""
log = logging.getLogger(__name__)


def check_at_start(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreUnavailable with the remedy if the file's structure is damaged.

    A file too large to check quickly is left to the verification of its backups.
    """
    size = path.stat().st_size
    if size > CHECKED_BYTES:
        log.info("%s has %d MiB: not checked at start, but with every backup", path, size >> 20)
        return
    _check(connection, path, "PRAGMA quick_check(1)")


def back_up(connection: sqlite3.Connection, path: Path, target: Path) -> None:
    """Copy the database at `path`, as it is at one moment, to `target`, which is replaced.

    Others may write meanwhile. The copy is made aside, checked wholly (its indexes, too), put
    on the disk and renamed. Raises StoreUnavailable; then `target` is as it was before.
    """
    try:
        with TemporaryDirectory(dir=target.parent, prefix=".new-backup-") as folder:
            draft = Path(folder) / target.name
            draft.touch(mode=0o600)
            with explained(target), closing(sqlite3.connect(draft)) as copy:
                connection.backup(copy)
            _verify(draft, path)
            _sync(draft)
            draft.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StoreUnavailable(
            f"The backup {target} cannot be made ({error.strerror}). See that its folder exists,"
            " that this user may write there, and that the disk has room."
        ) from error


def _verify(draft: Path, path: Path) -> None:
    """Raises StoreUnavailable, about `path`, if its copy at `draft` is not sound."""
    with explained(path), closing(sqlite3.connect(draft)) as copy:
        copy.create_function("field_key", 2, field_key, deterministic=True)
        _check(copy, path, "PRAGMA integrity_check(1)")


def _check(connection: sqlite3.Connection, path: Path, check: str) -> None:
    (finding,) = connection.execute(check).fetchone()
    if finding != "ok":
        raise StoreUnavailable(
            f"The database {path} is damaged ({' '.join(finding.split())})."
            " Stop Bellwether and restore a backup."
        )


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
