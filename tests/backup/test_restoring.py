"""Restores: refused, forced, interrupted, gone on with; by functions, by command, by kill -9."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from redis import Redis

from config import Settings
from services.alerts.index.keys import BUILT_FOR
from services.backup.backups import unseen
from services.backup.folder import Folder
from services.backup.making import make
from services.backup.parts import Backup, open_backup
from services.backup.restoring import restore
from services.container import open_services
from services.errors import BackupError, StoreUnavailable
from services.store import require_usable, store_in_file
from services.store.contract import Set, Store, Write
from services.store.transfer.bookmark import MARK, Bookmark
from services.store.transfer.compare import compare
from tests.backup.conftest import fill
from tests.support.market import RecordingJobs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Store]:
    """The store that the backup is of."""
    store = store_in_file(tmp_path / "origin.db")
    fill(store)
    yield store
    store.close()


@pytest.fixture
def kept(origin: Store, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Backup:
    """A backup of 15 documents in four parts."""
    monkeypatch.setattr("services.backup.parts.PART_DOCUMENTS", 4)
    return make(origin, "the origin", folder, unseen)


def is_equal(a: Store, b: Store) -> bool:
    return compare(a, b, lambda _: None).equal


class Breaking:
    """A store that dies with its `after`th write, as `kill -9` would have it: nothing of it."""

    def __init__(self, store: Store, after: int) -> None:
        self._store = store
        self._left = after

    def write(self, *writes: Write) -> None:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        self._store.write(*writes)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_an_empty_store_gets_every_document(kept: Backup, origin: Store, store: Store) -> None:
    result = restore(kept, store, "the target", unseen)
    assert result.equal
    assert result.a.digest == result.b.digest == kept.manifest.digest
    assert is_equal(origin, store)
    assert store.get(MARK) is None


def test_a_store_that_holds_others_is_left_alone_and_it_is_said_what_is_there(
    kept: Backup, store: Store
) -> None:
    fill(store, people=2, alerts=1)
    before = [document.fields for document in store.all()]
    with pytest.raises(BackupError, match=r"4 documents already: 2 in users, 2 in alerts.*--force"):
        restore(kept, store, "the target", unseen)
    assert [document.fields for document in store.all()] == before


def test_by_force_what_differs_is_overwritten_and_what_is_too_much_deleted(
    kept: Backup, origin: Store, store: Store
) -> None:
    store.write(Set("users/U00000", {"email": "other"}), Set("users/Z", {"email": "new"}))
    assert restore(kept, store, "the target", unseen, force=True).equal
    assert is_equal(origin, store)


def test_a_restore_that_is_done_changes_nothing_when_it_is_given_again(
    kept: Backup, store: Store
) -> None:
    restore(kept, store, "the target", unseen)
    versions = [document.version for document in store.all()]
    assert restore(kept, store, "the target", unseen).equal
    assert [document.version for document in store.all()] == versions


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("writes", range(0, 16, 3))
def test_one_that_dies_at_any_write_goes_on(
    kept: Backup,
    origin: Store,
    sqlite_store: Store,
    writes: int,
    force: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.store.transfer.copy.MAX_BATCH", 2)
    monkeypatch.setattr("services.store.transfer.copy.ROUND", 1)
    with pytest.raises(KeyboardInterrupt):
        restore(kept, Breaking(sqlite_store, writes), "the target", unseen, force=force)
    assert not is_equal(origin, sqlite_store)
    assert restore(kept, sqlite_store, "the target", unseen, force=force).equal
    assert is_equal(origin, sqlite_store)


def test_parts_that_are_restored_are_not_read_again(
    kept: Backup, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    get = Folder.get
    monkeypatch.setattr(Folder, "get", lambda self, name: (read.append(name), get(self, name))[1])
    assert [document.path for document in kept.all(kept.manifest.parts[2].last)] == [
        "users/U00002/alerts/A00001",
        "users/U00002/alerts/A00002",
        "users/U00002/alerts/A00003",
    ]
    assert read == [f"{kept.name}/part-00004.jsonl.gz"]


def test_half_a_restore_of_another_backup_is_not_mixed_with(
    kept: Backup, sqlite_store: Store, origin: Store
) -> None:
    Bookmark("backup 2020-01-01T00-00-00.000000Z in /x", "users/A", 1).keep_in(sqlite_store)
    with pytest.raises(BackupError, match="part of backup 2020-01-01"):
        restore(kept, sqlite_store, "the target", unseen)
    assert restore(kept, sqlite_store, "the target", unseen, force=True).equal
    assert is_equal(origin, sqlite_store)


def test_nothing_starts_on_half_a_restore(kept: Backup, sqlite_store: Store) -> None:
    require_usable(sqlite_store)
    Bookmark(str(kept), "users/A", 1).keep_in(sqlite_store)
    with pytest.raises(StoreUnavailable, match=f"flask backup restore {kept.name}$"):
        require_usable(sqlite_store)
    restore(kept, sqlite_store, "the target", unseen, force=True)
    require_usable(sqlite_store)


def test_a_damaged_part_ends_a_restore_which_goes_on_with_a_whole_one(
    kept: Backup, sqlite_store: Store, file_of: Callable[[str, str], Path], origin: Store
) -> None:
    file = file_of(kept.name, "part-00003.jsonl.gz")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"x")
    with pytest.raises(BackupError, match=r"part-00003\.jsonl\.gz is damaged"):
        restore(kept, sqlite_store, "the target", unseen)
    file.write_bytes(whole)
    assert restore(kept, sqlite_store, "the target", unseen).equal
    assert is_equal(origin, sqlite_store)


# The commands


@pytest.fixture
def app(tmp_path: Path, redis_url: str, redis: Redis) -> Flask:
    from app import create_app

    settings = Settings(
        _env_file=None,
        redis_url=redis_url,
        bellwether_data=tmp_path / "var",
        secret_key="known to tests only",
        bellwether_env="development",
    )
    return create_app(settings, open_services(settings, lambda _: RecordingJobs()))


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    """A site with one document, and its commands."""
    app.extensions["bellwether"].store.write(Set("users/U1", {"email": "a"}))
    return lambda *words: app.test_cli_runner().invoke(args=["backup", *words])


def test_the_commands_make_prove_list_and_restore(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    made = run("create", "--verify")
    assert made.exit_code == 0, made.output
    assert "1 documents in 1 parts" in made.stdout
    assert "every part is whole and can be restored" in made.stdout
    (line,) = run("list").stdout.splitlines()
    assert line.endswith("bytes  verified")
    restored = run("restore", "--to", f"sqlite:{tmp_path / 'b.db'}")
    assert restored.exit_code == 0, restored.output
    assert "equal" in restored.stdout.splitlines()
    assert run("prune").stdout == ""


def test_a_faulty_backup_ends_the_command_with_1(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    run("create")
    (part,) = (tmp_path / "var" / "backups").glob("*/part-*")
    part.write_bytes(part.read_bytes()[::-1])
    result = run("verify")
    assert result.exit_code == 1
    assert f"{part.parent.name}/{part.name} is damaged" in result.stderr


def test_what_cannot_be_done_ends_with_2_and_a_sentence(run: Callable[..., Result]) -> None:
    for words in (["verify"], ["restore", "2026-01-01"], ["restore", "--to", "nowhere:x"]):
        result = run(*words)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")


def test_after_a_restore_redis_knows_nothing_of_before(
    run: Callable[..., Result], redis: Redis, app: Flask
) -> None:
    run("create")
    app.extensions["bellwether"].store.write(Set("users/U2", {"email": "later"}))
    derived = ("kept:users/U/alerts", "kept:users/U", "token:U:x", "session:s", "live:triggers:U")
    for key in (BUILT_FOR, *derived, "quote:AAPL"):
        redis.set(key, "x")
    assert run("restore").exit_code == 2
    assert redis.exists(BUILT_FOR)
    result = run("restore", "--force")
    assert result.exit_code == 0, result.output
    assert "Redis forgot" in result.stdout
    assert redis.exists(BUILT_FOR, *derived) == 0
    assert redis.exists("quote:AAPL")


# The real thing


def flask(folder: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    given = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BELLWETHER_DATA": str(folder / "var"),
        "BELLWETHER_ENV": "development",
        "SECRET_KEY": "x" * 50,
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "backup", *words],
        cwd=ROOT,
        env=kept | given | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_in_the_middle(
    target: Store, total: int, command: Callable[[], subprocess.Popen[str]]
) -> int:
    """Kill the restore once a third of it is noted; returns how many documents are there."""
    process = command()
    deadline = time.monotonic() + 400
    while (mark := _mark_of(target)) is None or mark.documents < total // 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return target.size() - 1


def _mark_of(target: Store) -> Bookmark | None:
    try:
        return Bookmark.of(target)
    except StoreUnavailable:  # a file that is just being made
        return None


@pytest.mark.slow
def test_many_documents_survive_a_kill_in_the_middle_of_their_restore(tmp_path: Path) -> None:
    """BACKUP_PEOPLE=500 is the 200,000 documents that were restored by hand."""
    people = int(os.environ.get("BACKUP_PEOPLE", "80"))
    total, target = 400 * people, tmp_path / "target.db"
    (tmp_path / "var").mkdir()
    origin = store_in_file(tmp_path / "var" / "bellwether.sqlite3")
    fill(origin, people=people, alerts=399)
    assert origin.size() == total
    begun = time.monotonic()
    made = flask(tmp_path, "create")
    assert f"{total:,} documents" in made.communicate()[0]
    made_at = time.monotonic()
    words = ("restore", "--to", f"sqlite:{target}")
    store = store_in_file(target)
    there = kill_in_the_middle(store, total, lambda: flask(tmp_path, *words))
    assert total // 3 <= there < total
    again = time.monotonic()
    second = flask(tmp_path, *words)
    told, _ = second.communicate()
    assert second.returncode == 0
    assert told.splitlines()[-1] == "equal"
    done = time.monotonic()
    assert is_equal(origin, store)
    backup = open_backup(Folder(str(tmp_path / "var" / "backups")), _only_name(tmp_path))
    measured = {
        "documents": total,
        "bytes": backup.manifest.stored_bytes,
        "parts": len(backup.manifest.parts),
        "make_s": round(made_at - begun, 1),
        "there_when_killed": there,
        "rest_and_compare_s": round(done - again, 1),
    }
    print(json.dumps(measured))  # noqa: T201


def _only_name(folder: Path) -> str:
    (name,) = (one.name for one in (folder / "var" / "backups").iterdir())
    return name


@pytest.mark.slow
@pytest.mark.emulator
def test_a_restore_into_firestore_survives_a_kill(
    tmp_path: Path, firestore_store: Store, emulator_host: str
) -> None:
    total = 12_000
    origin = store_in_file(tmp_path / "origin.db")
    fill(origin, people=30, alerts=399)
    folder = Folder(str(tmp_path / "backups"))
    made = make(origin, "the origin", folder, unseen)
    project = firestore_store._database.name.split("/")[1]  # type: ignore[attr-defined]
    words = ("restore", made.name, "--to", f"firestore:{project}", "--at", folder.url)
    emulated = {"FIRESTORE_EMULATOR_HOST": emulator_host}
    kill_in_the_middle(firestore_store, total, lambda: flask(tmp_path, *words, **emulated))
    assert not is_equal(origin, firestore_store)
    second = flask(tmp_path, *words, **emulated)
    told, said = second.communicate()
    assert second.returncode == 0, said
    assert told.splitlines()[-1] == "equal"
    assert is_equal(origin, firestore_store)
