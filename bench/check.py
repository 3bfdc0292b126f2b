"""How long a check takes: building the index, a check in which nothing rings, one in which 1 % do.

    python -m bench.check [ALERTS ...]

Real store (SQLite in a temporary folder) and real Redis; the market is scripted. Prints seconds,
and ratios, which outlast a noisy machine: each size against the first, and the quiet
check against numpy's searchsorted over the same levels in the same run.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from redis import Redis

from config import Settings
from local.redis import find_redis_server
from services.alerts.conditions import PriceCondition
from services.alerts.intervals import Reading
from services.container import Services
from services.ids import new_id
from services.market.models import Quote
from services.redis_client import open_redis
from services.store.alerts import Alert
from services.store.contract import MAX_BATCH, Create
from services.store.sqlite import SqliteStore
from tests.support.market import FixedProvider, RecordingJobs
from workers.parts import Parts

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SYMBOLS = 1_000
FIRING = 0.01


@contextmanager
def redis_server(folder: Path) -> Iterator[Redis]:
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [find_redis_server(), "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    while not socket.exists():
        time.sleep(0.02)
    yield open_redis(f"unix://{socket}")
    server.terminate()
    server.wait()


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alert_on(quote: Quote, level: float) -> Alert:
    return Alert(
        uid=f"U{random.randrange(1_000)}",
        id=new_id(START),
        symbol=quote.symbol,
        condition=PriceCondition(kind="price_rises_to", level=level),
        state="armed",
        epoch=1,
        created_at=START,
        updated_at=START,
        armed_at=START,
        baseline=Reading.of(quote),
    )


def measure(count: int, folder: Path, redis: Redis) -> dict[str, float]:
    redis.flushall()
    random.seed(count)
    store, market = SqliteStore(folder / f"{count}.sqlite3"), FixedProvider()
    quotes = [market.set(f"S{i}", 100.0, START) for i in range(SYMBOLS)]
    # 1 % of the levels lie below 101, the rest above.
    levels = [
        100.5 if random.random() < FIRING else 101.5 + random.random() * 100 for _ in range(count)
    ]
    alerts = [alert_on(random.choice(quotes), level) for level in levels]
    for start in range(0, count, MAX_BATCH):
        store.write(*(Create(a.path, a.fields()) for a in alerts[start : start + MAX_BATCH]))
    parts = Parts(Services(Settings(_env_file=None), store, redis, RecordingJobs()), market)

    def check(minutes: int, price: float) -> float:
        now = START + timedelta(minutes=minutes)
        for quote in quotes:
            market.set(quote.symbol, price, now, day_high=price)
        return seconds(lambda: parts.checker.run(now))

    table = np.sort(np.array(levels))
    return {
        "build": check(5, 100.0),
        "quiet": check(10, 100.1),
        "ringing": check(15, 101.0),
        "numpy": seconds(lambda: [np.searchsorted(table, 100.1) for _ in range(SYMBOLS)]),
        "rung": sum(level <= 101 for level in levels),
    }


def main(sizes: list[int]) -> None:
    header = f"{'alerts':>9} {'first check':>12} {'quiet':>8} {'1 % ring':>9} {'rung/s':>8}"
    print(f"{header} {'quiet/numpy':>12} {'quiet/first size':>17}")
    base = 0.0
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as redis:
        for size in sizes:
            m = measure(size, Path(name), redis)
            base = base or m["quiet"]
            print(
                f"{size:>9,} {m['build']:>11.2f}s {m['quiet']:>7.2f}s {m['ringing']:>8.2f}s"
                f" {m['rung'] / m['ringing']:>8.0f} {m['quiet'] / m['numpy']:>12.0f}"
                f" {m['quiet'] / base:>17.2f}"
            )


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [1_000, 10_000])
