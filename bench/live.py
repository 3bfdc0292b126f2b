"""What open streams cost the pages: the watchlist with none and with 200 on one web process.

    python -m bench.live [--streams 200] [--symbols 50] [--every 1] [--seconds 8] [--rounds 3]

gunicorn serves with gunicorn.conf.py and one process. wrk keeps 8 connections busy, in turns
without streams and with them; every so many seconds all symbols get another price, which each
stream follows. wrk, the readers of the streams, the server and Redis share this machine. Beside:
how long a price is on its way, and the memory of the process. The bar is 120 MB.
"""

import argparse
import json
import re
import selectors
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.web import (
    CONNECTIONS,
    NO_WRK,
    PAGE,
    SCRIPT,
    Load,
    cookies_of,
    load,
    make_people,
    redis_on_a_port,
    served,
    site_on,
)
from services.market.cache import QuoteCache
from services.redis_client import open_redis
from services.store.sqlite import SqliteStore
from tests.support.streams import Listener, open_stream
from tests.support.web import Site

OF_ONE_PERSON = 5
BAR_MB = 120
_SENT = re.compile(rb'"volume":(\d+)')


@dataclass
class Readers:
    """Open streams that are read as they come; `delays` are milliseconds from a put to its end."""

    streams: list[Listener]
    delays: list[float] = field(default_factory=list)
    ended: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        with selectors.DefaultSelector() as chosen:
            for stream in self.streams:
                chosen.register(stream.end, selectors.EVENT_READ)
            while not self._over.is_set():
                for key, _ in chosen.select(0.2):
                    text = key.fileobj.recv(262_144)  # type: ignore[union-attr]
                    if not text:
                        chosen.unregister(key.fileobj)
                        self.ended += 1
                    elif sent := _SENT.findall(text):
                        self.delays.append(time.time() * 1000 - int(sent[-1]))

    def stop(self) -> None:
        self._over.set()


@contextmanager
def opened(address: str, cookies: list[str], streams: int, symbols: int) -> Iterator[Readers]:
    names = ",".join(f"S{number:02}" for number in range(symbols))
    found = [
        open_stream(
            address, f"/live?symbols={names}", Cookie=f"session={cookies[n // OF_ONE_PERSON]}"
        )
        for n in range(streams)
    ]
    refused = sum(not stream.head.startswith("HTTP/1.1 200") for stream in found)
    if refused:
        raise SystemExit(f"{refused} of {streams} streams were refused: {found[-1].head}")
    readers = Readers(found)
    reading = threading.Thread(target=readers.read)
    reading.start()
    try:
        yield readers
    finally:
        readers.stop()
        reading.join()
        for stream in found:
            stream.close()


@contextmanager
def moving(site: Site, symbols: int, every: float) -> Iterator[None]:
    """All symbols get another price now and then; their volume tells when."""
    over = threading.Event()
    cache = QuoteCache(site.services.redis)
    names = [f"S{number:02}" for number in range(symbols)]

    def move() -> None:
        step = 0
        while not over.wait(every):
            step, now = step + 1, datetime.now(UTC)
            fields = {"volume": int(time.time() * 1000), "as_of": now, "fetched_at": now}
            quotes = {
                name: site.market.quotes_of[name].model_copy(
                    update={**fields, "price": 100 + number + step % 7 / 10}
                )
                for number, name in enumerate(names)
            }
            cache.put(quotes, names, timedelta(days=1), now)

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def megabytes() -> float:
    """The memory of the web process: the one child of gunicorn, which is ours."""
    (arbiter,) = [p for p in psutil.Process().children() if "gunicorn" in " ".join(p.cmdline())]
    (worker,) = arbiter.children()
    return float(worker.memory_info().rss) / 2**20


def measure(chosen: argparse.Namespace, folder: Path) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(redis_on_a_port(folder))
        redis = stack.enter_context(closing(open_redis(url)))
        store = stack.enter_context(closing(SqliteStore(folder / "bellwether.sqlite3")))
        site = site_on(store, redis, url, folder)
        people = make_people(site, -(-chosen.streams // OF_ONE_PERSON), chosen.symbols, 10)
        cookies = cookies_of(site, people)
        script = folder / "script.lua"
        script.write_text(SCRIPT % ",".join(f'"{one}"' for one in cookies[:CONNECTIONS]))
        key = site.services.settings.secret_key
        address = stack.enter_context(served("app:app", 1, folder, url, key))
        load(address + PAGE, script, 1)
        memory = {"a few pages": megabytes()}
        with (
            moving(site, chosen.symbols, chosen.every),
            opened(address, cookies, chosen.streams, chosen.symbols),
        ):
            time.sleep(chosen.seconds)
            memory[f"and {chosen.streams} streams"] = megabytes()
        load(address + PAGE, script, 3)
        without, with_, readers = [], [], None
        memory["0 streams"] = megabytes()
        for _ in range(chosen.rounds):
            with moving(site, chosen.symbols, chosen.every):
                without.append(load(address + PAGE, script, chosen.seconds))
                with opened(address, cookies, chosen.streams, chosen.symbols) as readers:
                    with_.append(load(address + PAGE, script, chosen.seconds))
                    memory[f"{chosen.streams} streams"] = megabytes()
        assert readers
        show(Load.middle(without), Load.middle(with_), memory, readers, chosen.streams)


def show(
    without: Load, with_: Load, memory: dict[str, float], readers: Readers, streams: int
) -> None:
    for name, found in (("0 streams", without), (f"{streams} streams", with_)):
        print(
            f"{name:<12} {found.rate:>6,.0f} pages/s  p50 {found.p50:>5.1f} ms"
            f"  p99 {found.p99:>5.1f} ms  {memory[name]:>5.0f} MB"
            + (f"  {found.faults} FAULTS" if found.faults else "")
        )
    delays = sorted(readers.delays)
    late = {share: delays[int((len(delays) - 1) * share / 100)] for share in (50, 99)}
    print(
        f"a price is on its way for {late[50]:.0f} ms (p50), {late[99]:.0f} ms (p99);"
        f" {len(delays)} were told; {readers.ended} streams ended"
    )
    print(f"p99 with streams to without: {with_.p99 / without.p99:.2f} x")
    print("memory:", ", ".join(f"{name} {size:.0f} MB" for name, size in memory.items()))
    held = max(memory.values()) < BAR_MB
    print(f"memory: {'within' if held else 'BEYOND'} the bar of {BAR_MB} MB")
    print(json.dumps({"without": asdict(without), "with": asdict(with_), "memory": memory}))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.live")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--every", type=float, default=1)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    if not shutil.which("wrk"):
        print(NO_WRK)
        return
    with TemporaryDirectory() as name:
        measure(chosen, Path(name))


if __name__ == "__main__":
    main()
