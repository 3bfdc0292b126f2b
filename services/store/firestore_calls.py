"""The calls to Firestore that the engine is made of, each with a time limit and back-off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions as google
from google.api_core.retry import Retry, if_exception_type

from services.store.billing import Account
from services.store.contract import Document
from services.store.firestore_client import Database
from services.store.firestore_values import read_document

CALL_SECONDS = 8.0
DEADLINE_SECONDS = 10.0

UNANSWERED = (google.ServiceUnavailable, google.InternalServerError, google.DeadlineExceeded)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Documents by path, the moment they are from, and the transaction that was begun, if any."""

    documents: dict[str, Document]
    read_time: Any
    transaction: bytes


def again_after(*errors: type[Exception]) -> Retry:
    """Repeats a call after these errors: exponential back-off, full jitter, until the deadline."""
    return Retry(
        if_exception_type(*errors),
        initial=0.05,
        maximum=3.0,
        multiplier=2.0,
        timeout=DEADLINE_SECONDS,
    )


def call(database: Database, method: str, request: Mapping[str, Any]) -> Any:
    """One call of Google's client, once."""
    function = getattr(database.client(), method)
    return function(dict(request), retry=None, timeout=CALL_SECONDS, metadata=database.headers)


def read(database: Database, method: str, request: Mapping[str, Any]) -> list[Any]:
    """All answers to a reading call, each as its bare message."""

    def once() -> list[Any]:
        return [type(answer).pb(answer) for answer in call(database, method, request)]

    answers: list[Any] = again_after(*UNANSWERED)(once)()
    return answers


def fetch(
    database: Database, account: Account, paths: Sequence[str], **transaction: Any
) -> Fetched:
    """The documents at `paths`; `transaction` may begin one or name the moment to read at.

    Several are read in a read-only transaction, which locks nothing: without one each answer
    may be from a moment of its own.
    """
    names = [database.root + path for path in paths]
    if len(names) > 1 and not transaction:
        transaction = {"new_transaction": {"read_only": {}}}
    request = {"database": database.name, "documents": names, **transaction}
    answers = read(database, "batch_get_documents", request)
    account.read(len(names))
    found = [read_document(database.root, answer.found) for answer in answers if answer.found.name]
    begun = b"".join(answer.transaction for answer in answers)
    documents = {document.path: document for document in found}
    return Fetched(documents, answers[-1].read_time, begun)


def commit(
    database: Database, account: Account, messages: Sequence[Any], transaction: bytes = b""
) -> None:
    """Apply the writes of `messages` atomically, and end `transaction` if there is one."""
    request = {"database": database.name, "writes": list(messages), "transaction": transaction}
    call(database, "commit", request)
    deletions = sum(bool(message.delete) for message in messages)
    account.committed(len(messages) - deletions, deletions)
