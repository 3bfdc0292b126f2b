"""The engine on Google's Firestore, in native mode."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from google.api_core import exceptions as google

from services.errors import StoreUnavailable
from services.store.batch import check_batch
from services.store.billing import Bill
from services.store.contract import Create, Document, Query, Snapshot, Transaction, Update, Write
from services.store.firestore_calls import UNANSWERED, again_after, commit, fetch, read
from services.store.firestore_client import DEFAULT_DATABASE, Database, cloud, emulator
from services.store.firestore_errors import explained
from services.store.firestore_query import message_of_all, parent_of, query_message
from services.store.firestore_stream import stream_documents
from services.store.firestore_transaction import Overtaken, attempt
from services.store.firestore_values import write_message
from services.store.paths import check_document_path
from services.store.queries import check_query, cursor_of

T = TypeVar("T")

_READS_AT_ONCE = 500


def open_firestore(
    project: str, credentials_base64: str, emulator_host: str, database: str = DEFAULT_DATABASE
) -> "FirestoreStore":
    """One `database` of `project`: on the emulator at `emulator_host` if given, else in the cloud.

    Raises StoreUnavailable where the credentials cannot be used, and where an emulator would
    take what belongs into the cloud.
    """
    if emulator_host and credentials_base64:
        raise StoreUnavailable(
            "FIRESTORE_EMULATOR_HOST and FIREBASE_CREDENTIALS_BASE64 are both set: documents would"
            " go to the emulator, which forgets them. Unset one of the two."
        )
    if emulator_host:
        return FirestoreStore(emulator(project, database, emulator_host))
    return FirestoreStore(cloud(project, database, credentials_base64))


class FirestoreStore:
    """The contract on one Firestore database.

    A write that fails with StoreUnavailable may still have been applied: the answer was lost.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.bill = Bill()

    def get(self, path: str) -> Document | None:
        return self.get_all([path])[0]

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        account = self.bill.account()
        found: dict[str, Document] = {}
        moment: dict[str, Any] = {}
        names = list(dict.fromkeys(map(check_document_path, paths)))
        with explained():
            for start in range(0, len(names), _READS_AT_ONCE):
                some = names[start : start + _READS_AT_ONCE]
                fetched = fetch(self._database, account, some, **moment)
                moment = {"read_time": fetched.read_time}
                found |= fetched.documents
        return [found.get(path) for path in paths]

    def write(self, *writes: Write) -> None:
        check_batch(writes)
        if not writes:
            return
        repeatable = not any(map(_is_conditional, writes))
        errors = (google.Aborted, *UNANSWERED) if repeatable else (google.Aborted,)
        messages = [write_message(self._database.root, write) for write in writes]
        with explained(writes):
            again_after(*errors)(commit)(self._database, self.bill.account(), messages)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        account = self.bill.account()
        again = again_after(google.Aborted, Overtaken)
        with explained():
            result: T = again(attempt)(self._database, account, work)
        return result

    def query(self, query: Query) -> Iterator[Document]:
        behind = partial(_behind, self._database.root, check_query(query))
        parent = parent_of(self._database.root, query)
        return stream_documents(self._database, self.bill.account(), parent, behind)

    def count(self, query: Query) -> int:
        check_query(query)
        root = self._database.root
        return self._number(parent_of(root, query), query_message(root, query))

    def all(self, after: str | None = None, **moment: Any) -> Iterator[Document]:
        if after is not None:
            check_document_path(after)
        root = self._database.root
        behind = partial(_behind_all, root, after)
        account = self.bill.account()
        return stream_documents(self._database, account, root.rstrip("/"), behind, **moment)

    def size(self, **moment: Any) -> int:
        root = self._database.root
        return self._number(root.rstrip("/"), message_of_all(root), **moment)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Firestore keeps the past hour, with point-in-time recovery seven days of whole minutes:
        whoever reads for longer is told that the moment is too old."""
        with explained():
            names = [f"{self._database.root}system/checker"]
            request = {"database": self._database.name, "documents": names}
            (answer,) = read(self._database, "batch_get_documents", request)
        self.bill.account().read(1)
        yield _FirestoreSnapshot(self, answer.read_time)

    def ping(self) -> None:
        self.get("system/checker")

    def close(self) -> None:
        self._database.close()

    def _number(self, parent: str, message: Any, **moment: Any) -> int:
        aggregation = {
            "structured_query": message,
            "aggregations": [{"alias": "number", "count": {}}],
        }
        request = {"parent": parent, "structured_aggregation_query": aggregation, **moment}
        with explained():
            (answer,) = read(self._database, "run_aggregation_query", request)
        number = int(answer.result.aggregate_fields["number"].integer_value)
        self.bill.account().counted(number)
        return number


class _FirestoreSnapshot:
    """The documents of `store` at the moment of Google's clock that each request names."""

    def __init__(self, store: FirestoreStore, moment: Any) -> None:
        self._store = store
        self._moment = moment
        self.read_time: datetime = moment.ToDatetime(UTC)

    def all(self, after: str | None = None) -> Iterator[Document]:
        return self._store.all(after, read_time=self._moment)

    def size(self) -> int:
        return self._store.size(read_time=self._moment)


def _is_conditional(write: Write) -> bool:
    """Whether a repetition of `write` would meet its own first effect."""
    return isinstance(write, Create) or (isinstance(write, Update) and write.version is not None)


def _behind_all(root: str, after: str | None, last: Document | None, _: int) -> Any:
    """The message of all documents behind the last that was read, or behind `after`."""
    return message_of_all(root, after if last is None else last.path)


def _behind(root: str, query: Query, last: Document | None, seen: int) -> Any:
    """The message of what is left of `query` behind the last document that was read."""
    if last is None:
        return query_message(root, query)
    if query.limit is not None and seen >= query.limit:
        return None
    left = None if query.limit is None else query.limit - seen
    return query_message(root, replace(query, limit=left, after=cursor_of(query, last)))
