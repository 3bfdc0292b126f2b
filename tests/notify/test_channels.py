"""From triggers to channels: routing, fall-back, rounds, and what workers do to each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from services.errors import DeliveryError
from services.notify import deliveries
from services.notify.channel import Channels
from services.notify.deliveries import RETRIES
from services.notify.outbox import AT_ONCE, Outbox
from services.store.contract import Create, Update
from services.store.triggers import Delivery, Trigger, trigger_path
from services.store.users import Destination
from tests.notify.recording import RecordingChannel, busy, refused, silent, states
from tests.support.bell import Bell
from tests.support.market import MONDAY

HOOK, CHAT = "d" + "0" * 26, "d" + "1" * 26


class Killed(BaseException):
    """What happens to a worker at kill -9."""


@dataclass
class Ways:
    """A person with e-mail, push, a webhook and a chat, and a worker's outbox."""

    bell: Bell
    email: RecordingChannel
    push: RecordingChannel
    hook: RecordingChannel
    chat: RecordingChannel
    outbox: Outbox

    def want(self, channels: Iterable[str], fallback: Iterable[str] = ()) -> None:
        self.bell.services.users.update(
            self.bell.uid, channels=tuple(channels), fallback=tuple(fallback)
        )

    def ring(self, number: int = 1, **fields: object) -> list[Trigger]:
        """So many triggers, due now."""
        template = _template(self.bell)
        known = len(self.bell.triggers()) if number == 1 else 0
        rung = [
            template.model_copy(update={"id": f"A{known + n:05}-1", **fields})
            for n in range(number)
        ]
        for start in range(0, number, 100):
            self.bell.services.store.write(
                *(
                    Create(trigger_path(trigger.uid, trigger.id), trigger.fields())
                    for trigger in rung[start : start + 100]
                )
            )
        return rung

    def go(self) -> None:
        self.bell.sweep(self.outbox)

    def go_on(self, minutes: float) -> None:
        self.bell.later(minutes)
        self.go()

    def deliver(self, name: str) -> bool:
        return self.outbox.deliver(self.bell.uid, name, self.bell.at)

    def now_of(self, trigger: Trigger) -> Trigger:
        return self.bell.services.triggers.get(trigger.uid, trigger.id)

    def states(self, trigger: Trigger) -> dict[str, str]:
        return states(self.now_of(trigger))

    def store(self, trigger: Trigger, **fields: object) -> None:
        changed = trigger.model_copy(update=fields).fields()
        self.bell.services.store.write(Update(trigger_path(trigger.uid, trigger.id), changed))


@pytest.fixture
def ways(bell: Bell) -> Ways:
    email, push, hook, chat = (RecordingChannel() for _ in range(4))
    channels = Channels(email, push, {"webhook": hook, "apprise": chat})
    outbox = Outbox(bell.services.store, channels, bell.jobs, luck=lambda: 0.0)
    bell.services.users.update(bell.uid, destinations=(_hook(), _chat()))
    return Ways(bell, email, push, hook, chat, outbox)


def test_a_trigger_goes_by_every_channel_of_its_owner(ways: Ways) -> None:
    ways.want(["email", "push", HOOK])
    (trigger,) = ways.ring()
    ways.go()
    assert ways.states(trigger) == {"email": "sent", "push": "sent", HOOK: "sent"}
    assert (len(ways.email.accepted), len(ways.push.accepted), len(ways.hook.accepted)) == (1, 1, 1)


def test_an_alert_s_own_channels_count_before_its_owner_s(ways: Ways) -> None:
    ways.want(["email"])
    (trigger,) = ways.ring(channels=("push", CHAT))
    ways.go()
    assert ways.states(trigger) == {"push": "sent", CHAT: "sent"}


def test_where_all_channels_of_an_alert_were_removed_it_goes_by_mail(ways: Ways) -> None:
    (trigger,) = ways.ring(channels=("d" + "7" * 26,))
    ways.go()
    assert ways.states(trigger) == {"email": "sent"}


