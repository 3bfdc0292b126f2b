"""Being told of a trigger once more: each round once, by those channels that took it."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from services.errors import AuthenticationFailed, InvalidInput, NotFound
from services.notify.quiet import QuietHours
from services.notify.snoozing import Reminder, Snoozing, was_told_lately
from services.store.contract import Delete, Update
from services.store.triggers import Delivery, Trigger, trigger_path
from tests.notify.conftest import Post
from tests.support.smtp import SmtpPeer

HOUR = timedelta(hours=1)


@pytest.fixture
def told(post: Post) -> Post:
    """A trigger whose mail was accepted."""
    post.deliver()
    assert post.delivery.state == "sent"
    return post


def snoozing(post: Post) -> Snoozing:
    return Snoozing(post.bell.services.store, post.bell.services.users)


def snooze(post: Post, round_: int | None = 0, hours: int = 1) -> Reminder:
    return snoozing(post).snooze(post.bell.uid, post.trigger_id, round_, hours, post.bell.at)


def put(post: Post, **deliveries: Delivery) -> Trigger:
    """Let these be the trigger's deliveries."""
    trigger = post.trigger
    for name, delivery in deliveries.items():
        trigger = trigger.with_delivery(name, delivery)
    path = trigger_path(trigger.uid, trigger.id)
    post.bell.services.store.write(Update(path, trigger.fields()))
    return trigger


def test_the_mail_comes_once_more_an_hour_later_as_another_message(
    told: Post, smtp: SmtpPeer
) -> None:
    found = snooze(told)
    assert (found.stand, found.is_new, found.channels) == ("set", True, ("email",))
    assert found.due_at == told.bell.at + HOUR
    told.bell.later(59)
    told.deliver_all()
    assert len(smtp.accepted) == 1
    told.bell.later(1)
    told.deliver_all()
    assert len(smtp.accepted) == 2
    first, second = (message["Message-ID"] for message in smtp.accepted)
    assert first != second
    assert (told.delivery.state, told.delivery.round) == ("sent", 1)
    told.bell.later(24 * 60)
    told.deliver_all()
    assert len(smtp.accepted) == 2


@pytest.mark.parametrize("hours", [4, 24])
def test_it_can_be_longer_than_an_hour(told: Post, hours: int) -> None:
    assert snooze(told, hours=hours).due_at == told.bell.at + hours * HOUR


@pytest.mark.parametrize("hours", [-1, 0, 2, 25, 10**9])
def test_no_other_time_can_be_chosen(told: Post, hours: int) -> None:
    before = told.trigger
    with pytest.raises(InvalidInput):
        snooze(told, hours=hours)
    assert told.trigger == before


def test_asked_again_nothing_changes(told: Post) -> None:
    due_at = snooze(told).due_at
    before = told.trigger
    told.bell.later(30)
    again = snooze(told, hours=24)
    assert (again.stand, again.is_new, again.due_at) == ("set", False, due_at)
    assert told.trigger == before


def test_the_old_link_does_nothing_once_the_reminder_has_come_and_its_own_does(told: Post) -> None:
    snooze(told)
    told.bell.later(61)
    told.deliver_all()
    before = told.trigger
    assert snooze(told, 0).stand == "told"
    assert told.trigger == before
    assert snooze(told, 1).is_new
    assert told.delivery.round == 2


def test_two_at_the_same_moment_set_one_reminder(told: Post) -> None:
    barrier, found = Barrier(2), []

    def press() -> None:
        barrier.wait()
        found.append(snooze(told))

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.is_new for one in found) == [False, True]
    assert {one.due_at for one in found} == {told.bell.at + HOUR}
    assert told.delivery == Delivery(due_at=told.bell.at + HOUR, round=1)


def test_each_channel_that_took_it_tells_it_again_and_no_other(told: Post) -> None:
    before = put(told, push=Delivery(state="sent", sent_at=told.bell.at))
    put(told, other=Delivery(state="failed", error="gone"))
    assert snooze(told).channels == ("email", "push")
    after = told.trigger.deliveries
    assert after["email"].round == after["push"].round == 1
    assert after["other"] == Delivery(state="failed", error="gone")
    assert before.id == told.trigger.id


