"""firestore.rules, loaded by Google's emulator: clients may nothing, the server everything."""

import json
from uuid import uuid4

import pytest
import requests

from tests.support.programs import ROOT

pytestmark = [pytest.mark.emulator, pytest.mark.slow]
OURS = (ROOT / "firestore.rules").read_text()


@pytest.fixture
def project(emulator_host: str) -> str:
    """A project with our rules."""
    name = f"rules-{uuid4().hex}"
    load(emulator_host, name, OURS).raise_for_status()
    return name


def load(host: str, project: str, rules: str) -> requests.Response:
    address = f"http://{host}/emulator/v1/projects/{project}:securityRules"
    body = {"rules": {"files": [{"name": "firestore.rules", "content": rules}]}}
    return requests.put(address, json=body, timeout=30)


def documents(host: str, project: str, path: str = "") -> str:
    return f"http://{host}/v1/projects/{project}/databases/(default)/documents{path}"


def test_the_emulator_finds_no_fault_in_the_rules_and_would_find_one(emulator_host: str) -> None:
    project = f"rules-{uuid4().hex}"
    assert load(emulator_host, project, OURS).ok
    assert not load(emulator_host, project, OURS.replace("if false", "if fasle;;")).ok


@pytest.mark.parametrize(
    "path", ["/users/u", "/users/u/alerts/a", "/system/checker", "/anything/x"]
)
def test_a_client_may_neither_read_nor_write(emulator_host: str, project: str, path: str) -> None:
    place = documents(emulator_host, project, path)
    body = {"fields": {"email": {"stringValue": "eve@example.com"}}}
    assert requests.get(place, timeout=30).status_code == 403
    assert requests.patch(place, json=body, timeout=30).status_code == 403
    assert requests.delete(place, timeout=30).status_code == 403


def test_a_client_may_not_ask_over_all_people(emulator_host: str, project: str) -> None:
    query = {"structuredQuery": {"from": [{"collectionId": "alerts", "allDescendants": True}]}}
    answer = requests.post(documents(emulator_host, project, ":runQuery"), json=query, timeout=30)
    assert answer.status_code == 403


def test_the_server_stands_above_the_rules(emulator_host: str, project: str) -> None:
    owner = {"Authorization": "Bearer owner"}
    place = documents(emulator_host, project, "/users/u")
    body = {"fields": {"email": {"stringValue": "ada@example.com"}}}
    assert requests.patch(place, json=body, headers=owner, timeout=30).ok
    assert requests.get(place, headers=owner, timeout=30).ok


def test_what_firebase_deploys_are_these_files() -> None:
    assert json.loads((ROOT / "firebase.json").read_text())["firestore"] == {
        "rules": "firestore.rules",
        "indexes": "firestore.indexes.json",
    }