def test_a_channel_that_is_removed_after_routing_fails_and_the_next_takes_over(ways: Ways) -> None:
    ways.want([HOOK], [CHAT, "email"])
    (trigger,) = ways.ring()
    ways.hook.answer(busy())
    ways.go()
    ways.bell.services.users.update(ways.bell.uid, destinations=(_chat(),))
    ways.go_on(1)
    assert ways.states(trigger) == {HOOK: "failed", CHAT: "sent"}


def test_a_channel_that_is_removed_while_it_sends_ends_as_it_said(ways: Ways) -> None:
    ways.want([HOOK], ["email"])
    (trigger,) = ways.ring()
    users = ways.bell.services.users
    ways.hook.meanwhile = lambda: users.update(ways.bell.uid, destinations=())
    ways.go()
    assert ways.states(trigger) == {HOOK: "sent"}


def test_the_next_channels_are_tried_in_their_order(ways: Ways) -> None:
    ways.want(["push"], [HOOK, CHAT, "email"])
    (trigger,) = ways.ring()
    for channel in (ways.push, ways.hook, ways.chat):
        channel.answer(refused())
    ways.go()
    assert ways.states(trigger) == {
        "push": "failed", HOOK: "failed", CHAT: "failed", "email": "sent",
    }  # fmt: skip
    assert [one.tried for one in (ways.push, ways.hook, ways.chat)] == [[(trigger.id,)]] * 3


def test_no_channel_takes_over_while_one_is_still_at_it_or_has_it(ways: Ways) -> None:
    ways.want(["push", HOOK], ["email"])
    trigger, _ = ways.ring(2)
    ways.push.answer(refused(), refused())
    ways.hook.together_from = 3
    ways.hook.answer(busy(), None)
    ways.go()
    assert ways.states(trigger) == {"push": "failed", HOOK: "retry"}
    ways.go_on(1)
    assert ways.states(trigger) == {"push": "failed", HOOK: "sent"}
    assert ways.email.tried == []


def test_a_channel_with_a_successor_is_tried_for_minutes_and_not_for_hours(ways: Ways) -> None:
    ways.want(["push"], ["email"])
    (trigger,) = ways.ring()
    ways.push.answer(*[busy()] * 9)
    ways.go()
    ways.go_on(0.5)
    ways.go_on(1)
    assert len(ways.push.tried) == 2, "not due yet"
    ways.go_on(1)
    assert ways.states(trigger) == {"push": "failed", "email": "sent"}
    assert len(ways.push.tried) == 3


def test_a_channel_keeps_its_hours_where_another_has_the_trigger_already(ways: Ways) -> None:
    ways.want(["push", "email"], [HOOK])
    (trigger,) = ways.ring()
    ways.email.answer(*[busy()] * 9)
    ways.go()
    for wait in RETRIES[:-1]:
        ways.go_on(wait.total_seconds() / 60)
        assert ways.states(trigger) == {"push": "sent", "email": "retry"}
    ways.go_on(RETRIES[-1].total_seconds() / 60)
    assert ways.states(trigger) == {"push": "sent", "email": "failed"}
    assert len(ways.email.tried) == len(RETRIES) + 1


def test_the_last_channel_of_all_is_tried_for_hours(ways: Ways) -> None:
    ways.want(["push"], ["email"])
    (trigger,) = ways.ring()
    ways.push.answer(refused())
    ways.email.answer(*[busy()] * 5)
    ways.go()
    for wait in RETRIES:
        ways.go_on(wait.total_seconds() / 60)
    assert ways.states(trigger) == {"push": "failed", "email": "sent"}


def test_devices_that_have_it_are_remembered_from_try_to_try(ways: Ways) -> None:
    ways.want(["push"])
    (trigger,) = ways.ring()
    ways.push.answer(busy("phone"), busy("laptop"))
    ways.push.reached = ("desk",)
    ways.go()
    ways.go_on(1)
    assert ways.push.letters[-1].delivery.reached == ("phone",)
    ways.go_on(5)
    delivery = ways.now_of(trigger).deliveries["push"]
    assert (delivery.state, delivery.reached) == ("sent", ("phone", "laptop", "desk"))


