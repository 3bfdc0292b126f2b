"""What became of messages about alerts, in numbers: for metrics and the page of the state."""

import logging
from datetime import datetime, timedelta
from typing import Protocol

from redis import Redis, RedisError

from services.metrics import DELIVERIES, DELIVERY_SECONDS
from services.notify.channel import Letter
from services.pulse import Outcome, Pulse
from services.store.users import EMAIL, PUSH

log = logging.getLogger(__name__)


class Ledger(Protocol):
    def note(self, letter: Letter, outcome: Outcome, took: timedelta, now: datetime) -> None:
        """A message had that outcome, so long after it was due. Raises nothing."""


class NoLedger:
    def note(self, letter: Letter, outcome: Outcome, took: timedelta, now: datetime) -> None:
        """Keep nothing."""


class SharedLedger:
    def __init__(self, redis: Redis) -> None:
        self._pulse = Pulse(redis)

    def note(self, letter: Letter, outcome: Outcome, took: timedelta, now: datetime) -> None:
        kind = kind_of(letter)
        DELIVERIES.labels(kind, outcome).inc()
        if outcome == "sent":
            DELIVERY_SECONDS.labels(kind).observe(max(0.0, took.total_seconds()))
        try:
            self._pulse.note_delivery(kind, outcome, now)
        except RedisError as error:  # the message is what counts, and it is told of in the store
            log.warning("A message is missing from the numbers: %s", error)


def kind_of(letter: Letter) -> str:
    """email, push, apprise or webhook; `gone` for a destination that is there no more."""
    if letter.name in (EMAIL, PUSH):
        return letter.name
    destination = letter.user.destination(letter.name)
    return destination.kind if destination else "gone"
