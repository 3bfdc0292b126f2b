"""The document stores that tests run on: an empty SQLite file, an empty project on the emulator."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from services.store.contract import Store
from services.store.sqlite import SqliteStore
from tests.support.emulator import shared_emulator
from tests.support.redis_server import free_port

_HOW_TO_GET_IT = (
    "Google's Firestore emulator is missing. Install the Google Cloud CLI, then: gcloud components"
    " install cloud-firestore-emulator (it needs Java 17 or newer)."
    " Or set FIRESTORE_EMULATOR_HOST to one that runs."
)


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty SQLite store."""
    store = SqliteStore(tmp_path / "store.sqlite3")
    yield store
    store.close()


@pytest.fixture(scope="session")
def emulator_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of an emulator that all test processes share; use a project of your own on it."""
    if given := os.environ.get("FIRESTORE_EMULATOR_HOST"):
        yield given
        return
    if not (shutil.which("gcloud") and shutil.which("java")):
        _miss()
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with shared_emulator(folder, free_port()) as host:
        yield host


@pytest.fixture
def firestore_store(emulator_host: str) -> Iterator[Store]:
    """An empty Firestore: a project that no other test uses."""
    from services.store.firestore import open_firestore

    store = open_firestore(f"test-{uuid4().hex}", "", emulator_host)
    yield store
    store.close()


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store, of each engine in turn."""
    result: Store = request.getfixturevalue(f"{request.param}_store")
    return result


@pytest.fixture
def chosen_store(request: pytest.FixtureRequest) -> Store:
    """An empty store of the engine that STORE names: `sqlite` (the default) or `firestore`."""
    result: Store = request.getfixturevalue(f"{os.environ.get('STORE', 'sqlite')}_store")
    return result


def _miss() -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(_HOW_TO_GET_IT)
    pytest.skip(_HOW_TO_GET_IT)