def test_what_reached_one_device_is_sent_in_the_end_and_tells_of_the_others(ways: Ways) -> None:
    ways.want(["push"], ["email"])
    (trigger,) = ways.ring()
    ways.push.answer(busy("phone"), busy(), refused("the others are gone"))
    ways.go()
    ways.go_on(1)
    ways.go_on(5)
    delivery = ways.now_of(trigger).deliveries["push"]
    assert (delivery.state, delivery.error) == ("sent", "the others are gone")
    assert ways.email.tried == []


def test_what_reached_one_device_is_sent_though_all_devices_are_gone_by_now(ways: Ways) -> None:
    ways.want(["push"], ["email"])
    (trigger,) = ways.ring()
    ways.push.answer(busy("phone"))
    ways.go()
    ways.push.absent = "There is no device."
    ways.go_on(1)
    assert ways.states(trigger) == {"push": "sent"}


def test_a_snoozed_trigger_is_told_again_by_the_channels_that_took_it(ways: Ways) -> None:
    ways.want(["push", "email", HOOK])
    (trigger,) = ways.ring()
    ways.hook.answer(refused())
    ways.go()
    until = ways.bell.at + timedelta(hours=1)
    again = deliveries.snoozed(ways.now_of(trigger), 0, until)
    ways.store(again)
    ways.go_on(59)
    assert len(ways.push.accepted) == 1
    ways.email.answer(busy())
    ways.go_on(1)
    ways.go_on(1)
    assert ways.states(trigger) == {"push": "sent", "email": "sent", HOOK: "failed"}
    assert ways.push.accepted == [(trigger.id,), (f"{trigger.id}.1",)]
    assert ways.email.tried[1:] == [(f"{trigger.id}.1",)] * 2


def test_rounds_that_are_told_together_stay_what_they_are(ways: Ways) -> None:
    ways.want(["email"])
    (first,) = ways.ring()
    ways.go()
    ways.store(deliveries.snoozed(ways.now_of(first), 0, ways.bell.at + timedelta(hours=1)))
    ways.bell.later(60)
    (second,) = ways.ring(due_at=ways.bell.at)
    ways.email.answer(busy())
    ways.go()
    ways.go_on(1)
    assert ways.email.tried[1] == ways.email.tried[2] == (f"{first.id}.1", second.id)
    assert [ways.now_of(t).deliveries["email"].round for t in (first, second)] == [1, 0]


def test_urgent_ones_pass_quiet_hours_in_every_channel(ways: Ways) -> None:
    ways.want(["push", "email"])
    ways.bell.services.users.update(ways.bell.uid, quiet_hours={"start": "00:00", "end": "20:00"})
    (calm,) = ways.ring()
    (urgent,) = ways.ring(urgent=True)
    ways.go()
    assert ways.states(calm) == {"push": "pending", "email": "pending"}
    assert ways.states(urgent) == {"push": "sent", "email": "sent"}


def test_a_message_that_takes_longer_than_its_lease_is_sent_all_the_same(ways: Ways) -> None:
    """Another worker takes over meanwhile; that the first was accepted ends it."""
    ways.want(["email"], ["push"])
    (trigger,) = ways.ring()

    def overtaken() -> None:
        ways.email.meanwhile = None
        ways.bell.later(3)
        ways.email.answer(refused())
        ways.deliver("email")
        assert ways.states(trigger)["email"] == "failed"

    ways.email.meanwhile = overtaken
    ways.deliver("email")
    assert ways.states(trigger)["email"] == "sent"
    assert ways.email.tried == [(trigger.id,)] * 2


