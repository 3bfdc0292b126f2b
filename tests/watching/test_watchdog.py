"""Alerts that nobody checks are told to the operator: once, and again when it is over."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from redis import ConnectionError as RedisAway
from redis import Redis

from services.errors import DeliveryError
from services.pulse import CheckDone, Pulse
from services.store.system import Shard
from services.watchdog import Watchdog, patience_of, unchecked_since
from tests.support.market import MONDAY

PATIENCE = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


@dataclass
class Heard:
    """An operator, who may be out of reach."""

    subjects: list[str] = field(default_factory=list)
    is_away: bool = False

    def tell(self, subject: str, text: str, now: datetime) -> None:
        if self.is_away:
            raise DeliveryError("nobody answers")
        self.subjects.append(subject)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def watchdog(redis: Redis, heard: Heard) -> Watchdog:
    return Watchdog(redis, heard, PATIENCE, MONDAY, speaks_alone=True)


def checked(redis: Redis, at: datetime, shard: Shard = Shard()) -> None:  # noqa: B008
    Pulse(redis).note_check(shard, CheckDone(completed_at=at))


def test_patience_is_three_intervals_and_a_minute_at_least() -> None:
    assert patience_of(300) == PATIENCE
    assert patience_of(5) == MINUTE


def test_while_checks_are_completed_nothing_is_told(
    redis: Redis, watchdog: Watchdog, heard: Heard
) -> None:
    for minute in range(0, 60, 5):
        checked(redis, MONDAY + minute * MINUTE)
        watchdog.look(MONDAY + minute * MINUTE + 4 * MINUTE)
    assert heard.subjects == []


def test_fifteen_minutes_without_a_check_are_told_once(
    redis: Redis, watchdog: Watchdog, heard: Heard
) -> None:
    checked(redis, MONDAY)
    watchdog.look(MONDAY + PATIENCE)
    assert heard.subjects == []
    for minute in range(16, 60):
        watchdog.look(MONDAY + minute * MINUTE)
    assert heard.subjects == [
        f"Bellwether: alerts are not checked since {MONDAY:%d %b %Y, %H:%M} UTC"
    ]


def test_the_end_is_told_once_and_the_next_outage_anew(
    redis: Redis, watchdog: Watchdog, heard: Heard
) -> None:
    checked(redis, MONDAY)
    watchdog.look(MONDAY + 20 * MINUTE)
    checked(redis, MONDAY + 30 * MINUTE)
    for minute in (31, 32):
        watchdog.look(MONDAY + minute * MINUTE)
    assert heard.subjects[1:] == ["Bellwether: alerts are checked again"]
    watchdog.look(MONDAY + 60 * MINUTE)
    assert len(heard.subjects) == 3


def test_of_several_that_watch_one_tells(redis: Redis, heard: Heard) -> None:
    checked(redis, MONDAY)
    pack = [Watchdog(redis, heard, PATIENCE, MONDAY) for _ in range(4)]
    for minute in (16, 17):
        for one in pack:
            one.look(MONDAY + minute * MINUTE)
    assert len(heard.subjects) == 1


def test_one_that_died_while_it_told_is_relieved(redis: Redis, heard: Heard) -> None:
    redis.set("watchdog:telling", 1, px=1)
    while redis.exists("watchdog:telling"):
        pass
    Watchdog(redis, heard, PATIENCE, MONDAY).look(MONDAY + 16 * MINUTE)
    assert len(heard.subjects) == 1


def test_an_operator_out_of_reach_is_told_later(
    redis: Redis, watchdog: Watchdog, heard: Heard
) -> None:
    heard.is_away = True
    watchdog.look(MONDAY + 16 * MINUTE)
    heard.is_away = False
    redis.delete("watchdog:telling")  # as two minutes do
    watchdog.look(MONDAY + 18 * MINUTE)
    assert len(heard.subjects) == 1


def test_a_site_that_was_off_is_given_time_for_its_first_check(redis: Redis, heard: Heard) -> None:
    checked(redis, MONDAY - timedelta(days=1))
    watchdog = Watchdog(redis, heard, PATIENCE, MONDAY)
    watchdog.look(MONDAY + MINUTE)
    assert heard.subjects == []
    watchdog.look(MONDAY + 16 * MINUTE)
    assert len(heard.subjects) == 1


def test_a_site_that_never_checks_is_told_too(watchdog: Watchdog, heard: Heard) -> None:
    watchdog.look(MONDAY + 16 * MINUTE)
    assert len(heard.subjects) == 1


def test_a_process_that_begins_in_an_outage_does_not_call_it_over(
    redis: Redis, watchdog: Watchdog, heard: Heard
) -> None:
    checked(redis, MONDAY)
    watchdog.look(MONDAY + 20 * MINUTE)
    later = Watchdog(redis, heard, PATIENCE, MONDAY + 21 * MINUTE)
    later.look(MONDAY + 22 * MINUTE)
    assert len(heard.subjects) == 1


def test_without_redis_one_speaks_alone_and_once(
    redis: Redis, watchdog: Watchdog, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = Watchdog(redis, heard, PATIENCE, MONDAY)
    checked(redis, MONDAY)
    watchdog.look(MONDAY)

    def away(*_: object, **__: object) -> None:
        raise RedisAway("gone")

    with monkeypatch.context() as lost:
        lost.setattr(redis, "execute_command", away)
        for minute in range(20):
            watchdog.look(MONDAY + minute * MINUTE)
            others.look(MONDAY + minute * MINUTE)
    assert len(heard.subjects) == 1
    redis.flushall()
    for one in (watchdog, others):
        one.look(MONDAY + 21 * MINUTE)
    assert len(heard.subjects) == 1
    checked(redis, MONDAY + 25 * MINUTE)
    for one in (others, watchdog):
        one.look(MONDAY + 26 * MINUTE)
    assert heard.subjects[1:] == ["Bellwether: alerts are checked again"]


def test_without_redis_an_operator_out_of_reach_is_told_later(
    redis: Redis, watchdog: Watchdog, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise RedisAway("gone")

    monkeypatch.setattr(redis, "execute_command", away)
    heard.is_away = True
    watchdog.look(MONDAY + 16 * MINUTE)
    heard.is_away = False
    watchdog.look(MONDAY + 17 * MINUTE)
    assert len(heard.subjects) == 1


def test_pages_know_since_when_alerts_are_unchecked(redis: Redis) -> None:
    assert unchecked_since(redis, PATIENCE, MONDAY) is None
    checked(redis, MONDAY)
    assert unchecked_since(redis, PATIENCE, MONDAY + PATIENCE) is None
    assert unchecked_since(redis, PATIENCE, MONDAY + 16 * MINUTE) == MONDAY


def test_pages_know_it_after_redis_was_emptied_too(redis: Redis, watchdog: Watchdog) -> None:
    watchdog.look(MONDAY + 16 * MINUTE)
    assert unchecked_since(redis, PATIENCE, MONDAY + 17 * MINUTE) == MONDAY


def test_a_check_is_completed_when_all_its_shards_are(redis: Redis) -> None:
    pulse = Pulse(redis)
    checked(redis, MONDAY, Shard(0, 2))
    assert pulse.last_check() is None
    checked(redis, MONDAY - MINUTE, Shard(1, 2))
    last = pulse.last_check()
    assert last
    assert last.completed_at == MONDAY - MINUTE


def test_another_division_replaces_the_one_before(redis: Redis) -> None:
    for number in range(2):
        checked(redis, MONDAY, Shard(number, 2))
    checked(redis, MONDAY + MINUTE)
    last = Pulse(redis).last_check()
    assert last
    assert last.completed_at == MONDAY + MINUTE


def test_deliveries_of_the_last_hour_are_counted(redis: Redis) -> None:
    pulse = Pulse(redis)
    pulse.note_delivery("email", "sent", MONDAY - timedelta(hours=2))
    for minute in (0, 20, 59):
        pulse.note_delivery("email", "sent", MONDAY + minute * MINUTE)
    pulse.note_delivery("push", "failed", MONDAY + 59 * MINUTE)
    found = pulse.deliveries(MONDAY + 59 * MINUTE)
    assert found == {("email", "sent"): 3, ("push", "failed"): 1}


def test_what_another_version_wrote_is_no_check(redis: Redis) -> None:
    redis.hset("pulse:checks", "0-of-1", "{}")
    assert Pulse(redis).last_check() is None
