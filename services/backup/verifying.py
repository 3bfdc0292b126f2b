"""Proving a backup: every sum and count, and a restore into a store that is thrown away."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from services.backup.parts import Backup
from services.errors import BackupError, StoreError
from services.store import store_in_file
from services.store.contract import MAX_BATCH, Set, Store
from services.store.transfer.digest import Tally, digest_of, text_of
from services.store.transfer.plan import Progress


def verify(backup: Backup, scratch: Path, progress: Progress) -> list[str]:
    """What is wrong with a backup, each fault naming its file; nothing if it can be restored.

    `scratch` is a folder on a disk with room for all documents, some 2 KB each. Raises
    BackupError where the backup cannot be reached, OSError where the disk is full.
    """
    with progress("Checking", [backup]) as passed:
        faults = []
        for part in backup.manifest.parts:
            try:
                backup.lines(part)
            except BackupError as error:
                faults.append(str(error))
            passed(part.documents)
    return faults or _faults_of_restore(backup, scratch, progress)


def _faults_of_restore(backup: Backup, scratch: Path, progress: Progress) -> list[str]:
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=scratch, prefix=".verify-") as folder,
        closing(store_in_file(Path(folder) / "scratch.sqlite3")) as store,
    ):
        try:
            _restore(backup, store, progress)
            return list(_differences(backup, store, progress))
        except StoreError as error:  # what was proved to be whole cannot be put into a store
            return [f"{backup.name} cannot be restored: {error}"]


def _restore(backup: Backup, store: Store, progress: Progress) -> None:
    """Without the comparison and the bookmarks of a restore that counts."""
    documents = backup.all()
    with progress("Restoring", [backup]) as passed:
        while batch := list(islice(documents, MAX_BATCH)):
            store.write(*(Set(document.path, document.fields) for document in batch))
            passed(len(batch))


def _differences(backup: Backup, store: Store, progress: Progress) -> Iterator[str]:
    """The parts whose documents are not what the scratch store now holds in their place."""
    documents, whole = store.all(), Tally()
    with progress("Comparing", [backup]) as passed:
        for part in backup.manifest.parts:
            tally = Tally()
            for document in islice(documents, part.documents):
                digest = digest_of(text_of(document))
                tally.add(digest)
                whole.add(digest)
            if (tally.documents, tally.digest) != (part.documents, part.digest):
                yield f"{backup.name}/{part.name} is not restored as it was"
            passed(part.documents)
    if next(documents, None) or whole.digest != backup.manifest.digest:
        yield f"{backup.name}: the documents together are not those of the manifest"
