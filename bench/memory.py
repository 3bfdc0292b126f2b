"""What the whole costs in memory: one web process, one worker, clock and Redis, by `make run`.

    python -m bench.memory [--people 5]

The supervisor starts everything on a replayed market in a folder of its own. Some people with a
watchlist and alerts look at pages until checks have run; then each process is asked for its PSS,
in which what several processes share counts once in all, beside RSS, in which it counts for each.
The bars: the web process under 120 MB; all that a server runs under 512 MB. What only one machine
has besides (supervisor, mailbox) is listed, and counted in the sum too. A worker that asks Yahoo
holds pandas and yfinance; what they add is measured apart and added to the sum.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import requests

from config import ROOT
from local.demo import Api
from local.environment import FILE
from services.container import open_services
from services.pulse import Pulse
from services.redis_client import open_redis
from tests.support.redis_server import free_port

WEB_BAR_MB, WHOLE_BAR_MB = 120.0, 512.0
PASSWORD = "correct horse battery"
SYMBOLS = ("AAPL", "MSFT", "IBM")
PATIENCE_SECONDS = 120.0
CHECKS = 3
"""How many checks have run before anything is measured."""
ROLLUP = re.compile(r"^(Rss|Pss):\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Process:
    """Megabytes (2^20 bytes) of one process."""

    part: str
    pid: int
    pss: float
    rss: float


@dataclass(frozen=True)
class Whole:
    """A running Bellwether: its address, its folder and the supervisor's process."""

    address: str
    data: Path
    supervisor: int


def memory_of(rollup: str) -> tuple[float, float]:
    """PSS and RSS in megabytes, from the text of /proc/PID/smaps_rollup."""
    found = {name: int(kilobytes) / 1024 for name, kilobytes in ROLLUP.findall(rollup)}
    return found["Pss"], found["Rss"]


def part_of(command: list[str]) -> str:
    """Which part of Bellwether a process is, by its command line."""
    line = " ".join(command)
    for sign, part in (
        ("redis-server", "redis"),
        ("valkey-server", "redis"),
        ("gunicorn", "web"),
        ("workers.clock", "clock"),
        ("-m workers", "worker"),
        ("local.mailbox", "mailbox"),
        ("-m local", "supervisor"),
    ):
        if sign in line:
            return part
    return "other"


def processes_of(supervisor: int) -> list[Process]:
    """All that runs below the supervisor, and itself; gunicorn's arbiter apart from its process."""
    root = psutil.Process(supervisor)
    found = []
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            part = part_of(process.cmdline())
            above = process.parent()
            if part == "web" and above and part_of(above.cmdline()) != "web":
                part = "web arbiter"
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            pss, rss = memory_of(rollup)
            found.append(Process(part, process.pid, pss, rss))
    return found


