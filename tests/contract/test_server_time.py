"""What both engines promise about their own time."""

from datetime import UTC, datetime, timedelta

import pytest

from services.errors import AlreadyExists, InvalidValue
from services.store.contract import (
    SERVER_TIME,
    Create,
    Query,
    Set,
    Store,
    Transaction,
    Update,
)

ROUNDED = timedelta(milliseconds=2)


def now() -> datetime:
    return datetime.now(UTC)


def fields_at(store: Store, path: str):
    return store.get(path).fields


@pytest.mark.parametrize("kind", [Create, Set])
def test_a_field_gets_the_time_of_the_commit(store: Store, kind) -> None:
    before = now()
    store.write(kind("things/one", {"at": SERVER_TIME, "x": 1}))
    fields = fields_at(store, "things/one")
    assert fields["x"] == 1
    assert type(fields["at"]) is datetime
    assert fields["at"].utcoffset() == timedelta(0)
    assert before - ROUNDED <= fields["at"] <= now() + ROUNDED


def test_a_document_may_be_nothing_but_times(store: Store) -> None:
    store.write(Create("things/one", {"a": SERVER_TIME, "b": SERVER_TIME}))
    fields = fields_at(store, "things/one")
    assert fields.keys() == {"a", "b"}
    assert fields["a"] == fields["b"]


def test_an_update_changes_the_time_and_what_it_names(store: Store) -> None:
    store.write(Create("things/one", {"at": None, "x": 1, "y": 1}))
    store.write(Update("things/one", {"at": SERVER_TIME, "x": 2}))
    fields = fields_at(store, "things/one")
    assert (fields["x"], fields["y"]) == (2, 1)
    assert isinstance(fields["at"], datetime)


def test_an_update_of_a_time_alone_leaves_the_rest(store: Store) -> None:
    store.write(Create("things/one", {"at": None, "x": 1}))
    version = store.get("things/one").version
    store.write(Update("things/one", {"at": SERVER_TIME}, version))
    fields = fields_at(store, "things/one")
    assert fields["x"] == 1
    assert isinstance(fields["at"], datetime)


def test_all_times_of_one_commit_are_equal_and_those_of_the_next_are_not_before(
    store: Store,
) -> None:
    for batch in ("a", "b"):
        store.write(*(Set(f"things/{batch}{n}", {"at": SERVER_TIME}) for n in range(20)))
    times = {
        batch: {fields_at(store, f"things/{batch}{n}")["at"] for n in range(20)} for batch in "ab"
    }
    assert [len(times[batch]) for batch in "ab"] == [1, 1]
    assert max(times["a"]) <= min(times["b"])


def test_a_transaction_can_write_the_time_of_its_commit(store: Store) -> None:
    store.write(Create("things/read", {"at": None, "x": 1}))

    def work(transaction: Transaction) -> None:
        transaction.get("things/read")
        transaction.write(
            Update("things/read", {"at": SERVER_TIME}), Create("things/new", {"at": SERVER_TIME})
        )

    store.transact(work)
    read, new = fields_at(store, "things/read"), fields_at(store, "things/new")
    assert isinstance(new["at"], datetime)
    assert read == {"at": new["at"], "x": 1}


def test_a_refused_commit_leaves_no_time(store: Store) -> None:
    store.write(Create("things/one", {"x": 1}), Create("things/two", {}))
    with pytest.raises(AlreadyExists):
        store.write(
            Update("things/one", {"at": SERVER_TIME}), Create("things/two", {"at": SERVER_TIME})
        )
    assert fields_at(store, "things/one") == {"x": 1}
    assert fields_at(store, "things/two") == {}


@pytest.mark.parametrize("name", ["a.b", "`", "日本", "0", "$time"])
def test_a_time_may_stand_under_any_name(store: Store, name: str) -> None:
    store.write(Create("things/one", {name: None}))
    store.write(Update("things/one", {name: SERVER_TIME}))
    fields = fields_at(store, "things/one")
    assert fields.keys() == {name}
    assert isinstance(fields[name], datetime)


def test_documents_are_found_by_their_time(store: Store) -> None:
    store.write(Create("things/timed", {"at": SERVER_TIME}))
    store.write(Create("things/old", {"at": datetime(2000, 1, 1, tzinfo=UTC)}))
    recent = Query("things", where=(("at", ">", now() - timedelta(hours=1)),))
    assert [document.path for document in store.query(recent)] == ["things/timed"]


@pytest.mark.parametrize("value", [{"inner": SERVER_TIME}, [SERVER_TIME], [{"x": SERVER_TIME}]])
def test_a_time_within_a_value_is_refused(store: Store, value: object) -> None:
    for write in (Create("things/one", {"value": value}), Set("things/one", {"value": value})):
        with pytest.raises(InvalidValue, match="things/one: value"):
            store.write(write)
    assert store.get("things/one") is None


def test_a_query_cannot_ask_for_the_time_of_the_store(store: Store) -> None:
    with pytest.raises(InvalidValue):
        list(store.query(Query("things", where=(("at", "<", SERVER_TIME),))))
