"""How fast messages leave, and what rests, on a real Redis that all workers share."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from services.errors import DeliveryError
from services.notify.channel import Channels
from services.notify.outbox import Outbox
from services.notify.pace import (
    DESTINATION_A_MINUTE,
    PROBE,
    RESTS,
    SLOT_AGAIN,
    SPREAD,
    SharedPace,
)
from services.redis_client import open_redis
from services.store.triggers import Delivery, Trigger
from tests.notify.recording import RecordingChannel, busy, silent
from tests.support.bell import Bell
from tests.support.market import MONDAY

HOOK = "d" + "0" * 26


@pytest.fixture
def pace(redis: Redis) -> SharedPace:
    return SharedPace(redis, mail_connections=2, pause=lambda seconds: None)


@pytest.fixture
def other(redis: Redis) -> SharedPace:
    """The same, in another worker."""
    return SharedPace(redis, mail_connections=2, pause=lambda seconds: None)


def attempt(pace: SharedPace, name: str, now: datetime, error: DeliveryError | None = None) -> bool:
    """Whether a message could leave; it meets `error`."""
    try:
        with pace.turn(name, now) as rest:
            if rest is None and error is not None:
                raise error
    except DeliveryError:
        return True
    return rest is None


def test_a_channel_without_an_answer_rests_for_all_workers(
    pace: SharedPace, other: SharedPace
) -> None:
    assert attempt(pace, "email", MONDAY, silent())
    rest = other.rest("email", MONDAY)
    assert rest is not None
    assert (rest.until, rest.given_up) == (MONDAY + RESTS[0], False)
    assert other.rest("email", rest.until) is None
    assert not attempt(other, "email", MONDAY)


def test_rests_become_longer_up_to_five_minutes(pace: SharedPace) -> None:
    now, rests = MONDAY, []
    for _ in range(6):
        assert attempt(pace, "email", now, silent())
        rest = pace.rest("email", now)
        assert rest is not None
        rests.append(rest.until - now)
        now = rest.until
    minutes = [rest.total_seconds() / 60 for rest in rests]
    assert minutes == [0.5, 1, 2, 5, 5, 5]


def test_after_a_rest_one_tries_and_the_others_wait(pace: SharedPace, other: SharedPace) -> None:
    attempt(pace, "email", MONDAY, silent())
    later = MONDAY + RESTS[0]
    with pace.turn("email", later) as rest:
        assert rest is None
        waits = other.rest("email", later)
        assert waits is not None
        assert waits.until == later + PROBE
        assert not attempt(other, "email", later)
    assert attempt(other, "email", later), "it answered: all may go on"


def test_where_the_one_that_tries_dies_another_tries(pace: SharedPace, other: SharedPace) -> None:
    attempt(pace, "email", MONDAY, silent())
    later = MONDAY + RESTS[0]
    with pytest.raises(SystemExit), pace.turn("email", later):
        raise SystemExit
    assert other.rest("email", later) is not None
    assert attempt(other, "email", later + PROBE)


def test_several_that_fail_at_once_count_once(pace: SharedPace, other: SharedPace) -> None:
    first = pace.turn("email", MONDAY)
    first.__enter__()
    attempt(other, "email", MONDAY, silent())
    assert not first.__exit__(DeliveryError, silent(), None)
    rest = pace.rest("email", MONDAY)
    assert rest is not None
    assert rest.until == MONDAY + RESTS[0]


def test_an_answer_that_refuses_one_message_lets_nothing_rest(pace: SharedPace) -> None:
    attempt(pace, "email", MONDAY, busy())
    assert pace.rest("email", MONDAY) is None


def test_a_channel_that_rests_is_in_no_other_s_way(pace: SharedPace) -> None:
    attempt(pace, HOOK, MONDAY, silent())
    assert pace.rest(HOOK, MONDAY) is not None
    assert pace.rest("d" + "1" * 26, MONDAY) is None
    assert pace.rest("email", MONDAY) is None


def test_push_never_rests_for_one_of_its_many_services(pace: SharedPace) -> None:
    attempt(pace, "push", MONDAY, silent())
    assert attempt(pace, "push", MONDAY)


def test_so_many_mails_leave_in_a_minute_over_all_workers(redis: Redis) -> None:
    now = datetime.now(UTC)
    one, two = (SharedPace(redis, 4, mails_per_minute=3) for _ in range(2))
    assert [attempt(pace, "email", now) for pace in (one, two, one, two)] == [True] * 3 + [False]
    rest = two.rest("email", now)
    assert rest is not None
    assert timedelta(seconds=50) < rest.until - now < timedelta(seconds=70)


def test_what_is_over_the_limit_waits_in_line_each_for_its_minute(redis: Redis) -> None:
    now = datetime.now(UTC)
    pace = SharedPace(redis, 4, mails_per_minute=3)
    for _ in range(3):
        attempt(pace, "email", now)
    waits = [rest.until - now for _ in range(7) if (rest := pace.rest("email", now))]
    assert [round(wait / timedelta(minutes=1)) for wait in waits] == [1, 1, 1, 2, 2, 2, 3]


def test_a_destination_gets_twenty_a_minute_and_others_theirs(pace: SharedPace) -> None:
    now = datetime.now(UTC)
    assert all(attempt(pace, HOOK, now) for _ in range(DESTINATION_A_MINUTE))
    assert not attempt(pace, HOOK, now)
    assert attempt(pace, "d" + "1" * 26, now)
    assert attempt(pace, "push", now)


def test_mails_have_no_limit_where_none_is_set(pace: SharedPace) -> None:
    assert all(attempt(pace, "email", MONDAY) for _ in range(100))


def test_so_many_mails_are_on_their_way_at_once(pace: SharedPace, other: SharedPace) -> None:
    with pace.turn("email", MONDAY), other.turn("email", MONDAY):
        with pace.turn("email", MONDAY) as rest:
            assert rest is not None
            assert rest.until == MONDAY + SLOT_AGAIN
        assert attempt(pace, HOOK, MONDAY)
    assert attempt(pace, "email", MONDAY)


def test_a_worker_waits_for_a_connection_that_becomes_free(redis: Redis, other: SharedPace) -> None:
    first = other.turn("email", MONDAY)
    first.__enter__()
    pace = SharedPace(redis, 1, pause=lambda seconds: _leave(first))
    with pace.turn("email", MONDAY) as rest:
        assert rest is None


def test_without_redis_messages_leave_unpaced() -> None:
    pace = SharedPace(open_redis("redis://127.0.0.1:1/0"), 2, mails_per_minute=1)
    assert pace.rest("email", MONDAY) is None
    assert all(attempt(pace, name, MONDAY) for name in ("email", "email", HOOK, "push"))
    assert attempt(pace, "email", MONDAY, silent())


@pytest.fixture
def email() -> RecordingChannel:
    return RecordingChannel()


@pytest.fixture
def push() -> RecordingChannel:
    return RecordingChannel()


@pytest.fixture
def outbox(bell: Bell, email: RecordingChannel, push: RecordingChannel, pace: SharedPace) -> Outbox:
    channels = Channels(email, push)
    return Outbox(bell.services.store, channels, bell.jobs, luck=lambda: 0.5, pace=pace)


def ring(bell: Bell) -> Trigger:
    alert = bell.alert("price_rises_to", 100, if_true="fire_now")
    return bell.services.triggers.get(bell.uid, f"{alert.id}-1")


def mail_of(bell: Bell, trigger: Trigger) -> Delivery:
    return bell.services.triggers.get(bell.uid, trigger.id).deliveries["email"]


def test_what_waits_for_a_silent_server_counts_no_attempt(
    bell: Bell, email: RecordingChannel, outbox: Outbox, pace: SharedPace
) -> None:
    attempt(pace, "email", bell.at, silent())
    trigger = ring(bell)
    bell.sweep(outbox)
    delivery = mail_of(bell, trigger)
    assert (delivery.state, delivery.attempts) == ("retry", 0)
    assert delivery.due_at == bell.at + RESTS[0] + SPREAD / 2
    assert "did not answer" in (delivery.error or "")
    assert email.tried == []
    bell.later(1)
    bell.sweep(outbox)
    delivery = mail_of(bell, trigger)
    assert (delivery.state, delivery.attempts, delivery.error) == ("sent", 1, None)


def test_a_server_that_is_away_for_an_hour_costs_nobody_a_message(
    bell: Bell, email: RecordingChannel, outbox: Outbox
) -> None:
    bell.services.users.update(bell.uid, fallback=())
    email.limit = 1
    rung = [ring(bell) for _ in range(10)]
    email.answer(*[silent()] * 12)
    for _ in range(65):
        bell.sweep(outbox)
        bell.later(1)
    assert len(email.tried) - len(email.accepted) == 12
    assert {mail_of(bell, trigger).state for trigger in rung} <= {"sent", "retry"}
    for _ in range(8):
        bell.later(60)
        bell.sweep(outbox)
    assert {mail_of(bell, trigger).state for trigger in rung} == {"sent"}


def test_what_may_not_leave_after_all_is_put_back_as_it_was(
    bell: Bell, email: RecordingChannel, outbox: Outbox, pace: SharedPace
) -> None:
    """Both connections are taken between the first look and the turn."""
    trigger = ring(bell)
    with pace.turn("email", bell.at), pace.turn("email", bell.at):
        bell.sweep(outbox)
    delivery = mail_of(bell, trigger)
    assert (delivery.state, delivery.attempts) == ("retry", 0)
    bell.later(1)
    bell.sweep(outbox)
    assert mail_of(bell, trigger).state == "sent"
    assert email.accepted == [(trigger.id,)]


def test_a_group_that_waits_stays_one_message(
    bell: Bell, email: RecordingChannel, outbox: Outbox
) -> None:
    ring(bell), ring(bell)
    email.answer(silent())
    bell.sweep(outbox)
    bell.later(0.55)
    ring(bell)
    email.answer(None)
    for _ in range(3):
        bell.sweep(outbox)
        bell.later(1)
    assert email.tried[0] == email.tried[1]
    assert [len(message) for message in email.accepted] == [2, 1]


def test_another_channel_does_not_wait_for_one_that_is_silent_for_minutes(
    bell: Bell, email: RecordingChannel, push: RecordingChannel, outbox: Outbox, pace: SharedPace
) -> None:
    bell.services.users.update(bell.uid, fallback=("push",))
    for rest in RESTS[:3]:
        attempt(pace, "email", bell.at, silent())
        bell.at += rest if rest != RESTS[2] else timedelta()
    trigger = ring(bell)
    bell.sweep(outbox)
    assert mail_of(bell, trigger).state == "failed"
    assert push.accepted == [(trigger.id,)]


def test_where_there_is_no_other_channel_it_waits(
    bell: Bell, outbox: Outbox, pace: SharedPace
) -> None:
    bell.services.users.update(bell.uid, fallback=())
    for rest in RESTS[:3]:
        attempt(pace, "email", bell.at, silent())
        bell.at += rest if rest != RESTS[2] else timedelta()
    trigger = ring(bell)
    bell.sweep(outbox)
    assert mail_of(bell, trigger).state == "retry"


def test_quiet_hours_count_before_a_rest(bell: Bell, outbox: Outbox, pace: SharedPace) -> None:
    attempt(pace, "email", bell.at, silent())
    bell.services.users.update(bell.uid, quiet_hours={"start": "00:00", "end": "20:00"})
    trigger = ring(bell)
    bell.sweep(outbox)
    assert mail_of(bell, trigger).state == "pending"


def test_what_waits_and_comes_into_quiet_hours_is_held_as_such(
    bell: Bell, outbox: Outbox, pace: SharedPace
) -> None:
    attempt(pace, "email", bell.at, silent())
    trigger = ring(bell)
    bell.sweep(outbox)
    bell.services.users.update(bell.uid, quiet_hours={"start": "00:00", "end": "20:00"})
    bell.later(1)
    bell.sweep(outbox)
    delivery = mail_of(bell, trigger)
    assert (delivery.state, delivery.error) == ("pending", None)


def _leave(turn: object) -> None:
    turn.__exit__(None, None, None)  # type: ignore[attr-defined]
