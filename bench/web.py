"""Requests a second of the signed-in watchlist, beside a bare Flask *hello* in the same run.

    python -m bench.web [--symbols 50] [--alerts 50] [--processes 2] [--seconds 6] [--rounds 3]

Both are served by gunicorn with gunicorn.conf.py. wrk (Debian: apt install wrk) keeps 8 connections
busy, in turns with one and the other; it, both servers and Redis share this machine. Each
connection's person has a list with as many symbols and alerts; nothing of the pages is left out.
Then the documents that Firestore bills for a page, on Google's emulator: warm, and cold, which is
signed in with nothing kept of lists, alerts and triggers. Each alert is a document, and counts
apart.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis, RedisError

from bench._stores import places
from config import ROOT
from local.redis import find_redis_server
from services.alerts.conditions import PriceCondition
from services.alerts.intervals import Reading
from services.ids import new_id
from services.market.cache import QuoteCache
from services.market.sparks import SESSIONS
from services.redis_client import open_redis
from services.store.alerts import Alert
from services.store.billing import bill_of
from services.store.contract import MAX_BATCH, Create, Store
from services.store.sqlite import SqliteStore
from services.store.watchlists import Entry, Watchlist
from tests.support.redis_server import free_port
from tests.support.web import Person, Site, make_site

CONNECTIONS = 8
BARS = {"requests a second": 400.0, "p99": 60.0, "reads warm": 0, "reads cold": 3}
LIST = "default"
PAGE = f"/watchlists/{LIST}"
NO_WRK = "The load comes from wrk, which is missing here: sudo apt-get install wrk."
# One cookie after the other; JSON at the end, times in milliseconds.
SCRIPT = """
local cookies = {%s}
local turn = 0
request = function()
  turn = turn %% #cookies + 1
  return wrk.format("GET", nil, {["Cookie"] = "session=" .. cookies[turn]})
