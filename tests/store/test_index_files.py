"""firestore.indexes.json holds what the queries of Bellwether need."""

import json
from itertools import groupby
from pathlib import Path

import pytest

from services.store.alerts import Alert
from services.store.devices import Device
from services.store.record import Record
from services.store.triggers import Trigger
from services.store.users import ApiToken, User
from services.store.watchlists import Watchlist

ROOT = Path(__file__).parents[2]
INDEXES = json.loads((ROOT / "firestore.indexes.json").read_text())
OVERRIDES = {
    group: list(overrides)
    for group, overrides in groupby(INDEXES["fieldOverrides"], lambda o: o["collectionGroup"])
}


def composite_fields(group: str, scope: str = "COLLECTION_GROUP") -> list[list[str]]:
    return [
        [field["fieldPath"] for field in index["fields"]]
        for index in INDEXES["indexes"]
        if index["collectionGroup"] == group and index["queryScope"] == scope
    ]


def test_open_triggers_that_are_due_have_a_composite_index() -> None:
    assert ["open", "due_at"] in composite_fields("triggers")


def test_the_newest_triggers_of_an_alert_have_a_composite_index() -> None:
    assert ["alert_id", "noticed_at"] in composite_fields("triggers", "COLLECTION")


def test_alerts_of_a_symbol_in_some_states_have_a_composite_index() -> None:
    assert ["symbol", "state"] in composite_fields("alerts")


def test_alerts_that_should_have_expired_have_a_composite_index() -> None:
    assert ["state", "expires_at"] in composite_fields("alerts")


def test_alerts_in_a_state_have_an_index_over_the_group_and_keep_those_of_the_collection() -> None:
    (override,) = [o for o in INDEXES["fieldOverrides"] if o["fieldPath"] == "state"]
    scopes = {(index["order"], index["queryScope"]) for index in override["indexes"]}
    assert override["collectionGroup"] == "alerts"
    assert ("ASCENDING", "COLLECTION_GROUP") in scopes
    assert {("ASCENDING", "COLLECTION"), ("DESCENDING", "COLLECTION")} <= scopes


ASKED_FOR = {
    "alerts": {"state", "symbol", "created_at", "expires_at"},
    "triggers": {"open", "due_at", "alert_id", "noticed_at"},
    "users": {"digest_due_at"},
}


@pytest.mark.parametrize(
    ("group", "record"),
    [
        ("alerts", Alert),
        ("triggers", Trigger),
        ("watchlist", Watchlist),
        ("devices", Device),
        ("users", User),
        ("tokens", ApiToken),
    ],
)
def test_a_field_that_no_query_names_is_not_indexed(group: str, record: type[Record]) -> None:
    exempt = {o["fieldPath"] for o in OVERRIDES[group] if not o["indexes"]}
    stored = record.model_fields.keys() - {"uid", "id"}
    assert stored - ASKED_FOR.get(group, set()) <= exempt


def test_what_grows_with_time_is_indexed_in_one_direction_at_most() -> None:
    for group, field in (("alerts", "created_at"), ("triggers", "noticed_at")):
        (override,) = [o for o in OVERRIDES[group] if o["fieldPath"] == field]
        assert override["indexes"] == [{"order": "DESCENDING", "queryScope": "COLLECTION"}]


def test_no_field_has_two_overrides() -> None:
    named = [(o["collectionGroup"], o["fieldPath"]) for o in INDEXES["fieldOverrides"]]
    assert len(named) == len(set(named))


def test_firebase_json_points_at_both_files() -> None:
    firestore = json.loads((ROOT / "firebase.json").read_text())["firestore"]
    assert all((ROOT / firestore[name]).exists() for name in ("rules", "indexes"))
