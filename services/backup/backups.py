"""All backups of a site: make, list, prove, restore, let go."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from redis import Redis

from services.backup.folder import Folder
from services.backup.making import make
from services.backup.manifest import FILE, Manifest, read_manifest, time_of
from services.backup.parts import Backup, open_backup
from services.backup.retention import kept
from services.backup.state import BackupState, keep_state, read_state
from services.backup.verifying import verify
from services.errors import BackupError, BellwetherError
from services.store.contract import Store
from services.store.transfer.compare import Passed, Source
from services.store.transfer.plan import Progress

PROVED = "verified"
UNFINISHED_KEPT = timedelta(days=1)
"""One that has no manifest by then will never have one."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """What lies under a backup's name; without a manifest it is unfinished, and no backup."""

    name: str
    made_at: datetime
    manifest: Manifest | None
    verified: bool
    fault: str = ""


@contextmanager
def unseen(phase: str, places: Sequence[Source], done: int = 0) -> Iterator[Passed]:  # noqa: ARG001
    """The progress of what nobody watches."""
    yield lambda _: None


class Backups:
    """Of `store`, which people call `source`, in `folder`; `scratch` is a folder on a disk."""

    def __init__(
        self,
        store: Store,
        source: str,
        folder: Folder,
        scratch: Path,
        redis: Redis,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self._source = source
        self._folder = folder
        self._scratch = scratch
        self._redis = redis
        self._stopwatch = stopwatch

    def create(self, progress: Progress = unseen) -> Backup:
        """Raises StoreError or BackupError."""
        return make(self.store, self._source, self._folder, progress, self._stopwatch)

    def listed(self) -> list[Listed]:
        """All backups and what is left of unfinished ones, the oldest first."""
        found = ((name, time_of(name)) for name in self._folder.names())
        return [self._listed(name, made_at) for name, made_at in found if made_at]

    def open(self, name: str) -> Backup:
        """The backup of that name; `latest` is the newest that is complete."""
        if name != "latest":
            return open_backup(self._folder, name)
        whole = [one.name for one in self.listed() if one.manifest]
        if not whole:
            raise BackupError(f"There is no complete backup in {self._folder.url}.")
        return open_backup(self._folder, whole[-1])

    def verify(self, backup: Backup, now: datetime, progress: Progress = unseen) -> list[str]:
        """What is wrong with a backup; one without faults is noted as proved."""
        faults = verify(backup, self._scratch, progress)
        if not faults:
            self._folder.put(f"{backup.name}/{PROVED}", f"{now.isoformat()}\n".encode())
        return faults

    def prune(self, now: datetime) -> list[str]:
        """Remove what need not be kept, and unfinished ones after a day; returns their names."""
        listed = self.listed()
        whole = {one.made_at for one in listed if one.manifest}
        proved = max((one.made_at for one in listed if one.verified), default=None)
        keep = kept(whole, proved)
        gone = [one.name for one in listed if self._may_go(one, keep, now)]
        for name in gone:
            self._folder.remove(name)
        return gone

    def nightly(self, now: datetime) -> BackupState:
        """Make and prove a backup, then let go of old ones. Raises as `create_proved`."""
        state = self.create_proved(now)
        for name in self.prune(now):
            log.info("The backup %s is kept no longer", name)
        return state

    def create_proved(self, now: datetime, progress: Progress = unseen) -> BackupState:
        """Make and prove a backup; what became of it is kept for who asks how backups are.

        Raises StoreError or BackupError after the failure was noted.
        """
        begun = self._stopwatch()
        try:
            backup = self.create(progress)
            if faults := self.verify(backup, now, progress):
                raise BackupError(f"The backup {backup.name} cannot be trusted: {faults[0]}")
        except BellwetherError as error:
            self._keep(self.state().model_copy(update={"failed_at": now, "error": str(error)}))
            raise
        state = self.state().model_copy(
            update={
                "succeeded_at": now,
                "name": backup.name,
                "documents": backup.manifest.documents,
                "bytes": backup.manifest.stored_bytes,
                "seconds": round(self._stopwatch() - begun, 3),
            }
        )
        self._keep(state)
        return state

    def state(self) -> BackupState:
        return read_state(self._redis, self.store)

    def _keep(self, state: BackupState) -> None:
        keep_state(state, self._redis, self.store)

    def _listed(self, name: str, made_at: datetime) -> Listed:
        content = self._folder.get(f"{name}/{FILE}")
        if content is None:
            return Listed(name, made_at, None, verified=False)
        try:
            manifest = read_manifest(content, name)
        except BackupError as error:
            return Listed(name, made_at, None, verified=False, fault=str(error))
        verified = self._folder.get(f"{name}/{PROVED}") is not None
        return Listed(name, made_at, manifest, verified=verified)

    def _may_go(self, one: Listed, keep: set[datetime], now: datetime) -> bool:
        """A damaged manifest is for the operator to look at."""
        if one.manifest is None:
            return not one.fault and now - one.made_at > UNFINISHED_KEPT
        return one.made_at not in keep
