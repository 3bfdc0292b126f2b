"""Digests of documents: equal only where path, fields and the type of every value are equal."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from services.store.contract import Document
from services.store.encoding import from_members, to_json
from services.store.values import plain_fields


def text_of(document: Document) -> bytes:
    """The document as one line of JSON: names in order, each type in a form of its own."""
    path = json.dumps(document.path, ensure_ascii=False)
    fields = to_json(plain_fields(document.path, document.fields))
    return f'{{"path":{path},"fields":{fields}}}'.encode()


def document_of(text: bytes) -> Document:
    """The document of such a line. Raises ValueError, KeyError, TypeError or AttributeError
    where it is none."""
    line = json.loads(text)
    return Document(str(line["path"]), from_members(line["fields"]), version="")


def digest_of(text: bytes) -> bytes:
    """The SHA-256 of a document's line, without the end of the line."""
    return hashlib.sha256(text).digest()


@dataclass(slots=True)
class Tally:
    """How many documents went by, and one digest of them all in their order."""

    documents: int = 0
    _sha256: Any = field(default_factory=hashlib.sha256)

    def add(self, digest: bytes) -> None:
        self.documents += 1
        self._sha256.update(digest)

    @property
    def digest(self) -> str:
        result: str = self._sha256.hexdigest()
        return result
