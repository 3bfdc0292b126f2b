"""Leaving: an account is closed at once; what it held is erased right after (erasing.py).

Closing is one commit: the profile and the address go, and `leaving/{uid}` says that the rest has
to. From then on nobody signs in, and nothing is sent to anybody who is not there any more. What
stays is `left/{hash of the uid}`, by which a restore of an old backup leaves the person out.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from services.accounts.passwords import Passwords
from services.errors import BadDocument, InvalidInput
from services.jobs import Jobs
from services.store.contract import Create, Delete, Document, Query, Set, Store, Transaction
from services.store.users import User, email_path
from services.texts import gettext as _

COLLECTION, LEFT = "leaving", "left"
PAGE = 500


def left_path(uid: str) -> str:
    """Where it stands that a person has left. Who does not know the uid, which is gone, cannot
    find it from there: 80 of its bits are random."""
    return f"{LEFT}/{hashlib.sha256(uid.encode()).hexdigest()}"


class Departure(BaseModel):
    """An account that was closed. `email` and `language` are for the last mail, and go with it;
    `erased_at` is when nothing of the account was left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uid: str
    closed_at: datetime
    email: str | None = None
    language: str | None = None
    erased_at: datetime | None = None

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Raises BadDocument when the stored fields do not fit."""
        try:
            return cls.model_validate({"uid": document.id, **document.fields})
        except ValidationError as error:
            raise BadDocument(f"{document.path} cannot be read: {error}") from None

    @property
    def path(self) -> str:
        return f"{COLLECTION}/{self.uid}"

    def written(self) -> Set:
        return Set(self.path, self.model_dump(exclude={"uid"}))


class Departures:
    """Reads and writes `leaving/{uid}`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, uid: str) -> Departure | None:
        document = self._store.get(f"{COLLECTION}/{uid}")
        return Departure.from_document(document) if document else None

    def all(self) -> Iterator[Departure]:
        for document in self._store.query(Query(COLLECTION, limit=PAGE)):
            yield Departure.from_document(document)

    def keep(self, departure: Departure) -> None:
        self._store.write(departure.written())

    def forget(self, departure: Departure) -> None:
        self._store.write(Delete(departure.path))


class Leaving:
    """Every method may raise redis.RedisError and StoreError."""

    def __init__(self, store: Store, jobs: Jobs, passwords: Passwords) -> None:
        self._store = store
        self._jobs = jobs
        self._passwords = passwords

    def leave(self, uid: str, password: str, now: datetime) -> None:
        """Close an account for the person who knows its password. Raises InvalidInput."""
        document = self._store.get(f"users/{uid}")
        user = User.from_document(document) if document else None
        if not self._passwords.fits(password, user.password_hash if user else None):
            raise InvalidInput("password", _("This is not your present password."))
        self.close(uid, now)

    def close(self, uid: str, now: datetime) -> bool:
        """Close an account, and have all that it held erased; False where there is none. Every
        session and token ends."""

        def work(transaction: Transaction) -> bool:
            document = transaction.get(f"users/{uid}")
            if document is None:
                return False
            user = User.from_document(document)
            left = Departure(uid=uid, closed_at=now, email=user.email, language=user.language)
            transaction.write(
                Create(left.path, left.written().fields),
                Set(left_path(uid), {"at": now}),
                Delete(document.path),
                Delete(email_path(user.email)),
            )
            return True

        closed = self._store.transact(work)
        self._jobs.erase_account(uid)
        return closed
