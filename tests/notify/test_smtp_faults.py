"""A mail server on its worst day: no mail is lost, and none is sent twice after a clear 250."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from itertools import count
from typing import Literal, TypeAlias

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.alerts.conditions import PriceCondition
from services.ids import new_id
from services.notify.channel import Channels
from services.notify.channels.email.channel import EmailChannel
from services.notify.channels.email.transport import SmtpTransport
from services.notify.compose import Composer
from services.notify.outbox import Outbox
from services.store.contract import Create, Store, Write
from services.store.triggers import Trigger, trigger_path
from services.store.users import User
from tests.notify.conftest import LINKS, SENDER
from tests.support.market import MONDAY, RecordingJobs
from tests.support.redis_server import free_port
from tests.support.thorough import times

MESSAGES = times(1_000, 150)
AT_ONCE = 4
REFUSED, HANGS, CUT = times(600, 90), times(8, 4), times(600, 90)
TIMEOUT = 3.0
DOMAIN = "bellwether.example"
Fault: TypeAlias = Literal[
    "refuses", "hangs", "hangs at the end", "cuts", "cuts at the end", "none"
]


def fault(number: int) -> Fault:
    """What becomes of the mail that is the `number`th to come: refused for now, then nothing is
    answered, then the connection ends in the middle of DATA, then all is well."""
    if number < REFUSED:
        return "refuses"
    if number < REFUSED + HANGS:
        return "hangs at the end" if number % 2 else "hangs"
    if number < REFUSED + HANGS + CUT:
        return "cuts at the end" if number % 2 else "cuts"
    return "none"


@dataclass
class BadDay:
    """`acknowledged` are the Message-IDs that got a clear 250, `kept` those that came whole but
    whose sender was never told."""

    numbers: Iterator[int] = field(default_factory=count)
    acknowledged: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    met: Counter[Fault] = field(default_factory=Counter)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        name = message_from_bytes(content, policy=policy.default)["Message-ID"]
        assert isinstance(server, BadServer)
        match server.fault:
            case "refuses":
                return "451 4.3.2 try later"
            case "hangs at the end":
                self.kept[name] += 1
                await server.hang()
            case "cuts at the end":
                self.kept[name] += 1
                await server.cut()
            case _:
                self.acknowledged[name] += 1
        return "250 OK"


class BadServer(SMTP):
    """Draws its fault with each DATA, and has some of them before the mail has come whole."""

    fault: Fault = "none"

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        day = self.event_handler
        assert isinstance(day, BadDay)
        self.fault = fault(next(day.numbers))
        day.met[self.fault] += 1
        if self.fault == "hangs":
            await self.hang()
        elif self.fault == "cuts":
            await self.push("354 go on")
            await self._reader.readline()
            await self.cut()
        else:
            await super().smtp_DATA(arg)

    async def hang(self) -> None:
        """Until the other side leaves."""
        await self._reader.read()

    async def cut(self) -> None:
        assert self.transport is not None
        self.transport.abort()
        await self._reader.read()


class BadController(Controller):
    def factory(self) -> SMTP:
        return BadServer(self.handler, **self.SMTP_kwargs)


@pytest.fixture
def day() -> Iterator[tuple[BadDay, str]]:
    """The server's day, and its address."""
    day, port = BadDay(), free_port()
    controller = BadController(day, hostname="127.0.0.1", port=port)
    controller.start()
    yield day, f"smtp://127.0.0.1:{port}"
    controller.stop()


def people_whose_alert_rang(store: Store, many: int) -> list[str]:
    """Their triggers' ids."""
    writes: list[Write] = []
    ids = []
    for number in range(many):
        uid, alert_id = new_id(MONDAY), new_id(MONDAY)
        user = User(
            uid=uid,
            email=f"person{number}@example.com",
            password_hash="-",
            created_at=MONDAY,
            confirmed_at=MONDAY,
        )
        trigger = Trigger(
            uid=uid,
            id=f"{alert_id}-1",
            alert_id=alert_id,
            epoch=1,
            symbol="AAPL",
            condition=PriceCondition(kind="price_rises_to", level=110.0),
            note="",
            value=111.0,
            price=111.0,
            low=109.0,
            high=111.0,
            currency="USD",
            occurred_at=MONDAY,
            noticed_at=MONDAY,
            source="fixed",
            open=True,
            due_at=MONDAY,
        )
        writes.append(Create(f"users/{uid}", user.fields()))
        writes.append(Create(trigger_path(uid, trigger.id), trigger.fields()))
        ids.append(trigger.id)
    for start in range(0, len(writes), 200):
        store.write(*writes[start : start + 200])
    return ids


def deliver_all_due(outbox: Outbox, jobs: RecordingJobs, now: datetime) -> int:
    """One sweep, and several workers; returns how many triggers were due."""
    jobs.dispatched.clear()
    due = outbox.sweep(now)

    def work(uid: str) -> None:
        while outbox.deliver(uid, "email", now):
            pass

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(work, list(jobs.dispatched)))
    return due


@pytest.mark.slow
def test_a_server_that_refuses_hangs_and_cuts_loses_no_mail_and_gets_none_twice(
    chosen_store: Store, day: tuple[BadDay, str]
) -> None:
    server, url = day
    ids = people_whose_alert_rang(chosen_store, MESSAGES)
    transport = SmtpTransport(url, SENDER, timeout=TIMEOUT)
    email = EmailChannel(Composer("https://bell.example", SENDER, LINKS), transport)
    jobs = RecordingJobs()
    outbox = Outbox(chosen_store, Channels(email), jobs, luck=lambda: 0.5)
    now, sweeps = MONDAY, 0
    while deliver_all_due(outbox, jobs, now):
        now, sweeps = now + timedelta(hours=8), sweeps + 1
    names = {f"<{trigger_id}.email@{DOMAIN}>" for trigger_id in ids}
    assert sweeps >= 2
    assert server.acknowledged == Counter(names), "each once"
    assert set(server.kept) <= names
    assert len(server.kept) > CUT / 3, "the same message came again after an unknown outcome"
    assert min(server.met[one] for one in ("refuses", "hangs", "cuts", "none")) >= HANGS // 2
    assert outbox.sweep(now + timedelta(days=400)) == 0
