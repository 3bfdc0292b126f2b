from datetime import UTC, datetime, time, timedelta

import pytest
from redis import Redis
from redis import TimeoutError as Stalled
from rq import Queue, SimpleWorker
from rq.job import Job

from config import Settings
from tests.support.market import MONDAY
from workers import jobs
from workers.clock import Clock
from workers.listing import listed
from workers.queues import CHECKS, MAIL, UPKEEP
from workers.schedule import entries, next_at, register

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
        "schedule-erase_accounts": 900,
        "schedule-refresh_watchlists": 600,
        "schedule-reconcile_index": 86_400,
        "schedule-back_up": 86_400,
        "schedule-clean_up": 86_400,
    }


def test_the_index_is_reconciled_a_day_after_it_was_built(clock: Clock, redis: Redis) -> None:
    register(clock, SETTINGS, MONDAY)
    first = redis.zscore("rq:scheduler:scheduled_jobs", "schedule-reconcile_index")
    assert first == (MONDAY + timedelta(days=1)).timestamp()


def run_times(redis: Redis) -> dict[str, datetime]:
    pairs = redis.zrange("rq:scheduler:scheduled_jobs", 0, -1, withscores=True)
    return {name.decode(): datetime.fromtimestamp(at, UTC) for name, at in pairs}


def test_a_backup_is_made_every_night_at_two_in_utc(clock: Clock, redis: Redis) -> None:
    register(clock, SETTINGS, MONDAY)
    tomorrow = (MONDAY + timedelta(days=1)).replace(hour=2, minute=0, second=0, microsecond=0)
    assert run_times(redis)["schedule-back_up"] == tomorrow
    assert Job.fetch("schedule-back_up", connection=redis).origin == UPKEEP


def test_backups_are_taken_off_the_schedule_where_others_make_them(
    clock: Clock, redis: Redis
) -> None:
    register(clock, SETTINGS, MONDAY)
    before = scheduled(redis)
    register(clock, SETTINGS.model_copy(update={"backup_nightly": False}), MONDAY)
    assert set(before) - set(scheduled(redis)) == {"schedule-back_up"}


def test_a_night_that_came_late_moves_no_other(clock: Clock, redis: Redis) -> None:
    register(clock, SETTINGS, MONDAY)
    redis.zadd("rq:scheduler:scheduled_jobs", {"schedule-back_up": 1})
    clock.enqueue_jobs()
    assert "schedule-back_up" in Queue(UPKEEP, connection=redis).job_ids
    following = run_times(redis)["schedule-back_up"]
    assert (following.hour, following.minute, following.second) == (2, 0, 0)


@pytest.mark.parametrize(("hour", "days"), [(1, 0), (2, 1), (3, 1)])
def test_a_time_of_day_is_the_next_one(hour: int, days: int) -> None:
    now = datetime(2026, 3, 2, hour, tzinfo=UTC)
    assert next_at(time(2), now) == datetime(2026, 3, 2 + days, 2, tzinfo=UTC)


