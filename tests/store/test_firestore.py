"""What only the Firestore engine does: credentials, lost answers, and being overtaken."""

import base64
import itertools
import json
import os
import urllib.error
import urllib.request
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core import exceptions as google
from google.auth.exceptions import RefreshError, TransportError

from services.errors import (
    AlreadyExists,
    Conflict,
    Contention,
    InvalidValue,
    NotFound,
    StoreUnavailable,
)
from services.store import firestore_calls, firestore_stream
from services.store.contract import Create, Query, Set, Transaction, Update
from services.store.firestore import FirestoreStore, open_firestore
from services.store.firestore_calls import fetch
from services.store.firestore_errors import explained
from tests.support.redis_server import free_port

pytestmark = pytest.mark.slow

RULES = Path(__file__).parents[2] / "firestore.rules"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firestore_calls, "DEADLINE_SECONDS", 0.3)


# Being overtaken


def test_a_transaction_that_was_overtaken_runs_again(firestore_store: FirestoreStore) -> None:
    firestore_store.write(Create("things/one", {"number": 1}))
    seen = []

    def work(transaction: Transaction) -> None:
        number = transaction.get("things/one").fields["number"]
        seen.append(number)
        if len(seen) < 3:
            firestore_store.write(Update("things/one", {"number": number * 10}))
        transaction.write(Update("things/one", {"number": number + 1}))

    firestore_store.transact(work)
    assert seen == [1, 10, 100]
    assert firestore_store.get("things/one").fields == {"number": 101}


@pytest.mark.parametrize("there", [True, False])
def test_a_change_of_what_was_only_read_counts(
    firestore_store: FirestoreStore, there: bool
) -> None:
    if there:
        firestore_store.write(Create("things/read", {"x": 0}))
    runs = []

    def work(transaction: Transaction) -> None:
        transaction.get("things/read")
        runs.append(1)
        if len(runs) == 1:
            firestore_store.write(Set("things/read", {"x": 1}))
        transaction.write(Set("things/written", {"runs": len(runs)}))

    firestore_store.transact(work)
    assert firestore_store.get("things/written").fields == {"runs": 2}


def test_all_reads_of_a_transaction_are_from_one_moment(firestore_store: FirestoreStore) -> None:
    firestore_store.write(Create("things/a", {"x": 1}), Create("things/b", {"x": 1}))

    def work(transaction: Transaction) -> list[object]:
        first = transaction.get("things/a").fields
        firestore_store.write(Set("things/a", {"x": 2}), Set("things/b", {"x": 2}))
        return [first, transaction.get("things/b").fields, transaction.get("things/a").fields]

    assert firestore_store.transact(work) == [{"x": 1}] * 3


def test_documents_of_several_calls_are_from_one_moment(
    firestore_store: FirestoreStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"things/{name}" for name in "abc"]
    firestore_store.write(*(Create(path, {"x": 0}) for path in paths))

    def fetched_slowly(*args: Any, **options: Any) -> Any:
        result = fetch(*args, **options)
        firestore_store.write(*(Update(path, {"x": 1}) for path in paths))
        return result

    monkeypatch.setattr("services.store.firestore._READS_AT_ONCE", 1)
    monkeypatch.setattr("services.store.firestore.fetch", fetched_slowly)
    assert [d.fields for d in firestore_store.get_all(paths) if d] == [{"x": 0}] * 3


def test_a_document_created_meanwhile_is_seen_the_next_time(
    firestore_store: FirestoreStore,
) -> None:
    def work(transaction: Transaction) -> str:
        if transaction.get("things/one") is not None:
            return "somebody else's"
        firestore_store.write(Create("things/one", {}))
        transaction.write(Create("things/one", {"x": 1}))
        return "ours"

    assert firestore_store.transact(work) == "somebody else's"


def test_a_transaction_that_is_always_overtaken_ends_in_contention(
    firestore_store: FirestoreStore, impatient: None
) -> None:
    firestore_store.write(Create("things/one", {"number": 0}))

    def work(transaction: Transaction) -> None:
        number = transaction.get("things/one").fields["number"]
        firestore_store.write(Update("things/one", {"number": number + 1}))
        transaction.write(Update("things/one", {"number": -1}))

    with pytest.raises(Contention):
        firestore_store.transact(work)
    assert firestore_store.get("things/one").fields["number"] > 0


# Lost answers


@pytest.fixture
def lost_answers(firestore_store: FirestoreStore, monkeypatch: pytest.MonkeyPatch):
    """Each next commit is applied, but its answer is lost, as often as this list has entries."""
    losses: list[Exception] = []
    real = firestore_calls.call

    def call(database, method, request):
        answer = real(database, method, request)
        if method == "commit" and losses:
            raise losses.pop()
        return answer

    monkeypatch.setattr(firestore_calls, "call", call)
    return losses


