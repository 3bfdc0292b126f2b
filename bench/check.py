"""How fast the armed index is: who is concerned, claiming, rebuilding, and recording.

    python -m bench.check [ALERTS ...] [--json]

So many armed alerts (100,000, 1,000,000 and 4,000,000) stand on 10,000 symbols, whose popularity
is Zipf's, half of them rising and half falling, on levels rounded to cents. All prices move at
once, so far that a share of all alerts is reached; the index probes all symbols and claims what
rings, as a check does, and next to it numpy's searchsorted looks into the same levels, one array
for each symbol and direction, and slices out the hits. Then all is probed again, where nothing
rings any more: that is what a quiet check costs. Ratios outlast a noisy machine; both must find
the same.
Each number is the median of some moves; the best is told beside, for what others do on the
machine only adds to a time. The bars hold for the medians.

From 1 M to 4 M alerts the bar holds at the same number ringing: it asks whether a check takes
longer because more alerts stand there quietly. At the same share four times as many ring, each
of which has to be claimed whatever the size of the index; that ratio is printed, too.

Then 100,000 alerts in SQLite are rebuilt into an index, and 10,000 of them ring and are recorded.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from redis import Redis

from local.redis import find_redis_server
from services.alerts.conditions import Direction, PriceCondition
from services.alerts.evidence import Evidence
from services.alerts.index import DIRECTIONS, FIRED, ArmedIndex, Filling, Probe
from services.alerts.intervals import Interval, Reading, Span, Step
from services.alerts.recorder import Recorder
from services.ids import new_id
from services.redis_client import open_redis
from services.store.alerts import Alert, Alerts
from services.store.contract import MAX_BATCH, Create
from services.store.sqlite import SqliteStore
from tests.support.market import make_quote
from workers.queues import RqJobs

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LATER = START + timedelta(days=5)
SIZES = (100_000, 1_000_000, 4_000_000)
SYMBOLS = 10_000
SHARES = (0.0001, 0.001, 0.0035, 0.01)
BAR_SHARE, BAR_SIZE = 0.0035, 1_000_000
ROUNDS = 15
STORED, RINGING, OF_ONE_USER = 100_000, 10_000, 100
BARS = {"to numpy": 3.0, "from 1 M to 4 M": 1.3, "bytes": 100, "rebuild": 10.0, "recorded": 1_000}
PRESENT = Reading.of(make_quote("S0", 100.0, as_of=START, fetched_at=START))


@contextmanager
def redis_server(folder: Path) -> Iterator[Redis]:
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [find_redis_server(), "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    while not socket.exists():
        time.sleep(0.02)
    try:
        yield open_redis(f"unix://{socket}")
    finally:
        server.terminate()
        server.wait()


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Levels:
    """Sorted levels of one direction for each symbol, and the numbers of their alerts."""

    def __init__(
        self,
        direction: Direction,
        alerts: int,
        prices: np.ndarray[Any, Any],
        rng: np.random.Generator,
    ) -> None:
        self.direction: Direction = direction
        self.prices = prices
        popularity = 1 / np.arange(1, SYMBOLS + 1)
        counts = rng.multinomial(alerts, popularity / popularity.sum())
        away = {"rise": 1, "fall": -1}[direction]
        self.levels = [
            np.sort(np.round(price * (1 + away * 0.9 * rng.random(count)), 2))
            for price, count in zip(self.prices, counts, strict=True)
        ]
        ends = np.cumsum(counts)
        self.alerts = [np.arange(end - count, end) for end, count in zip(ends, counts, strict=True)]

    def fill(self, filling: Filling, prefix: str) -> None:
        for symbol, (levels, alerts) in enumerate(zip(self.levels, self.alerts, strict=True)):
            ladder = ("armed", f"S{symbol}:price", self.direction)
            for level, alert in zip(levels.tolist(), alerts.tolist(), strict=True):
                name = f"{alert // OF_ONE_USER:026}/{prefix}{alert:025}/1"
                filling.put(ladder, level, name)  # type: ignore[arg-type]

    def reached_at(self, share: float) -> list[float]:
        """How far each price must go to reach so much of the range of levels."""
        away = {"rise": 1, "fall": -1}[self.direction]
        return [float(price * (1 + away * 0.9 * share)) for price in self.prices]

    def hits(self, bounds: Sequence[float]) -> list[np.ndarray[Any, Any]]:
        """By numpy: the alerts of each symbol that are reached."""
        if self.direction == "rise":
            return [
                alerts[: levels.searchsorted(high, "right")]
                for levels, alerts, high in zip(self.levels, self.alerts, bounds, strict=True)
            ]
        return [
            alerts[levels.searchsorted(low) :]
            for levels, alerts, low in zip(self.levels, self.alerts, bounds, strict=True)
        ]

    def drop(self, hits: Sequence[np.ndarray[Any, Any]]) -> None:
        """Without what was claimed."""
        rises = self.direction == "rise"
        for symbol, hit in enumerate(hits):
            kept = slice(len(hit), None) if rises else slice(0, len(self.levels[symbol]) - len(hit))
            self.levels[symbol] = self.levels[symbol][kept]
            self.alerts[symbol] = self.alerts[symbol][kept]


@dataclass
class Round:
    """One move of all prices, in seconds."""

    share: float
    rung: int
    symbols: int
    total: float
    quiet: float
    numpy: float


def evidence(symbol: str, low: float, high: float) -> Evidence:
    interval = Interval(
        since=START,
        until=LATER,
        rises=(Step(at=LATER, value=high),),
        falls=(Step(at=LATER, value=low),),
    )
    return Evidence(
        symbol=symbol, metric="price", interval=interval, present=PRESENT, noticed_at=LATER
    )


class Market:
    """Armed alerts in the index and in numpy's arrays, and prices that go further and further."""

    def __init__(self, redis: Redis, alerts: int) -> None:
        redis.flushall()
        self._redis, self._index, self._gone = redis, ArmedIndex(redis), 0.0
        rng = np.random.default_rng(alerts)
        prices = np.exp(rng.normal(4, 1, SYMBOLS))
        self._sides = [Levels(side, alerts // 2, prices, rng) for side in DIRECTIONS]
        filling, before = Filling(redis), redis.info("memory")["used_memory"]
        self.built = seconds(lambda: self._fill(filling))
        self.bytes = (redis.info("memory")["used_memory"] - before) / alerts

    def _fill(self, filling: Filling) -> None:
        for side in self._sides:
            side.fill(filling, side.direction[0].upper())
        filling.flush()

    def move(self, share: float) -> Round:
        """Reach that share of all alerts more than the last time."""
        self._gone += share
        high, low = (side.reached_at(self._gone) for side in self._sides)
        spans = [Span(low=a, high=b) for a, b in zip(low, high, strict=True)]
        probes = [Probe(f"S{n}", "price", span, span) for n, span in enumerate(spans)]
        evidences = {f"S{n}": evidence(f"S{n}", low[n], high[n]) for n in range(SYMBOLS)}
        reached: list[str] = []

        def evidences_reached() -> Iterator[Evidence]:
            for probe, _verdict in self._index.loud(probes):
                reached.append(probe.symbol)
                yield evidences[probe.symbol]

        start = time.perf_counter()
        rung = self._index.claim_all(evidences_reached())
        took = time.perf_counter() - start
        start = time.perf_counter()
        hits = [side.hits(bounds) for side, bounds in zip(self._sides, (high, low), strict=True)]
        by_numpy = time.perf_counter() - start
        if rung != sum(map(len, (*hits[0], *hits[1]))):
            raise SystemExit(f"The index claimed {rung} alerts, numpy others.")
        for side, hit in zip(self._sides, hits, strict=True):
            side.drop(hit)
        self._redis.delete(FIRED)
        quiet = seconds(lambda: list(self._index.loud(probes)))
        return Round(share, rung, len(reached), took, quiet, by_numpy)

    def moves(self, share: float) -> list[Round]:
        return [self.move(share) for _ in range(ROUNDS)]


def middle(rounds: Sequence[Round]) -> Round:
    """The median of each time, and of the numbers that rang."""
    times = {
        name: median(getattr(one, name) for one in rounds) for name in ("total", "quiet", "numpy")
    }
    return replace(sorted(rounds, key=lambda one: one.rung)[len(rounds) // 2], **times)


def best_ratio(rounds: Sequence[Round]) -> float:
    return min(one.total for one in rounds) / min(one.numpy for one in rounds)


def stored_alert(number: int) -> Alert:
    return Alert(
        uid=f"U{number // OF_ONE_USER:025}",
        id=new_id(START),
        symbol=f"S{number % 1_000}",
        condition=PriceCondition(
            kind="price_rises_to",
            level=101.0 if number < RINGING else 102.0 + round(random.random() * 100, 2),
        ),
        state="armed",
        epoch=1,
        created_at=START,
        updated_at=START,
        armed_at=START,
        baseline=PRESENT,
    )


def measure_store(redis: Redis, folder: Path) -> dict[str, float]:
    """Seconds to rebuild the index from SQLite, and triggers recorded a second."""
    redis.flushall()
    store = SqliteStore(folder / "alerts.sqlite3")
    for start in range(0, STORED, MAX_BATCH):
        alerts = map(stored_alert, range(start, start + MAX_BATCH))
        store.write(*(Create(alert.path, alert.fields()) for alert in alerts))
    index, kept = ArmedIndex(redis), Alerts(store)
    rebuilt = seconds(lambda: index.rebuild(PRESENT.source, kept.to_index(), lambda _: LATER))
    rung = index.claim_all([evidence(f"S{n}", 100.0, 101.5) for n in range(1_000)])
    recorder = Recorder(redis, index, store, RqJobs(redis))
    start_at = time.perf_counter()
    recorded = recorder.drain()
    took = time.perf_counter() - start_at
    if not rung == recorded == RINGING:
        raise SystemExit(f"{RINGING} alerts ring, {rung} were claimed, {recorded} recorded.")
    return {"rebuild": rebuilt, "recorded": recorded / took}


def row_of(alerts: int, market: Market, rounds: Sequence[Round]) -> dict[str, float]:
    one = middle(rounds)
    return {
        "alerts": alerts,
        **asdict(one),
        "to numpy": one.total / one.numpy,
        "best to numpy": best_ratio(rounds),
        "bytes": market.bytes,
        "built": market.built,
    }


def measure_index(redis: Redis, sizes: Sequence[int], say: Callable[[str], object]) -> list[Any]:
    say(
        f"{'alerts':>10} {'share':>7} {'rung':>7} {'symbols':>8} {'in all':>9} {'quiet':>9}"
        f" {'numpy':>9} {'to numpy':>9} {'best':>6} {'bytes':>6}"
    )
    rows = []
    for size in sizes:
        market = Market(redis, size)
        market.move(SHARES[0])
        same_number = BAR_SHARE * BAR_SIZE / size
        for share in sorted({*SHARES, *([same_number] if size > BAR_SIZE else [])}):
            row = row_of(size, market, market.moves(share))
            rows.append(row)
            say(
                f"{size:>10,} {share:>7.3%} {row['rung']:>7,} {row['symbols']:>8,}"
                f" {1e3 * row['total']:>6.1f} ms {1e3 * row['quiet']:>6.1f} ms"
                f" {1e3 * row['numpy']:>6.1f} ms {row['to numpy']:>9.2f}"
                f" {row['best to numpy']:>6.2f} {row['bytes']:>6.1f}"
            )
    return rows


def held_to_bars(rows: Sequence[dict[str, float]], stored: dict[str, float]) -> dict[str, float]:
    """What DESIGN.md sets bars for, as far as it was measured."""
    found = dict(stored)
    at_bar = [r for r in rows if r["alerts"] == BAR_SIZE and r["share"] == BAR_SHARE]
    if at_bar:
        found |= {name: at_bar[0][name] for name in ("to numpy", "best to numpy", "bytes")}
        same = [r for r in rows if r["alerts"] == 4 * BAR_SIZE]
        if same:
            alike = min(same, key=lambda r: abs(r["rung"] - at_bar[0]["rung"]))
            found["from 1 M to 4 M"] = alike["total"] / at_bar[0]["total"]
            share = next(r for r in same if r["share"] == BAR_SHARE)
            found["from 1 M to 4 M, four times as many ring"] = share["total"] / at_bar[0]["total"]
    return found


def main(sizes: Sequence[int], *, only_json: bool) -> None:
    def say(line: str) -> None:
        print(line, file=sys.stderr if only_json else sys.stdout, flush=True)

    random.seed(1)
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as redis:
        rows = measure_index(redis, sizes, say)
        found = held_to_bars(rows, measure_store(redis, Path(name)))
    for what, value in found.items():
        bar = f" (bar {BARS[what]:,})" if what in BARS else ""
        say(f"{what}: {value:,.2f}{bar}")
    print(json.dumps({"rows": rows, "found": found, "bars": BARS}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("alerts", nargs="*", type=int, help="how many; default 100 k, 1 M, 4 M")
    parser.add_argument("--json", action="store_true", help="the JSON alone on standard output")
    chosen = parser.parse_args()
    main(chosen.alerts or SIZES, only_json=chosen.json)
