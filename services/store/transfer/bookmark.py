"""How far a copy came: a document of its target, for as long as the copy is not done."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from services.errors import BadDocument, StoreUnavailable
from services.store.contract import Delete, Document, Reader, Set, Store

MARK = "system/copy"
"""Where it stands; it is no part of what is copied or compared."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A copy from `origin`, done up to the path `after` with so many documents."""

    origin: str
    after: str | None = None
    documents: int = 0

    @classmethod
    def of(cls, store: Reader) -> Self | None:
        """The bookmark in `store`; None where no copy is under way."""
        document = store.get(MARK)
        if document is None:
            return None
        match dict(document.fields):
            case {"origin": str(origin), "after": str() | None as after, "documents": int(number)}:
                return cls(origin, after, number)
        raise BadDocument(f"{MARK} is no bookmark of a copy. Remove it, or name an empty target.")

    def keep_in(self, store: Store) -> None:
        fields = {"origin": self.origin, "after": self.after, "documents": self.documents}
        store.write(Set(MARK, fields))


def without_bookmark(documents: Iterable[Document]) -> Iterator[Document]:
    return (document for document in documents if document.path != MARK)


def remove_bookmark(store: Store) -> None:
    store.write(Delete(MARK))


def check_complete(store: Reader, name: str) -> None:
    """Raises StoreUnavailable where `store` is the target of a copy that is not done. `name` is a
    place, or how else people call it."""
    bookmark = Bookmark.of(store)
    if bookmark is not None:
        raise StoreUnavailable(
            f"{name} holds a part of {bookmark.origin} only: a copy into it was interrupted."
            f" Finish it first: flask {_words(bookmark.origin, name)}"
        )


def _words(origin: str, name: str) -> str:
    """The command that copies from `origin` to the place of that name."""
    place = name if ":" in name else ""
    kind, _, backup = origin.partition(" ")
    if kind == "backup":
        return f"backup restore {backup.split()[0]}" + (f" --to {place}" if place else "")
    return f"store copy {origin} {place or 'PLACE'}"