end
done = function(summary, latency, requests)
  local faults = summary.errors
  io.write(string.format('\\n{"rate": %%f, "p50": %%f, "p99": %%f, "faults": %%d}\\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    faults.connect + faults.read + faults.write + faults.status + faults.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk measured; times in milliseconds."""

    rate: float
    p50: float
    p99: float
    faults: int

    @classmethod
    def middle(cls, loads: Sequence["Load"]) -> "Load":
        """The median of each figure, and all faults."""
        rate, p50, p99 = (
            statistics.median(getattr(load, name) for load in loads)
            for name in ("rate", "p50", "p99")
        )
        return cls(rate, p50, p99, sum(load.faults for load in loads))


@dataclass(frozen=True)
class Bill:
    """Documents that are billed for a page of somebody with so many alerts."""

    alerts: int
    cold: int
    warm: int

    @property
    def beside_alerts(self) -> int:
        return self.cold - self.alerts


@contextmanager
def redis_on_a_port(folder: Path) -> Iterator[str]:
    """The address of a Redis as a server has it, over TCP."""
    port = free_port()
    command = [find_redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)
    try:
        _await(lambda: open_redis(url).ping(), url := f"redis://127.0.0.1:{port}/0")
        yield url
    finally:
        server.terminate()
        server.wait()


@contextmanager
def served(app: str, processes: int, folder: Path, redis_url: str, key: str) -> Iterator[str]:
    """The address at which gunicorn serves `app`."""
    port = free_port()
    environment = os.environ | {
        "PORT": str(port),
        "PUBLIC_URL": "",
        "WEB_CONCURRENCY": str(processes),
        "BELLWETHER_DATA": str(folder),
        "BELLWETHER_LOCAL": "true",  # loopback only
        "REDIS_URL": redis_url,
        "SECRET_KEY": key,
        "RATE_LIMIT": "1000000000 per minute",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "gunicorn", app, "-c", "gunicorn.conf.py"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        address = f"http://127.0.0.1:{port}"
        _await(lambda: urllib.request.urlopen(address, timeout=5).close(), address)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def _await(answers: object, address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            answers()  # type: ignore[operator]
        except (OSError, RedisError) as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"{address} does not answer: {error}") from None
            time.sleep(0.1)
        else:
            return


def make_people(
    site: Site, count: int, symbols: int, alerts: int, name: str = "somebody"
) -> list[Person]:
    """People with a list of so many symbols, all quoted, and so many alerts on them."""
    site.at = datetime.now(UTC)
    names = [f"S{number:02}" for number in range(symbols)]
    for number, symbol in enumerate(names):
        price, day = 100 + number * 7.31, site.at.date()
        site.market.set(symbol, price, site.at, name=f"Company {symbol} & Sons Inc.")
        past = [(day - timedelta(days=n), price + n % 7 - 3) for n in range(SESSIONS, 0, -1)]
        site.market.closes_of[symbol] = past
    quotes = site.market.quotes(names, site.at)
    QuoteCache(site.services.redis).put(quotes, names, timedelta(days=1), site.at)
    people = [
        site.person(f"{name.replace(' ', '-')}-{number}@example.com") for number in range(count)
    ]
    for person in people:
        site.services.watchlists.create(_list(person.uid, names, site.at))
        made = [
            _alert(person.uid, n, Reading.of(quotes[names[n % symbols]]), site.at)
            for n in range(alerts)
        ]
        for start in range(0, alerts, MAX_BATCH):
            some = made[start : start + MAX_BATCH]
            site.services.store.write(*(Create(alert.path, alert.fields()) for alert in some))
    return people


def _list(uid: str, symbols: Sequence[str], now: datetime) -> Watchlist:
    entries = tuple(Entry(symbol=symbol, added_at=now) for symbol in symbols)
    return Watchlist(uid=uid, id=LIST, name="Flock", position=0, entries=entries, created_at=now)


def _alert(uid: str, number: int, reading: Reading, now: datetime) -> Alert:
    condition = PriceCondition(kind="price_rises_to", level=round(reading.price * 1.05, 2))
    return Alert(
        uid=uid, id=new_id(now), symbol=f"S{number % 50:02}", condition=condition, state="armed",
        epoch=1, created_at=now + timedelta(seconds=number), updated_at=now, armed_at=now,
        baseline=reading,
    )  # fmt: skip


def cookies_of(site: Site, people: Sequence[Person]) -> list[str]:
    """The sessions of these people, each of whom has seen his page: what it asks of workers is
    there from then on."""
    cookies = []
    for person in people:
        client = site.browser(person).client
        answer = client.get(PAGE)
        rows = answer.text.count("<tr ") - 1
        if answer.status_code != 200 or rows < 1:
            raise SystemExit(f"The page is not as it should be: {answer.status}, {rows} rows.")
        cookie = client.get_cookie("session")
        assert cookie
        cookies.append(cookie.value)
    return cookies


def load(address: str, script: Path, seconds: float) -> Load:
    """What wrk measures at `address`."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script), address]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Load(**json.loads(output.splitlines()[-1]))


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Load]:
    with ExitStack() as stack:
        url = stack.enter_context(redis_on_a_port(folder))
        redis = stack.enter_context(closing(open_redis(url)))
        store = stack.enter_context(closing(SqliteStore(folder / "bellwether.sqlite3")))
        site = site_on(store, redis, url, folder)
        people = make_people(site, CONNECTIONS, chosen.symbols, chosen.alerts)
        script = folder / "script.lua"
        cookies = ",".join(f'"{cookie}"' for cookie in cookies_of(site, people))
        script.write_text(SCRIPT % cookies)
        key = site.services.settings.secret_key
        served_by = (chosen.processes, folder, url, key)
        addresses = {
            "hello": stack.enter_context(served("bench._hello:app", *served_by)),
            "watchlist": stack.enter_context(served("app:app", *served_by)) + PAGE,
        }
        for address in addresses.values():
            load(address, script, 2)
        before = _commands(redis)
        measured = {
            (round_, name): load(address, script, chosen.seconds)
            for round_ in range(chosen.rounds)
            for name, address in addresses.items()
        }
        _tell_commands(_commands(redis), before)
    return {
        name: Load.middle([load for (_, of), load in measured.items() if of == name])
        for name in addresses
    }


def _commands(redis: Redis) -> dict[str, int]:
    return {name: stats["calls"] for name, stats in redis.info("commandstats").items()}


def _tell_commands(after: dict[str, int], before: dict[str, int]) -> None:
    """Commands that Redis was given for each page; those within scripts count, too."""
    made = {name.removeprefix("cmdstat_"): n - before.get(name, 0) for name, n in after.items()}
    pages = made.get("get", 0) or 1
    parts = ", ".join(f"{name} {n / pages:.1f}" for name, n in made.items() if n > pages / 10)
    print(f"Redis, to one GET: {parts}")


def site_on(store: Store, redis: Redis, url: str, folder: Path) -> Site:
    """The application in this process, on `store`; its time is in our hand."""
    site = make_site(store, redis, url, folder)
    site.jobs.run_market(site.market, QuoteCache(redis), lambda: site.at, redis)
    return site


def count_reads(symbols: int, alerts: Sequence[int], folder: Path) -> list[Bill]:
    """What Firestore bills for one page; empty where it cannot be had here."""
    bills = []
    with places(folder) as stores:
        for place in stores:
            if place.engine != "firestore":
                continue
            for number in alerts:
                with redis_on_a_port(folder) as url, closing(place.open()) as store:
                    site = site_on(store, open_redis(url), url, folder)
                    (person,) = make_people(site, 1, symbols, number, name=f"with-{number}")
                    bills.append(_bill(site, person, store, number))
    return bills


def _bill(site: Site, person: Person, store: Store, alerts: int) -> Bill:
    client = site.browser(person).client
    for key in site.services.redis.scan_iter("kept:users/*/*"):
        site.services.redis.delete(key)
    reads = []
    for _state in ("cold", "warm"):
        before = _reads(store)
        if client.get(PAGE).status_code != 200:
            raise SystemExit("The page cannot be shown on Firestore.")
        reads.append(_reads(store) - before)
    return Bill(alerts, *reads)


def _reads(store: Store) -> int:
    return sum(number for (_, kind), number in bill_of(store).items() if kind == "read")


def show(loads: dict[str, Load], bills: Sequence[Bill], processes: int) -> None:
    print(f"{'':<10} {'requests/s':>10} {'p50':>9} {'p99':>9}   to hello")
    for name, found in loads.items():
        ratio = found.rate / loads["hello"].rate
        print(
            f"{name:<10} {found.rate:>10,.0f} {found.p50:>6.1f} ms {found.p99:>6.1f} ms"
            f"   {ratio:.2f} x" + (f"   {found.faults} FAULTS" if found.faults else "")
        )
    for bill in bills:
        print(
            f"Firestore reads of a page with {bill.alerts} alerts: {bill.warm} warm,"
            f" {bill.cold} cold, {bill.beside_alerts} of them beside the alerts"
        )
    page = loads["watchlist"]
    held = {
        "requests a second": page.rate >= BARS["requests a second"],
        "p99": page.p99 < BARS["p99"],
        "reads warm": all(bill.warm <= BARS["reads warm"] for bill in bills),
        "reads cold": all(bill.beside_alerts <= BARS["reads cold"] for bill in bills),
    }
    for name, is_held in held.items():
        print(f"{name}: {'within' if is_held else 'BEYOND'} the bar of {BARS[name]:g}")
    figures = {name: asdict(found) for name, found in loads.items()}
    print(
        json.dumps(
            {"processes": processes, **figures, "reads": [*map(asdict, bills)], "bars": BARS}
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.web")
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--alerts", type=int, default=50)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-reads", action="store_true", help="leave out what Firestore bills")
    chosen = parser.parse_args()
    if not shutil.which("wrk"):
        print(NO_WRK)
        return
    with TemporaryDirectory() as name:
        loads = measure(chosen, Path(name))
    with TemporaryDirectory() as name:
        counted = () if chosen.no_reads else (0, 5, chosen.alerts)
        bills = count_reads(chosen.symbols, counted, Path(name))
    show(loads, bills, chosen.processes)


if __name__ == "__main__":
    main()
