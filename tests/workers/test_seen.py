"""What jobs, checks and messages leave for those who watch."""

import json
import logging
from datetime import timedelta
from io import StringIO

import pytest
from redis import ConnectionError as RedisAway
from redis import Redis
from rq import Queue

from config import Settings
from services.alerts.checker import Report
from services.container import Services
from services.logs import formatter
from services.metrics import DELIVERIES, JOBS, REGISTRY
from services.notify.channel import Letter
from services.notify.ledger import SharedLedger
from services.pulse import Pulse
from services.store.contract import Store
from services.store.system import Shard
from services.store.users import User
from tests.support.market import MONDAY, RecordingJobs
from workers.seen import note_check
from workers.worker import SeenWorker

SECOND = timedelta(seconds=1)


def speak() -> None:
    logging.getLogger("tests.job").warning("at work")


def fail() -> None:
    raise ValueError("It cannot be done")


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def test_what_a_job_logs_says_which_job_it_was(redis: Redis) -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(Settings(_env_file=None, secret_key="k", log_format="json")))
    logging.getLogger("tests.job").addHandler(handler)
    queue = Queue("fast", connection=redis)
    queue.enqueue("tests.workers.test_seen.speak", job_id="named-so")
    SeenWorker([queue], connection=redis).work(burst=True, logging_level=None)
    logging.getLogger("tests.job").removeHandler(handler)
    assert json.loads(stream.getvalue())["job"] == "named-so"


@pytest.mark.parametrize(("job", "outcome"), [("speak", "done"), ("fail", "failed")])
def test_jobs_are_counted_by_name_and_outcome(redis: Redis, job: str, outcome: str) -> None:
    name = f"{JOBS._name}_count"
    before = count(name, job=job, outcome=outcome)
    queue = Queue("fast", connection=redis)
    queue.enqueue(f"tests.workers.test_seen.{job}")
    SeenWorker([queue], connection=redis).work(burst=True, logging_level=None)
    assert count(name, job=job, outcome=outcome) == before + 1


@pytest.fixture
def services(sqlite_store: Store, redis: Redis) -> Services:
    return Services(Settings(_env_file=None), sqlite_store, redis, RecordingJobs())


def test_a_completed_check_is_noted_with_what_it_saw(services: Services) -> None:
    report = Report(symbols=5, asleep=2, unchecked={"AAPL": "no price"}, completed=True)
    note_check(services, Shard(), report, MONDAY, MONDAY + SECOND)
    last = Pulse(services.redis).last_check()
    assert last
    assert (last.completed_at, last.took, last.symbols, last.unseen, last.asleep, last.armed) == (
        *(MONDAY, SECOND, 5, 1, 2, 0),
    )


def test_a_check_that_saw_nothing_is_not_completed(services: Services) -> None:
    before = count("bellwether_check_seconds_count", outcome="blind")
    note_check(services, Shard(), Report(symbols=5), MONDAY, MONDAY + SECOND)
    assert Pulse(services.redis).last_check() is None
    assert count("bellwether_check_seconds_count", outcome="blind") == before + 1


def letter(name: str) -> Letter:
    return Letter(user=User.model_construct(uid="u", destinations=()), name=name, triggers=())


def test_messages_are_counted_by_kind_and_outcome(redis: Redis) -> None:
    ledger = SharedLedger(redis)
    ledger.note(letter("email"), "sent", SECOND, MONDAY)
    ledger.note(letter("a-destination-that-is-gone"), "failed", SECOND, MONDAY)
    assert Pulse(redis).deliveries(MONDAY) == {("email", "sent"): 1, ("gone", "failed"): 1}


def test_a_message_is_a_message_without_redis_too(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise RedisAway("gone")

    monkeypatch.setattr("redis.client.Pipeline.execute", away)
    before = count(f"{DELIVERIES._name}_total", channel="push", outcome="sent")
    SharedLedger(redis).note(letter("push"), "sent", SECOND, MONDAY)
    assert count(f"{DELIVERIES._name}_total", channel="push", outcome="sent") == before + 1
