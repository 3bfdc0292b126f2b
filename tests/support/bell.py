"""The whole engine on a store, a real Redis and a scripted market, with time in the test's hand."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from config import Settings
from services.alerts.checker import Report
from services.alerts.conditions import Condition, PriceCondition, PriceKind
from services.alerts.facts import Facts
from services.container import Services
from services.ids import new_id
from services.market.models import Bar
from services.market.provider import Provider
from services.notify.outbox import Outbox
from services.store.alerts import Alert
from services.store.contract import Store
from services.store.kept import KeptStore
from services.store.shelf import Shelf
from services.store.triggers import Trigger
from services.store.users import User
from tests.support.market import MONDAY, FixedProvider, RecordingJobs
from workers.parts import Parts


@dataclass
class Bell:
    """One person's Bellwether: `at` is the time, moved by `later`."""

    services: Services
    market: FixedProvider
    jobs: RecordingJobs
    provider: Provider
    at: datetime = MONDAY
    email: str = "ada@example.com"
    uid: str = field(default="", init=False)

    def __post_init__(self) -> None:
        user = User(
            uid=new_id(self.at),
            email=self.email,
            password_hash="-",
            created_at=self.at,
            confirmed_at=self.at,
        )
        self.services.users.create(user)
        self.uid = user.uid

    @property
    def parts(self) -> Parts:
        """The parts of a worker that has just started."""
        return Parts(self.services, self.provider)

    def later(self, minutes: float = 5) -> datetime:
        self.at += timedelta(minutes=minutes)
        return self.at

    def price(self, price: float, symbol: str = "AAPL", **fields: Any) -> None:
        self.market.set(symbol, price, self.at, **fields)

    def facts(self, symbol: str = "AAPL", **more: Any) -> Facts:
        """The symbol's present quote, and `more`."""
        return Facts(self.provider.quotes([symbol], self.at)[symbol], **more)

    def alert(self, kind: PriceKind, level: float, symbol: str = "AAPL", **options: Any) -> Alert:
        """Set an alert on the symbol's present price."""
        return self.alert_on(PriceCondition(kind=kind, level=level), symbol, **options)

    def alert_on(
        self, condition: Condition, symbol: str = "AAPL", facts: Facts | None = None, **options: Any
    ) -> Alert:
        """Set an alert of any kind."""
        facts = facts or self.facts(symbol)
        return self.services.arming.create(self.uid, facts, condition, self.at, **options)

    def check(self) -> Report:
        return self.parts.checker.run(self.at)

    def check_at(self, price: float, minutes: float = 5, **fields: Any) -> Report:
        """Let time pass, the price move to `price`, and a check run."""
        self.later(minutes)
        self.price(price, **fields)
        return self.check()

    def minute_bar(self, minutes_ago: float, low: float, high: float) -> None:
        start = (self.at - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
        bar = Bar(
            start=start,
            session=start.date(),
            open=low,
            high=high,
            low=low,
            close=high,
            volume=1,
        )
        self.market.bars_of.setdefault(("AAPL", "1m"), []).append(bar)

    def sweep(self, outbox: Outbox | None = None) -> int:
        """One sweep, and every job that follows; returns how many triggers were due."""
        outbox = outbox or self.parts.outbox
        self.jobs.dispatched.clear()
        due = outbox.sweep(self.at)
        self.deliver(outbox)
        return due

    def deliver(self, outbox: Outbox | None = None) -> None:
        """Every job about deliveries that was asked for, and those that follow."""
        outbox, jobs = outbox or self.parts.outbox, self.jobs
        while jobs.dispatched or jobs.delivered:
            uids, jobs.dispatched = jobs.dispatched, []
            for uid in uids:
                outbox.dispatch(uid, self.at)
            asked, jobs.delivered = jobs.delivered, []
            for uid, channel in asked:
                while outbox.deliver(uid, channel, self.at):
                    pass

    def triggers(self) -> list[Trigger]:
        return self.services.triggers.page(self.uid)[0]

    def now_of(self, alert: Alert) -> Alert:
        """The alert as it is stored now."""
        return self.services.alerts.get(alert.uid, alert.id)

    def upstream(self, what: str) -> list[Any]:
        """What the market was asked for: `quotes`, `bars` or `splits`."""
        return [about for kind, about in self.market.asked if kind == what]


def make_bell(
    store: Store,
    redis: Redis,
    provider: Provider | None = None,
    settings: Settings | None = None,
    at: datetime = MONDAY,
    email: str = "ada@example.com",
) -> Bell:
    jobs, market = RecordingJobs(), FixedProvider()
    services = Services(
        settings or Settings(_env_file=None), KeptStore(store, Shelf(redis)), redis, jobs
    )
    return Bell(services, market, jobs, provider or market, at, email)


@pytest.fixture
def bell(chosen_store: Store, redis: Redis) -> Bell:
    """A bell on SQLite with AAPL at 100."""
    bell = make_bell(chosen_store, redis)
    bell.price(100.0)
    return bell
