"""Making a backup: all documents of one moment, then the manifest."""

import time
from collections.abc import Callable

from services.backup.folder import Folder
from services.backup.manifest import FILE, Manifest, bellwether_version, name_of
from services.backup.parts import Backup, Writing
from services.errors import BackupError
from services.store.contract import Store
from services.store.transfer.bookmark import check_complete, without_bookmark
from services.store.transfer.plan import Progress


def make(
    store: Store,
    source: str,
    folder: Folder,
    progress: Progress,
    stopwatch: Callable[[], float] = time.monotonic,
) -> Backup:
    """A backup of all of `store`, which people call `source`; at most one part is in memory.

    Raises StoreUnavailable, also where the store is the target of a copy or restore that is not
    done, and BackupError. What was written of a backup that failed is no backup.
    """
    check_complete(store, source)
    begun = stopwatch()
    with store.snapshot() as snapshot:
        name = name_of(snapshot.read_time)
        if folder.get(f"{name}/{FILE}") is not None:
            raise BackupError(f"The backup {name} is there already.")
        writing = Writing(lambda file, content: folder.put(f"{name}/{file}", content))
        with progress("Saving", [snapshot]) as passed:
            for document in without_bookmark(snapshot.all()):
                writing.add(document)
                passed(1)
        writing.end_part()
        manifest = Manifest(
            bellwether=bellwether_version(),
            source=source,
            read_time=snapshot.read_time,
            seconds=round(stopwatch() - begun, 3),
            documents=writing.tally.documents,
            digest=writing.tally.digest,
            collections=dict(sorted(writing.collections.items())),
            parts=tuple(writing.parts),
        )
    folder.put(f"{name}/{FILE}", manifest.to_json())
    return Backup(folder, manifest)
