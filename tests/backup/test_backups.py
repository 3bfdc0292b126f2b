"""Making, proving and letting go, on both engines; and what a fault says."""

import gzip
import json
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from redis import Redis

from services.backup.backups import Backups, unseen
from services.backup.folder import Folder
from services.backup.making import make
from services.backup.manifest import FILE, name_of, time_of
from services.backup.parts import Backup, open_backup
from services.backup.state import KEY, PATH, BackupState, read_state
from services.backup.verifying import verify
from services.errors import BackupError, StoreUnavailable
from services.pulse import Pulse
from services.redis_client import open_redis
from services.store import store_of_project
from services.store.contract import Set, Store
from services.store.sqlite import SqliteStore
from services.store.transfer.bookmark import Bookmark
from tests.backup.conftest import NOW, SECRET, fill
from tests.support import google_cloud

FileOf = Callable[[str, str], Path]


@pytest.mark.slow
def test_a_backup_holds_every_document_and_says_how_many_of_each_kind(
    backups: Backups, store: Store
) -> None:
    made = backups.create()
    assert [(d.path, d.fields) for d in made.all()] == [(d.path, d.fields) for d in store.all()]
    assert made.manifest.collections == {"users": 3, "users/alerts": 12}
    assert made.manifest.documents == made.size() == 15