def test_a_message_that_fails_after_its_lease_says_nothing_any_more(ways: Ways) -> None:
    ways.want(["email"])
    (trigger,) = ways.ring()

    def overtaken() -> None:
        ways.email.meanwhile = None
        ways.bell.later(3)
        ways.email.answer(None, refused())
        ways.deliver("email")

    ways.email.meanwhile = overtaken
    ways.deliver("email")
    assert ways.states(trigger) == {"email": "sent"}
    assert len(ways.email.accepted) == 1


def test_an_outcome_of_the_last_round_does_not_end_the_next(ways: Ways) -> None:
    ways.want(["email"])
    (trigger,) = ways.ring()
    slow = ways.outbox._lease(ways.bell.uid, "email", ways.bell.at).letter
    assert slow is not None
    ways.go_on(3)
    ways.store(deliveries.snoozed(ways.now_of(trigger), 0, ways.bell.at + timedelta(hours=1)))
    done = deliveries.sent(slow.delivery, ways.bell.at)
    ways.outbox._settle(slow.triggers, "email", done, slow.user, ways.bell.at)
    assert ways.states(trigger) == {"email": "pending"}


def test_another_channel_begins_once_though_two_fail_at_the_same_time(ways: Ways) -> None:
    ways.want(["push", HOOK], ["email"])
    (trigger,) = ways.ring()
    ways.push.answer(refused())
    ways.hook.answer(refused())
    ways.push.meanwhile = lambda: ways.deliver(HOOK)
    ways.deliver("push")
    ways.bell.deliver(ways.outbox)
    assert ways.states(trigger) == {"push": "failed", HOOK: "failed", "email": "sent"}
    assert ways.email.accepted == [(trigger.id,)]


@pytest.mark.slow
def test_a_thousand_triggers_of_one_person_are_ten_mails_and_none_is_left(ways: Ways) -> None:
    ways.want(["email"])
    rung = ways.ring(1_000)
    ways.go()
    told = [id_ for message in ways.email.accepted for id_ in message]
    assert sorted(told) == [trigger.id for trigger in rung]
    assert len(ways.email.accepted) == 10


def test_hundreds_that_are_due_by_another_channel_hide_nothing(ways: Ways) -> None:
    """The webhooks' worker is away; what came later is still mailed."""
    ways.want([HOOK])
    stuck = Delivery(due_at=MONDAY)
    ways.ring(700, deliveries={HOOK: stuck}, due_at=MONDAY)
    later = ways.bell.later(1)
    (trigger,) = ways.ring(id="B-1", channels=("email",), due_at=later)
    ways.outbox.dispatch(ways.bell.uid, ways.bell.at)
    assert (ways.bell.uid, "email") in ways.bell.jobs.delivered
    ways.deliver("email")
    assert ways.states(trigger) == {"email": "sent"}


def test_hundreds_that_are_routed_elsewhere_hide_nothing(ways: Ways) -> None:
    ways.ring(AT_ONCE + 50, channels=("push",))
    (trigger,) = ways.ring(id="B-1", channels=("email",), due_at=ways.bell.later(1))
    while ways.deliver("email"):
        pass
    assert ways.states(trigger) == {"email": "sent"}


def test_one_person_s_hundreds_are_in_nobody_s_way(ways: Ways) -> None:
    ways.ring(700, deliveries={HOOK: Delivery(due_at=MONDAY)}, due_at=MONDAY)
    other = _template(ways.bell).model_copy(update={"uid": "B" * 26, "id": "b-1"})
    ways.bell.services.store.write(Create(trigger_path(other.uid, other.id), other.fields()))
    assert ways.outbox.sweep(ways.bell.at) == 701
    assert set(ways.bell.jobs.dispatched) == {ways.bell.uid, other.uid}


