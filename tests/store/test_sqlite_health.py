"""Damage is noticed at start; a backup is whole though others write; turns are fair."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from services.errors import StoreUnavailable
from services.store import sqlite_health
from services.store.contract import Create, Query, Set, Transaction
from services.store.sqlite import SqliteStore
from tests.support.thorough import times

ARMED = Query("alerts", group=True, where=(("state", "==", "armed"),))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A closed file with two hundred alerts."""
    path = tmp_path / "store.sqlite3"
    store = SqliteStore(path)
    fields = {"state": "armed", "note": "y" * 500}
    store.write(*(Create(f"users/u/alerts/{number:03}", fields) for number in range(200)))
    store.close()
    return path


def overwrite(path: Path, page: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(content)


def page_of_table(path: Path) -> int:
    """The number, from 0, of the page at which the table of documents begins."""
    with sqlite3.connect(path) as connection:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'documents'"
        (page,) = connection.execute(sql).fetchone()
    connection.close()
    return page - 1


def test_damage_is_noticed_at_the_first_use_though_that_would_not_meet_it(filled: Path) -> None:
    overwrite(filled, page_of_table(filled), b"\xa5" * 4096)
    with pytest.raises(StoreUnavailable, match=r"is damaged.* restore a backup"):
        SqliteStore(filled).get("things/elsewhere")


def test_a_file_cut_short_is_noticed(filled: Path) -> None:
    with filled.open("r+b") as file:
        file.truncate(filled.stat().st_size // 2)
    with pytest.raises(StoreUnavailable, match=r"is damaged.* restore a backup"):
        SqliteStore(filled).ping()


def test_each_use_of_a_damaged_file_is_refused(filled: Path) -> None:
    overwrite(filled, page_of_table(filled), b"\xa5" * 4096)
    store = SqliteStore(filled)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="is damaged"):
            store.write(Create("things/one", {}))


def test_a_huge_file_does_not_hold_up_the_start(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_health, "CHECKED_BYTES", 1000)
    overwrite(filled, page_of_table(filled), b"\xa5" * 4096)
    SqliteStore(filled)._open().close()


# Backups


def test_a_backup_holds_everything_and_opens_as_a_store(filled: Path, tmp_path: Path) -> None:
    target = tmp_path / "backups" / "one.sqlite3"
    target.parent.mkdir()
    store = SqliteStore(filled)
    store.write(Create("things/just-written", {}))
    store.backup(target)
    copy = SqliteStore(target)
    assert copy.get("things/just-written") is not None
    assert copy.count(ARMED) == 200
    copy.close()
    assert [file.name for file in target.parent.iterdir()] == ["one.sqlite3"]
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_of_one_moment_while_others_write(
    sqlite_store: SqliteStore, tmp_path: Path
) -> None:
    ended = threading.Event()

    def write() -> int:
        number = 0
        while not ended.is_set():
            sqlite_store.write(*(Set(f"things/{twin}", {"n": number}) for twin in "abc"))
            number += 1
        return number

    sqlite_store.write(*(Set(f"things/{twin}", {"n": -1}) for twin in "abc"))
    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write)
        for number in range(5):
            target = tmp_path / f"{number}.sqlite3"
            sqlite_store.backup(target)
            copy = SqliteStore(target)
            seen = {document.fields["n"] for document in copy.query(Query("things"))}
            copy.close()
            assert len(seen) == 1
        ended.set()
    assert writer.result() > 0


def test_a_backup_of_a_damaged_file_is_refused_and_the_one_before_is_kept(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_health, "CHECKED_BYTES", 1000)  # so that it opens at all
    target = tmp_path / "backup.sqlite3"
    shutil.copy(filled, target)
    before = target.read_bytes()
    overwrite(filled, page_of_table(filled), b"\xa5" * 4096)
    with pytest.raises(StoreUnavailable, match=rf"{filled} is damaged"):
        SqliteStore(filled).backup(target)
    assert target.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} >= {"backup.sqlite3", "store.sqlite3"}
    assert not list(tmp_path.glob(".new-backup-*"))


def test_a_backup_into_a_folder_that_is_missing_is_told(filled: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"backup .* cannot be made .*folder exists"):
        SqliteStore(filled).backup(tmp_path / "none" / "backup.sqlite3")


# Turns

SPAWN = get_context("spawn")


def keep_writing(path: Path, number: int, seconds: float, answers: object) -> None:
    """Write as fast as it goes; answer how often, and the longest wait for a turn (seconds)."""
    store = SqliteStore(path)
    end = time.monotonic() + seconds
    turns, longest = 0, 0.0

    def work(transaction: Transaction) -> None:
        transaction.get("things/one")
        transaction.write(Set(f"things/{number}", {"turn": turns}))

    while (begun := time.monotonic()) < end:
        store.transact(work)
        turns, longest = turns + 1, max(longest, time.monotonic() - begun)
    answers.put((turns, longest))  # type: ignore[attr-defined]


@pytest.mark.slow
def test_no_writer_starves_among_eight_busy_ones(
    sqlite_store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    sqlite_store.ping()
    answers = SPAWN.Queue()
    jobs = [(sqlite_store._path, number, 5.0, answers) for number in range(8)]
    processes = [SPAWN.Process(target=keep_writing, args=job) for job in jobs]
    for process in processes:
        process.start()
    results = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(20)
    turns = [number for number, _ in results]
    longest = max(wait for _, wait in results)
    with capsys.disabled():
        print(  # noqa: T201  the measure
            f"\n8 writers: {sum(turns)} turns, the fewest {min(turns) / max(turns):.2f} of the"
            f" most, longest wait {longest:.2f} s"
        )
    assert longest < 2.5
    assert min(turns) > max(turns) / 10


# The first use of a new file


@pytest.mark.parametrize("times", [15, pytest.param(times(300, 60), marks=pytest.mark.slow)])
def test_threads_that_open_a_new_file_at_once_all_find_it_whole(tmp_path: Path, times: int) -> None:
    start = threading.Barrier(8)

    def first_use(store: SqliteStore) -> Callable[[int], None]:
        def use(number: int) -> None:
            start.wait()
            store.write(Create(f"things/{number}", {}))

        return use

    with ThreadPoolExecutor(8) as threads:
        for number in range(times):
            store = SqliteStore(tmp_path / f"{number}.sqlite3")
            list(threads.map(first_use(store), range(8)))
            assert store.count(Query("things")) == 8
            store.close()
