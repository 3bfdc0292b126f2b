"""A file of documents: gzip, one line of JSON each, between a head and a tail.

The head tells the version of the form, the tail the number of documents and their digest, the
same that a comparison shows: a file that was cut off or changed is found out.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from services.errors import StoreUnavailable
from services.store.contract import Document
from services.store.paths import key_of
from services.store.transfer.digest import Tally, digest_of, document_of

FORMAT = 1
"""Version of the file's form."""
SCHEMA = 1
"""Version of what the documents hold."""
HEAD = json.dumps({"bellwether": "documents", "format": FORMAT, "schema": SCHEMA}).encode() + b"\n"
DOCUMENT = b'{"path":'
"""How the line of a document begins, and no other."""

_LONGEST_HEAD = 500
_LONGEST_LINE = 2**24  # a document of 1 MiB can need six times as many bytes
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, TypeError, AttributeError)


def tail_of(tally: Tally) -> bytes:
    """The last line of a file with these documents."""
    return json.dumps({"documents": tally.documents, "sha256": tally.digest}).encode() + b"\n"


class Archive:
    """The complete file at `path`, as a source of documents.

    Raises StoreUnavailable with the remedy where there is no such file, where it is damaged or
    another program's, and where a newer Bellwether wrote it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = sum(1 for _ in self._lines())

    def size(self) -> int:
        return self._size

    def all(self, after: str | None = None) -> Iterator[Document]:
        last = b"" if after is None else key_of(after)
        for line in self._lines():
            with self._explained():
                document = document_of(line)
            if key_of(document.path) > last:
                yield document

    def _lines(self) -> Iterator[bytes]:
        """The lines of the documents; whether the file is whole is known after the last."""
        tally = Tally()
        with self._explained(), gzip.open(self._path) as file:
            self._check_head(file.readline(_LONGEST_HEAD))
            for line in iter(partial(file.readline, _LONGEST_LINE), b""):
                if not line.startswith(DOCUMENT):
                    break
                tally.add(digest_of(line[:-1]))
                yield line
            if line != tail_of(tally) or file.read(1):
                raise self._damage()

    def _check_head(self, line: bytes) -> None:
        if line == HEAD:
            return
        head = json.loads(line)
        if head["bellwether"] != "documents":
            raise self._damage()
        if head["format"] > FORMAT or head["schema"] > SCHEMA:
            raise StoreUnavailable(
                f"The file {self._path} was written by a newer Bellwether (format"
                f" {head['format']}, schema {head['schema']}; this one reads {FORMAT} and"
                f" {SCHEMA}). Install that version."
            )

    def _damage(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"The file {self._path} is damaged, incomplete or not a Bellwether's. Copy it again"
            " from where it came, or take another."
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise self._damage() from error
        except OSError as error:
            raise StoreUnavailable(
                f"The file {self._path} cannot be read ({error.strerror}). See that it exists and"
                " that this user may read it."
            ) from error
