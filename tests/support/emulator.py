"""Google's Firestore emulator, one for all test processes of a run.

Each test process holds a shared lock on `users`. The keeper, a process of its own, stops the
emulator once nobody does: locks end with their holders, so nothing is left even after kill -9.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

START_SECONDS = 90.0
STOP_SECONDS = 20.0


@contextmanager
def shared_emulator(folder: Path, port: int) -> Iterator[str]:
    """The host:port of the emulator of `folder`, started on `port` if there is none yet."""
    with (folder / "users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with (folder / "starting").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            host = _running_host(folder) or _start(folder, port)
        yield host
        last = _lock_at_once(users)
        fcntl.flock(users, fcntl.LOCK_UN)
    if last:
        _wait_until(lambda: _running_host(folder) is None, STOP_SECONDS)


def _running_host(folder: Path) -> str | None:
    with suppress(FileNotFoundError):
        return (folder / "host").read_text()
    return None


def _start(folder: Path, port: int) -> str:
    host = f"127.0.0.1:{port}"
    keeper = subprocess.Popen(
        [sys.executable, __file__, str(folder), host],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait_until(lambda: _answers(host) or keeper.poll() is not None, START_SECONDS)
    if not _answers(host):
        raise RuntimeError("The emulator did not start:\n" + (folder / "log").read_text())
    (folder / "host").write_text(host)
    return host


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _lock_at_once(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def keep(folder: Path, host: str) -> None:
    """Run the emulator at `host` until no test process uses it."""
    command = ["gcloud", "emulators", "firestore", "start", f"--host-port={host}"]
    with (folder / "log").open("w") as log, (folder / "users").open("a") as users:
        # gcloud starts a shell that starts Java: a group of their own, to be ended as one.
        emulator = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        while emulator.poll() is None and not _lock_at_once(users):
            time.sleep(0.1)
        _end_group(emulator)
        (folder / "host").unlink(missing_ok=True)


def _end_group(leader: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, number)
        with suppress(subprocess.TimeoutExpired):
            leader.wait(5)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[2])
