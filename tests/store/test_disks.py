"""A full disk and a read-only one: told with the remedy, nothing half written, all right after."""

import re
import shutil
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from config import Settings
from services.container import open_services
from services.errors import StoreUnavailable
from services.store.contract import Create, Query, Set, Store, Transaction
from services.store.sqlite import SqliteStore
from tests.support.disks import Disk, failing_disk
from tests.support.market import MONDAY, RecordingJobs
from tests.support.programs import (
    FLASK,
    PASSWORD,
    WEB,
    WORKER,
    Running,
    assert_says,
    begin,
    serving,
)

FULL = "the disk is full. Free some space"
GONE = "Check the disk and its free space|is on a read-only disk"  # as the kernel tells it
BATCH = 20
NOTE = "y" * 500
FILE = "bellwether.sqlite3"
PROGRAMS = pytest.mark.parametrize(
    ("command", "codes"), [(WORKER, (2,)), (WEB, (2, 4))], ids=["worker", "web"]
)


def write_until_refused(store: Store, acknowledged: list[str]) -> None:
    """Write batches until one is refused; the paths of the others are put into the list."""
    for batch in count():
        paths = [f"things/{batch:06}-{number:02}" for number in range(BATCH)]
        store.write(*(Set(path, {"note": NOTE}) for path in paths))
        acknowledged += paths


def everything(path: Path) -> list[str]:
    with closing(SqliteStore(path)) as store:
        return [document.path for document in store.all()]


def begin_file(disk: Disk) -> None:
    """Put a database onto the disk, in which there is one document."""

    def work() -> None:
        with closing(SqliteStore(disk.folder / FILE)) as store:
            store.write(Create("things/kept", {"x": 1}))

    disk.run(work)


def assert_kept(disk: Disk, *paths: str) -> None:
    def work() -> None:
        assert everything(disk.folder / FILE) == list(paths)

    disk.run(work)


# A full disk


def test_a_disk_that_fills_up_keeps_what_was_acknowledged_and_nothing_of_the_rest(
    disk: Disk, tmp_path: Path
) -> None:
    def work() -> None:
        path, crashed = disk.folder / FILE, tmp_path / FILE
        store = SqliteStore(path)
        acknowledged: list[str] = []
        with pytest.raises(StoreUnavailable, match=FULL):
            write_until_refused(store, acknowledged)
        assert len(acknowledged) > 5 * BATCH
        assert [found.path for found in store.all()] == acknowledged
        for suffix in ("", "-wal"):  # what a power cut would leave
            shutil.copy(f"{path}{suffix}", f"{crashed}{suffix}")
        assert everything(crashed) == acknowledged
        store.close()
        disk.mount("size=9m")
        assert everything(path) == acknowledged

    disk.run(work)


def test_a_transaction_on_a_full_disk_changes_nothing_and_works_once_there_is_room(
    disk: Disk,
) -> None:
    def transfer(transaction: Transaction) -> None:
        number = transaction.get("things/kept").fields["x"]
        creations = (Create(f"things/{number}-{n}", {"note": NOTE}) for n in range(400))
        transaction.write(Set("things/kept", {"x": number + 1}), *creations)

    def work() -> None:
        store = SqliteStore(disk.folder / FILE)
        store.ping()
        disk.fill()
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=FULL):
                store.transact(transfer)
            assert store.get("things/kept").fields == {"x": 1}
            assert store.count(Query("things")) == 1
        disk.free()
        store.transact(transfer)
        assert store.get("things/kept").fields == {"x": 2}
        assert store.count(Query("things")) == 401

    begin_file(disk)
    disk.run(work)


def test_a_backup_onto_a_full_disk_leaves_the_one_before(
    disk: Disk, sqlite_store: SqliteStore
) -> None:
    def work() -> None:
        target = disk.folder / "backup.sqlite3"
        sqlite_store.write(Create("things/kept", {}))
        sqlite_store.backup(target)
        sqlite_store.write(*(Create(f"things/{n}", {"note": NOTE}) for n in range(400)))
        disk.fill()
        with pytest.raises(StoreUnavailable, match=FULL):
            sqlite_store.backup(target)
        disk.free()
        assert [file.name for file in disk.folder.iterdir()] == ["backup.sqlite3"]
        assert everything(target) == ["things/kept"]

    disk.run(work)


@pytest.mark.slow
@PROGRAMS
@pytest.mark.parametrize("is_new", [True, False])
def test_a_full_disk_is_told_at_start(command, codes, is_new: bool, disk: Disk) -> None:
    if not is_new:
        begin_file(disk)
    disk.fill()
    assert_says(begin(command, disk.folder, disk.inside), codes, FULL)
    disk.free()
    assert_kept(disk, *([] if is_new else ["things/kept"]))


