"""What one day costs on Firestore: documents read, written and deleted, by call site.

    python -m bench.cost [--users 20] [--checks 288]

The real application on Google's emulator and a real Redis, with a scripted market, goes through a
day: each person sets five alerts of which one rings, edits two notes, and looks at the watchlist
ten times, two hours and more apart, so that of what is kept for minutes nothing is left; every
five minutes there is a check, every minute a sweep. Printed for 1,000 people next to the free
tier, and what is beyond it in dollars: what happens once however many they are, is not multiplied.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from flask.testing import FlaskClient

from bench._stores import START, places
from bench.web import redis_on_a_port, site_on
from services.alerts.conditions import PriceCondition
from services.alerts.facts import Facts
from services.notify.channel import Channels
from services.notify.channels.email.channel import EmailChannel
from services.notify.outbox import Outbox
from services.redis_client import open_redis
from services.store.billing import Kind, bill_of
from services.store.shelf import KEPT
from services.store.watchlists import Entry, Watchlist
from tests.support.web import Site
from workers.parts import Parts

PAGES, ALERTS, EDITS, SWEEPS_A_CHECK = 10, 5, 2, 5
SYMBOLS = [f"S{number}" for number in range(10)]
PEOPLE = 1_000
EVERY = timedelta(minutes=5)
LIST = "default"
FREE: dict[Kind, int] = {"read": 50_000, "write": 20_000, "delete": 20_000}
DOLLARS: dict[Kind, float] = {"read": 0.06, "write": 0.18, "delete": 0.02}
"""For 100,000, as listed for most regions."""
DAYS = 30
ESTIMATE = "The estimate this began with: 25 to 50 dollars a month."
ONCE = "services.store.system."
SWEEP = "services.store.triggers.Triggers.each_due"
"""Call sites of the system itself, whose calls do not grow with the number of people."""
Bill = Mapping[tuple[str, Kind], int]


class Accepting:
    """A mail server that accepts everything at once."""

    def send(self, message: object, now: datetime) -> None:
        pass


class Day:
    """One day of some people at a site."""

    def __init__(self, site: Site) -> None:
        self._site, self._services = site, site.services
        self._parts = Parts(site.services, site.market)
        self._outbox = Outbox(
            site.services.store,
            Channels(EmailChannel(self._parts.composer, Accepting())),
            site.jobs,
            luck=lambda: 0.5,
        )
        self._browsers: dict[str, FlaskClient] = {}

    def sign_up(self, number: int) -> None:
        """Somebody with a list, who has looked at it."""
        person = self._site.person(f"{number}@example.com")
        entries = tuple(Entry(symbol=symbol, added_at=START) for symbol in SYMBOLS)
        self._services.watchlists.create(
            Watchlist(uid=person.uid, id=LIST, name="Flock", position=0, entries=entries,
                      created_at=START)
        )  # fmt: skip
        self._browsers[person.uid] = self._site.browser(person).client

    def live(self, checks: int) -> None:
        """Everybody's edits in the morning; checks, and looks between them, all day."""
        self._let_trade(START, 100.0)
        for uid in self._browsers:
            self._set_alerts(uid)
            self._edit(uid)
        lifetime = KEPT // EVERY
        for number in range(1, checks + 1):
            if number % lifetime == 0:
                self._expire("kept:*")
            if number % (checks // PAGES) == 0:
                self._look()
            self._check(START + number * EVERY, 100.0 if number < 3 else 100.5)

    def _let_trade(self, now: datetime, price: float) -> None:
        self._site.at = now
        for symbol in SYMBOLS:
            self._site.market.set(symbol, price, now, day_high=price, day_low=99.0)

    def _look(self) -> None:
        for browser in self._browsers.values():
            if browser.get(f"/watchlists/{LIST}").status_code != 200:
                raise SystemExit("The page cannot be shown.")

    def _expire(self, keys: str) -> None:
        """Let pass the time for which these are kept."""
        for key in self._services.redis.scan_iter(keys):
            self._services.redis.delete(key)

    def _set_alerts(self, uid: str) -> None:
        for number in range(ALERTS):
            quote = self._site.market.quotes([SYMBOLS[number]], START)[SYMBOLS[number]]
            level = 100.25 if number == 0 else 120.0 + number
            condition = PriceCondition(kind="price_rises_to", level=level)
            self._services.arming.create(uid, Facts(quote), condition, START)

    def _edit(self, uid: str) -> None:
        for number in range(EDITS):
            self._services.watchlists.change(
                uid,
                LIST,
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
        for uid in self._site.jobs.dispatched:
            self._outbox.dispatch(uid, now)
        for uid, channel in self._site.jobs.delivered:
            while self._outbox.deliver(uid, channel, now):
                pass
        self._site.jobs.dispatched.clear()
        self._site.jobs.delivered.clear()


def for_many(bill: Bill, users: int) -> Iterator[tuple[str, Kind, int, int]]:
    """Each call site's documents of the day: as measured, and for PEOPLE."""
    for (site, kind), number in sorted(bill.items(), key=lambda item: -item[1]):
        is_once = site.startswith(ONCE) or site == SWEEP
        grown = number if is_once else round(number * PEOPLE / users)
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
    whole, beyond = dollars(total, free=False), dollars(total, free=True)
    print(f"A month: {beyond:.2f} dollars; {whole:.2f} without the free tier. {ESTIMATE}")


def dollars(day: Mapping[Kind, int], *, free: bool) -> float:
    """What a month of such days costs, beyond what is free or as a whole."""
    billed = {kind: max(0, day[kind] - FREE[kind] * free) for kind in FREE}
    return DAYS * sum(billed[kind] / 100_000 * DOLLARS[kind] for kind in FREE)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cost")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--checks", type=int, default=288)
    chosen = parser.parse_args()
    with TemporaryDirectory() as name, places(Path(name)) as stores:
        firestore = next((place for place in stores if place.engine == "firestore"), None)
        if firestore is None:
            return
        store = firestore.open()
        with redis_on_a_port(Path(name)) as url:
            day = Day(site_on(store, open_redis(url), url, Path(name)))
            for number in range(chosen.users):
                day.sign_up(number)
            before = Counter(bill_of(store))
            day.live(chosen.checks)
            show(Counter(bill_of(store)) - before, chosen.users, chosen.checks)
        store.close()


if __name__ == "__main__":
    main()
