"""Eight processes move amounts between 200 accounts; SQLite's are killed with -9 at random.

Every acknowledged transfer is there and the sum never changes. By hand:
`CONTENTION_SECONDS=20 python -m pytest tests/contract/test_store_contention.py`.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.store.contract import Create, Query, Store, Transaction, Update
from services.store.firestore import FirestoreStore, open_firestore
from services.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("CONTENTION_SECONDS", "6"))
PROCESSES = 8
ACCOUNTS = [f"accounts/{number:03}" for number in range(200)]
START = 1000


def transfer(store: Store, chance: random.Random, name: str) -> None:
    """Move an amount between two accounts, and create a document that tells of it."""
    source, target = chance.sample(ACCOUNTS, 2)
    amount = chance.randint(1, 50)

    def work(transaction: Transaction) -> None:
        giving, taking = transaction.get_all([source, target])
        assert giving is not None
        assert taking is not None
        transaction.write(
            Update(source, {"sum": giving.fields["sum"] - amount}),
            Update(target, {"sum": taking.fields["sum"] + amount}),
            Create(f"transfers/{name}", {"from": source, "to": target, "amount": amount}),
        )

    store.transact(work)


def keep_transferring(store: Store, acknowledged: Path, name: str, seconds: float) -> None:
    """Transfer until the time is up; note each one on the disk once it was acknowledged."""
    chance = random.Random(name)
    end = time.monotonic() + seconds
    with acknowledged.open("a") as notes:
        for number in range(1_000_000):
            if time.monotonic() >= end:
                return
            transfer(store, chance, f"{name}-{number}")
            notes.write(f"{name}-{number}\n")
            notes.flush()
            os.fsync(notes.fileno())


def start(engine: str, place: str, notes: Path, name: str, seconds: float) -> subprocess.Popen:
    command = [sys.executable, "-m", __name__, engine, place, str(notes), name, str(seconds)]
    return subprocess.Popen(command, cwd=ROOT)


@contextmanager
def ended(running: list[subprocess.Popen]) -> Iterator[None]:
    """Leaves none of `running` at work, however the test goes out."""
    try:
        yield
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()


def sum_of(reader: Store | Transaction) -> int:
    return sum(document.fields["sum"] for document in reader.get_all(ACCOUNTS) if document)


def look_on(store: Store, seconds: float, meanwhile: Callable[[], None]) -> int:
    """Add up the accounts again and again until the time is up; answers how often."""
    looks = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        meanwhile()
        assert sum_of(store) == START * len(ACCOUNTS)
        looks += 1
        time.sleep(0.02)
    return looks


def check(store: Store, folder: Path) -> tuple[int, int]:
    """Hold what is stored against what was acknowledged; answers how many, and the latter."""
    stored = {document.id: document.fields for document in store.query(Query("transfers"))}
    texts = [file.read_text() for file in folder.glob("*.notes")]
    acknowledged = {line for text in texts for line in text.split("\n")[:-1]}
    assert acknowledged <= stored.keys()
    sums = dict.fromkeys(ACCOUNTS, START)
    for moved in stored.values():
        sums[moved["from"]] -= moved["amount"]
        sums[moved["to"]] += moved["amount"]
    found = {document.path: document.fields["sum"] for document in store.query(Query("accounts"))}
    assert found == sums
    assert store.transact(sum_of) == START * len(ACCOUNTS)
    return len(stored), len(acknowledged)


def open_accounts(store: Store) -> None:
    store.write(*(Create(path, {"sum": START}) for path in ACCOUNTS))


def test_a_test_that_fails_leaves_no_process_at_work() -> None:
    running = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])]
    with pytest.raises(AssertionError), ended(running):
        raise AssertionError
    assert running[0].returncode is not None


@pytest.mark.slow
def test_kills_at_random_lose_no_transfer_on_sqlite(
    sqlite_store: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_accounts(sqlite_store)
    place = str(sqlite_store._path)
    chance = random.Random(7)
    kills = 0
    end = time.monotonic() + SECONDS

    def begin(slot: int) -> subprocess.Popen:
        name = f"{slot}-{kills}"
        left = max(0.0, end - time.monotonic())
        return start("sqlite", place, tmp_path / f"{name}.notes", name, left)

    running: list[subprocess.Popen] = []

    def kill_one() -> None:
        nonlocal kills
        if chance.random() < 0.1:
            slot = chance.randrange(PROCESSES)
            running[slot].kill()
            running[slot].wait()
            kills += 1
            running[slot] = begin(slot)

    with ended(running):
        running.extend(begin(slot) for slot in range(PROCESSES))
        looks = look_on(sqlite_store, SECONDS, kill_one)
        assert [process.wait(60) for process in running] == [0] * PROCESSES
    stored, acknowledged = check(sqlite_store, tmp_path)
    with capsys.disabled():
        print(  # noqa: T201  the measure
            f"\nSQLite: {acknowledged} transfers acknowledged, {stored} stored, {kills} kills,"
            f" looked at {looks} times in {SECONDS:g} s"
        )
    assert kills > 0
    assert acknowledged > PROCESSES


@pytest.mark.slow
@pytest.mark.emulator
def test_contention_loses_no_transfer_on_firestore(
    firestore_store: FirestoreStore,
    emulator_host: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    open_accounts(firestore_store)
    project = firestore_store._database.name.split("/")[1]
    place = f"{project}@{emulator_host}"
    running: list[subprocess.Popen] = []
    with ended(running):
        for slot in range(PROCESSES):
            name = str(slot)
            notes = tmp_path / f"{name}.notes"
            running.append(start("firestore", place, notes, name, SECONDS))
        looks = look_on(firestore_store, SECONDS, lambda: None)
        assert [process.wait(60) for process in running] == [0] * PROCESSES
    stored, acknowledged = check(firestore_store, tmp_path)
    with capsys.disabled():
        print(  # noqa: T201  the measure
            f"\nFirestore: {acknowledged} transfers acknowledged, {stored} stored,"
            f" looked at {looks} times in {SECONDS:g} s"
        )
    assert acknowledged > PROCESSES


def _open(engine: str, place: str) -> Store:
    if engine == "sqlite":
        return SqliteStore(Path(place))
    project, _, host = place.partition("@")
    return open_firestore(project, "", host)


if __name__ == "__main__":
    engine, place, notes, name, seconds = sys.argv[1:]
    keep_transferring(_open(engine, place), Path(notes), name, float(seconds))