def test_a_repeatable_write_is_repeated(firestore_store: FirestoreStore, lost_answers) -> None:
    lost_answers += [google.ServiceUnavailable("lost"), google.DeadlineExceeded("late")]
    firestore_store.write(Set("things/one", {"x": 1}))
    assert firestore_store.get("things/one").fields == {"x": 1}
    assert not lost_answers


def test_a_creation_whose_answer_is_lost_does_not_meet_itself(
    firestore_store: FirestoreStore, lost_answers
) -> None:
    lost_answers.append(google.ServiceUnavailable("lost"))
    with pytest.raises(StoreUnavailable):
        firestore_store.write(Create("things/one", {}))
    with pytest.raises(AlreadyExists):
        firestore_store.write(Create("things/one", {}))


def test_a_store_that_is_away_is_told_with_the_remedy(impatient: None) -> None:
    store = open_firestore("bellwether", "", f"127.0.0.1:{free_port()}")
    for use in (
        store.ping,
        lambda: store.get("things/one"),
        lambda: store.write(Set("things/one", {})),
        lambda: store.write(Create("things/one", {})),
        lambda: store.transact(lambda transaction: transaction.get("things/one")),
    ):
        with pytest.raises(StoreUnavailable, match="FIRESTORE_EMULATOR_HOST, is up"):
            use()
    store.close()


class Broken:
    """Answers of which some come, and then an error."""

    def __init__(self, answers, number: int, error: Exception) -> None:
        self._answers, self._number, self._error = answers, number, error

    def __iter__(self):
        yield from itertools.islice(self._answers, self._number)
        if next(iter(self._answers), None) is not None:
            raise self._error

    def cancel(self) -> None:
        self._answers.cancel()


