"""The base of every typed document."""

import logging
from collections.abc import Iterable, Iterator
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from services.errors import BadDocument
from services.store.contract import Document, Fields

R = TypeVar("R", bound="Record")
log = logging.getLogger(__name__)


class Record(BaseModel):
    """A document as a frozen, typed object. Its id and its owner's come from the path.

    Unknown fields are refused: they were written by a newer Bellwether, and writing the
    document back would lose them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __hash__(self) -> int:
        """By identity, which equal records share; quick, for rows of pages are kept by records."""
        fields = self.__dict__
        return hash((fields["uid"], fields.get("id")))

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Raises BadDocument when the stored fields do not fit."""
        try:
            return cls.model_validate({**document.fields, **cls.identity(document.path)})
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
                for fault in error.errors(include_input=False)[:5]
            )
            raise BadDocument(f"{document.path} cannot be read: {faults}") from None

    @classmethod
    def identity(cls, path: str) -> dict[str, str]:
        """The fields that the path holds: `uid` and, below a user, `id`."""
        parts = path.split("/")
        return {"uid": parts[1]} if len(parts) == 2 else {"uid": parts[1], "id": parts[3]}

    def fields(self) -> Fields:
        """What is stored: everything but the identity."""
        return self.model_dump(exclude={"uid", "id"})

    def replace(self, **changes: object) -> Self:
        """A validated copy with `changes`."""
        return type(self).model_validate({**self.model_dump(), **changes})


def readable(kind: type[R], documents: Iterable[Document]) -> Iterator[R]:
    """The documents as records, without those that cannot be read: they must stop no others."""
    for document in documents:
        try:
            yield kind.from_document(document)
        except BadDocument:
            log.exception("A document is left out")
