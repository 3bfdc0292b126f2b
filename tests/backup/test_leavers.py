"""Who has left since a backup was made does not come back with it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

from services.accounts.leaving import Departure, Leaving, left_path
from services.accounts.passwords import Passwords
from services.backup.backups import unseen
from services.backup.folder import Folder
from services.backup.leavers import WithoutLeavers, left_in
from services.backup.making import make
from services.backup.parts import Backup
from services.backup.restoring import restore
from services.store import store_in_file
from services.store.contract import Set, Store
from tests.backup.conftest import NOW, fill
from tests.backup.test_restoring import Breaking, app, run

__all__ = ["app", "run"]
GONE = "U00001"


def leave(store: Store) -> None:
    """As of services/accounts/leaving.py, once all is erased."""
    store.write(Set(left_path(GONE), {"at": NOW}))


@pytest.fixture
def old(sqlite_store: Store, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Backup:
    """A backup in which the person still is, and was about to leave, in small parts."""
    monkeypatch.setattr("services.backup.parts.PART_DOCUMENTS", 4)
    fill(sqlite_store)
    sqlite_store.write(
        Set("emails/h0", {"uid": "U00000"}),
        Set("emails/h1", {"uid": GONE}),
        Departure(uid=GONE, closed_at=NOW).written(),
    )
    return make(sqlite_store, "the store", folder, unseen)


@pytest.fixture
def target(tmp_path: Path) -> Store:
    return store_in_file(tmp_path / "target.db")


def paths(store: Store) -> list[str]:
    return [document.path for document in store.all()]


def test_who_has_left_since_stays_out_with_everything_and_is_counted(
    old: Backup, sqlite_store: Store, target: Store
) -> None:
    before = paths(sqlite_store)
    leave(sqlite_store)
    source = WithoutLeavers(old, left_in(sqlite_store))
    assert restore(source, target, "the target", unseen).equal
    kept = [path for path in before if GONE not in path and path != "emails/h1"]
    assert sorted(paths(target)) == sorted([*kept, left_path(GONE)])
    assert source.left_out == {GONE}
    assert restore(source, target, "the target", unseen).equal


def test_a_later_backup_knows_who_has_left_although_the_store_is_lost(
    old: Backup, sqlite_store: Store, target: Store, folder: Folder
) -> None:
    leave(sqlite_store)
    later = make(sqlite_store, "the store", folder, unseen)
    assert [one.path for one in left_in(later)] == [left_path(GONE)]
    assert list(left_in(old)) == []
    assert restore(WithoutLeavers(old, left_in(later)), target, "the target", unseen).equal
    assert not any(GONE in path for path in paths(target))
    again = make(target, "the target", Folder(f"{folder.url}-of-it"), unseen)
    assert [one.path for one in left_in(again)] == [left_path(GONE)]


@pytest.mark.parametrize("writes", range(0, 12, 3))
def test_one_that_dies_at_any_write_goes_on_without_them(
    old: Backup,
    sqlite_store: Store,
    target: Store,
    writes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.store.transfer.copy.MAX_BATCH", 2)
    monkeypatch.setattr("services.store.transfer.copy.ROUND", 1)
    leave(sqlite_store)
    source = WithoutLeavers(old, left_in(sqlite_store))
    with pytest.raises(KeyboardInterrupt):
        restore(source, Breaking(target, writes), "the target", unseen)
    anew = WithoutLeavers(old, left_in(sqlite_store))
    assert restore(anew, target, "the target", unseen).equal
    assert not any(GONE in path for path in paths(target))


def test_leaving_keeps_no_more_than_a_hash_and_the_date(sqlite_store: Store, redis, jobs) -> None:
    fill(sqlite_store, people=1)
    sqlite_store.write(
        Set("users/U00000", {"email": "a@example.com", "password_hash": "x", "created_at": NOW})
    )
    Leaving(sqlite_store, jobs, Passwords()).close("U00000", NOW)
    kept = sqlite_store.get(left_path("U00000"))
    assert kept is not None
    assert dict(kept.fields) == {"at": NOW}
    assert "U00000" not in kept.path


def test_the_command_leaves_them_out_of_the_present_store_and_says_how_many(
    run: Callable[..., Result], app, tmp_path: Path
) -> None:
    store = app.extensions["bellwether"].store
    run("create")
    store.write(Set(left_path("U1"), {"at": NOW + timedelta(days=1)}))
    result = run("restore", "--force")
    assert result.exit_code == 0, result.output
    assert "Left out: 1 who have deleted their account since." in result.stdout
    assert store.get("users/U1") is None
    elsewhere = run("restore", "--to", f"sqlite:{tmp_path / 'b.db'}")
    assert "Left out: 1" in elsewhere.stdout
