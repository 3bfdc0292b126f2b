"""Writing a file of documents aside, so that one appears under its name only when complete.

Each batch is a gzip member of its own: of a draft that was interrupted everything up to the
last whole member is kept.
"""

import fcntl
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from services.errors import StoreUnavailable
from services.store.contract import Document
from services.store.transfer.archive import DOCUMENT, HEAD, tail_of
from services.store.transfer.digest import Tally, digest_of, document_of, text_of

_LINES = 500
_BYTES = 2_000_000
_PIECE = 2**16


class Draft:
    """The file at `path` in the making; `tally` and `last` tell what it holds already."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.tally = Tally()
        self.last: str | None = None
        self._file = file
        self._lines: list[bytes] = []
        self._bytes = 0
        self._resume()

    def add(self, document: Document) -> None:
        line = text_of(document)
        self.tally.add(digest_of(line))
        self._lines.append(line + b"\n")
        self._bytes += len(line)
        if len(self._lines) == _LINES or self._bytes > _BYTES:
            self._flush()

    def finish(self) -> None:
        """Put the tail behind the documents, and everything on the disk."""
        self._flush()
        self._append(tail_of(self.tally))
        self._file.flush()
        os.fsync(self._file.fileno())

    def put_at(self, target: Path) -> None:
        """Make the finished draft the file at `target`."""
        self.path.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        self.path.unlink()

    def _flush(self) -> None:
        if self._lines:
            self._append(b"".join(self._lines))
        self._lines, self._bytes = [], 0

    def _append(self, text: bytes) -> None:
        self._file.write(gzip.compress(text, compresslevel=6, mtime=0))
        self._file.flush()

    def _resume(self) -> None:
        """Take over what is whole, and cut off the rest."""
        end = 0
        for text, behind in _members(self._file):
            if not (text.startswith(DOCUMENT) if end else text == HEAD):
                break
            if end:
                self._take_over(text.splitlines())
            end = behind
        self._file.seek(end)
        self._file.truncate()
        if end == 0:
            self._append(HEAD)

    def _take_over(self, lines: list[bytes]) -> None:
        for line in lines:
            self.tally.add(digest_of(line))
        self.last = document_of(lines[-1]).path


@contextmanager
def draft_of(path: Path, origin: str) -> Iterator[Draft]:
    """The draft of the file at `path` with the documents of `origin`, begun or continued.

    Raises StoreUnavailable where it cannot be written, and where another process writes it.
    """
    name = hashlib.sha256(origin.encode()).hexdigest()[:8]
    aside = path.with_name(f".{path.name}.{name}.part")
    try:
        with open(os.open(aside, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:  # noqa: PTH123
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Draft(aside, file)
    except BlockingIOError as error:
        raise StoreUnavailable(
            f"Another copy into {path} is under way. Wait for its end, or stop it."
        ) from error
    except OSError as error:
        raise StoreUnavailable(
            f"The file {path} cannot be written ({error.strerror}). See that its folder exists,"
            " that this user may write there, and that the disk has space; then run it again."
        ) from error


def _members(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The text of each whole gzip member, and where the next begins."""
    end, rest = 0, b""
    while True:
        decoder = zlib.decompressobj(wbits=31)
        text = b""
        while not decoder.eof:
            piece = rest or file.read(_PIECE)
            rest = b""
            if not piece:
                return
            try:
                text += decoder.decompress(piece)
            except zlib.error:
                return
            end += len(piece)
        rest = decoder.unused_data
        end -= len(rest)
        yield text, end
