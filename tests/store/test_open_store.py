"""Which engine the settings choose."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from config import Settings
from services.errors import StoreUnavailable
from services.store import open_store
from services.store.contract import Create
from services.store.firestore import FirestoreStore
from services.store.sqlite import SqliteStore


def settings(data: Path, **values: str) -> Settings:
    chosen = {"firebase_project_id": "", "firestore_emulator_host": "", **values}
    return Settings(_env_file=None, bellwether_data=data, **chosen)


def test_without_a_project_documents_are_kept_in_the_data_folder(tmp_path: Path) -> None:
    store = open_store(settings(tmp_path / "deep" / "var"))
    assert isinstance(store, SqliteStore)
    store.write(Create("things/one", {}))
    store.close()
    assert (tmp_path / "deep" / "var" / "bellwether.sqlite3").exists()


def test_an_emulator_alone_means_the_project_bellwether(tmp_path: Path) -> None:
    store = open_store(settings(tmp_path, firestore_emulator_host="127.0.0.1:1"))
    assert isinstance(store, FirestoreStore)
    assert store._database.name == "projects/bellwether/databases/(default)"
    assert list(tmp_path.iterdir()) == []


def test_a_project_is_used_as_named(tmp_path: Path) -> None:
    store = open_store(
        settings(tmp_path, firestore_emulator_host="127.0.0.1:1", firebase_project_id="flock")
    )
    assert isinstance(store, FirestoreStore)
    assert store._database.name == "projects/flock/databases/(default)"


def test_a_database_is_used_as_named(tmp_path: Path) -> None:
    store = open_store(
        settings(tmp_path, firestore_emulator_host="127.0.0.1:1", firebase_database="flock")
    )
    assert isinstance(store, FirestoreStore)
    assert store._database.name == "projects/bellwether/databases/flock"


@pytest.mark.parametrize("name", ["Flock", "a/b", "ab", "(other)", "flock-", "1flock"])
def test_a_name_that_no_database_can_have_is_refused_at_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="firebase_database"):
        settings(tmp_path, firebase_database=name)


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(StoreUnavailable, match="Set BELLWETHER_DATA"):
        open_store(settings(tmp_path / "var"))


def test_sqlite_does_not_pay_for_googles_libraries(tmp_path: Path) -> None:
    program = (
        "import sys; from config import Settings; from services.store import open_store;"
        f"open_store(Settings(_env_file=None, bellwether_data={str(tmp_path)!r},"
        " firebase_project_id='', firestore_emulator_host='')).ping();"
        "print([name for name in sys.modules if name.startswith(('grpc', 'google.', 'firebase'))])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
