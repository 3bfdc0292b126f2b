"""The armed alerts in Redis, by level, so that a check reads none from the store.

Keys, for each symbol: `armed:S:price:rise` and `...:fall` are sorted sets of alerts by level,
`armed:S:waiting:rise` and `...:fall` those that wait for the price to be on the other side,
and `armed:S:fresh` is a hash of alerts set since the last check, each with its own baseline.

The index may hold an alert that is armed no more: whoever claims it finds that out from the
store and drops it. It must never lack one. So a writer marks the alert before it writes the
store and unmarks it after the index has followed; a check lets the index follow what was left
marked, and rebuilds all of it after Redis was emptied or restarted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from redis import Redis

from services.alerts.conditions import Direction
from services.alerts.evidence import Evidence
from services.alerts.intervals import Interval, Reading, Span
from services.redis_client import text_of
from services.store.alerts import Alert

SYMBOLS, MARKED, BUILT_FOR, FIRED = "armed:symbols", "armed:marked", "armed:built-for", "fired"
SHAPE = "1"
"""Of the keys and values above; another one makes every check rebuild what an older one wrote."""
MARK_HOLDS = timedelta(minutes=10)
DAY = timedelta(days=1)
CLAIM_BATCH = 500
PIPELINE = 1_000

DIRECTIONS: tuple[Direction, ...] = ("rise", "fall")

Role = Literal["armed", "waiting"]
_CLAIM = (Path(__file__).parent / "claim.lua").read_text()
_CLAIM_FRESH = """
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'alert', ARGV[1], 'evidence', ARGV[2])
return 1
"""
_SETTLE = """
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1]) end
"""
_FORGET = """
if redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]) == 0 then
  redis.call('SREM', KEYS[1], ARGV[1])
