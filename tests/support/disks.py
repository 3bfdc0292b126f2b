"""Real small disks that tests fill and lose: mounted where only the test's processes see them."""

import ctypes
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.support.programs import ROOT

SIZE = 3 * 1024 * 1024
_OWN_MOUNTS = (["unshare", "-rm"], ["unshare", "-m"])  # as anybody who may; as root


class Disk:
    """A disk at `folder`, for commands that are run `inside` and for what is `run`.

    The test itself sees it at `seen`, where SQLite cannot open a file.
    """

    def __init__(self, folder: Path, holder: int) -> None:
        self.folder = folder
        self.seen = Path(f"/proc/{holder}/root{folder}")
        self._spaces = [
            Path(f"/proc/{holder}/ns/{kind}")
            for kind in ("user", "mnt")
            if not _is_ours(Path(f"/proc/{holder}/ns/{kind}"))
        ]
        joined = ["-m", "-U", "--preserve-credentials"] if len(self._spaces) > 1 else ["-m"]
        self.inside = ["nsenter", "-t", str(holder), *joined, "env", "-C", str(ROOT)]
        self._filler = self.seen / "filler"

    def run(self, work: Callable[[], None]) -> None:
        """Do `work` in a process that has the disk at `folder`."""
        process = get_context("fork").Process(target=self._enter_and, args=(work,))
        process.start()
        process.join(60)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode == 0, "it failed as is told below"

    def _enter_and(self, work: Callable[[], None]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        for space in self._spaces:
            with space.open() as file:
                if libc.setns(file.fileno(), 0):
                    raise OSError(ctypes.get_errno(), "setns")
        work()

    def fill(self) -> None:
        """Leave not one free block."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12):
                _write_until_full(file.fileno(), size)

    def free(self) -> None:
        self._filler.unlink()

    def mount(self, *options: str) -> None:
        """Mount it again with other options, such as `ro`."""
        command = ["mount", "-o", ",".join(("remount", *options)), str(self.folder)]
        inside = [] if all(map(_is_ours, self._spaces)) else self.inside
        subprocess.run([*inside, *command], check=True, capture_output=True)


def _is_ours(space: Path) -> bool:
    return space.readlink() == Path(f"/proc/self/ns/{space.name}").readlink()


def _write_until_full(file: int, size: int) -> None:
    try:
        while os.write(file, bytes(size)) == size:
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextmanager
def _mounted(folder: Path, *mount: str, own_mounts: tuple[list[str], ...]) -> Iterator[Disk]:
    """The disk that `mount` mounts at `folder`, until its holder ends. Skips if none may."""
    folder.mkdir()
    command = f"mount {' '.join(mount)} '{folder}' && echo mounted && exec cat"
    refused = []
    for own in own_mounts:
        with subprocess.Popen(
            [*own, "sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as holder:
            if holder.stdout.readline() == "mounted\n":
                yield Disk(folder, holder.pid)
                return
            refused.append(f"{' '.join(own)}: {holder.stderr.read().strip()}")
    pytest.skip(f"No disk of its own can be mounted for this test here ({'; '.join(refused)}).")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """An empty disk of SIZE bytes."""
    options = ("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs")
    with _mounted(tmp_path / "disk", *options, own_mounts=_OWN_MOUNTS) as mounted:
        yield mounted


@contextmanager
def failing_disk(image: Path, folder: Path) -> Iterator[Disk]:
    """An ext4 disk in the file `image`, made if missing; `abort` makes it fail as hardware does.

    Unlike a disk that is mounted read-only, it does so while files are open for writing.
    """
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(4 * SIZE)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
    options = ("-t", "ext4", "-o", "loop,errors=remount-ro", f"'{image}'")
    with _mounted(folder, *options, own_mounts=(["unshare", "-m"],)) as mounted:
        yield mounted
