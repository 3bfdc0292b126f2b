"""How the site fares, for people: what was checked, where quotes come from, what is delivered.

Nothing in it is private. All but the first look after Redis was emptied is read from Redis.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from services.jobs import Waiting
from services.market.cache import MarketStatus
from services.pulse import LastCheck

Health: TypeAlias = Literal["well", "unknown", "late", "delayed", "slow"]
SLOW = timedelta(minutes=5)
"""Messages that wait for longer are told of."""
BY_QUEUE = {"mail": "email", "push": "push", "hooks": "chats"}
_WAY = {"apprise": "chats", "webhook": "chats", "gone": "chats"}


@dataclass(frozen=True, slots=True)
class Way:
    """One way of delivery in the last hour; `oldest` is how long the first in line waits."""

    name: str
    sent: int
    failed: int
    retried: int
    oldest: timedelta


@dataclass(frozen=True, slots=True)
class State:
    """`interval` lies between checks; `patience` is how long none may be completed."""

    now: datetime
    interval: timedelta
    patience: timedelta
    last: LastCheck | None
    market: MarketStatus
    ways: tuple[Way, ...]

    @property
    def health(self) -> Health:
        """The worst of it."""
        if self.last is None:
            return "unknown"
        if self.now - self.last.completed_at > self.patience:
            return "late"
        if self.market.delayed_since:
            return "delayed"
        return "slow" if any(way.oldest > SLOW for way in self.ways) else "well"

    @property
    def next_check(self) -> datetime | None:
        """When the next check is due; None where it should have been."""
        if self.last is None:
            return None
        due = self.last.completed_at + self.interval
        return due if due > self.now else None


def ways_of(
    counts: Mapping[tuple[str, str], int], queues: Mapping[str, Waiting]
) -> tuple[Way, ...]:
    """Mail, push, and chats with webhooks, in this order."""
    return tuple(
        _way(name, counts, queues[queue].oldest if queue in queues else timedelta())
        for queue, name in BY_QUEUE.items()
    )


def _way(name: str, counts: Mapping[tuple[str, str], int], oldest: timedelta) -> Way:
    def of(outcome: str) -> int:
        return sum(
            number
            for (channel, became), number in counts.items()
            if _WAY.get(channel, channel) == name and became == outcome
        )

    return Way(name, of("sent"), of("failed"), of("retry"), oldest)
