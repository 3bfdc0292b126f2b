from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import sleep

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import JobStatus

from services.errors import BadDocument
from services.jobs import Jobs
from services.market.cache import QuoteCache
from services.notify.channels.email.transport import SmtpTransport
from services.notify.digest import set_digest
from services.notify.quiet import QuietHours
from tests.support.bell import Bell
from tests.support.market import MONDAY
from tests.support.smtp import SmtpPeer
from workers import jobs
from workers.parts import Parts
from workers.queues import CHECKS, DIGESTS, FAST, HOOKS, MAIL, PUSH, QUEUES, UPKEEP, RqJobs


@pytest.fixture
def parts(bell: Bell, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """The jobs' parts are those of the test's bell."""
    parts = bell.parts
    monkeypatch.setattr(jobs, "parts", lambda: parts)
    monkeypatch.setattr(jobs, "_now", lambda: bell.at)
    return parts


def work(redis: Redis) -> None:
    SimpleWorker(QUEUES, connection=redis).work(burst=True, logging_level="ERROR")


def test_a_page_s_symbols_are_fetched_first_and_digests_sent_last() -> None:
    assert QUEUES == (FAST, PUSH, CHECKS, HOOKS, MAIL, DIGESTS, UPKEEP)


def test_a_job_by_name_is_a_function_of_the_jobs_module(redis: Redis) -> None:
    asked: Jobs = RqJobs(redis)
    asked.fetch_quotes(["AAPL"])
    asked.search_symbols("apple")
    asked.fetch_bars("AAPL", "1d")
    asked.fetch_earnings("AAPL")
    asked.dispatch(["U"])
    asked.deliver("U", "email")
    asked.send_account_mail("confirm", "U")
    asked.send_notice("paused", "U", ["A"])
    asked.send_channel_notice("U", "email", "no such mailbox")
    asked.send_digests(["U"])
    asked.release_held("U")
    for queue in QUEUES:
        for job in Queue(queue, connection=redis).jobs:
            assert callable(job.func), job.func_name


def test_quotes_asked_for_by_a_page_come_into_the_cache(
    bell: Bell, parts: Parts, redis: Redis
) -> None:
    RqJobs(redis).fetch_quotes(["AAPL", "ZZZZ"])
    work(redis)
    found = QuoteCache(redis).read(["AAPL", "ZZZZ"], bell.at)
    assert found["AAPL"].cached is not None
    assert found["ZZZZ"].missing


def test_a_second_check_at_the_same_time_does_nothing(bell: Bell, parts: Parts) -> None:
    bell.alert("price_rises_to", 110)
    bell.later()
    bell.price(111)
    with jobs._only_one(jobs.CHECK_LOCK, jobs.LOCK_HOLDS) as mine:
        assert mine
        jobs.check_alerts()
        assert bell.triggers() == []
    jobs.check_alerts()
    assert len(bell.triggers()) == 1


def test_a_dead_worker_s_lock_is_soon_out_of_the_way_and_a_live_one_s_is_kept(
    parts: Parts, redis: Redis
) -> None:
    brief = timedelta(seconds=0.3)
    with jobs._only_one("lock:live", brief) as mine:
        assert mine
        renewed = [redis.pttl("lock:live") for _ in range(40) if not sleep(0.02)]
    assert 0 < max(renewed) <= 300
    assert min(renewed) > 0, "it never ran out"
    assert not redis.exists("lock:live")
    assert timedelta(minutes=1) > jobs.LOCK_HOLDS


def test_a_lock_lost_with_redis_does_not_end_the_work(parts: Parts, redis: Redis) -> None:
    with jobs._only_one("lock:lost", jobs.LOCK_HOLDS) as mine:
        assert mine
        redis.flushall()
    with jobs._only_one("lock:lost", jobs.LOCK_HOLDS) as mine:
        assert mine


def test_a_check_in_shards_is_one_job_for_each_and_piles_up_nothing(
    bell: Bell, parts: Parts, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three checks are due before a worker takes the first shard."""
    symbols = [f"S{number}" for number in range(12)]
    for symbol in symbols:
        bell.price(100, symbol)
        bell.alert("price_rises_to", 110, symbol)
    bell.later()
    for symbol in symbols:
        bell.price(111, symbol)
    services = replace(
        parts.services,
        settings=parts.services.settings.model_copy(update={"check_shards": 3}),
        jobs=RqJobs(redis),
    )
    sharded = Parts(services, bell.provider)
    monkeypatch.setattr(jobs, "parts", lambda: sharded)
    for _ in range(3):
        jobs.check_alerts()
    queue = Queue(CHECKS, connection=redis)
    assert sorted(job.args for job in queue.jobs) == [(number, 3) for number in range(3)]
    SimpleWorker([CHECKS], connection=redis).work(burst=True, logging_level="ERROR")
    assert {trigger.symbol for trigger in bell.triggers()} == set(symbols)


def test_a_delivery_that_still_waits_in_its_queue_is_not_piled_up(redis: Redis) -> None:
    for _ in range(3):
        RqJobs(redis).deliver("U", "email")
    RqJobs(redis).deliver("V", "email")
    assert len(Queue(MAIL, connection=redis)) == 2


def test_people_asked_for_together_share_jobs_which_wait_once(redis: Redis) -> None:
    asked = RqJobs(redis)
    people = [f"U-{number}" for number in range(1_210)]
    asked.dispatch(people)
    asked.dispatch(people)
    asked.dispatch([])
    queue = Queue(PUSH, connection=redis)
    assert {job.func_name for job in queue.jobs} == {"workers.jobs.dispatch"}
    assert [uid for job in queue.jobs for uid in job.args[0]] == people
    assert len(queue) == 49


def test_a_person_who_cannot_be_read_is_in_nobody_s_way(
    bell: Bell, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def dispatch(uid: str, now: datetime) -> None:
        if uid == "U-1":
            raise BadDocument("users/U-1 cannot be read")
        seen.append(uid)

    monkeypatch.setattr(parts.outbox, "dispatch", dispatch)
    with pytest.raises(BadDocument):
        jobs.dispatch(["U-1", "U-2", "U-3"])
    assert seen == ["U-2", "U-3"]


def test_one_person_s_job_ends_after_a_while_and_the_rest_waits_behind_others(
    bell: Bell, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[datetime] = []

    def deliver(uid: str, channel: str, now: datetime) -> bool:
        sent.append(now)
        bell.at += timedelta(seconds=9)
        return True

    monkeypatch.setattr(parts.outbox, "deliver", deliver)
    jobs.deliver(bell.uid, "email")
    assert len(sent) == 3
    assert bell.jobs.delivered == [(bell.uid, "email")]


def test_each_channel_has_its_queue(redis: Redis) -> None:
    for channel in ("email", "push", "d0123"):
        RqJobs(redis).deliver("U", channel)
    assert [len(Queue(queue, connection=redis)) for queue in (MAIL, PUSH, HOOKS)] == [1, 1, 1]


def test_a_delivery_that_is_being_made_is_enqueued_once_more(redis: Redis) -> None:
    """What became due meanwhile may not be seen by the job that runs, which ends first."""
    RqJobs(redis).deliver("U", "email")
    queue = Queue(MAIL, connection=redis)
    (running,) = queue.jobs
    redis.delete(queue.key)
    running.set_status(JobStatus.STARTED)
    RqJobs(redis).deliver("U", "email")
    running.delete()
    (job,) = queue.jobs
    assert job.args == ("U", "email")


def test_a_delivery_that_a_worker_took_and_died_with_can_be_asked_for_after_a_while(
    redis: Redis,
) -> None:
    """Its job says that it waits, but is in no queue."""
    RqJobs(redis).deliver("U", "email")
    redis.delete(f"rq:queue:{MAIL}")
    soon, later = (datetime.now(UTC) + timedelta(minutes=m) for m in (1, 3))
    RqJobs(redis, lambda: soon).deliver("U", "email")
    assert len(Queue(MAIL, connection=redis)) == 0
    RqJobs(redis, lambda: later).deliver("U", "email")
    assert len(Queue(MAIL, connection=redis)) == 1


def test_a_delivery_that_is_queued_twice_is_done_once(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(jobs, "deliver", lambda _, channel: sent.append(channel))
    later = datetime.now(UTC) + timedelta(hours=1)
    RqJobs(redis).deliver("U", "email")
    RqJobs(redis, lambda: later).deliver("U", "email")
    assert len(Queue(MAIL, connection=redis)) == 2
    work(redis)
    assert sent == ["email"]


def test_a_delivery_whose_job_failed_can_be_asked_for_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def deliver(uid: str, channel: str) -> None:
        sent.append(channel)
        raise ConnectionError("the store is away")

    monkeypatch.setattr(jobs, "deliver", deliver)
    for _ in range(2):
        RqJobs(redis).deliver("U", "email")
        work(redis)
    assert sent == ["email", "email"]


def test_two_checks_without_the_lock_still_ring_once(bell: Bell) -> None:
    """Both workers read the same state; the claim decides."""
    bell.alert("price_rises_to", 110)
    bell.later()
    bell.price(111)
    one, two = bell.parts.checker, bell.parts.checker
    assert one.run(bell.at).recorded + two.run(bell.at).recorded == 1


def test_a_check_that_fails_gives_its_lock_back(
    bell: Bell, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("services.alerts.checker.Checker.run_shard", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            jobs.check_alerts()
    bell.alert("price_rises_to", 110)
    bell.later()
    bell.price(111)
    jobs.check_alerts()
    assert len(bell.triggers()) == 1


def test_a_replay_that_begins_anew_forgets_what_was_read_on_later_days(
    bell: Bell, redis: Redis
) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    readings = bell.services.readings
    readings.begin_run("2000-05-01")
    assert "AAPL" in readings.get(["AAPL"]), "Redis was emptied, and a worker starts"
    readings.begin_run("2000-06-01")
    assert readings.get(["AAPL"]) == {}
    bell.check_at(101)
    readings.begin_run("2000-06-01")
    assert "AAPL" in readings.get(["AAPL"])


def test_what_quiet_hours_hold_is_due_when_they_are_turned_off(bell: Bell, parts: Parts) -> None:
    quiet = QuietHours(start="14:00", end="16:00")
    bell.services.users.update(bell.uid, quiet_hours=quiet)
    bell.alert("price_rises_to", 90, if_true="fire_now")
    jobs.deliver(bell.uid, "email")
    jobs.sweep()
    assert [held.due_at for held in bell.triggers()] == [MONDAY + timedelta(hours=1)]
    bell.services.users.update(bell.uid, quiet_hours=None)
    bell.jobs.dispatched.clear()
    jobs.release_held(bell.uid)
    assert bell.jobs.dispatched == [bell.uid]
    assert [due.due_at for due in bell.triggers()] == [bell.at]


def test_a_digest_that_is_due_is_sent_by_the_jobs_of_the_schedule(
    bell: Bell, parts: Parts, smtp: SmtpPeer, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.transport = SmtpTransport(smtp.url, "bell@bellwether.example")
    set_digest(bell.services.users, bell.uid, "day", bell.at)
    bell.alert("price_rises_to", 90, if_true="fire_now")
    bell.later(16 * 60)
    parts.digests._jobs = RqJobs(redis)
    for _ in range(2):
        jobs.send_digests()
    work(redis)
    (mail,) = smtp.accepted
    assert mail["Subject"] == "Digest: 1 alert rang · Bellwether"
    jobs.send_digests()
    assert len(Queue(DIGESTS, connection=redis)) == 0


def test_a_channel_that_ended_is_told_by_a_job(
    bell: Bell, parts: Parts, smtp: SmtpPeer, redis: Redis
) -> None:
    parts.transport = SmtpTransport(smtp.url, "bell@bellwether.example")
    RqJobs(redis).send_channel_notice(bell.uid, "Ada's phone", "410 Gone")
    work(redis)
    (mail,) = smtp.accepted
    assert "Ada's phone" in str(mail["Subject"])


def test_the_next_digest_follows_a_change_of_time_zone(bell: Bell, parts: Parts) -> None:
    set_digest(bell.services.users, bell.uid, "day", bell.at)
    bell.services.users.update(bell.uid, time_zone="Asia/Tokyo")
    jobs.release_held(bell.uid)
    user = bell.services.users.get(bell.uid)
    assert user is not None
    assert user.digest_due_at == MONDAY + timedelta(hours=7)
