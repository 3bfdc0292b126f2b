"""What goes wrong with the store is told with the remedy, and nothing is half done."""

import logging
from pathlib import Path

import pytest
from google.api_core import exceptions as google

from app import create_app
from config import Settings
from services.container import Services
from services.errors import AlreadyExists, BadDocument, Conflict, NotFound, StoreUnavailable
from services.store import require_usable
from services.store.contract import Create, Delete, Set, Store, Transaction, Update
from services.store.firestore import open_firestore
from services.store.firestore_errors import explained
from services.store.sqlite import SqliteStore
from services.store.watchlists import Watchlists
from tests.support.market import RecordingJobs
from tests.support.redis_server import free_port

# What a batch or a transaction rules out by itself: the same error on both engines


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (Set("things/a", {}), Create("things/a", {}), AlreadyExists),
        (Create("things/a", {}), Create("things/a", {}), AlreadyExists),
        (Delete("things/a"), Update("things/a", {"x": 1}), NotFound),
        (Set("things/a", {}), Update("things/a", {"x": 1}, "2020-01-01T00:00:00Z"), Conflict),
    ],
)
def test_writes_that_rule_each_other_out_are_refused_alike(
    store: Store, first: Create, second: Create, error: type[Exception]
) -> None:
    for act in (
        lambda: store.write(first, second),
        lambda: store.transact(lambda transaction: transaction.write(first, second)),
    ):
        with pytest.raises(error, match="things/a"):
            act()
    assert store.get("things/a") is None


def test_a_write_that_changes_nothing_leaves_the_version(store: Store) -> None:
    store.write(Create("things/a", {"x": 1, "y": {"b": 1, "a": 2}}))
    version = store.get("things/a").version
    store.write(Set("things/a", {"y": {"a": 2, "b": 1}, "x": 1}))
    assert store.get("things/a").version == version
    store.write(Set("things/a", {"y": {"a": 2, "b": 1}, "x": 1.0}))
    assert store.get("things/a").version != version


def test_a_precondition_that_fails_in_a_transaction_without_reads_is_told(store: Store) -> None:
    store.write(Create("things/a", {}))
    with pytest.raises(AlreadyExists, match="things/a"):
        store.transact(lambda transaction: transaction.write(Create("things/a", {})))


def test_a_transaction_that_failed_holds_nothing_locked(store: Store) -> None:
    store.write(Create("things/a", {}), Create("things/read", {}))

    def work(transaction: Transaction) -> None:
        transaction.get("things/read")
        transaction.write(Create("things/a", {}))

    with pytest.raises(AlreadyExists):
        store.transact(work)
    store.write(Set("things/read", {"x": 1}))
    assert store.get("things/read").fields == {"x": 1}


# Start


def test_a_store_that_is_away_for_a_while_does_not_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("services.store.firestore_calls.DEADLINE_SECONDS", 0.3)
    store = open_firestore("bellwether", "", f"127.0.0.1:{free_port()}")
    with caplog.at_level(logging.WARNING):
        require_usable(store)
    assert "starts all the same" in caplog.text
    store.close()


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (google.ServiceUnavailable("away"), True),
        (google.DeadlineExceeded("late"), True),
        (google.ResourceExhausted("quota"), True),
        (google.PermissionDenied("no"), False),
        (google.Unauthenticated("no"), False),
        (google.NotFound("The database (default) does not exist"), False),
    ],
    ids=repr,
)
def test_it_is_told_whether_waiting_helps(error: Exception, passing: bool) -> None:
    with pytest.raises(StoreUnavailable) as raised, explained():
        raise error
    assert raised.value.passing is passing


# Requests


def test_a_damaged_store_is_a_page_and_a_problem_in_a_request(tmp_path: Path, redis) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_text("Dear diary, " * 100)
    settings = Settings(_env_file=None, secret_key="for tests")
    app = create_app(settings, Services(settings, SqliteStore(path), redis, RecordingJobs()))
    answer = app.test_client().get("/ready")
    assert answer.status_code == 503
    problem = app.test_client().post(
        "/api/v1/tokens", json={"email": "a@b.example", "password": "long enough words"}
    )
    assert (problem.status_code, problem.mimetype) == (503, "application/problem+json")
    assert path.read_text().startswith("Dear diary")


def test_a_document_of_a_newer_shape_is_told_and_left_as_it_is(store: Store) -> None:
    newer = {"name": "Tech", "position": 0, "entries": [], "colour": "blue"}
    store.write(Set("users/u/watchlist/w", newer))
    lists = Watchlists(store)
    for use in (
        lambda: lists.get("u", "w"),
        lambda: lists.change("u", "w", lambda one: one.replace(name="Other")),
    ):
        with pytest.raises(BadDocument, match=r"users/u/watchlist/w cannot be read: .*colour"):
            use()
    assert store.get("users/u/watchlist/w").fields == newer
