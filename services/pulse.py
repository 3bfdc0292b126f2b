"""What the workers last did, in Redis: for the page of the state, the metrics and the watchdog.

`pulse:checks` (a hash) has the last completed check of each shard, `pulse:deliveries:TIME` (a
hash for each five minutes, kept for two hours) what became of messages, `pulse:backup` when the
last backup ended. All of it can be lost: the store knows the time of the last check.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.redis_client import text_of
from services.store.system import Shard

Outcome: TypeAlias = Literal["sent", "retry", "failed", "held_back"]
HOUR = timedelta(hours=1)
_SLOT = timedelta(minutes=5)
_KEPT = timedelta(hours=2)
_CHECKS, _DELIVERIES, _BACKUP = "pulse:checks", "pulse:deliveries", "pulse:backup"


class CheckDone(BaseModel):
    """A completed check of one shard. `armed` counts the alerts of all shards, None where nobody
    counted."""

    model_config = ConfigDict(frozen=True)

    completed_at: datetime
    seconds: float = 0
    symbols: int = 0
    unseen: int = 0
    asleep: int = 0
    triggers: int = 0
    armed: int | None = None


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The last check of all shards: when the slowest was done, and what all saw."""

    completed_at: datetime
    took: timedelta
    symbols: int
    unseen: int
    asleep: int
    armed: int | None


class Pulse:
    """All methods may raise redis.RedisError; times are ours, UTC."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def note_check(self, shard: Shard, done: CheckDone) -> None:
        """Shards of another division than this one's are forgotten."""
        others = [name for name in self._shards() if not name.endswith(f"-of-{shard.of}")]
        with self._redis.pipeline() as pipe:
            if others:
                pipe.hdel(_CHECKS, *others)
            pipe.hset(_CHECKS, f"{shard.number}-of-{shard.of}", done.model_dump_json())
            pipe.execute()

    def last_check(self) -> LastCheck | None:
        """None where none is known, or not all shards had one."""
        shards = self._shards()
        if not shards or len(shards) < int(next(iter(shards)).rpartition("-")[2]):
            return None
        done = list(shards.values())
        return LastCheck(
            completed_at=min(each.completed_at for each in done),
            took=timedelta(seconds=max(each.seconds for each in done)),
            symbols=sum(each.symbols for each in done),
            unseen=sum(each.unseen for each in done),
            asleep=sum(each.asleep for each in done),
            armed=next((each.armed for each in done if each.armed is not None), None),
        )

    def note_delivery(self, channel: str, outcome: Outcome, now: datetime) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hincrby(_slot(now), f"{channel} {outcome}")
            pipe.expire(_slot(now), _KEPT)
            pipe.execute()

    def deliveries(self, now: datetime, within: timedelta = HOUR) -> Mapping[tuple[str, str], int]:
        """How many messages had which outcome, by (kind of channel, outcome)."""
        slots = range(within // _SLOT + 1)
        with self._redis.pipeline(transaction=False) as pipe:
            for number in slots:
                pipe.hgetall(_slot(now - number * _SLOT))
            found = pipe.execute()
        counts: Counter[tuple[str, str]] = Counter()
        for slot in found:
            for name, count in slot.items():
                channel, _, outcome = text_of(name).partition(" ")
                counts[channel, outcome] += int(count)
        return counts

    def note_backup(self, ended_at: datetime) -> None:
        """A backup was made, and verified."""
        self._redis.set(_BACKUP, ended_at.timestamp())

    def last_backup(self) -> datetime | None:
        found: Any = self._redis.get(_BACKUP)
        return datetime.fromtimestamp(float(found), UTC) if found else None

    def _shards(self) -> dict[str, CheckDone]:
        found: Any = self._redis.hgetall(_CHECKS)
        try:
            return {text_of(n): CheckDone.model_validate_json(text) for n, text in found.items()}
        except ValidationError:  # written by another version
            return {}


def _slot(moment: datetime) -> str:
    return f"{_DELIVERIES}:{int(moment.timestamp() // _SLOT.total_seconds())}"
