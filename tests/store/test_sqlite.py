"""What only the SQLite engine does: one file, many processes, and its failures."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from services.errors import AlreadyExists, Contention, StoreUnavailable
from services.store import sqlite_file
from services.store.contract import Create, Cursor, Query, Set, Transaction, Update
from services.store.sqlite import SqliteStore
from services.store.sqlite_query import select

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SPAWN = get_context("spawn")
FORK = get_context("fork")


def file_of(store: SqliteStore) -> Path:
    return store._path


def add(store: SqliteStore, times: int) -> None:
    def work(transaction: Transaction) -> None:
        document = transaction.get("things/sum")
        number = 0 if document is None else document.fields["number"]
        transaction.write(Set("things/sum", {"number": number + 1}))

    for _ in range(times):
        store.transact(work)


def add_in_a_process(path: Path) -> None:
    add(SqliteStore(path), 20)


def create_in_a_process(path: Path, number: int) -> None:
    try:
        SqliteStore(path).write(Create("things/one", {"winner": number}))
    except AlreadyExists:
        sys.exit(3)


def run_all(context, jobs: list[tuple[Callable[..., None], tuple[object, ...]]]) -> list[int]:
    processes = [context.Process(target=target, args=arguments) for target, arguments in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def test_data_survives_closing(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "store.sqlite3")
    first.write(Create("things/one", {"at": NOW}))
    first.close()
    found = SqliteStore(tmp_path / "store.sqlite3").get("things/one")
    assert found is not None
    assert found.fields == {"at": NOW}


def test_nothing_but_the_database_is_left_in_its_folder(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite3")
    store.write(Create("things/one", {}))
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["store.sqlite3"]


def test_only_the_owner_may_read_the_file(sqlite_store: SqliteStore) -> None:
    sqlite_store.ping()
    assert file_of(sqlite_store).stat().st_mode & 0o777 == 0o600


def test_a_closed_store_opens_again(sqlite_store: SqliteStore) -> None:
    sqlite_store.write(Create("things/one", {}))
    sqlite_store.close()
    assert sqlite_store.get("things/one") is not None


@pytest.mark.slow
def test_additions_of_several_processes_all_count(sqlite_store: SqliteStore) -> None:
    path = file_of(sqlite_store)
    assert run_all(SPAWN, [(add_in_a_process, (path,))] * 3) == [0, 0, 0]
    assert sqlite_store.get("things/sum").fields == {"number": 60}


@pytest.mark.slow
def test_of_several_processes_that_create_one_document_one_wins(tmp_path: Path) -> None:
    """The file itself does not exist yet, so they also race to make it."""
    path = tmp_path / "store.sqlite3"
    codes = run_all(SPAWN, [(create_in_a_process, (path, number)) for number in range(4)])
    assert sorted(codes) == [0, 3, 3, 3]
    assert SqliteStore(path).get("things/one").fields == {"winner": codes.index(0)}


def test_a_forked_process_opens_connections_of_its_own(sqlite_store: SqliteStore) -> None:
    add(sqlite_store, 1)
    before = set(map(id, sqlite_store._idle[os.getpid()]))

    def child() -> None:
        add(sqlite_store, 20)
        own = set(map(id, sqlite_store._idle[os.getpid()]))
        sqlite_store.close()
        os._exit(0 if not own & before else 1)

    assert run_all(FORK, [(child, ())] * 3) == [0, 0, 0]
    add(sqlite_store, 1)
    assert sqlite_store.get("things/sum").fields == {"number": 62}


def test_threads_share_no_connection_at_the_same_time(sqlite_store: SqliteStore) -> None:
    inside = threading.Barrier(3)

    def work(_: int) -> None:
        with sqlite_store._connection():
            inside.wait(10)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    for thread in threads:
        thread.join()
    assert len(sqlite_store._idle[os.getpid()]) == 2


def test_readers_are_not_held_up_by_a_writer(sqlite_store: SqliteStore) -> None:
    sqlite_store.write(Create("things/one", {"x": 1}))

    def work(transaction: Transaction) -> object:
        transaction.write(Update("things/one", {"x": 2}))
        reader = threading.Thread(target=lambda: seen.append(sqlite_store.get("things/one")))
        reader.start()
        reader.join(5)
        return seen[0].fields

    seen: list = []
    assert sqlite_store.transact(work) == {"x": 1}


WRITER = """
import sys
from pathlib import Path
from services.store.contract import Create
from services.store.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
for number in range(100_000):
    store.write(Create(f"things/{number}a", {"n": number}), Create(f"things/{number}b", {}))
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("acknowledged", [1, 7, 60, 300, 1000])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "store.sqlite3"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    last = -1
    for line in writer.stdout:
        last = int(line)
        if last >= acknowledged:
            writer.send_signal(signal.SIGKILL)
            break
    last = max([last, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    writer.wait(10)
    names = {document.id for document in SqliteStore(path).query(Query("things"))}
    assert names >= {f"{number}{half}" for number in range(last + 1) for half in "ab"}
    assert {name[:-1] for name in names if name.endswith("a")} == {
        name[:-1] for name in names if name.endswith("b")
    }


# Failures, each with its remedy


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"cannot be made .* folder exists"):
        SqliteStore(tmp_path / "none" / "store.sqlite3").ping()


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        SqliteStore(tmp_path).ping()


def test_a_file_that_is_no_database_is_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_text("Dear diary, " * 100)
    with pytest.raises(StoreUnavailable, match=r"not a SQLite database. Restore a backup"):
        SqliteStore(path).ping()
    assert path.read_text().startswith("Dear diary")


def test_an_empty_file_is_not_taken_for_an_empty_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.touch()
    with pytest.raises(StoreUnavailable, match="empty or belongs to another program"):
        SqliteStore(path).ping()


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name)")
    other.close()
    with pytest.raises(StoreUnavailable, match="belongs to another program"):
        SqliteStore(path).write(Create("things/one", {}))


