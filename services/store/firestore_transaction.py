"""Transactions on Firestore without locks on what they write; see docs/decisions/0001.

Reads come from one moment. The commit is conditional on every document still being as it was
read: by a precondition where it is written, else by a short transaction around the commit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from typing import Any, TypeVar

from google.api_core import exceptions as google

from services.errors import StoreError
from services.store.batch import Buffered, check_precondition
from services.store.billing import Account
from services.store.contract import Delete, Document, Transaction, Write
from services.store.firestore_calls import Fetched, call, commit, fetch
from services.store.firestore_client import Database
from services.store.firestore_errors import explained
from services.store.firestore_values import require, write_message

T = TypeVar("T")


class Overtaken(Exception):
    """Somebody changed a document after this attempt had read it."""


def attempt(database: Database, account: Account, work: Callable[[Transaction], T]) -> T:
    """Run `work` once and commit. Raises Overtaken or Google's Aborted if it must run again."""
    transaction = _FirestoreTransaction(database, account)
    result = work(transaction)
    if transaction.writes:
        transaction.commit()
    return result


class _FirestoreTransaction(Buffered):
    def __init__(self, database: Database, account: Account) -> None:
        super().__init__()
        self._database = database
        self._account = account
        self._seen: dict[str, Document | None] = {}
        self._moment: dict[str, Any] = {}

    def _fetch(self, paths: Sequence[str]) -> list[Document | None]:
        unseen = [path for path in dict.fromkeys(paths) if path not in self._seen]
        if unseen:
            fetched = fetch(self._database, self._account, unseen, **self._moment)
            self._moment = {"read_time": fetched.read_time}
            self._seen |= {path: fetched.documents.get(path) for path in unseen}
        return [self._seen[path] for path in paths]

    def commit(self) -> None:
        first: dict[str, Write] = {}
        for write in self.writes:
            first.setdefault(write.path, write)
        self._check(first)
        conditional = {path for path, write in first.items() if self._can_be_conditional(write)}
        messages = [write_message(self._database.root, write) for write in self.writes]
        for write, message in zip(self.writes, messages, strict=True):
            if write.path in conditional and write is first[write.path]:
                require(message, self._seen[write.path])
        try:
            self._commit_if_unchanged(self._seen.keys() - conditional, messages)
        except (google.AlreadyExists, google.NotFound, google.FailedPrecondition) as error:
            if self._is_overtaken():
                raise Overtaken from error
            with explained(self.writes):
                raise

    def _check(self, first: Mapping[str, Write]) -> None:
        """Raises the error of the first write that cannot be applied, as a plain batch does."""
        try:
            self._check_seen(first)
        except StoreError:
            self._fetch(list(first))  # one that was not read may come before it
            self._check_seen(first)
            raise

    def _check_seen(self, first: Mapping[str, Write]) -> None:
        for path, write in first.items():
            if path in self._seen:
                check_precondition(write, self._seen[path])

    def _can_be_conditional(self, write: Write) -> bool:
        """A deletion has no way to say that there must be nothing to delete."""
        if write.path not in self._seen:
            return False
        return not (isinstance(write, Delete) and self._seen[write.path] is None)

    def _commit_if_unchanged(self, only_read: Set[str], messages: Sequence[Any]) -> None:
        if not only_read:
            commit(self._database, self._account, messages)
            return
        begin: dict[str, Any] = {"new_transaction": {"read_write": {}}}
        fetched = fetch(self._database, self._account, list(only_read), **begin)
        if self._differs(fetched, only_read):
            self._roll_back(fetched.transaction)
            raise Overtaken
        try:
            commit(self._database, self._account, messages, fetched.transaction)
        except google.GoogleAPICallError:
            self._roll_back(fetched.transaction)  # else it would keep locked what it read
            raise

    def _is_overtaken(self) -> bool:
        if not self._seen:
            return False
        now = fetch(self._database, self._account, list(self._seen))
        return self._differs(now, self._seen)

    def _differs(self, fetched: Fetched, paths: Iterable[str]) -> bool:
        return any(
            _version(fetched.documents.get(path)) != _version(self._seen[path]) for path in paths
        )

    def _roll_back(self, transaction: bytes) -> None:
        request = {"database": self._database.name, "transaction": transaction}
        with suppress(google.GoogleAPICallError):  # left alone, the server ends it after a while
            call(self._database, "rollback", request)


def _version(document: Document | None) -> str | None:
    return None if document is None else document.version