def test_what_is_written_while_a_backup_is_made_is_not_in_it(
    store: Store, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.backup.parts.PART_DOCUMENTS", 4)
    fill(store)
    writing, put = [], Folder.put

    def put_and_write(self: Folder, name: str, content: bytes) -> None:
        writing.append(name)
        store.write(
            Set("users/U00000", {"email": "changed"}), Set(f"users/Z{len(writing)}", {"new": True})
        )
        put(self, name, content)

    monkeypatch.setattr(Folder, "put", put_and_write)
    made = make(store, "the store", folder, unseen)
    assert len(writing) == 5
    found = {document.path: document.fields for document in made.all()}
    assert len(found) == 15
    assert found["users/U00000"]["email"] == "p0@example.com"


def test_a_proved_backup_is_listed_as_proved(backups: Backups) -> None:
    made = backups.create()
    assert [one.verified for one in backups.listed()] == [False]
    assert backups.verify(made, NOW) == []
    assert [(one.name, one.verified) for one in backups.listed()] == [(made.name, True)]


def test_the_nightly_backup_is_proved_and_tells_what_became_of_it(
    backups: Backups, redis: Redis, store: Store
) -> None:
    state = backups.nightly(NOW)
    assert (state.succeeded_at, state.documents, state.error) == (NOW, 15, "")
    assert state.bytes > 100
    assert backups.state() == state == read_state(redis, store)
    redis.flushall()
    assert read_state(redis, store) == state
    assert redis.exists(KEY)


def test_a_nightly_backup_that_fails_is_noted_and_keeps_the_last_success(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups.nightly(NOW)
    monkeypatch.setattr("services.backup.backups.verify", lambda *_: ["part-00001 is damaged"])
    tomorrow = NOW + timedelta(days=1)
    with pytest.raises(BackupError, match="part-00001 is damaged"):
        backups.nightly(tomorrow)
    state = backups.state()
    assert (state.succeeded_at, state.failed_at) == (NOW, tomorrow)
    assert "part-00001 is damaged" in state.error


def test_a_backup_that_fails_removes_no_older_one(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.backup.backups.verify", lambda *_: ["damaged"])
    for _ in range(2):
        with pytest.raises(BackupError):
            backups.nightly(NOW)
    assert len(backups.listed()) == 2


def test_files_can_be_read_by_this_user_only(made: Backup, file_of: FileOf) -> None:
    folder = file_of(made.name, FILE).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    first = gzip.decompress(file_of(made.name, "part-00001.jsonl.gz").read_bytes())
    assert SECRET.encode() in first  # which is why


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("at", [0, 9, -9, -1])
def test_a_flipped_byte_is_found_and_its_file_named(
    made: Backup, folder: Folder, file_of: FileOf, tmp_path: Path, number: int, at: int
) -> None:
    file = file_of(made.name, f"part-{number:05}.jsonl.gz")
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    (fault,) = verify(open_backup(folder, made.name), tmp_path, unseen)
    assert f"{made.name}/part-{number:05}.jsonl.gz is damaged: its SHA-256" in fault


def test_a_missing_and_a_short_part_are_both_named(
    made: Backup, file_of: FileOf, tmp_path: Path
) -> None:
    file_of(made.name, "part-00002.jsonl.gz").unlink()
    short = file_of(made.name, "part-00003.jsonl.gz")
    short.write_bytes(short.read_bytes()[:-5])
    missing, damaged = verify(made, tmp_path, unseen)
    assert "part-00002.jsonl.gz is missing" in missing
    assert "part-00003.jsonl.gz is damaged: it has" in damaged


def test_a_manifest_that_contradicts_its_parts_is_found(
    made: Backup, folder: Folder, file_of: FileOf, tmp_path: Path
) -> None:
    manifest = made.manifest.model_copy(update={"digest": "0" * 64})
    file_of(made.name, FILE).write_bytes(manifest.to_json())
    (fault,) = verify(open_backup(folder, made.name), tmp_path, unseen)
    assert "the documents together are not those of the manifest" in fault


def test_verification_leaves_nothing_behind(made: Backup, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    assert verify(made, scratch, unseen) == []
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "made by Bellwether"),
        ({"schema": 99}, "Install that version"),
        ({"documents": 14}, "contradicts itself"),
        ({"surprise": 1}, "damaged or of a newer Bellwether"),
        ({"parts": [{"name": "../../etc/passwd"}]}, "damaged or of a newer"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(
    made: Backup, folder: Folder, file_of: FileOf, change: dict[str, object], message: str
) -> None:
    file = file_of(made.name, FILE)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(BackupError, match=message):
        open_backup(folder, made.name)


def test_an_unfinished_backup_is_none(
    made: Backup, folder: Folder, sqlite_store: Store, redis: Redis, tmp_path: Path
) -> None:
    folder.remove(f"{made.name}/{FILE}")
    backups = Backups(sqlite_store, "the store", folder, tmp_path, redis)
    assert [one.manifest for one in backups.listed()] == [None]
    with pytest.raises(BackupError, match="no complete backup"):
        backups.open(made.name)
    with pytest.raises(BackupError, match="no complete backup"):
        backups.open("latest")
    begun = made.manifest.read_time
    assert backups.prune(begun + timedelta(hours=23)) == []
    assert backups.prune(begun + timedelta(hours=25)) == [made.name]
    assert folder.names() == []


def test_letting_go_keeps_the_newest_that_is_proved(backups: Backups, folder: Folder) -> None:
    made = backups.create()
    backups.verify(made, NOW)
    for hours in range(1, 30):  # later ones of days on end, none proved
        later = made.manifest.read_time + timedelta(hours=24 * hours)
        manifest = made.manifest.model_copy(update={"read_time": later})
        folder.put(f"{name_of(later)}/{FILE}", manifest.to_json())
    gone = backups.prune(NOW)
    left = [one.name for one in backups.listed()]
    assert made.name in left
    assert 7 <= len(left) < 20
    assert len(left) + len(gone) == 30
    assert backups.prune(NOW) == []


def test_a_store_that_is_half_of_another_is_not_backed_up(
    sqlite_store: Store, folder: Folder
) -> None:
    Bookmark("backup 2026-11-21T02-00-00.000000Z in /somewhere").keep_in(sqlite_store)
    with pytest.raises(StoreUnavailable, match="flask backup restore 2026-11-21"):
        make(sqlite_store, "sqlite:x", folder, unseen)
    assert folder.names() == []


def test_a_moment_that_firestore_keeps_no_longer_is_told_with_its_remedy(folder: Folder) -> None:
    with google_cloud.firestore() as (google, host):
        store = store_of_project("flock", "(default)", "", host)
        with store.snapshot() as snapshot:
            refusal = "The requested snapshot version is too old."
            google.refusal = (grpc.StatusCode.FAILED_PRECONDITION, refusal)
            with pytest.raises(StoreUnavailable, match="backup managed enable-recovery"):
                list(snapshot.all())
        store.close()


def test_backups_go_wherever_fsspec_reaches(
    sqlite_store: SqliteStore, redis: Redis, tmp_path: Path
) -> None:
    fill(sqlite_store)
    folder = Folder(f"memory://{uuid4().hex}/backups")
    backups = Backups(sqlite_store, "the store", folder, tmp_path, redis)
    assert backups.listed() == []
    state = backups.nightly(NOW)
    assert backups.open("latest").name == state.name
    folder.remove(state.name)
    assert backups.listed() == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gs://bucket/backups", "pip install gcsfs"),
        ("s3://bucket/backups", "pip install s3fs"),
        ("nowhere://x", "BACKUP_TO is 'nowhere://x'"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_to_do(url: str, message: str) -> None:
    package = {"gs": "gcsfs", "s3": "s3fs"}.get(url[:2])
    if package:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(__import__("sys").modules, package, None)
            with pytest.raises(BackupError, match=message):
                Folder(url)
        return
    with pytest.raises(BackupError, match=message):
        Folder(url)


def test_a_folder_that_cannot_be_written_is_told_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = Folder(str(tmp_path / "file" / "backups"))
    with pytest.raises(BackupError, match=r"cannot be written .*that it has room"):
        folder.put("x", b"y")


def test_only_names_of_backups_are_taken_for_backups(folder: Folder, backups: Backups) -> None:
    made = backups.create()
    folder.put("notes/README", b"mine")
    assert [one.name for one in backups.listed()] == [made.name]
    assert time_of(made.name) == made.manifest.read_time
    assert time_of("../../etc") is None
    assert time_of("2026-13-01T00-00-00.000000Z") is None


def test_a_state_of_another_version_is_read_from_the_store(
    redis: Redis, sqlite_store: Store
) -> None:
    assert read_state(redis, sqlite_store) == BackupState()
    sqlite_store.write(Set(PATH, BackupState(name="x").model_dump()))
    redis.set(KEY, "{]")
    assert read_state(redis, sqlite_store).name == "x"


def test_a_backup_needs_no_redis(sqlite_store: Store, folder: Folder, tmp_path: Path) -> None:
    fill(sqlite_store)
    nobody = open_redis("redis://127.0.0.1:1/0")
    backups = Backups(sqlite_store, "the store", folder, tmp_path, nobody)
    state = backups.create_proved(NOW)
    assert state.succeeded_at == NOW
    assert backups.state() == state


def test_whoever_watches_is_told_of_a_proved_backup(backups: Backups, redis: Redis) -> None:
    assert Pulse(redis).last_backup() is None
    backups.nightly(NOW)
    assert Pulse(redis).last_backup() == NOW
