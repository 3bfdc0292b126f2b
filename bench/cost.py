"""What one day costs on Firestore: documents read, written and deleted, by call site.

    python -m bench.cost [--users 20] [--checks 288]

The real services on Google's emulator and a real Redis, with a scripted market, go through a day:
each person looks at ten pages (so far apart that nothing is cached any more), sets five alerts of
which one rings, and edits two notes; every five minutes there is a check, every minute a sweep.
Printed next to the free tier for 1,000 people: what happens once however many they are, is not
multiplied.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench._stores import START, places
from bench.check import redis_server
from config import Settings
from services.alerts.conditions import PriceCondition
from services.alerts.facts import Facts
from services.container import Services
from services.ids import new_id
from services.notify.channel import Channels
from services.notify.channels.email.channel import EmailChannel
from services.notify.outbox import Outbox
from services.store.billing import Kind, bill_of
from services.store.users import User
from services.store.watchlists import Entry, Watchlist
from tests.support.market import FixedProvider, RecordingJobs
from web.pages.watchlists import ALERTS_READ
from workers.parts import Parts

PAGES, ALERTS, EDITS, SWEEPS_A_CHECK = 10, 5, 2, 5
SYMBOLS = [f"S{number}" for number in range(10)]
PEOPLE = 1_000
FREE: dict[Kind, int] = {"read": 50_000, "write": 20_000, "delete": 20_000}
ONCE = ("services.store.system.", "services.store.triggers.Triggers.due")
"""Call sites of the system itself, whose calls do not grow with the number of people."""
Bill = Mapping[tuple[str, Kind], int]


class Accepting:
    """A mail server that accepts everything at once."""

    def send(self, message: object, now: datetime) -> None:
        pass


class Day:
    """One day of some people."""

    def __init__(self, services: Services, market: FixedProvider, jobs: RecordingJobs) -> None:
        self._services, self._market, self._jobs = services, market, jobs
        self._parts = Parts(services, market)
        self._outbox = Outbox(
            services.store,
            Channels(EmailChannel(self._parts.composer, Accepting())),
            jobs,
            luck=lambda: 0.5,
        )
        self._lists: dict[str, Watchlist] = {}

    def sign_up(self, number: int) -> None:
        uid = new_id(START)
        self._services.users.create(
            User(uid=uid, email=f"{number}@example.com", password_hash="-", created_at=START,
                 confirmed_at=START)
        )  # fmt: skip
        entries = tuple(Entry(symbol=symbol, added_at=START) for symbol in SYMBOLS)
        made = Watchlist(
            uid=uid, id=new_id(START), name="Flock", position=0, entries=entries, created_at=START
        )
        self._services.watchlists.create(made)
        self._lists[uid] = made

    def live(self, checks: int) -> None:
        """Everybody's doings in the morning, then the checks of the day."""
        self._let_trade(START, 100.0)
        for uid in self._lists:
            self._set_alerts(uid)
            self._edit(uid)
            for _ in range(PAGES):
                self._look(uid)
        for number in range(1, checks + 1):
            self._check(START + number * timedelta(minutes=5), 100.0 if number < 3 else 100.5)

    def _let_trade(self, now: datetime, price: float) -> None:
        for symbol in SYMBOLS:
            self._market.set(symbol, price, now, day_high=price, day_low=99.0)

    def _look(self, uid: str) -> None:
        self._services.users.get(uid)
        self._services.watchlists.of(uid)
        self._services.alerts.page(uid, limit=ALERTS_READ)

    def _set_alerts(self, uid: str) -> None:
        for number in range(ALERTS):
            quote = self._market.quotes([SYMBOLS[number]], START)[SYMBOLS[number]]
            level = 100.25 if number == 0 else 120.0 + number
            condition = PriceCondition(kind="price_rises_to", level=level)
            self._services.arming.create(uid, Facts(quote), condition, START)

    def _edit(self, uid: str) -> None:
        for number in range(EDITS):
            self._services.watchlists.change(
                uid,
                self._lists[uid].id,
                lambda found, n=number: found.with_note(SYMBOLS[n], "Mind the split"),  # type: ignore[misc]
            )

    def _check(self, now: datetime, price: float) -> None:
        self._let_trade(now, price)
        self._parts.checker.run(now)
        self._deliver(now)
        for _ in range(SWEEPS_A_CHECK):
            self._parts.recorder.sweep()
            self._outbox.sweep(now)
            self._deliver(now)

    def _deliver(self, now: datetime) -> None:
        for uid in self._jobs.dispatched:
            self._outbox.dispatch(uid, now)
        for uid, channel in self._jobs.delivered:
            while self._outbox.deliver(uid, channel, now):
                pass
        self._jobs.dispatched.clear()
        self._jobs.delivered.clear()


def for_many(bill: Bill, users: int) -> Iterator[tuple[str, Kind, int, int]]:
    """Each call site's documents of the day: as measured, and for PEOPLE."""
    for (site, kind), number in sorted(bill.items(), key=lambda item: -item[1]):
        grown = number if site.startswith(ONCE) else round(number * PEOPLE / users)
        yield site, kind, number, grown


def show(bill: Bill, users: int, checks: int) -> None:
    print(f"A day of {users} people with {checks} checks")
    print(f"{'call site':<58} {'kind':<7} {'measured':>9} {f'for {PEOPLE:,}':>10}")
    total: Counter[Kind] = Counter()
    for site, kind, number, grown in for_many(bill, users):
        total[kind] += grown
        print(f"{site:<58} {kind:<7} {number:>9,} {grown:>10,}")
    for kind, free in FREE.items():
        verdict = "within" if total[kind] <= free else "BEYOND"
        share = total[kind] / free
        print(f"{kind:<7} {total[kind]:>9,} of {free:,} free a day: {verdict}, {share:.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cost")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--checks", type=int, default=288)
    chosen = parser.parse_args()
    with TemporaryDirectory() as name, places(Path(name)) as stores:
        firestore = next((place for place in stores if place.engine == "firestore"), None)
        if firestore is None:
            return
        store, market, jobs = firestore.open(), FixedProvider(), RecordingJobs()
        with redis_server(Path(name)) as redis:
            day = Day(Services(Settings(_env_file=None), store, redis, jobs), market, jobs)
            for number in range(chosen.users):
                day.sign_up(number)
            before = Counter(bill_of(store))
            day.live(chosen.checks)
            show(Counter(bill_of(store)) - before, chosen.users, chosen.checks)
        store.close()


if __name__ == "__main__":
    main()
