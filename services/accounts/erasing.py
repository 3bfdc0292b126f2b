"""What is left of closed accounts, erased by workers: documents, Redis, jobs; then a last mail.

Every step can be done again, so that who dies in the middle leaves only work for the next sweep.
Alerts go first, each with its entry in the index: from then on nothing can ring, and no trigger
is recorded, for a trigger is only written together with its alert.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from redis import Redis

from services.accounts.leaving import Departure, Departures
from services.alerts.arming import Arming
from services.errors import BadDocument, DeliveryError, NotFound
from services.jobs import Jobs
from services.notify.channels.email.channel import Transport
from services.notify.compose import Composer
from services.store.contract import MAX_BATCH, Delete, Store
from services.texts import speaking

SETTLED = timedelta(hours=1)
"""No request lasts so long, and no profile is cached: what one has still written is erased then."""
MAIL_GIVEN_UP = timedelta(days=1)
_AT_ONCE = 1_000
_RQ = b"rq:"
_SPECIAL = str.maketrans({character: f"\\{character}" for character in r"\*?[]^-"})
log = logging.getLogger(__name__)


class Erasing:
    """Every method may raise redis.RedisError and StoreError."""

    def __init__(
        self,
        store: Store,
        redis: Redis,
        jobs: Jobs,
        arming: Arming,
        compose: Callable[[], Composer],
        transport: Callable[[], Transport],
    ) -> None:
        self._store = store
        self._redis = redis
        self._jobs = jobs
        self._arming = arming
        self._departures = Departures(store)
        self._compose = compose
        self._transport = transport

    def erase(self, uid: str, now: datetime) -> None:
        """Erase all that a closed account held, and say goodbye; nothing for any other account.

        Raises DeliveryError where the mail is to be tried again: all else is done then.
        """
        departure = self._departures.get(uid)
        if departure is None or departure.erased_at is not None:
            return
        self._erase_all(departure, now)
        self._say_goodbye(departure, now)
        self._departures.keep(Departure(uid=uid, closed_at=departure.closed_at, erased_at=now))

    def sweep(self, now: datetime) -> int:
        """Have erased what a dead worker left, and look once more at what is settled by now;
        returns how many accounts are on their way."""
        departures = list(self._departures.all())
        for departure in departures:
            if departure.erased_at is None:
                self._jobs.erase_account(departure.uid)
            elif now - departure.erased_at >= SETTLED:
                self._erase_all(departure, now)
                self._departures.forget(departure)
        return len(departures)

    def _erase_all(self, departure: Departure, now: datetime) -> None:
        uid = departure.uid
        self._erase_alerts(uid, now)
        paths = self._paths(uid)
        while batch := list(islice(paths, MAX_BATCH)):
            self._store.write(*map(Delete, batch))
        self._jobs.forget(uid)
        self._forget_keys(uid, departure.email)
        self._end_sessions(uid)

    def _erase_alerts(self, uid: str, now: datetime) -> None:
        prefix = f"users/{uid}/alerts/"
        for path in list(self._paths(uid, prefix)):
            with suppress(NotFound, BadDocument):  # what cannot be read is deleted unread, below
                self._arming.delete(uid, path.removeprefix(prefix), now)

    def _paths(self, uid: str, prefix: str | None = None) -> Iterator[str]:
        """The paths of all documents below a person, whatever their collections."""
        prefix = prefix or f"users/{uid}/"
        for document in self._store.all(f"users/{uid}"):
            if not document.path.startswith(prefix):
                return
            yield document.path

    def _forget_keys(self, uid: str, email: str | None) -> None:
        for text in filter(None, (uid, email)):
            pattern = f"*{text.translate(_SPECIAL)}*"
            found = self._redis.scan_iter(pattern, count=_AT_ONCE)
            ours = (key for key in found if not key.startswith(_RQ))  # RQ's go by RQ
            while batch := list(islice(ours, _AT_ONCE)):
                self._redis.unlink(*batch)

    def _end_sessions(self, uid: str) -> None:
        """They are void already; a session names its person inside only."""
        found = self._redis.scan_iter("session:*", count=_AT_ONCE)
        while batch := list(islice(found, _AT_ONCE)):
            contents = self._redis.mget(batch)
            theirs = [k for k, v in zip(batch, contents, strict=True) if v and uid.encode() in v]
            if theirs:
                self._redis.unlink(*theirs)

    def _say_goodbye(self, departure: Departure, now: datetime) -> None:
        if departure.email is None:
            return
        key = f"goodbye.{departure.uid}"
        with speaking(departure.language):
            message = self._compose().goodbye(departure.email, key)
        try:
            self._transport().send(message, now)
        except DeliveryError as error:
            if not error.permanent and now - departure.closed_at < MAIL_GIVEN_UP:
                raise
            log.warning("An account is erased, and its owner was not told by mail: %s", error)
