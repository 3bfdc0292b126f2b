"""A mail server that accepts connections and says nothing holds up mails, and nothing else."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rq import Worker

from services.container import Services
from services.notify.channels.email.transport import TIMEOUT_SECONDS
from services.store.triggers import Delivery
from tests.e2e.deliveries import environment_of, open_with, people, ring
from tests.e2e.mailers import begin_worker
from workers.queues import MAIL, PUSH, QUEUES


@pytest.fixture
def silent_server() -> Iterator[str]:
    """An address where nobody answers a connection."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def services(
    tmp_path: Path, redis: object, redis_url: str, silent_server: str
) -> Iterator[Services]:
    with open_with(tmp_path, redis_url, silent_server) as services:
        yield services


@contextmanager
def working(services: Services, *each: tuple[str, ...]) -> Iterator[None]:
    """A worker on each of these sets of queues."""
    workers = [begin_worker(environment_of(services), queues, burst=False) for queues in each]
    try:
        until(10, lambda: len(Worker.all(connection=services.redis)) == len(each))
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def until(seconds: float, is_so: object) -> float:
    """The seconds that it took."""
    begun = time.monotonic()
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() - begun < seconds
        time.sleep(0.02)
    return time.monotonic() - begun


def delivery(services: Services, uid: str, name: str) -> Delivery | None:
    (trigger,), _ = services.triggers.page(uid)
    return trigger.deliveries.get(name)


def begin_mails(services: Services, count: int) -> list[str]:
    """Let people's mails be under way, and one of them hang."""
    now = datetime.now(UTC)
    uids = people(services, count, now, fallback=())
    ring(services, uids, 1, now)
    services.jobs.dispatch(uids)
    until(10, lambda: any(_hangs(services, uid) for uid in uids))
    return uids


def ring_push(services: Services) -> str:
    """A person who has no device: the attempt ends at once, as that of a push would."""
    now = datetime.now(UTC)
    (uid,) = people(services, 1, now, channels=("push",), fallback=())
    ring(services, [uid], 1, now)
    services.jobs.dispatch([uid])
    return uid


def was_tried(services: Services, uid: str) -> bool:
    tried = delivery(services, uid, "push")
    return tried is not None and tried.state == "failed" and tried.attempts == 1


def _hangs(services: Services, uid: str) -> bool:
    mail = delivery(services, uid, "email")
    return mail is not None and mail.state == "sending"


@pytest.mark.slow
def test_a_silent_mail_server_does_not_hold_up_pushes_of_another_worker(services: Services) -> None:
    with working(services, (PUSH,), (MAIL,)):
        begin_mails(services, 5)
        uid = ring_push(services)
        assert until(10, lambda: was_tried(services, uid)) < 2


@pytest.mark.slow
def test_one_worker_for_all_is_held_up_for_one_silence_at_most(services: Services) -> None:
    """Later mails wait in the store for the server, not the worker for each of them."""
    with working(services, QUEUES):
        uids = begin_mails(services, 5)
        uid = ring_push(services)
        assert until(60, lambda: was_tried(services, uid)) < TIMEOUT_SECONDS + 2
        until(2 * TIMEOUT_SECONDS, lambda: all(_waits(services, uid) for uid in uids))
    attempts = sorted(mail.attempts for uid in uids if (mail := delivery(services, uid, "email")))
    assert attempts == [0, 0, 0, 0, 1]


def _waits(services: Services, uid: str) -> bool:
    mail = delivery(services, uid, "email")
    return mail is not None and mail.state == "retry"
