"""Weeks of outages and losses in seconds: what `make chaos` draws, with time in the test's hand.

One process checks the replayed market, whose sessions last a minute of ours. Between two checks
lie seconds or days; Redis is emptied, checks die at their steps, the source has no bars. In the end
all triggers are held against a plain look at the same minutes.
"""

import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from config import Settings
from services.alerts.index import ArmedIndex
from services.alerts.readings import Readings
from services.alerts.recorder import Recorder
from services.container import Services
from services.errors import RateLimited
from services.market.replay import ReplayProvider
from services.store.kept import KeptStore
from services.store.shelf import Shelf
from services.store.sqlite import SqliteStore
from services.store.system import CheckerState, System
from tests.e2e.chaos.judging import judge
from tests.e2e.chaos.people import People
from tests.e2e.chaos.stage import START, SYMBOLS
from tests.support.market import RecordingJobs
from tests.support.thorough import times
from workers.parts import REPLAY_DATA, Parts

BEGAN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SESSION = timedelta(minutes=1)
STEPS, ALERTS_A_STEP = 40, 8
STEPS_OF_A_CHECK: dict[str, Any] = {
    "claim": ArmedIndex,
    "claim_all": ArmedIndex,
    "claim_fresh": ArmedIndex,
    "put": Readings,
    "settle_all": ArmedIndex,
    "_record": Recorder,
    "_acknowledge": Recorder,
    "save_checker": System,
}


class Died(BaseException):
    """The process ended here."""


@dataclass
class World:
    """The replayed market at `now` (our time), and whoever uses it."""

    services: Services
    provider: ReplayProvider
    luck: random.Random
    now: datetime = BEGAN
    states: list[CheckerState] = field(default_factory=list)

    @property
    def parts(self) -> Parts:
        """The parts of a worker that has just started."""
        return Parts(self.services, self.provider)

    def check(self) -> None:
        self.parts.checker.run(self.now)
        state = System(self.services.store).checker(self.provider.name)
        if state not in self.states[-1:]:
            self.states.append(state)

    def checks(self) -> dict[str, list[datetime]]:
        """By symbol, when a finished check had looked at it."""
        found = defaultdict[str, list[datetime]](list)
        for state in self.states:
            for symbol in SYMBOLS:
                if state.completed_at and symbol not in state.behind:
                    found[symbol].append(state.completed_at)
        return {symbol: found[symbol] for symbol in SYMBOLS}

    def let_time_pass(self) -> None:
        """Minutes of the market mostly, seldom weeks."""
        seconds = self.luck.choices(
            [self.luck.uniform(1, 10), self.luck.uniform(10, 90), self.luck.uniform(300, 700)],
            [80, 17, 3],
        )[0]
        self.now += timedelta(seconds=seconds)

    def break_something(self) -> None:
        """A check that does not go well."""
        redis = self.services.redis
        fault = self.luck.choice(["flush", "flush inside", "no bars", *STEPS_OF_A_CHECK])
        with pytest.MonkeyPatch.context() as patch:
            if fault == "flush":
                redis.flushall()
            elif fault == "flush inside":
                _at_call(patch, ArmedIndex, "watched", 1, redis.flushall)
            elif fault == "no bars":
                patch.setattr(self.provider, "bars", _no_bars)
            else:
                number = self.luck.choice([1, 1, 2, 5])
                _at_call(patch, STEPS_OF_A_CHECK[fault], fault, number, _die)
            with suppress(Died):
                self.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(times(60, 6)))
def test_what_rings_is_what_the_tape_says(redis: Redis, seed: int) -> None:
    with _world(redis, seed) as world, pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.alerts.recorder.LEFT_BEHIND", timedelta(0))
        people = People(
            world.services, world.provider, SYMBOLS, 0, 0, world.luck, lambda: world.now
        )
        uids = people.sign_up()
        for step in range(STEPS):
            for _ in range(ALERTS_A_STEP if step < STEPS * 3 / 4 else 0):
                people.set_one(world.luck.choice(uids), world.luck)
            world.let_time_pass()
            act = world.luck.choices([world.check, world.break_something, _nothing], [5, 4, 1])[0]
            act()
            if world.luck.random() < 0.1:
                world.parts.recorder.sweep()
        for _ in range(3):
            world.check()
            world.parts.recorder.sweep()
        verdict, figures = judge(
            world.services, world.provider, people.wishes, uids, world.checks(), world.now
        )
        assert not any(verdict.counts), (figures, verdict)
        assert figures["drift of the index"] == 0
        assert verdict.must_have_rung > 20


@contextmanager
def _world(redis: Redis, seed: int) -> Iterator[World]:
    redis.flushall()
    provider = ReplayProvider(
        csv=REPLAY_DATA / "stocks.csv.gz",
        splits=REPLAY_DATA / "splits.csv",
        origin=BEGAN,
        start=START,
        day_seconds=SESSION.total_seconds(),
    )
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.sqlite3")
        kept = KeptStore(store, Shelf(redis))
        services = Services(Settings(_env_file=None), kept, redis, RecordingJobs())
        yield World(services, provider, random.Random(seed))
        store.close()


def _at_call(patch: pytest.MonkeyPatch, owner: Any, step: str, number: int, then: Any) -> None:
    """Let something happen at a call of a step, before it is done."""
    real, calls = getattr(owner, step), []

    def stepped(*args: Any, **options: Any) -> Any:
        calls.append(step)
        if len(calls) == number:
            then()
        return real(*args, **options)

    patch.setattr(owner, step, stepped)


def _die(*_: object, **__: object) -> None:
    raise Died


def _no_bars(*_: object, **__: object) -> None:
    raise RateLimited("no bars")


def _nothing() -> None:
    pass
