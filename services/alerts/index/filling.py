"""How many alerts at once get into the index."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from redis import Redis
from redis.client import Pipeline

from services.alerts.conditions import Direction
from services.alerts.index.edges import NO_EDGES
from services.alerts.index.entries import Member, Role, fresh_text, role_of
from services.alerts.index.keys import FRESH, WATCHED, base_of, fresh_key
from services.alerts.index.levels import level_text
from services.alerts.index.scripts import PIPELINE, Scripted
from services.store.alerts import Alert

REBUILD_CHUNK = 100_000
Begin: TypeAlias = Callable[[Pipeline], None]
"""Begins a transaction on a pipeline that takes effect only while something holds."""


class Filling(Scripted):
    """Alerts on their way into the index, many at a time."""

    def __init__(self, redis: "Redis", begin: Begin | None = None) -> None:
        """`begin` begins each transaction that writes; whatever it raises ends the filling."""
        super().__init__(redis)
        self._begin = begin
        self._ladders: dict[tuple[Role, str, Direction], list[tuple[float, str]]] = {}
        self._settled = 0
        self._fresh: list[Alert] = []

    def add_fresh(self, alert: Alert) -> None:
        self._fresh.append(alert)
        if len(self._fresh) >= PIPELINE:
            self._flush_fresh()

    def add_settled(self, alert: Alert) -> None:
        target = alert.condition.target
        ladder = (role_of(alert), base_of(alert.symbol, target.metric), target.direction)
        self.put(ladder, alert.watched_level, str(Member.of(alert)))

    def put(self, ladder: tuple[Role, str, Direction], level: float, member: str) -> None:
        """A settled alert by its role, base (`symbol:metric`) and direction."""
        self._ladders.setdefault(ladder, []).append((level, member))
        self._settled += 1
        if self._settled >= REBUILD_CHUNK:
            self._flush_settled()

    def flush(self) -> None:
        self._flush_fresh()
        self._flush_settled()

    def _flush_fresh(self) -> None:
        """In one step, for others forget what is watched and has no alerts. What stands there was
        put there by a writer since, and is newer."""
        with self._writing() as pipe:
            for alert in self._fresh:
                pipe.hsetnx(fresh_key(alert.symbol), str(Member.of(alert)), fresh_text(alert))
                pipe.sadd(FRESH, alert.symbol)
                base = base_of(alert.symbol, alert.condition.target.metric)
                pipe.hsetnx(WATCHED, base, NO_EDGES)
            pipe.execute()
        self._fresh = []

    def _flush_settled(self) -> None:
        args: list[str | int] = []
        for (role, base, direction), entries in self._ladders.items():
            entries.sort()
            for start in range(0, len(entries), PIPELINE):
                part = entries[start : start + PIPELINE]
                args += (role, base, direction, len(part))
                args += (text for level, m in part for text in (level_text(level), m))
                if len(args) > PIPELINE:
                    self._add(args)
                    args = []
        if args:
            self._add(args)
        self._ladders, self._settled = {}, 0

    def _add(self, args: Sequence[str | int]) -> None:
        with self._writing() as pipe:
            self._run("add", *args, pipe=pipe)
            pipe.execute()

    @contextmanager
    def _writing(self) -> Iterator["Pipeline"]:
        with self._redis.pipeline() as pipe:
            if self._begin is not None:
                self._begin(pipe)
            yield pipe
