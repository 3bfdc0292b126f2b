"""Google's own backups, against a server on loopback that speaks the admin API's protocol.

No cloud can be reached from here: what Google does with these requests is not proved.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import Result
from google.cloud.firestore_admin_v1 import types
from google.longrunning import operations_pb2

from config import Settings
from services.container import open_services
from services.errors import InvalidInput, StoreUnavailable
from services.store import managed_backups as module
from services.store.managed_backups import ManagedBackups, managed_backups
from tests.support.market import RecordingJobs

DATABASE = "projects/flock/databases/(default)"
NOW = datetime(2026, 11, 21, 2, 0, 42, 7, tzinfo=UTC)
MINUTE = datetime(2026, 11, 21, 1, 59, tzinfo=UTC)
_REQUESTS = {
    "GetDatabase": types.GetDatabaseRequest,
    "UpdateDatabase": types.UpdateDatabaseRequest,
    "ExportDocuments": types.ExportDocumentsRequest,
    "ListBackups": types.ListBackupsRequest,
    "ListBackupSchedules": types.ListBackupSchedulesRequest,
    "CreateBackupSchedule": types.CreateBackupScheduleRequest,
}


def backup(day: int, database: str = DATABASE) -> types.Backup:
    return types.Backup(
        name=f"projects/flock/locations/eur3/backups/{day}",
        database=database,
        snapshot_time=datetime(2026, 11, day, tzinfo=UTC),
        expire_time=datetime(2026, 12, day, tzinfo=UTC),
        state=types.Backup.State.READY,
        stats=types.Backup.Stats(document_count=1_234, size_bytes=56_789),
    )


class Google(grpc.GenericRpcHandler):
    """Answers of the admin API; `seen` are the requests, by their methods, and their headers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any, dict[str, str]]] = []
        self.refusal: tuple[grpc.StatusCode, str] | None = None
        operation = operations_pb2.Operation(name=f"{DATABASE}/operations/op1")
        daily = types.BackupSchedule(retention=timedelta(days=7))
        daily.daily_recurrence = types.DailyRecurrence()
        enabled = types.Database.PointInTimeRecoveryEnablement.POINT_IN_TIME_RECOVERY_ENABLED
        self.answers: dict[str, Any] = {
            "GetDatabase": types.Database(
                name=DATABASE,
                location_id="eur3",
                point_in_time_recovery_enablement=enabled,
                earliest_version_time=NOW - timedelta(days=7),
            ),
            "UpdateDatabase": operation,
            "ExportDocuments": operation,
            "ListBackups": types.ListBackupsResponse(
                backups=[backup(20), backup(13), backup(14, "projects/flock/databases/other")]
            ),
            "ListBackupSchedules": types.ListBackupSchedulesResponse(backup_schedules=[daily]),
            "CreateBackupSchedule": daily,
        }

    def service(self, details: Any) -> Any:
        method = details.method.rpartition("/")[2]
        assert details.method.startswith("/google.firestore.admin.v1.FirestoreAdmin/")

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            self.seen.append((method, request, dict(context.invocation_metadata())))
            if self.refusal:
                context.abort(*self.refusal)
            return self.answers[method]

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=_REQUESTS[method].deserialize,
            response_serializer=_serialized,
        )

    def asked(self, method: str) -> Any:
        (request,) = (request for name, request, _ in self.seen if name == method)
        return request


def _serialized(answer: Any) -> bytes:
    if isinstance(answer, operations_pb2.Operation):
        return answer.SerializeToString()
    return bytes(type(answer).serialize(answer))


@pytest.fixture
def server() -> Iterator[tuple[Google, str]]:
    google = Google()
    with ThreadPoolExecutor(4) as threads:
        listening = grpc.server(threads, handlers=[google])
        port = listening.add_insecure_port("127.0.0.1:0")
        listening.start()
        yield google, f"127.0.0.1:{port}"
        listening.stop(0).wait()


@pytest.fixture
def google(server: tuple[Google, str]) -> Google:
    return server[0]


@pytest.fixture
def managed(server: tuple[Google, str]) -> Iterator[ManagedBackups]:
    host = server[1]
    headers = (("authorization", "Bearer known"),)
    found = ManagedBackups(
        "flock", "(default)", lambda: grpc.insecure_channel(host), lambda: headers
    )
    yield found
    found.close()


