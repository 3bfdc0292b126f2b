"""One running Bellwether for each data folder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import CannotStart

_PATIENCE_SECONDS = 1.5


@contextmanager
def only_instance(folder: Path, address: str) -> Iterator[int]:
    """Hold `folder` (made with mode 700) for this process; yields the lock's descriptor.

    Whoever inherits the descriptor keeps the lock: Redis does, since two of them on one
    append-only file would spoil it. Raises CannotStart when the folder is held by another.
    """
    lock = _open(folder)
    try:
        _acquire(lock, folder)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()} {address}".encode(), 0)
        yield lock
    finally:
        os.close(lock)


def _open(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        return os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder} cannot be used ({error.strerror})."
            " Set BELLWETHER_DATA to a folder that you may write."
        ) from None


def _acquire(lock: int, folder: Path) -> None:
    # A supervisor that was killed leaves a Redis that takes a moment to save and end.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise CannotStart(_running(lock, folder)) from None
            time.sleep(0.05)


def _running(lock: int, folder: Path) -> str:
    pid, _, address = os.pread(lock, 4096, 0).decode().partition(" ")
    return (
        f"Bellwether already runs on {folder}, as process {pid} at {address}. Stop it there with"
        " Ctrl-C, or start another beside it: make run BELLWETHER_DATA=var/other PORT=5001"
    )
