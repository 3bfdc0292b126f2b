"""Workers that are killed with -9 between the mail server's acceptance and their own record."""

import asyncio
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis import Redis

from services.container import Services
from services.store.contract import Update
from services.store.triggers import trigger_path
from tests.e2e.deliveries import environment_of, open_with, people, ring
from tests.e2e.mailers import begin_worker
from tests.support.redis_server import free_port
from tests.support.smtp import SmtpPeer
from tests.support.thorough import times
from workers.queues import MAIL, PUSH

MAILS, TOGETHER = times(100, 30), 6


@dataclass
class Deadly(SmtpPeer):
    """Kills the worker that hands over a mail which did not come before: every other time before
    it answers, else with its answer."""

    worker: int = 0
    killed: int = 0
    ids: Counter[str] = field(default_factory=Counter)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        while not self.worker:  # it is faster than the test that notes its pid
            await asyncio.sleep(0.001)
        answer = await super().handle_DATA(server, session, envelope)
        name = str(self.accepted[-1]["Message-ID"])
        self.ids[name] += 1
        if self.ids[name] == 1:
            self.killed += 1
            if self.killed % 2:
                os.kill(self.worker, signal.SIGKILL)
            else:
                asyncio.get_running_loop().call_soon(os.kill, self.worker, signal.SIGKILL)
        return answer


@pytest.mark.slow
def test_workers_that_die_after_the_server_accepts_lose_no_mail(
    tmp_path: Path, redis: Redis, redis_url: str
) -> None:
    peer = Deadly(port=free_port())
    controller = Controller(peer, hostname="127.0.0.1", port=peer.port)
    controller.start()
    try:
        with open_with(tmp_path, redis_url, peer.url) as services:
            now = datetime.now(UTC)
            uids = people(services, MAILS, now)
            ring(services, uids, TOGETHER, now)
            services.jobs.dispatch(uids)
            while work_until_death(services, peer):
                end_lease(services, redis, str(peer.accepted[-1]["To"]))
            open_now = [t for uid in uids for t in services.triggers.open_of(uid)]
            states = Counter(
                one.state
                for uid in uids
                for trigger in services.triggers.page(uid)[0]
                for one in trigger.deliveries.values()
            )
    finally:
        controller.stop()
    assert peer.killed == MAILS
    assert open_now == []
    assert states == {"sent": MAILS * TOGETHER}
    assert len(peer.ids) == MAILS, "one mail a person, whatever came twice"
    assert set(peer.ids.values()) <= {1, 2}
    told = {(mail["Message-ID"], mail["To"], mail["Subject"]) for mail in peer.accepted}
    assert len(told) == MAILS
    assert {mail["Subject"].split()[0] for mail in peer.accepted} == {str(TOGETHER)}


def work_until_death(services: Services, peer: Deadly) -> bool:
    """Whether the worker was killed; else nothing was left to do."""
    peer.worker = 0
    worker = begin_worker(environment_of(services), [PUSH, MAIL], burst=True)
    assert worker.pid is not None
    peer.worker = worker.pid
    worker.join(60)
    assert worker.exitcode in (0, -signal.SIGKILL), worker.exitcode
    return worker.exitcode != 0


def end_lease(services: Services, redis: Redis, address: str) -> None:
    """What two minutes do to the mail that was under way: its lease ends, the dead connection is
    forgotten, and the sweep looks again."""
    for key in redis.scan_iter("pace:email:connection:*"):
        redis.delete(key)
    user = services.users.by_email(address)
    assert user is not None
    over = datetime.now(UTC) - timedelta(seconds=1)
    for trigger in services.triggers.open_of(user.uid):
        delivery = trigger.deliveries["email"]
        ended = trigger.with_delivery("email", delivery.model_copy(update={"due_at": over}))
        services.store.write(Update(trigger_path(user.uid, trigger.id), ended.fields()))
    services.jobs.deliver(user.uid, "email")
