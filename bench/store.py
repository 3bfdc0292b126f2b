"""How fast both engines are, side by side in one run.

    python -m bench.store [--alerts 100000] [--clients 1 8] [--seconds 1.5] [--engine sqlite]

SQLite in a temporary folder, Firestore on Google's emulator (at FIRESTORE_EMULATOR_HOST, else one
is started). Clients are processes. Prints times, the ratios of the engines and to Google's bare
client, which outlast a noisy machine, then the bars, and all of it as JSON.
"""

import argparse
import itertools
import json
import os
import random
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory

from bench._stores import (
    OF_ONE_USER,
    Place,
    Times,
    Work,
    alert,
    fill,
    measure,
    once,
    places,
    uid_of,
)
from services.store.alerts import Alerts, alert_path
from services.store.contract import Set, Store, Transaction, Update

Results = dict[str, Times]


def work_of(alerts: int) -> dict[str, Work]:
    """What a client repeats, on a store that holds so many alerts."""

    def path(luck: random.Random) -> str:
        number = luck.randrange(alerts)
        return alert_path(uid_of(number), f"A{number:08}")

    fields = alert(0).fields()

    def write(number: int) -> Work:
        def batch(store: Store, luck: random.Random) -> None:
            name = f"{luck.getrandbits(64):016x}"
            store.write(*(Set(f"users/{name}/bench/{n}", fields) for n in range(number)))

        return batch

    def transact(store: Store, luck: random.Random) -> None:
        at = path(luck)

        def work(transaction: Transaction) -> None:
            found = transaction.get(at)
            assert found is not None
            transaction.write(Update(at, {"note": f"seen at {found.version}"}))

        store.transact(work)

    def page(store: Store, luck: random.Random) -> None:
        uid = uid_of(luck.randrange(alerts // OF_ONE_USER) * OF_ONE_USER)
        assert len(Alerts(store).page(uid, limit=50)[0]) == 50

    return {
        "get": lambda store, luck: store.get(path(luck)),
        "write 20": write(20),
        "write 500": write(500),
        "transaction": transact,
        "page of 50": page,
    }


def stream(number: int) -> Work:
    """Read so many typed alerts."""

    def work(store: Store, luck: random.Random) -> None:
        read = deque(enumerate(itertools.islice(Alerts(store).to_index(), number), 1), maxlen=1)
        assert read[0][0] == number

    return work


def bare_stream(place: Place) -> Work:
    """Read all alerts as dictionaries with Google's own client."""

    def work(store: Store, luck: random.Random) -> None:
        os.environ["FIRESTORE_EMULATOR_HOST"] = place.address  # in the client's own process
        from google.cloud.firestore import Client
        from google.cloud.firestore_v1.base_query import FieldFilter

        group = Client(project=place.project).collection_group("alerts")
        armed = group.where(filter=FieldFilter("state", "in", ["armed", "waiting"]))
        deque((snapshot.to_dict() for snapshot in armed.stream()), maxlen=0)

    return work


def measured(place: Place, alerts: int, clients: list[int], seconds: float) -> Results:
    """All times of one engine, named by the work and the number of clients."""
    fill(place, alerts)
    results = {}
    for name, work in work_of(alerts).items():
        for number in clients:
            results[f"{name}, {number}"] = measure(place, work, number, seconds)
    for number in clients:
        results[f"stream, {number}"] = once(place, stream(alerts // number), number)
    results["write 20, 4"] = measure(place, work_of(alerts)["write 20"], 4, seconds)
    if place.engine == "firestore":
        results["bare stream, 1"] = once(place, bare_stream(place))
    return results


def documents_of(name: str, alerts: int) -> int:
    """How many documents one piece of the work reads or writes."""
    work, _, clients = name.partition(", ")
    if "stream" in work:
        return alerts // int(clients)
    return int(work.rpartition(" ")[2]) if work[-1].isdigit() else 1


def show(engines: dict[str, Results], alerts: int) -> None:
    header = f"{'p50':>11} {'p99':>11} {'documents/s':>12}"
    print(
        f"{'':<16}" + "".join(f"{engine:>12}{header}" for engine in engines) + f"{'ratio p50':>11}"
    )
    for name in dict.fromkeys(itertools.chain(*engines.values())):
        line, medians = f"{name:<16}", []
        for results in engines.values():
            if times := results.get(name):
                medians.append(times.percentile(50))
                rate = times.per_second * documents_of(name, alerts)
                p50, p99 = (times.percentile(p) * 1e3 for p in (50, 99))
                line += f"{'':>12}{p50:>8.2f} ms {p99:>8.2f} ms {rate:>12,.0f}"
            else:
                line += " " * 48
        print(line + (f"{medians[1] / medians[0]:>11.1f}" if len(medians) == 2 else ""))


def bars(engines: dict[str, Results], alerts: int) -> dict[str, tuple[float, float, bool]]:
    """What was asked for: measured, wanted, and whether it is reached."""
    sqlite, firestore = engines.get("sqlite", {}), engines.get("firestore", {})
    found: dict[str, tuple[float, float, bool]] = {}
    if "get, 1" in sqlite:
        get = sqlite["get, 1"].percentile(50) * 1e3
        found["SQLite: get, p50 in ms, below"] = (get, 0.1, get < 0.1)
    if "write 20, 4" in sqlite:
        rate = sqlite["write 20, 4"].per_second * 20
        found["SQLite: durable documents/s, 4 processes, batches of 20, at least"] = (
            rate, 2_000, rate >= 2_000,
        )  # fmt: skip
    if "stream, 1" in sqlite:
        whole = sqlite["stream, 1"].wall * 100_000 / alerts
        found["SQLite: streaming 100,000 typed alerts in s, below"] = (whole, 2, whole < 2)
    if "bare stream, 1" in firestore:
        ratio = firestore["stream, 1"].wall / firestore["bare stream, 1"].wall
        found["Firestore: streaming typed / bare client, at most"] = (ratio, 1.5, ratio <= 1.5)
    return found


def as_json(times: Times) -> dict[str, float]:
    return {
        "p50_ms": times.percentile(50) * 1e3,
        "p99_ms": times.percentile(99) * 1e3,
        "per_second": times.per_second,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.store")
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--engine", choices=["sqlite", "firestore"])
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder, places(Path(folder)) as stores:
        engines = {
            place.engine: measured(place, chosen.alerts, chosen.clients, chosen.seconds)
            for place in stores
            if chosen.engine in (None, place.engine)
        }
    show(engines, chosen.alerts)
    reached = bars(engines, chosen.alerts)
    for name, (value, bar, good) in reached.items():
        print(f"{'reached' if good else 'MISSED':<8} {name} {bar:g}: {value:.3g}")
    every = {e: {n: as_json(t) for n, t in results.items()} for e, results in engines.items()}
    print(json.dumps({"alerts": chosen.alerts, "engines": every, "bars": reached}))


if __name__ == "__main__":
    main()
