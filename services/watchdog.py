"""Notices that alerts are not checked, and tells the operator: once, and again when it is over.

The clock watches the workers, and each web process both. What was told stands in Redis, so that
however many watch, one tells.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any, Protocol

from redis import Redis, RedisError

from services.errors import DeliveryError
from services.pulse import Pulse
from services.redis_client import text_of

INTERVALS = 3
SHORTEST = timedelta(minutes=1)
LOOK_EVERY = timedelta(seconds=30)
_TELLING_HOLDS = timedelta(minutes=2)
"""One who tells may take so long, or be dead; then another does."""
_TOLD, _TELLING = "watchdog:told", "watchdog:telling"
_QUEUE = "rq:queue:checks"
log = logging.getLogger(__name__)


class Listener(Protocol):
    def tell(self, subject: str, text: str, now: datetime) -> None:
        """Raises DeliveryError."""


def patience_of(check_interval_seconds: int) -> timedelta:
    """After so long without a completed check something is wrong."""
    return max(SHORTEST, INTERVALS * timedelta(seconds=check_interval_seconds))


def unchecked_since(redis: Redis, patience: timedelta, now: datetime) -> datetime | None:
    """Since when (UTC) alerts are unchecked for too long, None while they are checked.

    Where Redis was emptied meanwhile, what the operator was told counts. Raises redis.RedisError.
    """
    last = Pulse(redis).last_check()
    if last is None:
        return _told(redis)
    return last.completed_at if now - last.completed_at > patience else None


class Watchdog:
    """`started` is when this process began to watch: a site that was off is given its patience
    anew. `speaks_alone`: also while Redis, which keeps several from speaking, is away."""

    def __init__(
        self,
        redis: Redis,
        listener: Listener,
        patience: timedelta,
        started: datetime,
        *,
        speaks_alone: bool = False,
    ) -> None:
        self._redis = redis
        self._listener = listener
        self._patience = patience
        self._started = started
        self._speaks_alone = speaks_alone
        self._last: datetime | None = None
        self._told: datetime | None = None
        self._is_told_alone = False

    def look(self, now: datetime) -> None:
        """Tell what has begun, or is over. What fails is tried again at a later look."""
        try:
            try:
                self._look(now)
            except RedisError as error:
                log.warning("The watchdog cannot ask Redis: %s", error)
                self._look_alone(now)
        except DeliveryError:
            log.warning("The operator is told later that checks are late, or are no more")

    def _look(self, now: datetime) -> None:
        if self._is_told_alone and self._told:
            self._redis.set(_TOLD, self._told.isoformat(), nx=True)
            self._is_told_alone = False
        last = Pulse(self._redis).last_check()
        self._last = last.completed_at if last else None
        self._told = _told(self._redis)
        if self._told is None and self._is_late(now) and self._is_first():
            self._begin(self._hint(), now)
            self._redis.set(_TOLD, self._since.isoformat())
            self._redis.delete(_TELLING)
        elif self._told and self._is_well(now) and self._is_first():
            self._end(self._told, now)
            self._redis.delete(_TOLD, _TELLING)

    def _look_alone(self, now: datetime) -> None:
        if self._speaks_alone and not self._told and self._is_late(now):
            self._begin("Redis does not answer.", now)
            self._is_told_alone = True

    @property
    def _since(self) -> datetime:
        return self._last or self._started

    def _is_late(self, now: datetime) -> bool:
        return now - max(self._since, self._started) > self._patience

    def _is_well(self, now: datetime) -> bool:
        return self._last is not None and now - self._last <= self._patience

    def _is_first(self) -> bool:
        """Whether nobody else tells now, or has done so since we looked."""
        if not self._redis.set(_TELLING, 1, nx=True, ex=_TELLING_HOLDS):
            return False
        if _told(self._redis) == self._told:
            return True
        self._redis.delete(_TELLING)
        return False

    def _hint(self) -> str:
        waits = self._redis.llen(_QUEUE)
        if waits:
            return "A check waits in its queue: look at the workers."
        return "No check waits in its queue: look at the clock, and whether the source answers."

    def _begin(self, hint: str, now: datetime) -> None:
        since = f"{self._since:%d %b %Y, %H:%M} UTC"
        log.error("Alerts have not been checked since %s. %s", since, hint)
        text = (
            f"No check of the alerts was completed since {since}.\n\n{hint}\n\n"
            "Nothing is lost: the next check catches up on what happened meanwhile."
        )
        self._listener.tell(f"Bellwether: alerts are not checked since {since}", text, now)
        self._told = self._since

    def _end(self, told: datetime, now: datetime) -> None:
        until = f"{self._last:%d %b %Y, %H:%M} UTC"
        log.warning("Alerts are checked again, since %s", until)
        text = (
            f"A check was completed at {until}. None had been since {told:%d %b %Y, %H:%M} UTC."
            "\n\nWhat happened meanwhile was caught up."
        )
        self._listener.tell("Bellwether: alerts are checked again", text, now)


def keep_watch(watchdog: Watchdog, clock: Callable[[], datetime]) -> Event:
    """Look every half minute in a thread of its own, until the event is set."""
    done = Event()

    def look_on() -> None:
        while not done.wait(LOOK_EVERY.total_seconds()):
            watchdog.look(clock())

    Thread(target=look_on, name="watchdog", daemon=True).start()
    return done


def _told(redis: Redis) -> datetime | None:
    """Since when alerts are unchecked, as the operator was told."""
    found: Any = redis.get(_TOLD)
    return datetime.fromisoformat(text_of(found)) if found else None