def test_a_group_stays_whole_among_hundreds_that_are_due_at_the_same_moment(ways: Ways) -> None:
    ways.want(["email"])
    tried = Delivery(state="retry", attempts=1, due_at=MONDAY)
    for name in ("one", "two", "three"):
        for number in range(2):
            group = {"email": tried.model_copy(update={"group": name})}
            ways.ring(id=f"{number}{name}-1", deliveries=group, due_at=MONDAY)
    ways.ring(AT_ONCE + 20, deliveries={"email": tried}, due_at=MONDAY)
    ways.go()
    groups = [message for message in ways.email.accepted if len(message) > 1]
    assert sorted(groups) == [(f"0{name}-1", f"1{name}-1") for name in ("one", "three", "two")]
    assert len(ways.email.accepted) == AT_ONCE + 23


def test_a_channel_that_is_gone_is_switched_off_as_the_profile_is_by_then(ways: Ways) -> None:
    """The person adds a destination while the answer is on its way."""
    ways.want([HOOK], ["email"])
    (trigger,) = ways.ring()
    seen: list[object] = []

    def switched_off(user: object, *_: object) -> dict[str, object]:
        seen.append(user)
        return {}

    ways.hook.switched_off = switched_off  # type: ignore[method-assign]
    ways.hook.meanwhile = lambda: ways.want([HOOK, "push"], ["email"])
    ways.hook.answer(DeliveryError("410 gone", gone=True))
    ways.go()
    assert [user.channels for user in seen] == [(HOOK, "push")]  # type: ignore[attr-defined]
    assert ways.states(trigger) == {HOOK: "failed", "email": "sent"}


def test_a_message_that_breaks_the_channel_holds_up_no_other(ways: Ways) -> None:
    ways.want(["push"])
    ways.ring(2)
    ways.push.together_from = 3
    ways.push.answer(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        ways.deliver("push")
    while ways.deliver("push"):
        pass
    assert len(ways.push.accepted) == 1
    ways.go_on(3)
    assert len(ways.push.accepted) == 2


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_worker_that_dies_before_or_after_the_channel_accepts_loses_nothing(
    ways: Ways, step: str
) -> None:
    ways.want(["email"])
    (trigger,) = ways.ring()
    ways.email.answer(*([Killed()] if step == "before" else []))
    settle = ways.outbox._settle

    def killed(*_: object) -> None:
        raise Killed

    ways.outbox._settle = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        ways.deliver("email")
    ways.outbox._settle = settle  # type: ignore[method-assign]
    assert ways.states(trigger) == {"email": "sending"}
    ways.go_on(3)
    assert ways.states(trigger) == {"email": "sent"}
    assert set(ways.email.accepted) == {(trigger.id,)}


def test_a_successor_that_nobody_told_the_workers_of_is_found_by_the_sweep(ways: Ways) -> None:
    """The worker dies between the record and the job."""
    ways.want(["push"], ["email"])
    (trigger,) = ways.ring()
    ways.push.answer(refused())
    ways.deliver("push")
    ways.bell.jobs.dispatched.clear()
    assert ways.states(trigger) == {"push": "failed", "email": "pending"}
    ways.go()
    assert ways.states(trigger) == {"push": "failed", "email": "sent"}


def test_a_server_that_is_silent_is_tried_again(ways: Ways) -> None:
    ways.want(["email"])
    (trigger,) = ways.ring()
    ways.email.answer(silent())
    ways.go()
    assert ways.states(trigger) == {"email": "retry"}


def _hook() -> Destination:
    url = "https://hook.example/x"
    return Destination(id=HOOK, kind="webhook", name="Hook", url=url, added_at=MONDAY)


def _chat() -> Destination:
    url = "ntfys://ntfy.example/x"
    return Destination(id=CHAT, kind="apprise", name="Chat", url=url, added_at=MONDAY)


def _template(bell: Bell) -> Trigger:
    from services.alerts.conditions import PriceCondition

    at = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    return Trigger(
        uid=bell.uid, id="A-1", alert_id="A", epoch=1, symbol="AAPL",
        condition=PriceCondition(kind="price_rises_to", level=110), note="", value=111, price=111,
        low=109, high=111, currency="USD", occurred_at=at, noticed_at=at, source="test", open=True,
        due_at=min(at, bell.at),
    )  # fmt: skip
