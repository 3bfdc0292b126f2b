"""What Google's cloud itself does to keep a Firestore database: exports, backups, its past.

None of it is on the emulator. Times are UTC.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import grpc
from google.api_core import exceptions as google
from google.cloud.firestore_admin_v1 import FirestoreAdminClient
from google.cloud.firestore_admin_v1.services.firestore_admin.transports import (
    FirestoreAdminGrpcTransport,
)
from google.cloud.firestore_admin_v1.types import Backup, BackupSchedule, Database
from google.cloud.firestore_admin_v1.types.schedule import DailyRecurrence, WeeklyRecurrence
from google.type.dayofweek_pb2 import SUNDAY  # type: ignore[import-untyped]

from services.errors import InvalidInput, StoreUnavailable
from services.store.firestore_errors import explained
from services.store.firestore_sign_in import Headers, authorization

Rhythm: TypeAlias = Literal["daily", "weekly"]
LONGEST_KEPT = timedelta(weeks=14)
ROLES = (
    "This needs more than reading and writing documents: the roles Cloud Datastore Import Export"
    " Admin (export), Cloud Datastore Backups Viewer (list), Cloud Datastore Backup Schedules Admin"
    " (schedule) and Cloud Datastore Owner (recovery), on an account of the operator's, not on the"
    " one that serves people; and for the bucket Storage Admin. See docs/operations/backups.md."
)
_ADDRESS = f"{FirestoreAdminClient.DEFAULT_ENDPOINT}:443"
_CALL_SECONDS = 30.0
_ENABLED = Database.PointInTimeRecoveryEnablement.POINT_IN_TIME_RECOVERY_ENABLED
_PROTECTED = Database.DeleteProtectionState.DELETE_PROTECTION_ENABLED


@dataclass(frozen=True, slots=True)
class Protection:
    """How a database is kept: whether it can be read as of any minute of seven days (else any
    moment of the past hour), from when on, and whether it is safe from being deleted."""

    location: str
    recovery: bool
    earliest: datetime
    delete_protected: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that Google made, of the documents as they were at `taken_at`."""

    name: str
    taken_at: datetime
    expires_at: datetime
    state: str
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Scheduled:
    rhythm: str
    kept_for: timedelta


class ManagedBackups:
    """Of one database. Every method may raise StoreUnavailable with the remedy."""

    def __init__(
        self,
        project: str,
        database: str,
        channel: Callable[[], grpc.Channel],
        headers: Callable[[], Headers],
    ) -> None:
        self._project = project
        self._database = f"projects/{project}/databases/{database}"
        self._channel = channel
        self._headers = headers
        self._opened: FirestoreAdminClient | None = None

    def protection(self) -> Protection:
        found = self._call("get_database", {"name": self._database})
        return Protection(
            found.location_id,
            found.point_in_time_recovery_enablement == _ENABLED,
            found.earliest_version_time,
            found.delete_protection_state == _PROTECTED,
        )

    def export(self, bucket: str, now: datetime) -> tuple[str, datetime]:
        """Begin an export of all documents to gs://BUCKET/FOLDER, as of the last whole minute;
        returns the name of the operation, which goes on by itself, and that minute."""
        if not bucket.startswith("gs://"):
            raise InvalidInput("bucket", "Firestore exports to gs://BUCKET/FOLDER only.")
        minute = (now - timedelta(minutes=1)).replace(second=0, microsecond=0)
        request = {
            "name": self._database,
            "output_uri_prefix": bucket.rstrip("/"),
            "snapshot_time": minute,
        }
        return str(self._call("export_documents", request).operation.name), minute

    def backups(self) -> list[Made]:
        """Google's own backups of this database, the oldest first."""
        parent = f"projects/{self._project}/locations/-"
        found = self._call("list_backups", {"parent": parent})
        ours = [_made(one) for one in found.backups if one.database == self._database]
        return sorted(ours, key=lambda made: made.taken_at)

    def schedules(self) -> list[Scheduled]:
        found = self._call("list_backup_schedules", {"parent": self._database})
        return [_scheduled(one) for one in found.backup_schedules]

    def schedule(self, rhythm: Rhythm, kept_for: timedelta) -> None:
        """Have Google make a backup each day, or each Sunday, and keep it. A database can have
        one schedule of each."""
        if not timedelta(days=1) <= kept_for <= LONGEST_KEPT:
            raise InvalidInput("keep", "Google keeps backups for 1 to 98 days.")
        made = BackupSchedule(retention=kept_for)
        if rhythm == "daily":
            made.daily_recurrence = DailyRecurrence()
        else:
            made.weekly_recurrence = WeeklyRecurrence(day=SUNDAY)
        self._call("create_backup_schedule", {"parent": self._database, "backup_schedule": made})

    def enable_recovery(self) -> str:
        """Have Firestore keep the past seven days, and the database safe from being deleted;
        returns the name of the operation."""
        wanted = {
            "name": self._database,
            "point_in_time_recovery_enablement": _ENABLED,
            "delete_protection_state": _PROTECTED,
        }
        mask = {"paths": ["point_in_time_recovery_enablement", "delete_protection_state"]}
        done = self._call("update_database", {"database": wanted, "update_mask": mask})
        return str(done.operation.name)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.transport.close()  # type: ignore[no-untyped-call]
            self._opened = None

    def _call(self, method: str, request: dict[str, Any]) -> Any:
        with _explained():
            function = getattr(self._client(), method)
            return function(request, timeout=_CALL_SECONDS, metadata=self._metadata())

    def _metadata(self) -> Headers:
        return (("google-cloud-resource-prefix", self._database), *self._headers())

    def _client(self) -> FirestoreAdminClient:
        if self._opened is None:
            transport = FirestoreAdminGrpcTransport(channel=self._channel())
            self._opened = FirestoreAdminClient(transport=transport)
        return self._opened


def managed_backups(
    project: str, database: str, credentials_base64: str, emulator_host: str
) -> ManagedBackups:
    """Those of a database in Google's cloud. Raises StoreUnavailable where it is in none."""
    if emulator_host or not project:
        raise StoreUnavailable(
            "Documents are not in Google's cloud: FIREBASE_PROJECT_ID is not set, or"
            " FIRESTORE_EMULATOR_HOST is. `flask backup create` keeps any store."
        )
    return ManagedBackups(
        project,
        database,
        lambda: grpc.secure_channel(_ADDRESS, grpc.ssl_channel_credentials()),
        authorization(credentials_base64),
    )


@contextmanager
def _explained() -> Iterator[None]:
    with explained():
        try:
            yield
        except google.PermissionDenied as error:
            raise StoreUnavailable(f"Google refused ({error.message}). {ROLES}") from error
        except google.AlreadyExists as error:
            raise InvalidInput("schedule", "There is such a schedule already.") from error


def _made(backup: Backup) -> Made:
    return Made(
        name=backup.name,
        taken_at=backup.snapshot_time,
        expires_at=backup.expire_time,
        state=Backup.State(backup.state).name.lower(),
        documents=backup.stats.document_count,
        bytes=backup.stats.size_bytes,
    )


def _scheduled(schedule: BackupSchedule) -> Scheduled:
    weekly = BackupSchedule.pb(schedule).WhichOneof("recurrence") == "weekly_recurrence"
    return Scheduled("weekly" if weekly else "daily", schedule.retention)
