"""firestore.indexes.json holds what the queries of Bellwether need."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
INDEXES = json.loads((ROOT / "firestore.indexes.json").read_text())


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


def test_alerts_in_a_state_have_an_index_over_the_group_and_keep_those_of_the_collection() -> None:
    (override,) = [o for o in INDEXES["fieldOverrides"] if o["fieldPath"] == "state"]
    scopes = {(index["order"], index["queryScope"]) for index in override["indexes"]}
    assert override["collectionGroup"] == "alerts"
    assert ("ASCENDING", "COLLECTION_GROUP") in scopes
    assert {("ASCENDING", "COLLECTION"), ("DESCENDING", "COLLECTION")} <= scopes


def test_firebase_json_points_at_both_files() -> None:
    firestore = json.loads((ROOT / "firebase.json").read_text())["firestore"]
    assert all((ROOT / firestore[name]).exists() for name in ("rules", "indexes"))