def test_the_listing_tells_when_each_job_runs_and_how_it_went(
    clock: Clock, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError("no disk")

    for name in ("sweep", "expire_alerts", "erase_accounts", "send_digests", "refresh_watchlists"):
        monkeypatch.setattr(f"workers.jobs.{name}", lambda: None)
    monkeypatch.setattr("workers.jobs.check_alerts", fail)
    clock.enqueue_jobs()
    SimpleWorker([CHECKS], connection=redis).work(burst=True, logging_level="CRITICAL")
    told = {one.job: one for one in listed(redis, SETTINGS)}
    assert list(told) == [entry.job for entry in entries(SETTINGS)]
    assert told["check_alerts"].error == "ValueError: no disk"
    assert (told["sweep"].error, told["sweep"].rhythm) == ("", "every 1 min")
    assert told["sweep"].ended_at is not None
    assert (told["back_up"].ended_at, told["back_up"].rhythm) == (None, "daily at 02:00 UTC")
    assert all(one.next_run for one in told.values())


def test_without_a_clock_nothing_is_due(redis: Redis) -> None:
    assert {one.next_run for one in listed(redis, SETTINGS)} == {None}


def test_every_entry_names_a_job() -> None:
    assert all(callable(getattr(jobs, entry.job)) for entry in entries(SETTINGS))


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
        "schedule-erase_accounts",
        "schedule-expire_alerts",
        "schedule-refresh_watchlists",
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
    waiting = [len(Queue(name, connection=redis)) for name in (CHECKS, UPKEEP)]
    assert sum(waiting) == len(entries(SETTINGS))


def test_a_job_whose_worker_died_runs_again(clock: Clock, redis: Redis) -> None:
    """The queue handed it out, nobody finished it: the next tick enqueues it all the same."""
    clock.enqueue_jobs()
    redis.delete(f"rq:queue:{CHECKS}")
    redis.zadd("rq:scheduler:scheduled_jobs", {CHECK: 1})
    clock.enqueue_jobs()
    assert Queue(CHECKS, connection=redis).job_ids == [CHECK]


def test_a_job_that_is_to_be_tried_again_is_enqueued_when_its_time_has_come(
    clock: Clock, redis: Redis
) -> None:
    mail = Queue(MAIL, connection=redis)
    due = mail.enqueue_at(datetime.now(UTC) - timedelta(seconds=1), "time.time", job_id="due")
    mail.enqueue_in(timedelta(hours=1), "time.time", job_id="later")
    clock.enqueue_jobs()
    clock.enqueue_jobs()
    assert mail.job_ids == ["due"]
    assert due.get_status() == "queued"
    assert mail.scheduled_job_registry.get_job_ids() == ["later"]


def test_a_job_that_cannot_be_read_stops_no_check(
    clock: Clock, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    mail = Queue(MAIL, connection=redis)
    past = datetime.now(UTC) - timedelta(seconds=1)
    mail.enqueue_at(past, "time.time", job_id="odd")
    redis.hset(Job.key_for("odd"), "created_at", "yesterday")
    clock.enqueue_jobs()
    assert CHECK in Queue(CHECKS, connection=redis).job_ids
    assert "cannot be enqueued" in caplog.text
    assert mail.scheduled_job_registry.get_job_ids() == ["odd"]


def test_a_clock_outlives_a_redis_that_does_not_answer(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis import ConnectionError as Gone

    def gone(*_: object) -> None:
        raise Gone("refused")

    monkeypatch.setattr("workers.clock.register", gone)
    assert clock.enqueue_jobs() == []


def test_a_clock_outlives_a_redis_that_stalls_at_any_step(
    clock: Clock, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clock.acquire_lock()

    def stall(*_: object, **__: object) -> None:
        raise Stalled("timed out")

    with monkeypatch.context() as stalled:
        stalled.setattr(redis, "execute_command", stall)
        clock.heartbeat()
        clock.remove_lock()
        assert not clock.acquire_lock()
    redis.delete(clock.scheduler_lock_key)  # it ends by itself after some seconds
    assert clock.acquire_lock()


def test_scheduled_jobs_run_on_a_worker(
    clock: Clock, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    monkeypatch.setattr("workers.jobs.check_alerts", lambda: ran.append("check"))
    monkeypatch.setattr("workers.jobs.sweep", lambda: ran.append("sweep"))
    monkeypatch.setattr("workers.jobs.expire_alerts", lambda: ran.append("expire"))
    monkeypatch.setattr("workers.jobs.erase_accounts", lambda: ran.append("erase"))
    monkeypatch.setattr("workers.jobs.refresh_watchlists", lambda: ran.append("refresh"))
    monkeypatch.setattr("workers.jobs.send_digests", lambda: ran.append("digests"))
    clock.enqueue_jobs()
    SimpleWorker([CHECKS], connection=redis).work(burst=True, logging_level="ERROR")
    assert sorted(ran) == ["check", "digests", "erase", "expire", "refresh", "sweep"]
