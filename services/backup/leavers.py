"""Who has left since a backup was made is not brought back by restoring it.

`left/{hash}` says so (services/accounts/leaving.py), in the store and in every backup made since.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from heapq import merge
from itertools import takewhile

from services.accounts.leaving import LEFT, left_path
from services.backup.parts import Backup
from services.store.contract import Document, Query, Store
from services.store.paths import key_of


def left_in(place: Store | Backup) -> Iterator[Document]:
    """The records of a place that people have left. Raises StoreError or BackupError."""
    if not isinstance(place, Backup):
        yield from place.query(Query(LEFT))
    elif LEFT in place.manifest.collections:
        yield from takewhile(lambda one: one.path.startswith(f"{LEFT}/"), place.all(LEFT))


class WithoutLeavers:
    """A backup, as a source of documents, without those of people of whom `left` says that they
    are gone; with `left` itself, so that a later restore knows them, too.

    `left_out` are the uids of those whose profile was met.
    """

    def __init__(self, backup: Backup, left: Iterable[Document]) -> None:
        self._backup = backup
        self._left = {document.path: document for document in left}
        self.left_out: set[str] = set()

    def __str__(self) -> str:
        return str(self._backup)

    def size(self) -> int:
        return self._size if self._left else self._backup.size()

    def all(self, after: str | None = None) -> Iterator[Document]:
        """As `Backup.all`."""
        if not self._left:
            return self._backup.all(after)
        last = b"" if after is None else key_of(after)
        noted = (one for path, one in sorted(self._left.items()) if key_of(path) > last)
        rest = (one for one in self._backup.all(after) if not self._goes(one))
        return merge(rest, noted, key=lambda one: key_of(one.path))

    @cached_property
    def _size(self) -> int:
        return sum(1 for _ in self.all())

    def _goes(self, document: Document) -> bool:
        """Whether it is of somebody who has left, by its path or, as `emails/{hash}`, by its
        field; or is noted already."""
        if document.path in self._left:
            return True
        collection, id_, *below = document.path.split("/")
        uid = str(document.fields.get("uid", id_)) if collection == "emails" else id_
        gone = left_path(uid) in self._left
        if gone and collection == "users" and not below:
            self.left_out.add(uid)
        return gone