end
"""


@dataclass(frozen=True, slots=True)
class Member:
    """An alert at one of its armings, as the index names it."""

    uid: str
    alert_id: str
    epoch: int

    @classmethod
    def of(cls, alert: Alert) -> "Member":
        return cls(alert.uid, alert.id, alert.epoch)

    @classmethod
    def parse(cls, text: str) -> "Member":
        uid, alert_id, epoch = text.split("/")
        return cls(uid, alert_id, int(epoch))

    def __str__(self) -> str:
        return f"{self.uid}/{self.alert_id}/{self.epoch}"


class Fresh(BaseModel):
    """An alert set since the last check; only what came after `baseline` is evidence for it."""

    model_config = ConfigDict(frozen=True)

    role: Role
    direction: Direction
    level: float
    baseline: Reading


class ArmedIndex:
    """Sorted sets of levels. All methods may raise redis.RedisError."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._claim = redis.register_script(_CLAIM)
        self._claim_fresh = redis.register_script(_CLAIM_FRESH)
        self._settle = redis.register_script(_SETTLE)
        self._forget = redis.register_script(_FORGET)

    # Following the store

    def mark(self, uid: str, alert_id: str, now: datetime) -> None:
        """Say that this alert is about to change in the store."""
        self._redis.zadd(MARKED, {f"{uid}/{alert_id}": now.timestamp()})

    def marked(self) -> list[tuple[str, str]]:
        """(uid, alert id) of alerts that the index may not have followed."""
        pairs = (text_of(entry).split("/") for entry in self._redis.zrange(MARKED, 0, -1))
        return [(uid, alert_id) for uid, alert_id in pairs]

    def unmark(self, uid: str, alert_id: str) -> None:
        self._redis.zrem(MARKED, f"{uid}/{alert_id}")

    def unmark_before(self, now: datetime) -> None:
        """Drop marks so old that their writer is done or dead."""
        self._redis.zremrangebyscore(MARKED, "-inf", (now - MARK_HOLDS).timestamp())

    def follow(self, after: Alert, before: Alert | None = None) -> None:
        """Hold `after` as its state says, and `before` no more."""
        with self._redis.pipeline() as pipe:
            for alert in (after, before or after):
                _remove(pipe, alert.symbol, Member.of(alert))
            if after.state in ("armed", "waiting") and after.baseline is not None:
                pipe.hset(_key(after.symbol, "fresh"), str(Member.of(after)), _fresh(after))
                pipe.sadd(SYMBOLS, after.symbol)
            pipe.execute()
        self.forget_if_empty(after.symbol)

    def ensure(self, alert: Alert) -> None:
        """Hold an alert as its state says, but leave alone what stands right."""
        role, member = _role(alert), str(Member.of(alert))
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.zscore(_level_key(alert.symbol, role, alert.condition.target.direction), member)
            pipe.hexists(_key(alert.symbol, "fresh"), member)
            level, is_fresh = pipe.execute()
        if (
            alert.state not in ("armed", "waiting")
            or is_fresh
            or level != alert.condition.target.level
        ):
            self.follow(alert)

    def relevel(self, alert: Alert) -> None:
        """Move an alert to its new level, wherever it stands."""
        member, fresh = str(Member.of(alert)), _key(alert.symbol, "fresh")
        for key in _level_keys(alert.symbol):
            self._redis.zadd(key, {member: alert.condition.target.level}, xx=True)
        if self._redis.hexists(fresh, member):
            self._redis.hset(fresh, member, _fresh(alert))

    def drop(self, symbol: str, member: Member) -> None:
        """Hold this arming of an alert no more."""
        with self._redis.pipeline() as pipe:
            _remove(pipe, symbol, member)
            pipe.execute()
        self.forget_if_empty(symbol)

    def forget_if_empty(self, symbol: str) -> None:
        """Stop checking a symbol that no alert waits for."""
        keys = [SYMBOLS, _key(symbol, "fresh"), *_level_keys(symbol)]
        self._forget(keys=keys, args=[symbol])

    # Rebuilding

    def is_built_for(self, market: str) -> bool:
        """Whether the index was built for this market, in this shape, since Redis started."""
        return self._redis.get(BUILT_FOR) == self._stamp(market)

    def rebuild(
        self,
        market: str,
        alerts: Iterable[Alert],
        caught_up: Callable[[str], datetime | None],
    ) -> int:
        """Fill the index anew from the store's armed and waiting alerts; returns their number.

        `caught_up` says from when on (market time) the next check will read a symbol's prices.
        Alerts of another market (set on the replay, say, while Yahoo is read) are left out.
        """
        for symbol in self.symbols():
            self._redis.delete(_key(symbol, "fresh"), *_level_keys(symbol))
        self._redis.delete(SYMBOLS)
        count, pipe = 0, self._redis.pipeline(transaction=False)
        for alert in alerts:
            if alert.baseline is None or alert.baseline.source != market:
                continue
            self._add(pipe, alert, alert.baseline, caught_up(alert.symbol))
            count += 1
            if count % PIPELINE == 0:
                pipe.execute()
        pipe.execute()
        self._redis.set(BUILT_FOR, self._stamp(market))
        return count

    def _add(
        self, pipe: "Redis", alert: Alert, baseline: Reading, caught_up: datetime | None
    ) -> None:
        """An alert of the day on which the check goes on counts from its own baseline: bars of
        that day tell no time of day. The symbol comes last, for others forget empty ones."""
        member = str(Member.of(alert))
        if caught_up is None or baseline.as_of >= caught_up - DAY:
            pipe.hset(_key(alert.symbol, "fresh"), member, _fresh(alert))
        else:
            key = _level_key(alert.symbol, _role(alert), alert.condition.target.direction)
            pipe.zadd(key, {member: alert.condition.target.level})
        pipe.sadd(SYMBOLS, alert.symbol)

    def _stamp(self, market: str) -> bytes:
        run_id = self._redis.info("server")["run_id"]
        return f"{market} {SHAPE} {run_id}".encode()

    # Checking

    def symbols(self) -> list[str]:
        """Symbols that some alert waits for, sorted."""
        return sorted(text_of(symbol) for symbol in self._redis.smembers(SYMBOLS))

    def settled(self, symbol: str) -> bool:
        """Whether alerts wait for this symbol that an earlier check has seen."""
        return bool(self._redis.exists(*_level_keys(symbol)))

    def undecided(self, symbol: str, seen: Span, possible: Span) -> bool:
        """Whether a level lies where the price may have been unseen, or may have left it unseen."""
        if seen == possible:
            return False
        with self._redis.pipeline(transaction=False) as pipe:
            for direction in DIRECTIONS:
                armed = _level_key(symbol, "armed", direction)
                pipe.zcount(armed, f"({seen.high!r}", repr(possible.high))
                pipe.zcount(armed, repr(possible.low), f"({seen.low!r}")
                waiting = _level_key(symbol, "waiting", direction)
                pipe.zcount(waiting, repr(seen.high), f"({possible.high!r}")
                pipe.zcount(waiting, f"({possible.low!r}", repr(seen.low))
            return any(pipe.execute())

    def claim(self, evidence: Evidence) -> int:
        """Move every alert that the interval reaches into the stream; returns how many."""
        symbol, interval, total = evidence.symbol, evidence.interval, 0
        keys = [_level_key(symbol, "armed", "rise"), _level_key(symbol, "armed", "fall"), FIRED]
        args: list[str | int] = [
            repr(interval.low),
            repr(interval.high),
            evidence.model_dump_json(),
            CLAIM_BATCH,
        ]
        while moved := int(self._claim(keys=keys, args=args)):
            total += moved
        return total

    def fresh(self, symbol: str) -> dict[str, Fresh]:
        """Alerts set since the last check, by member."""
        entries = self._redis.hgetall(_key(symbol, "fresh"))
        return {text_of(m): Fresh.model_validate_json(text) for m, text in entries.items()}

    def newest_baseline(self, symbol: str) -> Reading | None:
        """The last reading on which a fresh alert was set."""
        baselines = (fresh.baseline for fresh in self.fresh(symbol).values())
        return max(baselines, key=lambda reading: reading.as_of, default=None)

    def claim_fresh(self, member: str, evidence: Evidence) -> bool:
        """Move a fresh alert into the stream, unless somebody else did."""
        return bool(
            self._claim_fresh(
                keys=[_key(evidence.symbol, "fresh"), FIRED],
                args=[member, evidence.model_dump_json()],
            )
        )

    def settle(self, symbol: str, member: str, fresh: Fresh) -> None:
        """Put a fresh alert among the others: from now on the symbol's own readings count."""
        key = _level_key(symbol, fresh.role, fresh.direction)
        self._settle(keys=[_key(symbol, "fresh"), key], args=[member, repr(fresh.level)])

    def crossed_back(
        self, symbol: str, interval: Interval
    ) -> list[tuple[Member, Direction, float]]:
        """Waiting alerts whose other side the price has been on, with their levels."""
        beyond: dict[Direction, tuple[str, str]] = {
            "rise": (f"({interval.low!r}", "+inf"),
            "fall": ("-inf", f"({interval.high!r}"),
        }
        found = []
        for direction, (low, high) in beyond.items():
            key = _level_key(symbol, "waiting", direction)
            scored: Any = self._redis.zrangebyscore(key, low, high, withscores=True)
            found += [(Member.parse(text_of(m)), direction, float(level)) for m, level in scored]
        return found


def _remove(pipe: "Redis", symbol: str, member: Member) -> None:
    pipe.hdel(_key(symbol, "fresh"), str(member))
    for key in _level_keys(symbol):
        pipe.zrem(key, str(member))


def _role(alert: Alert) -> Role:
    return "armed" if alert.state == "armed" else "waiting"


def _fresh(alert: Alert) -> str:
    return Fresh(
        role=_role(alert),
        direction=alert.condition.target.direction,
        level=alert.condition.target.level,
        baseline=alert.baseline,
    ).model_dump_json()


def _key(symbol: str, *rest: str) -> str:
    return ":".join(("armed", symbol, *rest))


def _level_key(symbol: str, role: Role, direction: Direction) -> str:
    return _key(symbol, "price" if role == "armed" else "waiting", direction)


def _level_keys(symbol: str) -> list[str]:
    return [_level_key(symbol, r, d) for r in ("armed", "waiting") for d in DIRECTIONS]
