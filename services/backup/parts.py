"""The documents of a backup: JSON Lines in compressed parts, each with its sums."""

import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from services.backup.folder import Folder
from services.backup.manifest import FILE, Manifest, Part, collection_of, read_manifest, time_of
from services.errors import BackupError
from services.store.contract import Document
from services.store.paths import key_of
from services.store.transfer.digest import Tally, digest_of, document_of, text_of

PART_DOCUMENTS = 10_000
PART_BYTES = 8_000_000
"""Of JSON in one part, roughly: that much is in memory at once."""
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass
class Writing:
    """Parts in the making; `put` takes a file's name and content."""

    put: Callable[[str, bytes], None]
    tally: Tally = field(default_factory=Tally)
    parts: list[Part] = field(default_factory=list)
    collections: Counter[str] = field(default_factory=Counter)
    _lines: list[bytes] = field(default_factory=list)
    _bytes: int = 0
    _last: str = ""

    def add(self, document: Document) -> None:
        line = text_of(document)
        self._lines.append(line)
        self._bytes += len(line)
        self._last = document.path
        self.collections[collection_of(document.path)] += 1
        if len(self._lines) == PART_DOCUMENTS or self._bytes >= PART_BYTES:
            self.end_part()

    def end_part(self) -> None:
        """Put away what was added since the last part, if anything was."""
        if not self._lines:
            return
        tally = Tally()
        for line in self._lines:
            digest = digest_of(line)
            tally.add(digest)
            self.tally.add(digest)
        content = gzip.compress(b"".join(line + b"\n" for line in self._lines), 6, mtime=0)
        part = Part(
            name=f"part-{len(self.parts) + 1:05}.jsonl.gz",
            documents=tally.documents,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            digest=tally.digest,
            last=self._last,
        )
        self.put(part.name, content)
        self.parts.append(part)
        self._lines, self._bytes = [], 0


class Backup:
    """A complete backup, as a source of documents; each part is proved as it is read."""

    def __init__(self, folder: Folder, manifest: Manifest) -> None:
        self.manifest = manifest
        self._folder = folder

    @property
    def name(self) -> str:
        return self.manifest.name

    def __str__(self) -> str:
        return f"backup {self.name} in {self._folder.url}"

    def size(self) -> int:
        return self.manifest.documents

    def all(self, after: str | None = None) -> Iterator[Document]:
        """Every document by path, from behind `after`. Raises BackupError, naming the part."""
        last = b"" if after is None else key_of(after)
        for part in self.manifest.parts:
            if key_of(part.last) > last:
                yield from (one for one in self._documents(part) if key_of(one.path) > last)

    def lines(self, part: Part) -> list[bytes]:
        """The lines of a part that is what the manifest says. Raises BackupError, naming it."""
        name = f"{self.name}/{part.name}"
        content = self._folder.get(name)
        if content is None:
            raise BackupError(f"{name} is missing. Take another backup.")
        if len(content) != part.bytes:
            raise _damaged(name, f"it has {len(content)} bytes, not {part.bytes}")
        if hashlib.sha256(content).hexdigest() != part.sha256:
            raise _damaged(name, "its SHA-256 is not the manifest's")
        try:
            lines = gzip.decompress(content).splitlines()
        except _DAMAGE as error:
            raise _damaged(name, "it cannot be unpacked") from error
        if _digest(lines) != (part.documents, part.digest):
            raise _damaged(name, "its documents are not those of the manifest")
        return lines

    def _documents(self, part: Part) -> Iterator[Document]:
        try:
            yield from map(document_of, self.lines(part))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(f"{self.name}/{part.name}", "a line is no document") from error


def open_backup(folder: Folder, name: str) -> Backup:
    """The complete backup of that name. Raises BackupError."""
    content = folder.get(f"{name}/{FILE}") if time_of(name) else None
    if content is None:
        raise BackupError(
            f"There is no complete backup {name} in {folder.url}. `flask backup list` tells which"
            " there are."
        )
    return Backup(folder, read_manifest(content, name))


def _digest(lines: Iterable[bytes]) -> tuple[int, str]:
    tally = Tally()
    for line in lines:
        tally.add(digest_of(line))
    return tally.documents, tally.digest


def _damaged(name: str, why: str) -> BackupError:
    return BackupError(f"{name} is damaged: {why}. Take another backup.")
