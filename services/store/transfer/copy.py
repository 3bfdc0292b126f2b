"""Making a store hold what a source holds.

Source and target are walked side by side and only what differs is written: a copy that was
interrupted goes on where it was, and one that is done changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

from services.errors import StoreUnavailable
from services.store.contract import MAX_BATCH, Delete, Document, Set, Store, Write
from services.store.transfer.bookmark import Bookmark, remove_bookmark
from services.store.transfer.compare import Comparison, Place, Source, compare, side_by_side
from services.store.transfer.digest import text_of
from services.store.transfer.plan import Consent, Names, Progress, compare_unasked

BATCH_BYTES = 900_000
"""JSON in one batch. Firestore's form is at most 4.4 times as long; it may have 10 MiB, on the
emulator 4 MiB."""
ROUND = 8
"""Batches between two bookmarks."""


@dataclass(slots=True)
class _Batch:
    """Writes that are applied together, and the part of the walk that they settle."""

    writes: list[Write] = field(default_factory=list)
    size: int = 0
    documents: int = 0
    last: str | None = None

    def has_room_for(self, size: int) -> bool:
        return not self.writes or (len(self.writes) < MAX_BATCH and self.size + size <= BATCH_BYTES)

    def add(self, write: Write, size: int) -> None:
        self.writes.append(write)
        self.size += size


def copy(
    source: Source,
    target: Store,
    names: Names,
    consent: Consent,
    progress: Progress,
    *,
    at_once: int,
) -> Comparison:
    """Make `target` hold what `source` holds, `at_once` batches at a time, and compare the two.

    Raises StoreUnavailable where the target holds what may not be overwritten, or where a copy
    from elsewhere was begun.
    """
    found = Bookmark.of(target)
    if found is None and not consent.overwrite and next(target.all(), None) is not None:
        return compare_unasked(source, target, names, progress)
    bookmark = _start(found, names, consent)
    bookmark.keep_in(target)
    walk = side_by_side(source.all(bookmark.after), target.all(bookmark.after))
    with progress("Copying", [source], bookmark.documents) as passed:
        for batches in _written(target, _batches(walk, consent), at_once):
            documents = sum(batch.documents for batch in batches)
            bookmark = replace(
                bookmark, after=batches[-1].last, documents=bookmark.documents + documents
            )
            bookmark.keep_in(target)
            passed(documents)
    return _end(source, target, names, progress)


def _start(found: Bookmark | None, names: Names, consent: Consent) -> Bookmark:
    """Where to begin: at the bookmark, unless everything in the target is to be looked at."""
    if consent.overwrite or found is None:
        return Bookmark(names.source)
    if found.origin != names.source:
        raise StoreUnavailable(
            f"A copy from {found.origin} into {names.target} was begun and is not done. Finish"
            " that one, name an empty target, or overwrite what differs with --into-existing."
        )
    return found


def _end(source: Source, target: Store, names: Names, progress: Progress) -> Comparison:
    with progress("Comparing", [source, target]) as passed:
        result = compare(source, target, passed)
    if result.missing or result.differing:  # the source was changed: next time, look at all of it
        Bookmark(names.source).keep_in(target)
    else:
        remove_bookmark(target)
    return result


def _batches(walk: Iterable[Place], consent: Consent) -> Iterator[_Batch]:
    """The walk in pieces, each with the writes that make its part of the target equal."""
    batch = _Batch()
    for path, wanted, present in walk:
        write, size = _difference(wanted, present, consent)
        if not batch.has_room_for(size):
            yield batch
            batch = _Batch()
        if write is not None:
            batch.add(write, size)
        batch.documents += wanted is not None
        batch.last = path
    if batch.last is not None:
        yield batch


def _difference(
    wanted: Document | None, present: Document | None, consent: Consent
) -> tuple[Write | None, int]:
    """What makes one document of the target equal, and how many bytes that has."""
    if wanted is None:
        return (Delete(present.path), 0) if present and consent.delete else (None, 0)
    text = text_of(wanted)
    if present is not None and text == text_of(present):
        return None, 0
    return Set(wanted.path, wanted.fields), len(text)


def _written(target: Store, batches: Iterator[_Batch], at_once: int) -> Iterator[Sequence[_Batch]]:
    """Writes the batches and gives them by rounds, once all of a round are acknowledged."""
    with ThreadPoolExecutor(at_once) as threads:
        while batch_round := list(islice(batches, ROUND)):
            # Nothing is read meanwhile: SQLite's indexes call Python, and two threads that
            # both want the interpreter keep each other waiting.
            answers = [threads.submit(target.write, *batch.writes) for batch in batch_round]
            for answer in answers:
                answer.result()
            yield batch_round
