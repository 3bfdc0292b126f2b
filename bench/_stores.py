"""Stores to measure on, alerts to fill them with, and clients that are processes."""

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from os import environ
from pathlib import Path
from uuid import uuid4

from services.alerts.conditions import PriceCondition
from services.alerts.intervals import Reading
from services.store.alerts import Alert
from services.store.contract import MAX_BATCH, Create, Store
from services.store.sqlite import SqliteStore
from tests.support.emulator import shared_emulator
from tests.support.redis_server import free_port

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
OF_ONE_USER = 100
NO_EMULATOR = (
    "Firestore is left out: install the Google Cloud CLI, then `gcloud components install"
    " cloud-firestore-emulator`, or set FIRESTORE_EMULATOR_HOST."
)
Work = Callable[[Store, random.Random], object]
# Not spawned: eight interpreters that import everything would take longer than what is measured.
# The parent never connects, so that no connection crosses the fork.
_processes = get_context("fork")


@dataclass(frozen=True)
class Place:
    """Where a store is; each client opens it for itself."""

    engine: str
    address: str
    project: str = ""

    def open(self) -> Store:
        if self.engine == "sqlite":
            return SqliteStore(Path(self.address))
        from services.store.firestore import open_firestore

        return open_firestore(self.project, "", self.address)


@contextmanager
def places(folder: Path) -> Iterator[list[Place]]:
    """An empty store of each engine that can be had here."""
    sqlite = Place("sqlite", str(folder / "bench.sqlite3"))
    project = f"bench-{uuid4().hex[:12]}"
    if host := environ.get("FIRESTORE_EMULATOR_HOST"):
        yield [sqlite, Place("firestore", host, project)]
    elif shutil.which("gcloud") and shutil.which("java"):
        with shared_emulator(folder, free_port()) as host:
            yield [sqlite, Place("firestore", host, project)]
    else:
        print(NO_EMULATOR)
        yield [sqlite]


def uid_of(number: int) -> str:
    return f"U{number // OF_ONE_USER:06}"


def alert(number: int) -> Alert:
    """One of many armed alerts, a hundred for each user, with all that a real one carries."""
    price = 100 + number % 900 / 7
    reading = Reading(
        price=price,
        day_high=price + 1,
        day_low=price - 1,
        session=START.date(),
        session_over=False,
        previous_close=price - 0.5,
        as_of=START,
        currency="USD",
        source="yahoo",
    )
    return Alert(
        uid=uid_of(number),
        id=f"A{number:08}",
        symbol=f"S{number % 1_000}",
        condition=PriceCondition(kind="price_rises_to", level=price + 5),
        note="Sell half of it" if number % 10 == 0 else "",
        state="armed",
        epoch=1,
        created_at=START + timedelta(seconds=number),
        updated_at=START,
        armed_at=START,
        baseline=reading,
    )


def fill(place: Place, alerts: int) -> None:
    def work(store: Store, luck: random.Random) -> None:
        for start in range(0, alerts, MAX_BATCH):
            some = map(alert, range(start, min(alerts, start + MAX_BATCH)))
            store.write(*(Create(a.path, a.fields()) for a in some))

    once(place, work)


@dataclass(frozen=True)
class Times:
    """How long each piece of work took, in seconds, and all together."""

    each: Sequence[float]
    wall: float

    def percentile(self, percent: float) -> float:
        return sorted(self.each)[min(len(self.each) - 1, int(len(self.each) * percent / 100))]

    @property
    def per_second(self) -> float:
        return len(self.each) / self.wall


def measure(place: Place, work: Work, clients: int, seconds: float) -> Times:
    """Let so many clients repeat `work` for some seconds, after one warm-up each."""

    def run(store: Store, luck: random.Random) -> list[float]:
        each, end = [], time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            work(store, luck)
            each.append(time.perf_counter() - start)
        return each

    return _together(place, run, clients, warm_up=work)


def once(place: Place, work: Work, clients: int = 1) -> Times:
    """Let so many clients do `work` once."""

    def run(store: Store, luck: random.Random) -> list[float]:
        start = time.perf_counter()
        work(store, luck)
        return [time.perf_counter() - start]

    return _together(place, run, clients)


def _together(
    place: Place,
    run: Callable[[Store, random.Random], list[float]],
    clients: int,
    warm_up: Work | None = None,
) -> Times:
    barrier, answers = _processes.Barrier(clients), _processes.SimpleQueue()

    def client(number: int) -> None:
        store, luck = place.open(), random.Random(f"{place} {number} {time.time()}")
        store.ping()  # opens the connection and, once a process, checks the file
        if warm_up:
            warm_up(store, luck)
        barrier.wait(60)
        start = time.perf_counter()
        each = run(store, luck)
        answers.put((each, time.perf_counter() - start))
        store.close()

    processes = [_processes.Process(target=client, args=(n,)) for n in range(clients)]
    for process in processes:
        process.start()
    results = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    return Times([time for each, _ in results for time in each], max(wall for _, wall in results))