@contextmanager
def whole(folder: Path) -> Iterator[Whole]:
    """Everything, as `make run` starts it, until the block ends."""
    port, data = free_port(), folder / "var"
    own = ("FIRE", "REDIS", "SMTP", "BELLWETHER")
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith(own)},
        "PORT": str(port), "BELLWETHER_DATA": str(data), "WEB_CONCURRENCY": "1",
        "QUOTES": "replay", "REPLAY_DAY_SECONDS": "30", "CHECK_INTERVAL_SECONDS": "5",
        "RATE_LIMIT": "10000 per minute",
    }  # fmt: skip
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    address = f"http://localhost:{port}"
    try:
        _await(lambda: process.poll() is not None or (data / FILE).exists())
        if process.poll() is not None:
            raise SystemExit((folder / "log").read_text())
        yield Whole(address, data, process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def use(site: Whole, people: int) -> None:
    """Let people sign in, watch and set alerts, and look at pages until checks have run."""
    os.environ.update(json.loads((site.data / FILE).read_text()))
    from config import load_settings
    from workers.queues import RqJobs

    services = open_services(load_settings(), RqJobs)
    browsers = []
    for number in range(people):
        email = f"{number}@people.example"
        services.accounts.create_confirmed(email, PASSWORD, datetime.now(UTC))
        browsers.append(_begin(site, email))
    services.store.close()
    with open_redis(load_settings().redis_url) as redis:
        pulse, seen = Pulse(redis), set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(seen) < CHECKS:
            for browser in browsers:
                _look(site, browser)
            if last := pulse.last_check():
                seen.add(last.completed_at)
            if time.monotonic() > deadline:
                raise SystemExit("No checks ran in time.")


def _begin(site: Whole, email: str) -> requests.Session:
    api = Api(site.address)
    api.sign_in(email, PASSWORD)
    watchlist = api.get("/watchlists")["items"][0]["id"]
    for number, symbol in enumerate(SYMBOLS):
        api.post(f"/watchlists/{watchlist}/symbols", {"symbol": symbol})
        condition = {"kind": "price_rises_to", "level": 10_000 + number}
        api.post("/alerts", {"symbol": symbol, "condition": condition, "if_true": "wait"})
    browser = requests.Session()
    page = browser.get(f"{site.address}/sign-in", timeout=30).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token, page
    fields = {"csrf_token": token[1], "email": email, "password": PASSWORD}
    browser.post(f"{site.address}/sign-in", data=fields, timeout=30).raise_for_status()
    return browser


def _look(site: Whole, browser: requests.Session) -> None:
    paths = ("/", "/alerts", "/alerts/new?symbol=AAPL", "/symbols/AAPL", "/triggers", "/account")
    for path in paths:
        browser.get(site.address + path, timeout=30).raise_for_status()


def _await(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit("It did not come so far in time.")
        time.sleep(0.1)


def added_by_yahoo() -> float:
    """The PSS in megabytes that a worker's imports grow by where prices come from Yahoo."""
    script = (
        "from pathlib import Path; import workers.jobs\n"
        "print(Path('/proc/self/smaps_rollup').read_text(), end='\\0')\n"
        "import services.market.yahoo\n"
        "print(Path('/proc/self/smaps_rollup').read_text())"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    before, _, after = told.partition("\0")
    return memory_of(after)[0] - memory_of(before)[0]


def verdict(size: float, bar: float) -> str:
    return f"{'within' if size < bar else 'BEYOND'} the bar of {bar:g} MB, {size / bar:.2f} x"


def show(found: list[Process], yahoo: float) -> None:
    for process in sorted(found, key=lambda each: -each.pss):
        print(f"{process.part:<20} {process.pss:>7.1f} MB PSS {process.rss:>7.1f} MB RSS")
    web = max((process.pss for process in found if process.part == "web"), default=0.0)
    print(f"{'a worker on Yahoo':<20} {yahoo:>7.1f} MB PSS more")
    in_all = sum(process.pss for process in found) + yahoo
    print(f"{'in all':<20} {in_all:>7.1f} MB PSS")
    print(f"web process: {web:.1f} MB, {verdict(web, WEB_BAR_MB)}")
    print(f"everything: {in_all:.1f} MB, {verdict(in_all, WHOLE_BAR_MB)}")
    print(
        json.dumps(
            {
                "processes": [asdict(process) for process in found],
                "yahoo": yahoo,
                "web": {"pss": web, "bar": WEB_BAR_MB},
                "everything": {"pss": in_all, "bar": WHOLE_BAR_MB},
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory")
    parser.add_argument("--people", type=int, default=5)
    chosen = parser.parse_args()
    if not Path("/proc/self/smaps_rollup").exists():
        print("This machine does not tell PSS (/proc/PID/smaps_rollup): run it on Linux.")
        return
    with TemporaryDirectory() as name, whole(Path(name)) as site:
        use(site, chosen.people)
        show(processes_of(site.supervisor), added_by_yahoo())


if __name__ == "__main__":
    main()
