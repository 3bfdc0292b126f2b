"""Backups of a small store, in a folder on the disk."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from services.backup.backups import Backups, unseen
from services.backup.folder import Folder
from services.backup.making import make
from services.backup.parts import Backup
from services.store.contract import Set, Store

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SECRET = "$argon2id$a-hash"


def fill(store: Store, people: int = 3, alerts: int = 4) -> None:
    """People with alerts, in one batch for each."""
    for person in range(people):
        uid = f"users/U{person:05}"
        writes = [Set(uid, {"email": f"p{person}@example.com", "password_hash": SECRET})]
        writes += [
            Set(
                f"{uid}/alerts/A{number:05}",
                {"level": 1.0 + number, "created_at": NOW, "note": "ä\n\u2028", "tags": [1, 1.5]},
            )
            for number in range(alerts)
        ]
        store.write(*writes)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "backups"))


@pytest.fixture
def backups(store: Store, folder: Folder, tmp_path: Path, redis: Redis) -> Backups:
    """Those of a store that holds 15 documents, of each engine in turn."""
    fill(store)
    return Backups(store, "the store", folder, tmp_path / "scratch", redis)


@pytest.fixture
def made(sqlite_store: Store, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Backup:
    """A backup of 15 documents in four parts."""
    monkeypatch.setattr("services.backup.parts.PART_DOCUMENTS", 4)
    fill(sqlite_store)
    return make(sqlite_store, "the store", folder, unseen)


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str, str], Path]:
    """The path of a backup's file."""
    return lambda name, file: tmp_path / "backups" / name / file