def test_a_newer_schema_is_not_touched(sqlite_store: SqliteStore) -> None:
    sqlite_store.ping()
    sqlite_store.close()
    with sqlite3.connect(file_of(sqlite_store)) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StoreUnavailable, match=r"newer Bellwether .*schema 99"):
        sqlite_store.ping()


def test_a_damaged_file_is_told(sqlite_store: SqliteStore) -> None:
    sqlite_store.write(*(Create(f"things/{number}", {"x": "y" * 500}) for number in range(200)))
    sqlite_store.close()
    path = file_of(sqlite_store)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"is damaged. Stop Bellwether and restore a backup"):
        list(sqlite_store.query(Query("things")))


def test_a_full_disk_is_told_and_the_store_goes_on(sqlite_store: SqliteStore) -> None:
    sqlite_store.write(Create("things/one", {}))
    with sqlite_store._connection() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreUnavailable, match=r"the disk is full. Free some space"):
        sqlite_store.write(Create("things/big", {"x": "y" * 100_000}))
    with sqlite_store._connection() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    assert sqlite_store.get("things/big") is None
    sqlite_store.write(Create("things/big", {"x": "y" * 100_000}))


def test_a_file_that_may_not_be_written_is_told(sqlite_store: SqliteStore) -> None:
    sqlite_store.write(Create("things/one", {}))
    with sqlite_store._connection() as connection:
        connection.execute("PRAGMA query_only = 1")
    with pytest.raises(
        StoreUnavailable, match=r"cannot be written. Give this user write permission"
    ):
        sqlite_store.write(Create("things/two", {}))


@pytest.fixture
def locked(sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch):
    """The store while another program holds its write lock, and little patience."""
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
    sqlite_store.write(Create("things/one", {}))
    sqlite_store.close()
    other = sqlite3.connect(file_of(sqlite_store), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield sqlite_store
    other.close()


def test_a_lock_that_does_not_end_is_told(locked: SqliteStore) -> None:
    with pytest.raises(StoreUnavailable, match="locked by another program"):
        locked.write(Create("things/two", {}))
    assert locked.get("things/one") is not None


def test_a_transaction_that_never_gets_the_lock_is_contention(locked: SqliteStore) -> None:
    with pytest.raises(Contention):
        locked.transact(lambda transaction: transaction.get("things/one"))


def test_an_interrupted_transaction_leaves_no_lock(sqlite_store: SqliteStore) -> None:
    def work(transaction: Transaction) -> None:
        transaction.write(Create("things/one", {}))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sqlite_store.transact(work)
    SqliteStore(file_of(sqlite_store)).write(Create("things/one", {}))


def test_a_copied_backup_opens(sqlite_store: SqliteStore, tmp_path: Path) -> None:
    sqlite_store.write(Create("users/u/alerts/a", {"state": "armed"}))
    sqlite_store.close()
    shutil.copy(file_of(sqlite_store), tmp_path / "copy.sqlite3")
    group = Query("alerts", group=True, where=(("state", "==", "armed"),))
    assert SqliteStore(tmp_path / "copy.sqlite3").count(group) == 1


# The queries that exist use their indexes

ARMED = Query("alerts", group=True, where=(("state", "==", "armed"),))
OPEN_AND_DUE = Query("triggers", group=True, where=(("open", "==", True), ("due_at", "<=", NOW)))
OF_A_SYMBOL = Query(
    "alerts", group=True, where=(("symbol", "==", "AAPL"), ("state", "in", ["armed", "waiting"]))
)
NEWEST_ALERTS = Query("users/u/alerts", order_by=(("created_at", "descending"),))
NEWEST_TRIGGERS = Query("users/u/triggers", order_by=(("noticed_at", "descending"),))


@pytest.mark.parametrize(
    ("query", "values", "id_", "index"),
    [
        (ARMED, (), "users/u/alerts/a", "alerts_by_state (<expr>=? AND key>?)"),
        (
            replace(ARMED, where=(("state", "in", ["armed", "waiting"]),)),
            (),
            "users/u/alerts/a",
            "alerts_by_state (<expr>=? AND key>?)",
        ),
        (OF_A_SYMBOL, (), "users/u/alerts/a", "alerts_by_symbol (<expr>=? AND <expr>=? AND key>?)"),
        (OPEN_AND_DUE, (NOW,), "users/u/triggers/t", "triggers_by_due (<expr>=? AND <expr>>? AND"),
        (NEWEST_ALERTS, (NOW,), "users/u/alerts/a", "alerts_by_creation (parent=? AND"),
        (NEWEST_TRIGGERS, (NOW,), "users/u/triggers/t", "triggers_by_notice (parent=? AND"),
        (
            Query("users/u/alerts"),
            (),
            "users/u/alerts/a",
            "by_parent (name=? AND parent=? AND key>?)",
        ),
        (Query("alerts", group=True), (), "users/u/alerts/a", "by_name (name=? AND key>?)"),
    ],
)
def test_a_page_is_found_by_an_index_and_not_sorted(
    sqlite_store: SqliteStore, query: Query, values: tuple[datetime, ...], id_: str, index: str
) -> None:
    statement = select(replace(query, after=Cursor(values, id_), limit=50))
    with sqlite_store._connection() as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters)
        steps = [step for *_, step in rows]
    searches = [step for step in steps if "documents" in step]
    assert searches
    assert all(index in step for step in searches), steps
    merged = any(operator == "in" for _, operator, _ in query.where)  # of some pages, sorted
    assert merged or not any("TEMP B-TREE" in step for step in steps), steps
