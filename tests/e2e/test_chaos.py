"""Workers and clock killed again and again on the replayed market, and Redis emptied: no alert is
lost, none rings twice, none rings falsely."""

import os
import random
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from config import Settings
from local.redis import answers, private_server
from services.alerts.conditions import PriceCondition
from services.container import Services, open_services
from services.ids import new_id
from services.market.models import Bar
from services.market.provider import Provider
from services.store.alerts import Alert
from services.store.users import User
from workers.parts import Parts, open_provider
from workers.queues import RqJobs

ROOT = Path(__file__).resolve().parents[2]
START = date(2001, 1, 2)
"""No split of the three for many sessions."""
DAY_SECONDS = 5.0
SYMBOLS = ("AAPL", "MSFT", "IBM")
ALERTS = 300
KILLS, FLUSHES = 24, (8, 16)
SEED = 20010102


@dataclass
class Herd:
    """Two workers and two clocks as processes of their own."""

    environment: dict[str, str]
    log: Path
    running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(self, module: str) -> None:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        self.running.append((module, process))

    def kill_one(self, luck: random.Random) -> str:
        """Kill -9 one of them, and start another in its place."""
        module, process = self.running.pop(luck.randrange(len(self.running)))
        process.kill()
        process.wait()
        self.start(module)
        return module

    def end(self) -> None:
        for _, process in self.running:
            process.kill()
            process.wait()


@contextmanager
def private_redis(folder: Path) -> Iterator[str]:
    command, url = private_server(folder)
    server = subprocess.Popen(shlex.split(command))
    try:
        while not answers(url):
            assert server.poll() is None
            time.sleep(0.05)
        yield url
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """On a Redis of this test's own, for it is emptied; nobody answers at the mail's address."""
    with private_redis(tmp_path / "redis") as url:
        settings = Settings(
            _env_file=None,
            bellwether_data=tmp_path / "var",
            redis_url=url,
            quotes="replay",
            replay_start=START.isoformat(),
            replay_day_seconds=DAY_SECONDS,
            check_interval_seconds=1,
            smtp_url="smtp://127.0.0.1:9",
        )
        services = open_services(settings, RqJobs)
        yield services
        services.store.close()


def environment_of(settings: Settings) -> dict[str, str]:
    ours = {
        "BELLWETHER_DATA": str(settings.bellwether_data),
        "REDIS_URL": settings.redis_url,
        "QUOTES": "replay",
        "REPLAY_START": settings.replay_start,
        "REPLAY_DAY_SECONDS": str(settings.replay_day_seconds),
        "CHECK_INTERVAL_SECONDS": "1",
        "SMTP_URL": settings.smtp_url,
        "LOG_LEVEL": "INFO",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FIRE", "REDIS", "SMTP"))}
    return {**kept, **ours}


def arm_all(services: Services, provider: Provider, luck: random.Random) -> list[Alert]:
    """Levels up to 15 % away on either side; some wait, because they are true already."""
    now = datetime.now(UTC)
    user = User(uid=new_id(now), email="a@b.example", password_hash="-", created_at=now)
    services.users.create(user)
    alerts = []
    for number in range(ALERTS):
        quote = provider.quotes(SYMBOLS, datetime.now(UTC))[SYMBOLS[number % 3]]
        level = round(quote.price * (1 + luck.uniform(-0.15, 0.15)), 2)
        kind = luck.choice(["price_rises_to", "price_falls_to"])
        condition = PriceCondition(kind=kind, level=level)
        if_true = "wait" if condition.target.reached_by(quote.price) else None
        now = datetime.now(UTC)
        alerts.append(services.arming.create(user.uid, quote, condition, now, if_true=if_true))
    return alerts


def touched(alert: Alert, bars: list[Bar]) -> tuple[bool, bool]:
    """Whether the path since the alert was set must, and may, have rung it; the minute in which
    it was set, and the one in which a waiting price left its level, tell no order."""
    assert alert.baseline is not None
    since = alert.baseline.as_of
    rise, level = alert.condition.target.direction == "rise", alert.condition.target.level
    path = [bar for bar in bars if bar.start + timedelta(minutes=1) > since]
    sure = [bar for bar in path if bar.start >= since]
    if alert.state == "armed":
        return _reached(sure, rise, level), _reached(path, rise, level)
    left = [i for i, bar in enumerate(sure) if (bar.low < level if rise else bar.high > level)]
    if not left:
        return False, False
    return _reached(sure[left[0] + 1 :], rise, level), _reached(sure[left[0] :], rise, level)


def _reached(bars: list[Bar], rise: bool, level: float) -> bool:
    return any(bar.high >= level if rise else bar.low <= level for bar in bars)


@pytest.mark.slow
def test_kills_and_losses_lose_double_and_invent_nothing(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    luck = random.Random(SEED)
    provider = open_provider(services)
    alerts = arm_all(services, provider, luck)
    herd = Herd(environment_of(services.settings), tmp_path / "log")
    try:
        for module in ("workers", "workers", "workers.clock", "workers.clock"):
            herd.start(module)
        time.sleep(4)
        killed: Counter[str] = Counter()
        for kill in range(KILLS):
            time.sleep(luck.uniform(0.6, 2.2))
            if kill in FLUSHES:
                services.redis.flushall()
            killed[herd.kill_one(luck)] += 1
        time.sleep(3)
    finally:
        herd.end()
    rang_live = sum(count for count in _triggers(services, alerts[0].uid).values())

    frozen = datetime.now(UTC)
    _come_to_rest(services, provider, frozen)
    rang = _triggers(services, alerts[0].uid)
    bars = {
        symbol: provider.bars(symbol, "1m", alerts[0].baseline.as_of, frozen)  # type: ignore[union-attr]
        for symbol in SYMBOLS
    }
    lost = wrong = must_all = 0
    for alert in alerts:
        must, may = touched(alert, bars[alert.symbol])
        must_all += must
        lost += must and not rang[alert.id]
        wrong += bool(rang[alert.id]) and not may
    doubled = sum(count > 1 for count in rang.values())
    sessions = len({bar.session for bar in bars["AAPL"]})
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what the test is read for
            f"\n{len(alerts)} alerts, {sessions} sessions, {dict(killed)} killed, {len(FLUSHES)} x"
            f" Redis emptied: {rang_live} rang among the ruins, {sum(rang.values())} in all;"
            f" lost {lost}, doubled {doubled}, wrong {wrong}"
        )
    assert must_all > ALERTS / 4, "much happened"
    assert rang_live > must_all / 2, "the checks went on between the kills"
    assert (lost, doubled, wrong) == (0, 0, 0)


def _triggers(services: Services, uid: str) -> Counter[str]:
    """How often each alert has rung."""
    return Counter(trigger.alert_id for trigger in services.triggers.page(uid, limit=2_000)[0])


def _come_to_rest(services: Services, provider: Provider, frozen: datetime) -> None:
    """Checks at one moment, and a sweep of what the dead left."""
    parts = Parts(services, provider)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.alerts.recorder.LEFT_BEHIND", timedelta(0))
        for _ in range(3):
            assert parts.checker.run(frozen).unchecked == {}
            parts.recorder.sweep()
