"""People: `users/{uid}`, and `emails/{hash}`, which makes an address belong to one of them."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from services.errors import AlreadyExists, NotFound
from services.notify.quiet import QuietHours
from services.store.contract import Create, Cursor, Document, Query, Store, Transaction, Update
from services.store.queries import cursor_of
from services.store.record import Record, readable

EMAIL, PUSH = "email", "push"
"""The names of the channels that everybody has; others are destinations, by their ids."""
DestinationKind: TypeAlias = Literal["apprise", "webhook"]
DigestEvery: TypeAlias = Literal["never", "day", "week"]
PAGE = 500
MAX_DESTINATIONS = 10
MAX_DESTINATION_URL = 2_048
"""Characters, as a person enters it."""
_MAX_SEALED = 12_000


class Destination(BaseModel):
    """A place beyond mail and devices that a person's alerts are sent to.

    apprise: `url` is an Apprise address, which holds secrets. webhook: `url` is an https address,
    and `secret` signs what is posted to it. Both are stored sealed (services/notify/sealing.py),
    with what may be seen of the address as `leads_to`. `off_because` is set once the place says
    that it is gone: nothing is sent there until its owner switches it on again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^d[0-9A-Z]{26}$")
    kind: DestinationKind
    name: str = Field(min_length=1, max_length=60)
    url: str = Field(min_length=1, max_length=_MAX_SEALED)
    secret: str = ""
    leads_to: str = ""
    added_at: datetime
    off_at: datetime | None = None
    off_because: str | None = None


class User(Record):
    """A person's profile. `auth_epoch` counts up when all sessions and tokens must end.

    `language` is a code such as `de`; None: as the browser asks, in mails English.

    Alerts ring by `channels` (`email`, `push`, ids of destinations); where all of these fail, those
    of `fallback` are tried, one after the other.

    `digest_due_at` is when the next digest is to be sent, for who wants none the next mail about
    alerts that end, None where there is none; `digest_sent_at` is up to when the last one told.
    While one is being sent, `digest_of` is up to when it tells, `digest_attempts` how often it was
    begun, and at `digest_due_at` another worker may take over.

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
    language: str | None = None
    quiet_hours: QuietHours | None = None
    mail_stopped_at: datetime | None = None
    mail_refused_at: datetime | None = None
    channels: tuple[str, ...] = (EMAIL,)
    fallback: tuple[str, ...] = (EMAIL,)
    destinations: tuple[Destination, ...] = ()
    digest: DigestEvery = "never"
    digest_due_at: datetime | None = None
    digest_sent_at: datetime | None = None
    digest_of: datetime | None = None
    digest_attempts: int = 0

    def destination(self, id_: str) -> Destination | None:
        return next((one for one in self.destinations if one.id == id_), None)

    def has(self, channel: str) -> bool:
        """Whether the person has a channel of that name, switched on or off."""
        return channel in (EMAIL, PUSH) or self.destination(channel) is not None


class ApiToken(Record):
    """A program's access, at `users/{uid}/tokens/{sha256 of the secret}`."""

    uid: str
    id: str
    created_at: datetime
    auth_epoch: int


def normal_email(email: str) -> str:
    """The form in which two spellings of one address are equal."""
    return email.strip().casefold()


def email_path(email: str) -> str:
    """Where it stands whose an address is."""
    return f"emails/{hashlib.sha256(normal_email(email).encode()).hexdigest()}"


class Users:
    """Reads and writes profiles."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, user: User) -> None:
        """Store a new person. Raises AlreadyExists when the address is somebody's."""
        try:
            self._store.write(
                Create(email_path(user.email), {"uid": user.uid}),
                Create(f"users/{user.uid}", user.fields()),
            )
        except AlreadyExists:
            raise AlreadyExists("This e-mail address has an account already.") from None

    def get(self, uid: str) -> User | None:
        document = self._store.get(f"users/{uid}")
        return User.from_document(document) if document else None

    def by_email(self, email: str) -> User | None:
        document = self._store.get(email_path(email))
        return self.get(str(document.fields["uid"])) if document else None

    def update(self, uid: str, **changes: object) -> User:
        """Change fields of a profile and return it. Raises NotFound."""

        return self.change(uid, lambda user: user.replace(**changes))

    def change(self, uid: str, how: Callable[[User], User]) -> User:
        """Apply `how`, which may run several times, in a transaction; writes nothing when it
        changes nothing. Raises NotFound."""

        def work(transaction: Transaction) -> User:
            document = transaction.get(f"users/{uid}")
            if document is None:
                raise NotFound(f"There is no user {uid}.")
            before = User.from_document(document)
            after = how(before)
            if after != before:
                transaction.write(Update(document.path, after.fields()))
            return after

        return self._store.transact(work)

    def digests_due(
        self, now: datetime, after: Cursor | None = None, limit: int = PAGE
    ) -> tuple[list[User], Cursor | None]:
        """Who is to be sent a digest, the longest due first; and the cursor of the next page."""
        query = Query(
            "users",
            where=(("digest_due_at", "<=", now),),
            order_by=(("digest_due_at", "ascending"),),
            limit=limit,
            after=after,
        )
        documents = list(self._store.query(query))
        full = len(documents) == limit
        people = list(readable(User, documents))
        return people, cursor_of(query, documents[-1]) if full else None

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
