"""Sending digests, once as far as SMTP allows.

A worker takes a digest by moving `digest_due_at` to the end of its lease, with `digest_of` as the
moment that it tells up to. Whoever finds it due after that goes on with the same `digest_of`, and
so with the same Message-ID.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from services.errors import DeliveryError
from services.jobs import Jobs
from services.notify.channels.email.channel import Transport
from services.notify.deliveries import RETRIES, no_mail_because
from services.notify.digest import moved_on
from services.notify.digest_news import News
from services.notify.message import Message
from services.notify.pace import Pace, Unpaced
from services.notify.quiet import quiet_until
from services.store.users import EMAIL, User, Users
from services.texts import speaking

LEASE = timedelta(minutes=10)
log = logging.getLogger(__name__)


class Collector(Protocol):
    def collect(self, user: User, until: datetime, now: datetime) -> News: ...


class DigestComposer(Protocol):
    def digest(self, news: News, user: User, now: datetime) -> Message: ...


class Digests:
    """`changed` is told of a profile whose mailbox was refused. They keep the `pace` of all
    mails."""

    def __init__(
        self,
        users: Users,
        collector: Collector,
        composer: DigestComposer,
        transport: Transport,
        jobs: Jobs,
        changed: Callable[[User], object] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._users = users
        self._collector = collector
        self._composer = composer
        self._transport = transport
        self._jobs = jobs
        self._changed = changed
        self._pace = pace or Unpaced()

    def enqueue_due(self, now: datetime) -> int:
        """A job for each person whose digest is due; returns their number."""
        people, following = self._users.digests_due(now)
        count = len(people)
        self._jobs.send_digests([user.uid for user in people])
        while following:
            people, following = self._users.digests_due(now, following)
            self._jobs.send_digests([user.uid for user in people])
            count += len(people)
        return count

    def send(self, uid: str, now: datetime) -> bool:
        """Send a person's digest if it is due and nobody is at it; whether a mail went out.

        Raises NotFound, StoreError and redis.RedisError: then it is tried again once the lease
        is over.
        """
        user = None if self._pace.rest(EMAIL, now) else self._take(uid, now)
        if user is None or user.digest_of is None:
            return False
        until = user.digest_of
        news = self._collector.collect(user, until, now)
        if news.is_empty:
            self._settle(user, lambda present: moved_on(present, now, until, news.next_end))
            return False
        with speaking(user.language):
            message = self._composer.digest(news, user, now)
        try:
            with self._pace.turn(EMAIL, now) as rest:
                if rest is None:
                    self._transport.send(message, now)
        except DeliveryError as error:
            self._failed(user, error, now)
            return False
        if rest is not None:
            until_then = rest.until
            self._settle(user, lambda present: put_back(present, until_then))
            return False
        self._settle(user, lambda present: moved_on(present, now, until, news.next_end))
        return True

    def _take(self, uid: str, now: datetime) -> User | None:
        """The person, once the digest is in our hands."""
        attempts = 0

        def change(present: User) -> User:
            nonlocal attempts
            attempts = present.digest_attempts
            return taken(present, now)

        user = self._users.change(uid, change)
        return user if user.digest_attempts > attempts else None

    def _failed(self, user: User, error: DeliveryError, now: datetime) -> None:
        log.warning("Attempt %d of the digest of %s: %s", user.digest_attempts, user.uid, error)

        def after(present: User) -> User:
            if error.gone and present.email == user.email:
                return moved_on(present.replace(mail_refused_at=now), now, None)
            return put_off(present, now, permanent=error.permanent)

        present = self._settle(user, after)
        if error.gone and present.mail_refused_at == now:
            self._jobs.send_channel_notice(user.uid, EMAIL, str(error))
            if self._changed:
                self._changed(present)

    def _settle(self, user: User, how: Callable[[User], User]) -> User:
        """Unless the lease had ended and somebody else went on, or another digest was chosen."""

        def change(present: User) -> User:
            return how(present) if _lease(present) == _lease(user) else present

        return self._users.change(user.uid, change)


def taken(user: User, now: datetime) -> User:
    """The person with a digest in the hands of a worker; as before where none is due, moved on
    where none may be sent, and held until quiet hours end."""
    due = user.digest_due_at
    if due is None or due > now:
        return user
    until = user.digest_of or due
    if user.confirmed_at is None or no_mail_because(user) is not None:
        return moved_on(user, now, until)
    if user.digest_attempts > len(RETRIES):
        return moved_on(user, now, None)
    if quiet := quiet_until(user.quiet_hours, user.time_zone, now):
        return user.replace(digest_due_at=quiet, digest_of=until)
    return user.replace(
        digest_due_at=now + LEASE, digest_of=until, digest_attempts=user.digest_attempts + 1
    )


def put_off(user: User, now: datetime, *, permanent: bool) -> User:
    """After a failure: tried again, or given up, and then the next digest tells of it, too."""
    if permanent or user.digest_attempts > len(RETRIES):
        return moved_on(user, now, None)
    return user.replace(digest_due_at=now + RETRIES[user.digest_attempts - 1])


def put_back(user: User, until: datetime) -> User:
    """Not tried, for its turn did not come."""
    return user.replace(digest_due_at=until, digest_attempts=user.digest_attempts - 1)


def _lease(user: User) -> tuple[datetime | None, datetime | None, int]:
    return user.digest_of, user.digest_due_at, user.digest_attempts
