"""How fast, and whether at all for now, messages leave by a channel.

Shared by all workers, in Redis. A channel whose server does not answer rests, longer each time;
after a rest one message tries, and the others wait for what becomes of it. E-mail has so many
connections at once, and e-mail and destinations so many messages a minute. What may not leave
now waits in the store and counts no attempt. Push services are many, and none waits for another.

Where Redis cannot be asked, messages leave without any of this.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis, RedisError
from redis.client import Pipeline
from redis.exceptions import LockError
from redis.lock import Lock

from services.errors import DeliveryError
from services.store.users import EMAIL, PUSH
from services.texts import N_

RESTS = (
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
)
"""After the first, second, ... attempt in a row that was not answered; the last for all more."""
GIVEN_UP_AFTER = 3
"""So many, and another channel takes over at once where there is one."""
PROBE = timedelta(seconds=30)
"""For so long others wait for the one that tries; it may be dead."""
SPREAD = timedelta(seconds=20)
"""What waited does not come back all at once."""
FORGOTTEN_AFTER = timedelta(hours=1)
DESTINATION_A_MINUTE = 20
MINUTE = timedelta(minutes=1)
SLOT_HOLDS = timedelta(seconds=30)
"""A dead worker's connection counts for so long; one that is slower may be one too many."""
SLOT_AGAIN = timedelta(seconds=10)
SLOT_TRIES, SLOT_PAUSE = 100, 0.05
"""How often a worker looks for a connection, and the seconds in between."""
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing leaves by a channel before `until`. `given_up`: it has been silent for so long that
    another channel, if there is one, need not wait for it."""

    until: datetime
    reason: str
    given_up: bool = False


class Pace(Protocol):
    def rest(self, name: str, now: datetime) -> Rest | None:
        """Why one more message by that channel would have to wait; None where it would not."""

    def turn(self, name: str, now: datetime) -> AbstractContextManager[Rest | None]:
        """While a message is sent: None, or why it must wait after all. Learns from the
        DeliveryError that passes through."""


class Unpaced:
    """Lets everything go at once."""

    def rest(self, name: str, now: datetime) -> Rest | None:  # noqa: ARG002 - never
        return None

    @contextmanager
    def turn(self, name: str, now: datetime) -> Iterator[Rest | None]:  # noqa: ARG002 - always
        yield None


@dataclass(frozen=True, slots=True)
class _Silence:
    """So many attempts in a row had no answer; no further one before `until`."""

    failures: int
    until: datetime

    def rest(self) -> Rest:
        reason = N_("It waits: the server of this channel did not answer.")
        return Rest(self.until, reason, given_up=self.failures >= GIVEN_UP_AFTER)


class SharedPace:
    """`mails_per_minute`: 0 for no limit. `pause` waits some seconds for a connection."""

    def __init__(
        self,
        redis: Redis,
        mail_connections: int,
        mails_per_minute: int = 0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redis = redis
        self._connections = mail_connections
        self._mails = RateLimitItemPerMinute(mails_per_minute) if mails_per_minute else None
        self._others = RateLimitItemPerMinute(DESTINATION_A_MINUTE)
        storage = RedisStorage("redis://", connection_pool=redis.connection_pool)
        self._limiter = MovingWindowRateLimiter(storage)
        self._pause = pause

    def rest(self, name: str, now: datetime) -> Rest | None:
        if name == PUSH:
            return None
        return _unless_away(lambda: self._silent_rest(name, now) or self._full_rest(name, now))

    @contextmanager
    def turn(self, name: str, now: datetime) -> Iterator[Rest | None]:
        if name == PUSH:
            yield None
            return
        with self._connection(name, now) as full:
            entered = full or _unless_away(lambda: self._enter(name, now))
            if isinstance(entered, Rest):
                yield entered
                return
            try:
                yield None
            except DeliveryError as error:
                self._learn(name, entered or 0, now, silent=error.unreachable)
                raise
            self._learn(name, entered or 0, now, silent=False)

    def _enter(self, name: str, now: datetime) -> Rest | int:
        """How many attempts in a row had no answer, of which this one may end the row."""
        probing = self._probe(name, now)
        if isinstance(probing, Rest):
            return probing
        limit = self._limit(name)
        if limit and not self._limiter.hit(limit, name):
            return self._full_rest(name, now) or Rest(now + MINUTE, _TOO_MANY)
        return probing

    def _limit(self, name: str) -> RateLimitItem | None:
        return self._mails if name == EMAIL else self._others

    def _full_rest(self, name: str, now: datetime) -> Rest | None:
        """Where a minute's messages have left, the next wait in line for their own minute."""
        limit = self._limit(name)
        if limit is None:
            return None
        reset, remaining = self._limiter.get_window_stats(limit, name)
        if remaining > 0:
            return None
        with self._redis.pipeline() as pipe:
            pipe.set(_key(name, "line"), 0, ex=MINUTE, nx=True)
            pipe.incr(_key(name, "line"))
            place = int(pipe.execute()[-1]) - 1
        until = max(datetime.fromtimestamp(reset, UTC), now + timedelta(seconds=1))
        return Rest(until + MINUTE * (place // limit.amount), _TOO_MANY)

    def _silent_rest(self, name: str, now: datetime) -> Rest | None:
        silence = _read(self._redis.get(_key(name, "silence")))
        return silence.rest() if silence and silence.until > now else None

    def _probe(self, name: str, now: datetime) -> Rest | int:
        """Where the rest is over, the first who asks may try, and the others wait for it."""
        key = _key(name, "silence")
        if self._redis.get(key) is None:
            return 0

        answers: list[Rest | int] = []

        def work(pipe: Pipeline) -> None:
            silence = _read(pipe.get(key))
            pipe.multi()
            if silence is None:
                answers.append(0)
            elif silence.until > now:
                answers.append(silence.rest())
            else:
                answers.append(silence.failures)
                _write(pipe, key, _Silence(silence.failures, now + PROBE))

        self._redis.transaction(work, key)
        return answers[-1]

    def _learn(self, name: str, failures: int, now: datetime, *, silent: bool) -> None:
        """`failures` as it was when the attempt began: what others have learned since stands."""
        key = _key(name, "silence")

        def work(pipe: Pipeline) -> None:
            silence = _read(pipe.get(key))
            pipe.multi()
            if silence is None or silence.failures <= failures:
                rest = RESTS[min(failures, len(RESTS) - 1)]
                _write(pipe, key, _Silence(failures + 1, now + rest))

        if silent:
            _unless_away(lambda: self._redis.transaction(work, key))
        elif failures:
            _unless_away(lambda: self._redis.delete(key))

    @contextmanager
    def _connection(self, name: str, now: datetime) -> Iterator[Rest | None]:
        """One of the connections to the mail server, over all workers; others need none."""
        if name != EMAIL:
            yield None
            return
        try:
            lock = self._free_connection()
        except RedisError as error:
            _away(error)
            yield None
            return
        if lock is None:
            yield Rest(now + SLOT_AGAIN, "It waits: other mails use all connections.")
            return
        try:
            yield None
        finally:
            _release(lock)

    def _free_connection(self) -> Lock | None:
        for _ in range(SLOT_TRIES):
            for number in range(self._connections):
                key = _key(EMAIL, f"connection:{number}")
                lock: Lock = self._redis.lock(
                    key, timeout=SLOT_HOLDS.total_seconds(), thread_local=False
                )
                if lock.acquire(blocking=False):
                    return lock
            self._pause(SLOT_PAUSE)
        return None


_TOO_MANY = "It waits: so many messages as may leave in a minute have left."


def _key(name: str, what: str) -> str:
    return f"pace:{name}:{what}"


def _read(stored: object) -> _Silence | None:
    if not isinstance(stored, bytes):
        return None
    failures, until = stored.decode().split()
    return _Silence(int(failures), datetime.fromtimestamp(float(until), UTC))


def _write(pipe: Pipeline, key: str, silence: _Silence) -> None:
    pipe.set(key, f"{silence.failures} {silence.until.timestamp()}", ex=FORGOTTEN_AFTER)


def _unless_away(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except RedisError as error:
        _away(error)
        return None


def _away(error: RedisError) -> None:
    log.warning("Redis does not answer, messages leave unpaced: %s", error)


def _release(lock: Lock) -> None:
    try:
        lock.release()
    except (LockError, RedisError) as error:
        log.warning("%s was lost meanwhile: %s", lock.name, error)
