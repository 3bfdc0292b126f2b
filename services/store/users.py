"""People: `users/{uid}`, and `emails/{hash}`, which makes an address belong to one of them."""

import hashlib
from datetime import datetime

from services.errors import AlreadyExists, NotFound
from services.notify.quiet import QuietHours
from services.store.contract import Create, Document, Store, Transaction, Update
from services.store.record import Record


class User(Record):
    """A person's profile. `auth_epoch` counts up when all sessions and tokens must end.

    `mail_stopped_at`: the person wants no mail but that about the account. `mail_refused_at`: the
    mailbox was refused for good; confirming the address again switches it on.
    """

    uid: str
    email: str
    password_hash: str
    created_at: datetime
    confirmed_at: datetime | None = None
    auth_epoch: int = 1
    time_zone: str = "UTC"
    quiet_hours: QuietHours | None = None
    mail_stopped_at: datetime | None = None
    mail_refused_at: datetime | None = None


class ApiToken(Record):
    """A program's access, at `users/{uid}/tokens/{sha256 of the secret}`."""

    uid: str
    id: str
    created_at: datetime
    auth_epoch: int


def normal_email(email: str) -> str:
    """The form in which two spellings of one address are equal."""
    return email.strip().casefold()


def _email_path(email: str) -> str:
    return f"emails/{hashlib.sha256(normal_email(email).encode()).hexdigest()}"


class Users:
    """Reads and writes profiles."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, user: User) -> None:
        """Store a new person. Raises AlreadyExists when the address is somebody's."""
        try:
            self._store.write(
                Create(_email_path(user.email), {"uid": user.uid}),
                Create(f"users/{user.uid}", user.fields()),
            )
        except AlreadyExists:
            raise AlreadyExists("This e-mail address has an account already.") from None

    def get(self, uid: str) -> User | None:
        document = self._store.get(f"users/{uid}")
        return User.from_document(document) if document else None

    def by_email(self, email: str) -> User | None:
        document = self._store.get(_email_path(email))
        return self.get(str(document.fields["uid"])) if document else None

    def update(self, uid: str, **changes: object) -> User:
        """Change fields of a profile and return it. Raises NotFound."""

        def work(transaction: Transaction) -> User:
            document = transaction.get(f"users/{uid}")
            if document is None:
                raise NotFound(f"There is no user {uid}.")
            user = User.from_document(document).replace(**changes)
            transaction.write(Update(document.path, user.fields()))
            return user

        return self._store.transact(work)

    def end_access(self, uid: str, password_hash: str) -> User:
        """Set a new password hash; every session and token of before becomes invalid."""

        def work(transaction: Transaction) -> User:
            document = transaction.get(f"users/{uid}")
            if document is None:
                raise NotFound(f"There is no user {uid}.")
            user = User.from_document(document)
            user = user.replace(password_hash=password_hash, auth_epoch=user.auth_epoch + 1)
            transaction.write(Update(document.path, user.fields()))
            return user

        return self._store.transact(work)

    def create_token(self, token: ApiToken) -> None:
        self._store.write(Create(f"users/{token.uid}/tokens/{token.id}", token.fields()))

    def get_token(self, uid: str, token_id: str) -> ApiToken | None:
        document: Document | None = self._store.get(f"users/{uid}/tokens/{token_id}")
        return ApiToken.from_document(document) if document else None