@pytest.mark.parametrize("limit", [None, 5, 9])
@pytest.mark.parametrize("order", [(), (("n", "descending"),)])
def test_a_stream_that_breaks_off_goes_on_where_it_was(
    firestore_store: FirestoreStore, monkeypatch: pytest.MonkeyPatch, order, limit
) -> None:
    firestore_store.write(*(Create(f"things/{n}", {"n": n // 2}) for n in range(9)))
    query = Query("things", order_by=order, limit=limit)
    whole = list(firestore_store.query(query))
    real, begun = firestore_stream._begin, []

    def begin(database, request):
        begun.append(1)
        answers, first = real(database, request)
        return Broken(answers, 1, google.DeadlineExceeded("late")), first

    monkeypatch.setattr(firestore_stream, "_begin", begin)
    assert list(firestore_store.query(query)) == whole
    assert len(whole) == (limit or 9)
    assert len(begun) > 2


def test_a_stream_that_cannot_begin_is_told_with_the_remedy(impatient: None) -> None:
    store = open_firestore("bellwether", "", f"127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailable, match="FIRESTORE_EMULATOR_HOST, is up"):
        list(store.query(Query("things")))
    store.close()


# Processes


def test_a_forked_process_connects_anew(firestore_store: FirestoreStore) -> None:
    firestore_store.write(Create("things/one", {"x": 1}))

    def child() -> None:
        found = firestore_store.get("things/one")
        os._exit(0 if found is not None and found.fields == {"x": 1} else 1)

    process = get_context("fork").Process(target=child)
    process.start()
    process.join(20)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == 0
    assert firestore_store.get("things/one").fields == {"x": 1}


def test_a_closed_store_connects_again(firestore_store: FirestoreStore) -> None:
    firestore_store.write(Create("things/one", {}))
    firestore_store.close()
    assert firestore_store.get("things/one") is not None


# Named databases


def test_databases_of_one_project_know_nothing_of_each_other(emulator_host: str) -> None:
    project = f"test-{uuid4().hex}"
    stores = [open_firestore(project, "", emulator_host, name) for name in ("(default)", "flock")]
    for number, store in enumerate(stores):
        store.write(Create("things/one", {"number": number}))
        store.transact(lambda t: t.write(Update("things/one", {"more": t.get("things/one").id})))
    for number, store in enumerate(stores):
        assert store.get("things/one").fields == {"number": number, "more": "one"}
        assert [found.path for found in store.query(Query("things"))] == ["things/one"]
        assert store.count(Query("things", group=True)) == 1
        store.close()


# Credentials

SECRET = "a-very-secret-word"


def in_base64(content: object) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"!{SECRET}!", "it is not base64"),
        (base64.b64encode(SECRET.encode()).decode(), "it does not hold JSON"),
        (base64.b64encode(b"\xff\xfe" + SECRET.encode()).decode(), "it does not hold JSON"),
        (in_base64([SECRET]), "the JSON is not such a key"),
        (in_base64(SECRET), "the JSON is not such a key"),
        (in_base64({"type": "authorized_user", "secret": SECRET}), "the JSON is not such a key"),
        (in_base64({"type": "service_account"}), "the JSON is not such a key"),
        (
            in_base64(
                {
                    "type": "service_account",
                    "client_email": "a@b.c",
                    "token_uri": "https://x",
                    "private_key": SECRET,
                }
            ),
            "the JSON is not such a key",
        ),
    ],
)
def test_unusable_credentials_are_told_without_a_word_of_them(text: str, reason: str) -> None:
    with pytest.raises(StoreUnavailable, match=reason) as raised:
        open_firestore("bellwether", text, "")
    assert "base64 -w0" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert text not in str(raised.value)
    assert raised.value.__context__ is None or raised.value.__suppress_context__


def test_a_service_accounts_key_is_taken_even_in_lines() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = {
        "type": "service_account",
        "project_id": "bellwether",
        "private_key": private.decode(),
        "client_email": "bell@bellwether.example",
        "token_uri": "https://oauth2.example/token",
    }
    text = in_base64(key)
    lines = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    open_firestore("bellwether", f"{lines}\n", "").close()


def test_missing_credentials_of_the_platform_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(StoreUnavailable, match="FIREBASE_CREDENTIALS_BASE64"):
        open_firestore("bellwether", "", "")


def test_an_emulator_does_not_take_what_has_credentials_for_the_cloud() -> None:
    with pytest.raises(StoreUnavailable, match="both set"):
        open_firestore("bellwether", in_base64({}), "127.0.0.1:1")


# What Google's errors mean

WRITES = (Create("things/new", {}), Update("things/old", {"x": 1}))
VERSIONED = (Update("things/old", {"x": 1}, "2026-01-01T00:00:00Z"),)


@pytest.mark.parametrize(
    ("error", "writes", "meaning", "words"),
    [
        (google.AlreadyExists("there"), WRITES, AlreadyExists, "things/new exists"),
        (google.NotFound("no entity"), WRITES, NotFound, "things/old is not there"),
        (google.NotFound("no entity"), VERSIONED, Conflict, "things/old was changed"),
        (google.FailedPrecondition("version"), VERSIONED, Conflict, "things/old was changed"),
        (google.NotFound("The database (default) does not exist"), WRITES, StoreUnavailable,
         "FIREBASE_PROJECT_ID is right"),
        (google.NotFound("The database (default) does not exist"), (), StoreUnavailable,
         "native mode"),
        (google.FailedPrecondition("The query requires an index."), (), StoreUnavailable,
         "deploy firestore.indexes.json"),
        (google.PermissionDenied("no"), (), StoreUnavailable, "Cloud Datastore User"),
        (google.Unauthenticated("no"), (), StoreUnavailable, "Cloud Datastore User"),
        (google.ResourceExhausted("quota"), (), StoreUnavailable, "quota is used up"),
        (google.DeadlineExceeded("late"), (), StoreUnavailable, "try again"),
        (google.ServiceUnavailable("away"), WRITES, StoreUnavailable, "try again"),
        (google.InvalidArgument("odd"), WRITES, InvalidValue, "odd"),
        (google.Aborted("busy"), WRITES, Contention, "try again"),
        (google.RetryError("late", google.Aborted("busy")), WRITES, Contention, "try again"),
        (google.RetryError("late", google.ServiceUnavailable("away")), (), StoreUnavailable,
         "away"),
        (RefreshError("invalid_grant: " + SECRET), (), StoreUnavailable, "was revoked"),
        (TransportError("no route: " + SECRET), (), StoreUnavailable, "sign-in did not answer"),
    ],
    ids=lambda value: repr(value)[:60],
)  # fmt: skip
def test_each_error_of_google_has_a_meaning(error, writes, meaning, words) -> None:
    with pytest.raises(meaning, match=words) as raised, explained(writes):
        raise error
    assert type(raised.value) is meaning
    assert SECRET not in str(raised.value)


# Rules


def rest(host: str, project: str, path: str, body: object = None, method: str = "GET") -> int:
    """The status of a call to the emulator's REST interface without any rights."""
    request = urllib.request.Request(
        f"http://{host}/{path.format(project=project)}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_clients_may_neither_read_nor_write_under_our_rules(
    emulator_host: str, firestore_store: FirestoreStore
) -> None:
    project = firestore_store._database.name.split("/")[1]
    rules = {"rules": {"files": [{"name": "firestore.rules", "content": RULES.read_text()}]}}
    documents = "v1/projects/{project}/databases/(default)/documents"
    firestore_store.write(Create("users/u", {"x": 1}))
    assert rest(emulator_host, project, f"{documents}/users/u") == 200
    loading = "emulator/v1/projects/{project}:securityRules"
    assert rest(emulator_host, project, loading, rules, "PUT") == 200
    for path in ("users/u", "users/u/alerts/a", "system/checker", "emails/x"):
        assert rest(emulator_host, project, f"{documents}/{path}") == 403
        assert rest(emulator_host, project, f"{documents}/{path}", {"fields": {}}, "PATCH") == 403
    assert firestore_store.get("users/u").fields == {"x": 1}