def test_a_channel_that_was_late_can_be_snoozed_by_its_own_message(told: Post) -> None:
    put(told, push=Delivery(state="retry", attempts=1, due_at=told.bell.at + HOUR))
    snooze(told)
    put(told, push=Delivery(state="sent", sent_at=told.bell.at))
    assert snooze(told).channels == ("push",)
    assert told.trigger.deliveries["push"].round == 1
    assert told.delivery.round == 1


def test_while_the_message_is_being_sent_there_is_nothing_to_repeat_yet(post: Post) -> None:
    assert snooze(post).stand == "sending"
    post.lease()
    before = post.trigger
    assert snooze(post).stand == "sending"
    assert post.trigger == before


def test_what_no_channel_took_is_not_repeated(told: Post) -> None:
    before = put(told, email=Delivery(state="failed", error="refused"))
    assert snooze(told).stand == "untold"
    assert snooze(told, None).stand == "untold"
    assert told.trigger == before


def test_a_reminder_that_failed_counts_as_none(told: Post) -> None:
    put(told, email=Delivery(state="failed", error="refused", round=1))
    assert snooze(told, 0).stand == "untold"
    assert snooze(told, None).stand == "untold"


def test_without_a_round_whatever_was_told_last_is_meant(told: Post) -> None:
    put(told, push=Delivery(state="sent", sent_at=told.bell.at, round=3))
    assert snooze(told, None).channels == ("email", "push")
    assert [one.round for one in told.trigger.deliveries.values()] == [1, 4]
    again = snooze(told, None)
    assert (again.stand, again.is_new) == ("set", False)


def test_quiet_hours_hold_a_reminder_and_it_says_so(told: Post, smtp: SmtpPeer) -> None:
    # It is 15:10 in UTC when the mail is sent; quiet hours begin before the reminder is due.
    told.change(quiet_hours=QuietHours(start="16:00", end="18:00"))
    found = snooze(told)
    end = told.bell.at.replace(hour=18, minute=0)
    assert (found.due_at, found.is_held) == (end, True)
    told.bell.at = told.bell.at + HOUR
    told.deliver_all()
    assert len(smtp.accepted) == 1
    assert told.trigger.due_at == end
    assert snooze(told).due_at == end
    told.bell.at = end
    told.deliver_all()
    assert len(smtp.accepted) == 2


def test_an_urgent_one_reminds_in_quiet_hours(told: Post) -> None:
    told.change(quiet_hours=QuietHours(start="16:00", end="18:00"))
    trigger = told.trigger.model_copy(update={"urgent": True})
    told.bell.services.store.write(Update(trigger_path(trigger.uid, trigger.id), trigger.fields()))
    found = snooze(told)
    assert (found.due_at, found.is_held) == (told.bell.at + HOUR, False)


def test_mail_that_was_stopped_is_not_promised(told: Post) -> None:
    told.change(mail_stopped_at=told.bell.at)
    before = told.trigger
    found = snooze(told)
    assert found.stand == "silent"
    assert found.because is not None
    assert found.because.startswith("You stopped all mail")
    assert told.trigger == before
    told.change(fallback=("push",))
    assert snooze(told).stand == "set"


def test_what_is_gone_is_said_to_be(told: Post) -> None:
    bell = told.bell
    with pytest.raises(NotFound):
        snoozing(told).snooze(bell.uid, "none-1", 0, 1, bell.at)
    with pytest.raises(NotFound):
        snoozing(told).look(bell.uid, "none-1", 0)
    bell.services.store.write(Delete(f"users/{bell.uid}"))
    with pytest.raises(AuthenticationFailed):
        snooze(told)


def test_looking_changes_nothing(told: Post) -> None:
    before = told.trigger
    found = snoozing(told).look(told.bell.uid, told.trigger_id, 0)
    assert (found.stand, found.channels) == ("open", ("email",))
    assert told.trigger == before


def test_a_page_offers_it_for_a_day_while_none_is_to_come(told: Post) -> None:
    at = told.bell.at
    assert was_told_lately(told.trigger, at + timedelta(hours=23))
    assert not was_told_lately(told.trigger, at + timedelta(hours=25))
    snooze(told)
    assert not was_told_lately(told.trigger, at)
