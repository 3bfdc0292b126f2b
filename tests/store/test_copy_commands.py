"""`flask store copy` and `flask store compare` as people run them."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result
from flask import Flask

from config import Settings
from services.container import open_services
from services.store import store_in_file, store_of_project
from services.store.contract import Store, Update
from services.store.transfer.bookmark import MARK, Bookmark
from services.store.transfer.compare import compare
from tests.store.test_copy import AWKWARD, many, put
from tests.support.market import RecordingJobs
from tests.support.thorough import times

pytestmark = pytest.mark.slow

DOCUMENTS = times(20_000, 6_000)

ROOT = Path(__file__).parents[2]
NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An application whose Redis does not answer."""
    from app import create_app

    settings = Settings(
        _env_file=None,
        redis_url=NO_REDIS,
        bellwether_data=tmp_path / "var",
        secret_key="known to tests only",
        firebase_project_id="",
        firebase_credentials_base64="",
        firestore_emulator_host="",
    )
    return create_app(settings, open_services(settings, lambda _: RecordingJobs()))


@pytest.fixture
def source(tmp_path: Path):
    store = store_in_file(tmp_path / "a.db")
    put(store, AWKWARD)
    yield store
    store.close()


@pytest.fixture
def run(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    return lambda *words: app.test_cli_runner().invoke(args=["store", *words])


def flask(folder: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    given = {"REDIS_URL": NO_REDIS, "BELLWETHER_DATA": str(folder / "var"), "SECRET_KEY": "x" * 50}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "store", *words],
        cwd=ROOT,
        env=kept | given | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_copy_tells_counts_and_digests_and_that_both_are_equal(
    source: Store, run: Callable[..., Result], tmp_path: Path
) -> None:
    result = run("copy", "sqlite:a.db", "file:documents.gz")
    assert result.exit_code == 0
    first, second, last = result.stdout.splitlines()
    assert first.startswith(f"sqlite:{tmp_path}/a.db: 5 documents, digest ")
    assert second.startswith(f"file:{tmp_path}/documents.gz: 5 documents, digest ")
    assert first.rpartition(" ")[2] == second.rpartition(" ")[2]
    assert last == "equal"
    assert result.stderr == ""


def test_the_configured_store_is_not_opened(
    source: Store, run: Callable[..., Result], tmp_path: Path
) -> None:
    run("copy", "sqlite:a.db", "sqlite:b.db")
    assert not (tmp_path / "var" / "bellwether.sqlite3").exists()


def test_a_comparison_names_what_differs_and_exits_with_1(
    source: Store, run: Callable[..., Result]
) -> None:
    run("copy", "sqlite:a.db", "sqlite:b.db")
    assert run("compare", "sqlite:a.db", "sqlite:b.db").exit_code == 0
    source.write(Update("users/1", {"whole": 2}))
    result = run("compare", "sqlite:a.db", "sqlite:b.db")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[2:] == ["differs: users/1", "not equal: 1 paths"]


def test_a_target_that_holds_other_documents_needs_consent(
    source: Store, run: Callable[..., Result], tmp_path: Path
) -> None:
    other = store_in_file(tmp_path / "b.db")
    put(other, {"zoo/lion": {}})
    refused = run("copy", "sqlite:a.db", "sqlite:b.db")
    assert refused.exit_code == 2
    assert "--into-existing" in refused.stderr
    merged = run("copy", "sqlite:a.db", "sqlite:b.db", "--into-existing")
    assert merged.exit_code == 1
    assert "only in the second: zoo/lion" in merged.stdout
    assert "--delete-extra" in merged.stderr
    assert run("copy", "sqlite:a.db", "sqlite:b.db", "--delete-extra").exit_code == 0
    assert other.get("zoo/lion") is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("copy", "mongodb:x", "sqlite:b.db"), "'mongodb:x' is none. A place is sqlite:PATH"),
        (("copy", "sqlite:a.db"), "Missing argument 'TARGET'"),
        (("copy", "sqlite:a.db", "sqlite:a.db"), "same place"),
        (("copy", "sqlite:none.db", "sqlite:b.db"), "no database"),
        (("copy", "file:none.gz", "sqlite:b.db"), "cannot be read"),
        (("copy", "file:stranger", "sqlite:b.db"), "damaged, incomplete or not a Bellwether's"),
        (("copy", "sqlite:stranger", "sqlite:b.db"), "stranger"),
        (("copy", "sqlite:a.db", "sqlite:no/b.db"), "folder exists"),
        (("copy", "sqlite:a.db", "file:no/b.gz"), "folder exists"),
        (("compare", "sqlite:a.db", "sqlite:none.db"), "no database"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_2(
    source: Store, run: Callable[..., Result], tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "stranger").write_text("my diary")
    before = {file.name for file in tmp_path.iterdir()}
    result = run(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert {file.name for file in tmp_path.iterdir()} - before <= {"a.db-wal", "a.db-shm"}


@pytest.mark.parametrize("configured", ["", "project"])
def test_wrong_credentials_are_one_sentence(source: Store, tmp_path: Path, configured: str) -> None:
    key = base64.b64encode(json.dumps({"type": "service_account"}).encode()).decode()
    process = flask(
        tmp_path,
        "copy",
        f"sqlite:{tmp_path}/a.db",
        "firestore:project",
        FIREBASE_CREDENTIALS_BASE64=key,
        FIREBASE_PROJECT_ID=configured,
    )
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told.startswith("Error: FIREBASE_CREDENTIALS_BASE64 is not")
    assert len(told.splitlines()) == 1


def test_wrong_settings_are_told_without_a_traceback(source: Store, tmp_path: Path) -> None:
    process = flask(tmp_path, "compare", f"sqlite:{tmp_path}/a.db", "file:x", PORT="none")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told.startswith("Error: These settings cannot be used:\n  PORT:")


def test_a_process_without_redis_copies(source: Store, tmp_path: Path) -> None:
    process = flask(tmp_path, "copy", f"sqlite:{tmp_path}/a.db", f"sqlite:{tmp_path}/b.db")
    told, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors.count("\n") == errors.count("Redis is away") == 1
    assert told.endswith("equal\n")


def test_an_interrupted_process_says_how_to_go_on(source: Store, tmp_path: Path) -> None:
    put(source, many(3_000))
    words = ("copy", f"sqlite:{tmp_path}/a.db", f"sqlite:{tmp_path}/b.db")
    process = flask(tmp_path, *words)
    wait_for(lambda: begun(tmp_path / "b.db") or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, "The same command goes on" in errors) in ((130, True), (0, False))
    assert flask(tmp_path, *words).wait(60) == 0


def begun(file: Path) -> bool:
    return file.exists() and store_in_file(file).get(MARK) is not None


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def copy_with_kills(folder: Path, words: tuple[str, str], target: Store, host: str) -> int:
    """Copy, killed -9 twice, each time a little further on; how often that hit the copy."""
    hits = 0
    for _ in range(2):
        before = Bookmark.of(target)
        process = flask(folder, "copy", *words, FIRESTORE_EMULATOR_HOST=host)
        while process.poll() is None and Bookmark.of(target) in (before, Bookmark(words[0])):
            time.sleep(0.05)
        process.kill()
        process.communicate()
        hits += process.returncode == -signal.SIGKILL
    last = flask(folder, "copy", *words, FIRESTORE_EMULATOR_HOST=host)
    told, errors = last.communicate(timeout=600)
    assert last.returncode == 0
    assert errors.count("\n") == errors.count("Redis is away") == 1
    assert told.endswith("equal\n")
    return hits


@pytest.mark.slow
@pytest.mark.emulator
def test_a_copy_there_and_back_killed_four_times_changes_nothing(
    source: Store, tmp_path: Path, emulator_host: str
) -> None:
    put(source, many(DOCUMENTS))
    project, back = f"test-{uuid4().hex}", tmp_path / "b.db"
    there = store_of_project(project, "(default)", "", emulator_host)
    names = (f"sqlite:{tmp_path}/a.db", f"firestore:{project}", f"sqlite:{back}")
    hits = copy_with_kills(tmp_path, names[:2], there, emulator_host)
    hits += copy_with_kills(tmp_path, names[1:], store_in_file(back), emulator_host)
    result = compare(source, store_in_file(back), lambda _: None)
    assert result.equal
    assert result.b.documents == DOCUMENTS + len(AWKWARD)
    assert hits >= 3