@pytest.mark.slow
def test_a_disk_that_fills_up_under_the_site_is_told_in_the_requests_and_the_log(
    disk: Disk, tmp_path: Path, redis, redis_url: str
) -> None:
    token = token_of_a_person(disk, redis_url)
    with serving(disk.folder, tmp_path / "log", disk.inside, REDIS_URL=redis_url) as site:
        assert site.make_list(token, "First").status_code == 201
        disk.fill()
        assert_refused(site, token, FULL)
        disk.free()
        assert site.make_list(token, "Third").status_code == 201
        assert [one["name"] for one in site.lists(token)][-2:] == ["First", "Third"]
        assert "Traceback" not in site.said


def token_of_a_person(disk: Disk, redis_url: str) -> str:
    """Make an account in a new database on the disk."""
    told = disk.seen / "token"

    def work() -> None:
        settings = Settings(
            _env_file=None, secret_key="x", bellwether_data=disk.folder, redis_url=redis_url
        )
        services = open_services(settings, lambda _: RecordingJobs())
        services.accounts.create_confirmed("ada@example.com", PASSWORD, MONDAY)
        told.write_text(services.accounts.create_token("ada@example.com", PASSWORD, MONDAY))
        services.store.close()

    disk.run(work)
    return told.read_text()


def assert_refused(site: Running, token: str, words: str) -> None:
    """Until a write is refused some may find room; after that reading goes on."""
    for number in range(20):
        problem = site.make_list(token, f"Second {number}")
        if problem.status_code != 201:
            break
    assert problem.status_code == 503
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert "cannot reach its data now. Try again soon." in problem.json()["detail"]
    page = site.sign_up("bob@example.com")
    assert page.status_code == 503
    assert "nothing you sent was half done" in page.text
    assert len(re.findall(words, site.said)) == 2
    assert "First" in [one["name"] for one in site.lists(token)]


@pytest.mark.slow
def test_a_command_on_a_full_disk_says_so_and_goes_on_once_there_is_room(
    disk: Disk, tmp_path: Path, sqlite_store: SqliteStore
) -> None:
    sqlite_store.write(*(Create(f"things/{number}", {"note": NOTE}) for number in range(500)))
    disk.fill()
    places = [f"sqlite:{sqlite_store._path}", f"sqlite:{disk.folder / FILE}"]
    copy = [*FLASK, "store", "copy", *places]
    assert_says(begin(copy, tmp_path, disk.inside), (2,), FULL)
    disk.free()
    again = begin(copy, tmp_path, disk.inside)
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith("equal\n")


# A read-only disk


@pytest.mark.slow
@PROGRAMS
@pytest.mark.parametrize("is_new", [True, False])
def test_a_read_only_disk_is_told_at_start(command, codes, is_new: bool, disk: Disk) -> None:
    if not is_new:
        begin_file(disk)
    disk.mount("ro")
    assert_says(begin(command, disk.folder, disk.inside), codes, "is on a read-only disk. Mount")
    disk.mount("rw")
    assert_kept(disk, *([] if is_new else ["things/kept"]))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_signing_key_that_cannot_be_kept_is_told_and_leaves_no_draft(
    fault: str, disk: Disk
) -> None:
    begin_file(disk)
    disk.fill() if fault == "full" else disk.mount("ro")
    answer = begin(WEB, disk.folder, disk.inside, SECRET_KEY="")
    assert_says(answer, (2, 4), "The signing key cannot be kept in")
    disk.free() if fault == "full" else disk.mount("rw")
    disk.run(lambda: assert_no_draft(disk.folder))


def assert_no_draft(folder: Path) -> None:
    assert not list(folder.glob(".secret_key*"))


@pytest.mark.slow
def test_a_disk_that_fails_between_two_writes_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    image = tmp_path / "image"

    def fail() -> None:
        store = SqliteStore(disk.folder / FILE)
        store.write(*(Create(f"things/{number:03}", {"note": NOTE}) for number in range(300)))
        disk.mount("abort")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=GONE):
                store.write(*(Set(f"things/{number:03}", {"note": ""}) for number in range(400)))

    def go_on() -> None:
        with closing(SqliteStore(disk.folder / FILE)) as store:
            assert [found.fields["note"] for found in store.all()] == [NOTE] * 300
            store.write(Create("things/later", {}))

    for work in (fail, go_on):
        with failing_disk(image, tmp_path / work.__name__) as disk:
            disk.run(work)


@pytest.mark.slow
def test_a_disk_that_fails_under_the_site_is_told_in_the_requests_and_the_log(
    tmp_path: Path, redis, redis_url: str
) -> None:
    image = tmp_path / "image"
    with failing_disk(image, tmp_path / "before") as disk:
        token = token_of_a_person(disk, redis_url)
        with serving(disk.folder, tmp_path / "log", disk.inside, REDIS_URL=redis_url) as site:
            assert site.make_list(token, "First").status_code == 201
            before = [one["name"] for one in site.lists(token)]
            disk.mount("abort")
            assert_refused(site, token, GONE)
            assert "Traceback" not in site.said
    with (
        failing_disk(image, tmp_path / "after") as disk,
        serving(disk.folder, tmp_path / "log2", disk.inside, REDIS_URL=redis_url) as site,
    ):
        assert [one["name"] for one in site.lists(token)] == before
        assert site.make_list(token, "Third").status_code == 201
