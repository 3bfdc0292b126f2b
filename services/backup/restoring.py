"""Restoring: a store is made to hold what a backup holds, and compared with it."""

from services.backup.manifest import collection_of
from services.errors import BackupError
from services.store.contract import Query, Store
from services.store.transfer.bookmark import Bookmark
from services.store.transfer.compare import Comparison, Source, compare
from services.store.transfer.copy import copy
from services.store.transfer.plan import Consent, Names, Progress

_COUNTED = ("users", "watchlist", "alerts", "triggers")


def restore(
    backup: Source,
    target: Store,
    name: str,
    progress: Progress,
    *,
    force: bool = False,
    at_once: int = 1,
) -> Comparison:
    """Make `target`, which people call `name`, hold what the backup (a Backup, or WithoutLeavers)
    holds, and compare the two.

    How far it came is noted in the target with every few thousand documents: given again, it goes
    on there. A target with other documents is refused unless `force`, which overwrites and
    deletes. Raises BackupError or StoreUnavailable.
    """
    if not force and (done := _done_or_refused(backup, target, name, progress)):
        return done
    names, consent = Names(str(backup), name), Consent(overwrite=force, delete=force)
    return copy(backup, target, names, consent, progress, at_once=at_once)


def _done_or_refused(
    backup: Source, target: Store, name: str, progress: Progress
) -> Comparison | None:
    """The comparison with a target that is restored already; None where there is work to do."""
    bookmark = Bookmark.of(target)
    if bookmark is not None and bookmark.origin == str(backup):
        return None
    if bookmark is not None:
        raise BackupError(
            f"{name} holds a part of {bookmark.origin}, which was interrupted. Finish that first,"
            " or replace it all with --force."
        )
    size = target.size()
    if not size:
        return None
    if size == backup.size():
        with progress("Comparing", [backup, target]) as passed:
            result = compare(backup, target, passed)
        if result.equal:
            return result
    raise BackupError(
        f"{name} holds {size:,} documents already: {_contents(target)}. Name an empty database"
        " with --to, or have all of it replaced with --force."
    )


def _contents(target: Store) -> str:
    """How many documents there are of the kinds that people know, or the first one's kind."""
    counts = {kind: target.count(Query(kind, group=True)) for kind in _COUNTED}
    known = ", ".join(f"{number:,} in {kind}" for kind, number in counts.items() if number)
    first = next(target.all(), None)
    return known or (f"the first is in {collection_of(first.path)}" if first else "changing")
