"""What rings in quiet hours is recorded at once and mailed when they end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.notify.channel import Channels
from services.notify.channels.email.channel import EmailChannel
from services.notify.channels.email.transport import SmtpTransport
from services.notify.outbox import Outbox
from services.notify.quiet import QuietHours
from services.notify.waking import wake
from services.store.triggers import Delivery, Trigger
from tests.support.bell import Bell
from tests.support.market import MONDAY
from tests.support.smtp import SmtpPeer, text_of

SENDER = "Bellwether <bell@bellwether.example>"
MORNING = MONDAY.replace(hour=22)
"""7 o'clock in Tokyo, where Ada sleeps since 22 o'clock."""


@dataclass
class Night:
    """Ada's Bellwether in her quiet hours, and the server that gets her mails."""

    bell: Bell
    outbox: Outbox
    smtp: SmtpPeer

    def set(self, **profile: Any) -> None:
        self.bell.services.users.update(self.bell.uid, **profile)

    def ring(self, symbol: str = "AAPL", **options: Any) -> Trigger:
        alert = self.bell.alert("price_rises_to", 90, symbol=symbol, if_true="fire_now", **options)
        self.deliver(f"{alert.id}-1")
        return self.bell.services.triggers.get(self.bell.uid, f"{alert.id}-1")

    def deliver(self, trigger_id: str) -> Delivery:
        self.outbox.deliver(self.bell.uid, "email", self.bell.at)
        return self.delivery(trigger_id)

    def delivery(self, trigger_id: str) -> Delivery:
        return self.bell.services.triggers.get(self.bell.uid, trigger_id).deliveries["email"]

    def at(self, moment: datetime) -> int:
        """Go on to that time, sweep and deliver; returns how many triggers were due."""
        self.bell.at = moment
        return self.bell.sweep(self.outbox)

    def wake(self) -> int:
        self.bell.jobs.dispatched.clear()
        released = wake(self.bell.services.store, self.bell.jobs, self.bell.uid, self.bell.at)
        self.bell.deliver(self.outbox)
        return released


@pytest.fixture
def night(bell: Bell, smtp: SmtpPeer) -> Night:
    transport = SmtpTransport(smtp.url, SENDER)
    channels = Channels(EmailChannel(bell.parts.composer, transport))
    outbox = Outbox(bell.services.store, channels, bell.jobs, luck=lambda: 0.5)
    bell.price(100.0, "MSFT")
    found = Night(bell, outbox, smtp)
    found.set(time_zone="Asia/Tokyo", quiet_hours=QuietHours(start="22:00", end="07:00"))
    return found


def test_what_rings_at_night_is_recorded_at_once_and_mailed_in_the_morning(night: Night) -> None:
    trigger = night.ring()
    held = trigger.deliveries["email"]
    assert (held.state, held.due_at, held.attempts) == ("pending", MORNING, 0)
    assert (trigger.open, trigger.due_at) == (True, MORNING)
    assert night.at(MORNING) == 1
    assert night.delivery(trigger.id).state == "sent"
    assert len(night.smtp.accepted) == 1


def test_a_check_rings_in_quiet_hours(night: Night) -> None:
    night.bell.alert("price_rises_to", 110)
    night.bell.check_at(111)
    (trigger,) = night.bell.triggers()
    assert trigger.noticed_at == night.bell.at


def test_what_is_held_is_not_swept_until_the_quiet_hours_end(night: Night) -> None:
    night.ring()
    for minutes in (1, 60, 300, 419):
        assert night.at(MONDAY + timedelta(minutes=minutes)) == 0
    assert night.smtp.accepted == []


def test_an_urgent_alert_is_mailed_at_once(night: Night) -> None:
    calm, urgent = night.ring(), night.ring("MSFT", urgent=True)
    assert urgent.deliveries["email"].state == "sent"
    (mail,) = night.smtp.accepted
    assert "MSFT" in mail["Subject"]
    assert "AAPL" not in text_of(mail)
    assert night.delivery(calm.id).state == "pending"


def test_an_urgent_one_that_is_due_with_others_leaves_them_held(night: Night) -> None:
    bell = night.bell
    for symbol, urgent in (("AAPL", False), ("MSFT", True)):
        bell.alert("price_rises_to", 90, symbol=symbol, if_true="fire_now", urgent=urgent)
    night.at(bell.at)
    states = {t.symbol: t.deliveries["email"].state for t in bell.triggers()}
    assert states == {"AAPL": "pending", "MSFT": "sent"}
    assert len(night.smtp.accepted) == 1


def test_several_that_are_held_share_one_mail(night: Night) -> None:
    for symbol in ("AAPL", "MSFT"):
        night.ring(symbol)
        night.bell.later(10)
    assert night.at(MORNING) == 2
    (mail,) = night.smtp.accepted
    assert all(symbol in text_of(mail) for symbol in ("AAPL", "MSFT"))


def test_turning_quiet_hours_off_sends_what_they_hold(night: Night) -> None:
    trigger = night.ring()
    night.bell.later(30)
    night.set(quiet_hours=None)
    assert night.wake() == 1
    assert night.delivery(trigger.id).state == "sent"


def test_quiet_hours_that_end_earlier_now_send_it_then(night: Night) -> None:
    trigger = night.ring()
    night.set(quiet_hours=QuietHours(start="22:00", end="05:00"))
    night.wake()
    assert night.delivery(trigger.id).due_at == MORNING - timedelta(hours=2)
    assert night.smtp.accepted == []
    assert night.at(MORNING - timedelta(hours=2)) == 1
    assert len(night.smtp.accepted) == 1


def test_quiet_hours_that_end_later_now_hold_it_until_then(night: Night) -> None:
    trigger = night.ring()
    night.set(quiet_hours=QuietHours(start="22:00", end="09:00"))
    night.at(MORNING)
    assert night.delivery(trigger.id).due_at == MORNING + timedelta(hours=2)
    assert night.smtp.accepted == []


def test_in_another_time_zone_the_quiet_hours_are_others(night: Night) -> None:
    trigger = night.ring()
    night.set(time_zone="Europe/Berlin")
    assert night.wake() == 1
    assert night.delivery(trigger.id).state == "sent"


def test_nothing_is_tried_again_in_quiet_hours(night: Night) -> None:
    night.set(quiet_hours=QuietHours(start="00:05", end="07:00"))
    night.smtp.answer = "451 try later"
    trigger = night.ring()
    assert night.delivery(trigger.id).state == "retry"
    night.smtp.answer = "250 OK"
    night.at(night.bell.later(6))
    assert night.smtp.accepted == []
    assert night.at(MORNING) == 1
    assert night.delivery(trigger.id).state == "sent"


def test_what_a_worker_has_in_hand_or_tries_again_later_is_left_to_it(night: Night) -> None:
    night.set(quiet_hours=None)
    night.smtp.answer = "451 try later"
    trigger = night.ring()
    before = night.delivery(trigger.id)
    assert before.state == "retry"
    assert night.wake() == 0
    assert night.delivery(trigger.id) == before
