"""`flask doctor` finds what is wrong, says what to do, and ends with 1 where something is bad."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Worker

from services.backup.state import BackupState, keep_state
from services.doctor import inside
from services.doctor.examine import examine
from services.doctor.finding import Finding
from services.metrics import STORE_DOCUMENTS
from services.store.contract import Set
from services.store.schema import Schema
from services.store.sqlite import SqliteStore
from services.store.system import CheckerState, System
from tests.support.web import Site
from workers.listing import unattended
from workers.queues import QUEUES

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def found(site: Site, now: datetime | None = None) -> dict[str, Finding]:
    services = site.services
    findings = examine(
        services, lambda: unattended(services.redis), lambda: now or datetime.now(UTC)
    )
    return {finding.about: finding for finding in findings}


def test_a_site_nobody_works_for_is_told_so(site: Site) -> None:
    one = found(site)["Queues"]
    assert (one.state, "python -m workers" in one.remedy) == ("bad", True)
    worker = Worker(QUEUES, connection=site.services.redis, name="one")
    worker.register_birth()
    assert found(site)["Queues"].state == "good"


def test_clocks_that_differ_are_told(site: Site) -> None:
    assert found(site)["Clock and Redis"].state == "good"
    late = found(site, datetime.now(UTC) - timedelta(minutes=6))
    assert (late["Clock and Redis"].state, late["Clock and store"].state) == ("bad", "bad")


def test_a_check_that_is_late_is_told(site: Site) -> None:
    assert found(site)["Last check"].state == "doubtful"
    now = datetime.now(UTC)
    System(site.services.store).save_checker("yahoo", CheckerState(completed_at=now))
    assert found(site)["Last check"].state == "good"
    assert found(site, now + timedelta(minutes=16))["Last check"].state == "bad"


def test_a_backup_that_failed_is_told(site: Site) -> None:
    redis, store, now = site.services.redis, site.services.store, datetime.now(UTC)
    assert found(site)["Last backup"].state == "doubtful"
    keep_state(BackupState(succeeded_at=now, name="b"), redis, store)
    assert found(site)["Last backup"].state == "good"
    keep_state(
        BackupState(succeeded_at=now, failed_at=now + timedelta(1), error="full"), redis, store
    )
    assert found(site)["Last backup"].says.endswith("full")


def test_alerts_that_the_index_lacks_are_told(site: Site) -> None:
    person = site.person()
    assert found(site)["Armed index"].state == "good"
    site.services.store.write(Set(f"users/{person.uid}/alerts/a", {"state": "armed"}))
    assert found(site)["Armed index"].state == "doubtful"


def test_documents_of_a_newer_bellwether_are_told(site: Site, sqlite_store: SqliteStore) -> None:
    path = site.services.settings.data
    with_file = SqliteStore(path / "bellwether.sqlite3")
    Schema(with_file).stamp(99)
    with_file.close()
    one = found(site)["Documents"]
    assert (one.state, "newer Bellwether" in one.says) == ("bad", True)


def test_a_disk_without_room_is_told(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    for free in (1 << 40, 512 << 20, 1 << 20):
        usage: Any = type("Usage", (), {"free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda _, usage=usage: usage)
        states.append(inside.disk(tmp_path / "not" / "there").state)
    assert states == ["good", "doubtful", "bad"]


def test_a_machine_that_asks_too_much_is_told(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f'{STORE_DOCUMENTS._name}_total{{operation="read",caller="x"}} 30000.0\n'
    monkeypatch.setattr(inside, "metrics_text", text.encode)
    (tmp_path / "0.lock").touch()
    now = datetime.now(UTC)
    one = inside.quota(tmp_path, now + timedelta(hours=12))
    assert (one.state, "60,000 reads" in one.says) == ("doubtful", True)
    assert inside.quota(tmp_path, now + timedelta(days=2)).state == "good"


def test_the_command_prints_a_table_and_ends_with_one(site: Site) -> None:
    answer = site.app.test_cli_runner().invoke(args=["doctor"])
    assert answer.exit_code == 1
    assert "✗ Queues" in answer.output
    assert "✓ Documents" in answer.output


def test_the_command_speaks_json(site: Site) -> None:
    answer = site.app.test_cli_runner().invoke(args=["doctor", "--json"])
    rows = json.loads(answer.output)
    assert {"about", "state", "says", "remedy"} == set(rows[0])
    assert answer.exit_code == 1


def test_the_schedule_is_listed(site: Site) -> None:
    answer = site.app.test_cli_runner().invoke(args=["schedule"])
    assert "daily at 02:00 UTC" in answer.output
    assert "no clock runs" in answer.output
    rows = json.loads(site.app.test_cli_runner().invoke(args=["schedule", "--json"]).output)
    assert rows[0]["job"] == "check_alerts"


def old_trigger(site: Site, redis: Redis) -> str:
    uid = site.person().uid
    path = f"users/{uid}/triggers/a-1"
    site.services.store.write(Set(path, {"deliveries": {"email": {"state": "failed"}}}))
    return path


def test_migrate_counts_then_backs_up_and_changes(site: Site, redis: Redis) -> None:
    path = old_trigger(site, redis)
    cli, store = site.app.test_cli_runner(), site.services.store
    dry = cli.invoke(args=["migrate", "--dry-run"])
    assert (dry.exit_code, "1 would be changed" in dry.output) == (0, True), dry.output
    document = store.get(path)
    assert document is not None
    assert "trouble" not in document.fields
    done = cli.invoke(args=["migrate"])
    assert (done.exit_code, "1 changed" in done.output) == (0, True), done.output
    assert "is made" in done.output
    document = store.get(path)
    assert document is not None
    assert document.fields["trouble"] == "failed"
    assert "of schema 1" in cli.invoke(args=["migrate"]).output


def test_migrate_without_a_backup_makes_none(site: Site, redis: Redis) -> None:
    old_trigger(site, redis)
    answer = site.app.test_cli_runner().invoke(args=["migrate", "--no-backup"])
    assert "is made" not in answer.output
    assert not (site.services.settings.data / "backups").exists()
