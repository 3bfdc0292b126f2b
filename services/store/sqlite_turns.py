"""Whose turn it is to write to the file, so that nobody waits without end.

SQLite's own busy handler sleeps longer and longer, up to 100 ms, while who has just written
comes back at once: measured with 8 busy processes, one waited 7.9 s of 8 s for its first turn.
Short random sleeps give every waiting writer the same chance at each commit.
"""

import random
import sqlite3
import time

from services.store import sqlite_file

LONGEST_PAUSE_SECONDS = 0.005


def begin_writing(connection: sqlite3.Connection) -> None:
    """Begin a transaction that holds the write lock of the file.

    Raises sqlite3.OperationalError (busy) when others held it for BUSY_SECONDS.
    """
    deadline = time.monotonic() + sqlite_file.BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while not _begun(connection, last=time.monotonic() >= deadline):
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311  no secret
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(sqlite_file.BUSY_SECONDS * 1000)}")


def _begun(connection: sqlite3.Connection, *, last: bool) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if last or not sqlite_file.is_busy(error):
            raise
        return False
    return True
