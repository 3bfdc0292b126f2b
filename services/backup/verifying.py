"""Proving a backup: every sum and count, and a restore into a store that is thrown away."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from services.backup.parts import Backup
from services.backup.restoring import restore
from services.errors import BackupError
from services.store import store_in_file
from services.store.transfer.plan import Progress


def verify(backup: Backup, scratch: Path, progress: Progress) -> list[str]:
    """What is wrong with a backup, each fault naming its file; nothing if it can be restored.

    `scratch` is a folder on a disk with room for all documents, some 3 KB each.
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
            result = restore(backup, store, "the scratch store", progress)
        except BackupError as error:
            return [str(error)]
    faults = [f"{path} is not restored as it was ({verdict})" for verdict, path in result.first]
    found = (result.b.documents, result.b.digest)
    if not faults and found != (backup.manifest.documents, backup.manifest.digest):
        faults.append(f"{backup.name}: the documents together are not those of the manifest")
    return faults
