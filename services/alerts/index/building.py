"""How the index is built anew, and how one tells that it must be."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any
from uuid import uuid4

from redis.client import Pipeline
from redis.exceptions import WatchError

from services.alerts.index.filling import Begin, Filling
from services.alerts.index.keys import BUILDER, BUILT_FOR, FAMILIES, MARKED
from services.alerts.index.scripts import PIPELINE, Scripted
from services.alerts.intervals import Reading
from services.redis_client import text_of
from services.store.alerts import Alert

SHAPE = "2"
"""Of the index's keys and values; another one makes every check rebuild what an older one wrote."""
DAY = timedelta(days=1)
TRAILING = ("drawdown", "run-up")


class Building(Scripted):
    """The index as a whole, built for one market since Redis started."""

    def is_built_for(self, market: str) -> bool:
        """Whether the index was built for this market, in this shape, since Redis started."""
        return self.building(market) is not None

    def building(self, market: str) -> bytes | None:
        """The name of the index as it was last built; None where it must be built anew."""
        name: Any = self._redis.get(BUILT_FOR)
        return name if name and name.startswith(self._stamp(market)) else None

    def guard(self, building: bytes, pipe: "Pipeline") -> None:
        """Begin a transaction on `pipe` that takes effect only on that building of the index.

        Raises WatchError, here or when it is executed, where that is gone.
        """
        _only_if(BUILT_FOR, building, pipe)

    @contextmanager
    def only_on(self, building: bytes) -> Iterator["Pipeline"]:
        """A pipeline whose commands take effect together, and only on that building of the index.

        Raises WatchError where that is gone.
        """
        with self._redis.pipeline() as pipe:
            self.guard(building, pipe)
            yield pipe
            pipe.execute()

    def rebuild(
        self,
        market: str,
        alerts: Iterable[Alert],
        caught_up: Callable[[str], datetime | None],
    ) -> int:
        """Fill the index anew from the store's armed and waiting alerts; returns their number.

        `caught_up` says from when on (market time) the next check will read a symbol's prices.
        Alerts of another market (set on the replay, say, while Yahoo is read) are left out.
        From the first step on no check may keep what it saw of the index of before, which may
        have outlived a restart of Redis: it sees less and less of it. Raises WatchError where
        another rebuild began meanwhile, or Redis was emptied; then nothing is called built.
        """
        stamp, only_builder = self._stamp(market), self._take_over()
        self._clear(only_builder)
        count, filling = 0, Filling(self._redis, only_builder)
        for alert in alerts:
            if alert.baseline is None or alert.baseline.source != market:
                continue
            if _starts_fresh(alert, alert.baseline, caught_up(alert.symbol)):
                filling.add_fresh(alert)
            else:
                filling.add_settled(alert)
            count += 1
        filling.flush()
        with self._redis.pipeline() as pipe:
            only_builder(pipe)
            pipe.set(BUILT_FOR, stamp + uuid4().bytes)
            pipe.execute()
        return count

    def _take_over(self) -> Begin:
        """Stop every other rebuild, and begin one; what it may write by, as long as none other
        begins. The lock of checks does not keep them apart once Redis was emptied."""
        name = uuid4().bytes
        with self._redis.pipeline() as pipe:
            pipe.set(BUILDER, name)
            pipe.delete(BUILT_FOR)
            pipe.execute()
        return partial(_only_if, BUILDER, name)

    def _clear(self, only_builder: Begin) -> None:
        for pattern in FAMILIES:
            found = map(text_of, self._redis.scan_iter(pattern, count=PIPELINE))
            gone = (key for key in found if key not in (MARKED, BUILDER))
            while batch := set(islice(gone, PIPELINE)):
                with self._redis.pipeline() as pipe:
                    only_builder(pipe)
                    pipe.unlink(*batch)
                    pipe.execute()

    def _stamp(self, market: str) -> bytes:
        run_id = self._redis.info("server")["run_id"]
        return f"{market} {SHAPE} {run_id} ".encode()


def _only_if(key: str, value: bytes, pipe: "Pipeline") -> None:
    pipe.watch(key)  # type: ignore[no-untyped-call]
    if pipe.get(key) != value:
        raise WatchError("The index is, or was, built anew meanwhile")
    pipe.multi()


def _starts_fresh(alert: Alert, baseline: Reading, caught_up: datetime | None) -> bool:
    """Whether a rebuild lets an alert count from its own baseline.

    So does one of the day on which the check goes on, for bars of that day tell no time of day;
    one that rests; and a trailing one, whose peak is to be found again.
    """
    if caught_up is None or baseline.as_of >= caught_up - DAY:
        return True
    if alert.rests_after is not None and alert.rests_after >= (caught_up - DAY).date():
        return True
    return alert.condition.target.metric in TRAILING
