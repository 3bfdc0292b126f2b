"""How many triggers a second are recorded, their deliveries enqueued, on either store.

    python -m bench.record [--alerts 10000]

The stream is filled with entries of a hundred alerts, as a check leaves it; then one recorder
drains it. The bar is 1,000 a second on one process. The emulator is a Java process that shares
this machine; its own time is in the number.
"""

import argparse
import json
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis

from bench._stores import START, places
from bench.check import redis_server
from services.alerts.conditions import PriceCondition
from services.alerts.evidence import Evidence
from services.alerts.index import FIRED, ArmedIndex, Member
from services.alerts.intervals import Interval, Reading, Step
from services.alerts.recorder import Recorder
from services.ids import new_id
from services.store.alerts import Alert, Frequency
from services.store.contract import Create, Store
from tests.support.market import make_quote
from workers.queues import RqJobs

BAR = 1_000
ENTRY, PERSON = 100, 10
"""Alerts in one entry of the stream, and alerts of one person."""


def fill(store: Store, redis: Redis, count: int, frequency: Frequency) -> None:
    """Store armed alerts, and claim all of them."""
    baseline = Reading.of(make_quote(price=100.0, as_of=START))
    condition = PriceCondition(kind="price_rises_to", level=110)
    uids = [new_id(START) for _ in range(-(-count // PERSON))]
    alerts = [
        Alert(
            uid=uids[number // PERSON], id=new_id(START), symbol="AAPL", condition=condition,
            frequency=frequency, state="armed", epoch=1, created_at=START, updated_at=START,
            armed_at=START, baseline=baseline,
        )
        for number in range(count)
    ]  # fmt: skip
    text = _evidence().model_dump_json()
    for start in range(0, count, ENTRY):
        part = alerts[start : start + ENTRY]
        store.write(*(Create(alert.path, alert.fields()) for alert in part))
        members = " ".join(str(Member.of(alert)) for alert in part)
        redis.xadd(FIRED, {"alerts": members, "evidence": text})


def _evidence() -> Evidence:
    until = START + timedelta(minutes=5)
    steps = (Step(at=START, value=100.0), Step(at=until, value=111.0))
    return Evidence(
        symbol="AAPL",
        metric="price",
        interval=Interval(since=START, until=until, rises=steps, falls=steps[:1]),
        present=Reading.of(make_quote(price=111.0, as_of=until)),
        noticed_at=until,
    )


def measure(store: Store, redis: Redis, count: int, frequency: Frequency) -> float:
    """Triggers recorded a second."""
    redis.flushall()
    fill(store, redis, count, frequency)
    recorder = Recorder(redis, ArmedIndex(redis), store, RqJobs(redis))
    begun = time.perf_counter()
    recorded = recorder.drain()
    seconds = time.perf_counter() - begun
    if recorded != count:
        raise SystemExit(f"{recorded} of {count} triggers were recorded.")
    return count / seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.record")
    parser.add_argument("--alerts", type=int, default=10_000)
    count = parser.parse_args().alerts
    result: dict[str, float] = {}
    frequencies: tuple[Frequency, ...] = ("once", "every")
    with (
        TemporaryDirectory() as name,
        places(Path(name)) as stores,
        redis_server(Path(name)) as redis,
    ):
        for place in stores:
            store = place.open()
            for frequency in frequencies:
                rate = measure(store, redis, count, frequency)
                verdict = "within" if rate >= BAR else "BELOW"
                print(f"{place.engine:<10} {frequency:<6} {rate:>8,.0f}/s  {verdict} the bar")
                result[f"{place.engine}, {frequency}"] = round(rate)
            store.close()
    print(json.dumps({"triggers recorded a second": result, "bar": BAR}))


if __name__ == "__main__":
    main()
