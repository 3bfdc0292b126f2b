"""Migrations change what is old, once, and go on where they were killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.errors import Conflict, StoreUnavailable
from services.migrations.all import LATEST, MIGRATIONS
from services.migrations.m0001_trouble_of_triggers import MIGRATION
from services.migrations.migration import Migration
from services.migrations.running import Migrations
from services.migrations.schema import bring_up_to_date, require_known_schema, schema_finding
from services.store import open_store, schema
from services.store.contract import Document, Set, Store, Update, Write
from services.store.schema import Schema, SchemaState
from services.store.sqlite import SqliteStore
from tests.support.programs import ROOT

NOW = datetime(2026, 3, 2, tzinfo=UTC)
COUNT = Migration(1, "count up", "things", lambda f: None if "new" in f else {"new": f["old"]})

LATE: Any = {"email": {"state": "retry"}}


def fill(store: Store, number: int) -> None:
    for start in range(0, number, 500):
        names = range(start, min(start + 500, number))
        store.write(*(Set(f"owners/o{n % 7}/things/t{n:05}", {"old": n}) for n in names))


def things(store: Store) -> list[Document]:
    return [d for d in store.all() if "/things/" in d.path]


def all_new(store: Store) -> bool:
    return all(d.fields.get("new") == d.fields["old"] for d in things(store))


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PAGE", 4)


def test_every_document_of_the_group_is_changed_once(store: Store, small_pages: None) -> None:
    fill(store, 10)
    migrations = Migrations(store, [COUNT])
    assert migrations.count(COUNT) == 10
    assert migrations.run(COUNT, NOW) == 10
    assert all_new(store)
    assert (migrations.pending(), migrations.count(COUNT)) == ([], 0)
    assert Schema(store).read()[0] == SchemaState(version=1, at=NOW)


def test_a_dry_run_writes_nothing(store: Store) -> None:
    fill(store, 3)
    before = {d.path: d.version for d in store.all()}
    Migrations(store, [COUNT]).count(COUNT)
    assert {d.path: d.version for d in store.all()} == before


class Flaky:
    """A store that does what `meanwhile` says before its next write of things."""

    def __init__(self, store: Store, meanwhile: Any) -> None:
        self._store, self._meanwhile = store, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, *writes: Write) -> None:
        if len(writes) > 1 and self._meanwhile:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile(self._store)
        self._store.write(*writes)


def test_what_others_write_meanwhile_is_not_lost(sqlite_store: Store, small_pages: None) -> None:
    fill(sqlite_store, 6)
    flaky: Any = Flaky(sqlite_store, lambda s: s.write(Update(things(s)[0].path, {"old": 77})))
    assert Migrations(flaky, [COUNT]).run(COUNT, NOW) == 6
    assert all_new(sqlite_store)
    assert things(sqlite_store)[0].fields["new"] == 77


def test_a_second_migration_at_the_same_time_gives_way(sqlite_store: Store) -> None:
    fill(sqlite_store, 3)
    flaky: Any = Flaky(sqlite_store, lambda s: Migrations(s, [COUNT]).run(COUNT, NOW))
    with pytest.raises(Conflict, match="Another migration"):
        Migrations(flaky, [COUNT]).run(COUNT, NOW)
    assert all_new(sqlite_store)


PROGRAM = """
import sys
from datetime import UTC, datetime
from tests.migrations.test_migrations import COUNT, opened
from services.migrations.running import Migrations
def told(n):
    print(n, flush=True)
Migrations(opened(*sys.argv[1:]), [COUNT]).run(COUNT, datetime(2026, 3, 2, tzinfo=UTC), told)
"""


def opened(place: str, host: str) -> Store:
    if not host:
        return SqliteStore(Path(place))
    from config import Settings

    return open_store(
        Settings(_env_file=None, firebase_project_id=place, firestore_emulator_host=host)
    )


def killed_after(pages: int, arguments: Sequence[str]) -> None:
    """Run the migration in a process of its own, killed once so many pages are done."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        for _ in range(pages):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("firestore", marks=[pytest.mark.emulator, pytest.mark.slow])]
)
def test_a_migration_that_was_killed_goes_on_where_it_stopped(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    host = request.getfixturevalue("emulator_host") if engine == "firestore" else ""
    place = f"test-{uuid4().hex}" if host else str(tmp_path / "store.sqlite3")
    store = opened(place, host)
    fill(store, 4_000)
    killed_after(2, [place, host])
    state = Schema(store).read()[0]
    assert (state.version, state.running) == (0, 1)
    assert state.changed >= 800
    looked_at: list[int] = []
    assert Migrations(store, [COUNT]).run(COUNT, NOW, looked_at.append) == 4_000
    assert sum(looked_at) == 4_000 - state.changed
    assert all_new(store)
    store.close()


# Of which schema the documents are


def test_an_empty_store_begins_with_the_schema_of_this_version(store: Store) -> None:
    assert schema_finding(store).state == "good"
    assert Schema(store).read()[0].version == LATEST
    assert Migrations(store).pending() == []


def test_documents_of_before_there_were_schemas_are_migrated(store: Store) -> None:
    store.write(Set("users/u", {"email": "ada@bell.example"}))
    finding = schema_finding(store)
    assert (finding.state, "migrate" in finding.remedy) == ("bad", True)
    assert Migrations(store).pending() == list(MIGRATIONS)


def test_one_machine_brings_its_documents_up_to_date_by_itself(sqlite_store: Store) -> None:
    sqlite_store.write(Set("users/u", {}), Set("users/u/triggers/a-1", {"deliveries": LATE}))
    bring_up_to_date(sqlite_store, NOW)
    trigger = sqlite_store.get("users/u/triggers/a-1")
    assert trigger is not None
    assert trigger.fields["trouble"] == "late"
    assert schema_finding(sqlite_store).state == "good"


class Away:
    """A store that does not answer for a while."""

    def get(self, _path: str) -> None:
        raise StoreUnavailable("Away.", passing=True)


def test_a_store_that_is_away_is_no_reason_not_to_start() -> None:
    away: Any = Away()
    require_known_schema(away)
    bring_up_to_date(away, NOW)


def test_newer_documents_are_refused(sqlite_store: Store) -> None:
    Schema(sqlite_store).stamp(LATEST + 1)
    assert schema_finding(sqlite_store).state == "bad"
    with pytest.raises(StoreUnavailable, match="newer Bellwether"):
        require_known_schema(sqlite_store)


def test_the_numbers_of_migrations_are_without_a_gap() -> None:
    assert [one.number for one in MIGRATIONS] == list(range(1, LATEST + 1))


# 1: triggers tell their trouble


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ({}, None),
        ({"email": {"state": "sent"}}, None),
        ({"email": {"state": "failed"}, "push": {"state": "held"}}, {"trouble": "failed"}),
        ({"email": {"state": "sent", "error": "one device"}}, {"trouble": "failed"}),
        ({"email": {"state": "retry"}}, {"trouble": "late"}),
        ({"email": {"state": "held"}}, {"trouble": "late"}),
    ],
)
def test_an_old_trigger_tells_its_trouble(deliveries: Any, expected: Any) -> None:
    assert MIGRATION.change({"deliveries": deliveries}) == expected


def test_a_trigger_that_tells_already_is_left_alone() -> None:
    fields: Any = {"deliveries": {"email": {"state": "failed"}}, "trouble": None}
    assert MIGRATION.change(fields) is None
