from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job

from config import Settings
from tests.support.market import MONDAY
from workers.clock import Clock
from workers.queues import CHECKS
from workers.schedule import entries, register

SETTINGS = Settings(_env_file=None, check_interval_seconds=300)
CHECK = "schedule-check_alerts"


@pytest.fixture
def clock(redis: Redis) -> Clock:
    clock = Clock(connection=redis, interval=1)
    clock.settings = SETTINGS
    return clock


def scheduled(redis: Redis) -> dict[str, int]:
    """The seconds between the runs of each scheduled job."""
    ids = [name.decode() for name in redis.zrange("rq:scheduler:scheduled_jobs", 0, -1)]
    return {name: Job.fetch(name, connection=redis).meta["interval"] for name in ids}


def test_the_check_runs_every_five_minutes_and_the_sweep_every_minute(
    clock: Clock, redis: Redis
) -> None:
    register(clock, SETTINGS, MONDAY)
    assert scheduled(redis) == {
        CHECK: 300,
        "schedule-sweep": 60,
        "schedule-expire_alerts": 900,
        "schedule-send_digests": 60,
        "schedule-reconcile_index": 86_400,
    }


def test_the_index_is_reconciled_a_day_after_it_was_built(clock: Clock, redis: Redis) -> None:
    register(clock, SETTINGS, MONDAY)
    first = redis.zscore("rq:scheduler:scheduled_jobs", "schedule-reconcile_index")
    assert first == (MONDAY + timedelta(days=1)).timestamp()


def test_registering_again_changes_nothing(clock: Clock, redis: Redis) -> None:
    register(clock, SETTINGS, MONDAY)
    register(clock, SETTINGS, MONDAY + timedelta(hours=1))
    assert redis.zscore("rq:scheduler:scheduled_jobs", CHECK) == MONDAY.timestamp()


def test_a_changed_interval_takes_effect(clock: Clock, redis: Redis) -> None:
    register(clock, SETTINGS, MONDAY)
    register(clock, Settings(_env_file=None, check_interval_seconds=10), MONDAY)
    assert scheduled(redis)[CHECK] == 10


def test_a_tick_enqueues_each_job_once_however_many_clocks_run(clock: Clock, redis: Redis) -> None:
    second = Clock(connection=redis, interval=1)
    second.settings = SETTINGS
    clock.enqueue_jobs()
    second.enqueue_jobs()
    clock.enqueue_jobs()
    assert sorted(Queue(CHECKS, connection=redis).job_ids) == [
        CHECK,
        "schedule-expire_alerts",
        "schedule-send_digests",
        "schedule-sweep",
    ]


def test_the_schedule_is_put_back_after_redis_was_emptied(clock: Clock, redis: Redis) -> None:
    clock.enqueue_jobs()
    redis.flushall()
    clock.enqueue_jobs()
    assert set(scheduled(redis)) == {entry.id for entry in entries(SETTINGS)}


def test_a_job_that_still_waits_is_not_piled_up(clock: Clock, redis: Redis) -> None:
    clock.enqueue_jobs()
    for _ in range(5):
        for entry in entries(SETTINGS):
            redis.zadd("rq:scheduler:scheduled_jobs", {entry.id: 1})
        clock.enqueue_jobs()
    assert len(Queue(CHECKS, connection=redis)) == len(entries(SETTINGS))


def test_a_job_whose_worker_died_runs_again(clock: Clock, redis: Redis) -> None:
    """The queue handed it out, nobody finished it: the next tick enqueues it all the same."""
    clock.enqueue_jobs()
    redis.delete(f"rq:queue:{CHECKS}")
    redis.zadd("rq:scheduler:scheduled_jobs", {CHECK: 1})
    clock.enqueue_jobs()
    assert Queue(CHECKS, connection=redis).job_ids == [CHECK]


def test_a_clock_outlives_a_redis_that_does_not_answer(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis import ConnectionError as Gone

    def gone(*_: object) -> None:
        raise Gone("refused")

    monkeypatch.setattr("workers.clock.register", gone)
    assert clock.enqueue_jobs() == []


def test_scheduled_jobs_run_on_a_worker(
    clock: Clock, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    monkeypatch.setattr("workers.jobs.check_alerts", lambda: ran.append("check"))
    monkeypatch.setattr("workers.jobs.sweep", lambda: ran.append("sweep"))
    monkeypatch.setattr("workers.jobs.expire_alerts", lambda: ran.append("expire"))
    monkeypatch.setattr("workers.jobs.send_digests", lambda: ran.append("digests"))
    clock.enqueue_jobs()
    SimpleWorker([CHECKS], connection=redis).work(burst=True, logging_level="ERROR")
    assert sorted(ran) == ["check", "digests", "expire", "sweep"]