def test_an_export_is_of_one_whole_minute(managed: ManagedBackups, google: Google) -> None:
    operation, minute = managed.export("gs://bucket/exports/", NOW)
    assert (operation, minute) == (f"{DATABASE}/operations/op1", MINUTE)
    asked = google.asked("ExportDocuments")
    assert (asked.name, asked.output_uri_prefix) == (DATABASE, "gs://bucket/exports")
    assert asked.snapshot_time == MINUTE
    assert google.seen[0][2]["authorization"] == "Bearer known"


def test_an_export_goes_to_google_s_storage_only(managed: ManagedBackups, google: Google) -> None:
    with pytest.raises(InvalidInput, match="gs://"):
        managed.export("s3://bucket", NOW)
    assert google.seen == []


def test_backups_of_this_database_are_listed_the_oldest_first(managed: ManagedBackups) -> None:
    older, newer = managed.backups()
    assert (older.taken_at.day, newer.taken_at.day) == (13, 20)
    assert (newer.documents, newer.bytes, newer.state) == (1_234, 56_789, "ready")


def test_how_far_back_the_database_can_be_read_is_told(managed: ManagedBackups) -> None:
    kept = managed.protection()
    assert (kept.location, kept.recovery, kept.delete_protected) == ("eur3", True, False)
    assert kept.earliest == NOW - timedelta(days=7)
    assert [(one.rhythm, one.kept_for.days) for one in managed.schedules()] == [("daily", 7)]


@pytest.mark.parametrize("rhythm", ["daily", "weekly"])
def test_a_schedule_is_made(managed: ManagedBackups, google: Google, rhythm: Any) -> None:
    managed.schedule(rhythm, timedelta(days=14))
    made = google.asked("CreateBackupSchedule").backup_schedule
    assert made.retention == timedelta(days=14)
    assert types.BackupSchedule.pb(made).WhichOneof("recurrence") == f"{rhythm}_recurrence"


def test_what_google_would_not_keep_is_refused_here(managed: ManagedBackups) -> None:
    with pytest.raises(InvalidInput, match="1 to 98 days"):
        managed.schedule("daily", timedelta(days=99))


def test_recovery_and_protection_are_switched_on_and_nothing_else_is_touched(
    managed: ManagedBackups, google: Google
) -> None:
    managed.enable_recovery()
    asked = google.asked("UpdateDatabase")
    assert list(asked.update_mask.paths) == [
        "point_in_time_recovery_enablement",
        "delete_protection_state",
    ]
    on = types.Database.PointInTimeRecoveryEnablement.POINT_IN_TIME_RECOVERY_ENABLED
    assert asked.database.point_in_time_recovery_enablement == on


def test_a_refusal_names_the_roles(managed: ManagedBackups, google: Google) -> None:
    google.refusal = (grpc.StatusCode.PERMISSION_DENIED, "no")
    with pytest.raises(StoreUnavailable, match="Cloud Datastore Import Export Admin"):
        managed.export("gs://bucket", NOW)
    google.refusal = (grpc.StatusCode.ALREADY_EXISTS, "one is there")
    with pytest.raises(InvalidInput, match="already"):
        managed.schedule("daily", timedelta(days=7))


def test_without_google_s_cloud_there_is_nothing_to_manage() -> None:
    for project, emulator in (("", ""), ("flock", "127.0.0.1:1")):
        with pytest.raises(StoreUnavailable, match="not in Google's cloud"):
            managed_backups(project, "(default)", "", emulator)


@pytest.fixture
def run(
    managed: ManagedBackups, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Result]:
    from app import create_app

    settings = Settings(
        _env_file=None,
        redis_url="redis://127.0.0.1:1/0",
        bellwether_data=tmp_path,
        secret_key="known to tests only",
        bellwether_env="development",
    )
    app = create_app(settings, open_services(settings, lambda _: RecordingJobs()))
    monkeypatch.setattr(module, "managed_backups", lambda *_: managed)
    return lambda *words: app.test_cli_runner().invoke(args=["backup", "managed", *words])


def test_the_commands_say_what_they_did(run: Callable[..., Result]) -> None:
    shown = run("show")
    assert shown.exit_code == 0, shown.output
    assert "7 days by the minute" in shown.stdout
    assert "schedule: daily, kept 7 days" in shown.stdout
    assert shown.stdout.count("1,234 documents") == 2
    assert "gcloud firestore operations describe" in run("export", "gs://b/x").stdout
    assert run("schedule", "weekly", "--keep", "30").exit_code == 0
    assert "switched on" in run("enable-recovery").stdout
    assert run("export", "s3://b").exit_code == 2
