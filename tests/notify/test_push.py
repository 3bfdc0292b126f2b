"""Pushes to all devices of a person: each once, whatever their push services answer."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import pytest

from services.errors import DeliveryError, StoreUnavailable
from services.notify.channel import Channels
from services.notify.channels.email.channel import EmailChannel
from services.notify.channels.email.transport import SmtpTransport
from services.notify.channels.push.channel import PushChannel
from services.notify.channels.push.push import Push, PushComposer
from services.notify.channels.push.sender import Failures, NoSender, Sender
from services.notify.channels.push.web_push import WebPushSender
from services.notify.compose import Composer
from services.notify.outbox import Outbox
from services.notify.push_keys import PushKey, new_private_key
from services.store.devices import Device, Devices, Kind
from services.store.triggers import Delivery, Trigger
from services.store.users import User
from tests.notify.conftest import LINKS, SENDER
from tests.support.bell import Bell
from tests.support.push_service import PushService, Reply, SubscribedBrowser
from tests.support.smtp import SmtpPeer

KEY = PushKey.of(new_private_key())
ADDRESS = "https://bell.example"


@dataclass
class Pushes:
    """A person whose alerts ring by push, and what becomes of it."""

    bell: Bell
    service: PushService
    smtp: SmtpPeer
    removed: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 5.0
    own: Mapping[Kind, Sender] | None = None

    def __post_init__(self) -> None:
        self.change(channels=("push",), fallback=())

    def change(self, **fields: object) -> User:
        return self.bell.services.users.update(self.bell.uid, **fields)

    def device(self, name: str, reply: Reply | None = None) -> SubscribedBrowser:
        browser = self.service.browser(name, reply)
        age = timedelta(seconds=len(self.devices))
        Devices(self.bell.services.store).create(browser.device(self.bell.uid, self.bell.at + age))
        return browser

    @property
    def devices(self) -> list[str]:
        found = Devices(self.bell.services.store).of(self.bell.uid)
        return [device.name for device in found]

    @property
    def senders(self) -> Mapping[Kind, Sender]:
        allowed, ca = frozenset({"localhost"}), str(self.service.ca_file)
        browsers = WebPushSender(KEY, "mailto:bell@bell.example", allowed, self.seconds, ca)
        return self.own or {"webpush": browsers, "fcm": NoSender("no apps here")}

    @property
    def channel(self) -> PushChannel:
        return PushChannel(
            Devices(self.bell.services.store),
            PushComposer(ADDRESS, LINKS),
            lambda: self.senders,
            lambda user, device, why: self.removed.append((device.name, why)),
            seconds=10,
        )

    @property
    def outbox(self) -> Outbox:
        mail = EmailChannel(Composer(ADDRESS, SENDER, LINKS), SmtpTransport(self.smtp.url, SENDER))
        return Outbox(
            self.bell.services.store,
            Channels(mail, self.channel),
            self.bell.jobs,
            luck=lambda: 0.0,
        )

    def ring(self, count: int = 1, **options: object) -> list[Trigger]:
        ids = []
        for number in range(count):
            symbol = f"S{number}"
            self.bell.price(100.0, symbol)
            alert = self.bell.alert("price_rises_to", 90, symbol, if_true="fire_now", **options)
            ids.append(f"{alert.id}-1")
        return [self.bell.services.triggers.get(self.bell.uid, id_) for id_ in ids]

    def sweep(self) -> Delivery:
        """One sweep with every job of it; the push delivery of the oldest trigger."""
        self.bell.sweep(self.outbox)
        return self.deliveries[0]

    @property
    def deliveries(self) -> list[Delivery]:
        triggers = sorted(self.bell.triggers(), key=lambda trigger: trigger.id)
        return [trigger.deliveries["push"] for trigger in triggers]


@pytest.fixture
def pushes(bell: Bell, push_service: PushService, smtp: SmtpPeer) -> Pushes:
    return Pushes(bell, push_service, smtp)


def test_every_device_gets_it_with_links_that_answer(pushes: Pushes) -> None:
    phone, laptop = pushes.device("Phone"), pushes.device("Laptop")
    (trigger,) = pushes.ring(note="sell <half>")
    assert pushes.sweep().state == "sent"
    (message,) = phone.messages
    assert laptop.messages[0]["title"] == message["title"]
    assert message["title"].startswith("S0 100.00")
    assert "sell <half>" in message["body"]
    assert message["link"] == f"{ADDRESS}/triggers/{trigger.id}"
    assert message["tag"] == trigger.id
    snooze, pause = message["snooze"], message["pause"]
    at = pushes.bell.at
    token = snooze.removeprefix(f"{ADDRESS}/mail/snooze/")
    assert LINKS.snoozed(token, at) == (trigger.uid, trigger.id, 0)
    token = pause.removeprefix(f"{ADDRESS}/mail/pause/")
    assert LINKS.paused(token, at) == (trigger.uid, trigger.alert_id)


def test_up_to_five_are_a_push_each(pushes: Pushes) -> None:
    phone = pushes.device("Phone")
    pushes.ring(5)
    pushes.sweep()
    assert len(phone.messages) == 5
    assert len({message["tag"] for message in phone.messages}) == 5


def test_more_than_five_are_one_summary(pushes: Pushes) -> None:
    phone = pushes.device("Phone")
    pushes.ring(6)
    pushes.sweep()
    (message,) = phone.messages
    assert message["title"].startswith("6 alerts rang")
    assert message["link"] == f"{ADDRESS}/triggers"
    assert (message["snooze"], message["pause"]) == ("", "")
    assert {delivery.state for delivery in pushes.deliveries} == {"sent"}
    assert {delivery.group for delivery in pushes.deliveries} == {message["tag"]}


def test_a_snoozed_trigger_comes_as_another_message(pushes: Pushes) -> None:
    phone = pushes.device("Phone")
    (trigger,) = pushes.ring()
    pushes.sweep()
    pushes.bell.services.snoozing.snooze(trigger.uid, trigger.id, 0, 1, pushes.bell.at)
    pushes.bell.later(61)
    pushes.sweep()
    first, second = phone.messages
    assert (first["tag"], second["tag"]) == (trigger.id, f"{trigger.id}.1")


def test_a_retry_goes_only_to_those_that_do_not_have_it(pushes: Pushes) -> None:
    phone = pushes.device("Phone")
    laptop = pushes.device("Laptop", Reply(503))
    pushes.ring()
    delivery = pushes.sweep()
    assert delivery.state == "retry"
    assert "Laptop: the push service answered 503" in (delivery.error or "")
    assert len(delivery.reached) == 1
    pushes.service.replies.clear()
    pushes.bell.later(1)
    delivery = pushes.sweep()
    assert (delivery.state, delivery.error, len(delivery.reached)) == ("sent", None, 2)
    assert (len(phone.requests), len(laptop.requests)) == (1, 2)
    assert laptop.messages[0]["tag"] == laptop.messages[1]["tag"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_device_that_is_gone_is_forgotten_and_told(pushes: Pushes, status: int) -> None:
    phone = pushes.device("Phone")
    pushes.device("Old laptop", Reply(status))
    pushes.ring()
    delivery = pushes.sweep()
    assert delivery.state == "sent"
    assert "Old laptop" in (delivery.error or "")
    assert pushes.devices == ["Phone"]
    assert pushes.removed == [("Old laptop", f"it takes no messages any more ({status})")]
    assert len(phone.requests) == 1


def test_the_last_device_that_goes_leaves_it_to_another_channel(
    pushes: Pushes,
) -> None:
    pushes.change(fallback=("email",))
    pushes.device("Phone", Reply(410))
    pushes.ring()
    assert pushes.sweep().state == "failed"
    assert len(pushes.smtp.accepted) == 1
    assert pushes.devices == []


def test_without_a_device_the_next_channel_takes_over(pushes: Pushes) -> None:
    pushes.change(fallback=("email",))
    pushes.ring()
    delivery = pushes.sweep()
    assert delivery.state == "failed"
    assert "No device of yours" in (delivery.error or "")
    assert len(pushes.smtp.accepted) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 408])
def test_a_push_service_in_trouble_is_tried_again(pushes: Pushes, status: int) -> None:
    pushes.device("Phone", Reply(status))
    pushes.ring()
    delivery = pushes.sweep()
    assert delivery.state == "retry"
    assert delivery.due_at == pushes.bell.at + timedelta(seconds=30)
    assert pushes.devices == ["Phone"]


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("5", timedelta(seconds=30)),
        ("999999999", timedelta(hours=1)),
        ("Mon, 02 Mar 2026 15:10:00 GMT", timedelta(minutes=10)),
        ("Mon, 02 Mar 2020 15:10:00 GMT", timedelta(seconds=30)),
        ("soon", timedelta(seconds=30)),
        ("-5", timedelta(seconds=30)),
        ("9" * 400, timedelta(seconds=30)),
    ],
)
def test_a_push_service_may_ask_to_wait_within_reason(
    pushes: Pushes, asked: str, wait: timedelta
) -> None:
    pushes.device("Phone", Reply(429, {"Retry-After": asked}))
    pushes.ring()
    assert pushes.sweep().due_at == pushes.bell.at + wait


@pytest.mark.parametrize(
    ("status", "words"),
    [(400, "400"), (401, "another key"), (403, "another key"), (413, "413"), (301, "redirects")],
)
def test_what_no_retry_can_help_fails_at_once(pushes: Pushes, status: int, words: str) -> None:
    pushes.device("Phone", Reply(status, {"Location": "https://localhost:1/"}))
    pushes.change(fallback=("email",))
    pushes.ring()
    delivery = pushes.sweep()
    assert delivery.state == "failed"
    assert len(pushes.smtp.accepted) == 1
    assert words in (delivery.error or "")
    assert pushes.devices == ["Phone"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00\xff" * 300, b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 2"],
)
def test_garbage_is_no_answer(pushes: Pushes, raw: bytes) -> None:
    phone, pushes.seconds = pushes.device("Laptop"), 1.0
    pushes.device("Phone", Reply(raw=raw))
    pushes.ring()
    delivery = pushes.sweep()
    assert (delivery.state, len(delivery.reached)) == ("retry", 1)
    assert "does not answer" in (delivery.error or "")
    assert len(phone.requests) == 1


def test_devices_that_hang_keep_no_other_waiting(pushes: Pushes) -> None:
    pushes.seconds = 0.5
    for number in range(4):
        pushes.device(f"Hung {number}", Reply(hangs=True))
    phone = pushes.device("Phone")
    pushes.ring()
    begun = time.monotonic()
    delivery = pushes.sweep()
    assert time.monotonic() - begun < 4
    assert (delivery.state, len(delivery.reached), len(phone.requests)) == ("retry", 1, 1)


class Sleeper:
    """Returns when told, however late."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, devices: Sequence[Device], push: Push, now: datetime) -> Failures:
        self.sent += 1
        time.sleep(1.0)
        return {}


def test_who_takes_too_long_is_given_up_and_tried_again(pushes: Pushes) -> None:
    sleeper = Sleeper()
    pushes.own = {"webpush": cast(Sender, sleeper), "fcm": NoSender("")}
    pushes.device("Phone")
    channel = pushes.channel
    channel._seconds = 0.1
    user = pushes.change()
    with pytest.raises(DeliveryError, match="did not answer in time") as raised:
        channel.send_test(user, "push", pushes.bell.at)
    assert raised.value.unreachable
    assert not raised.value.permanent


def test_a_private_address_is_refused_and_nothing_is_sent(pushes: Pushes) -> None:
    pushes.own = {
        "webpush": WebPushSender(KEY, "mailto:bell@bell.example", frozenset()),
        "fcm": NoSender(""),
    }
    pushes.device("Phone")
    pushes.ring()
    delivery = pushes.sweep()
    assert delivery.state == "failed"
    assert "private network" in (delivery.error or "")
    assert pushes.service.got == []


def test_apps_are_told_where_there_is_no_firebase(pushes: Pushes) -> None:
    pushes.own = {"webpush": pushes.senders["webpush"], "fcm": NoSender("it sends to no apps")}
    phone = pushes.device("Phone")
    app = Device(
        uid=pushes.bell.uid,
        id="app",
        kind="fcm",
        endpoint="token",
        name="Tablet",
        created_at=pushes.bell.at,
        last_seen_at=pushes.bell.at,
    )
    Devices(pushes.bell.services.store).create(app)
    pushes.ring()
    delivery = pushes.sweep()
    assert (delivery.state, delivery.error) == ("sent", "Tablet: it sends to no apps.")
    assert len(phone.requests) == 1


def test_keys_that_cannot_be_used_fail_that_device_only(pushes: Pushes) -> None:
    phone, broken = pushes.device("Phone"), pushes.device("Broken")
    devices = Devices(pushes.bell.services.store)
    stored = broken.device(pushes.bell.uid, pushes.bell.at)
    devices.create(stored.replace(p256dh="BNcR", auth="tBHI"))
    pushes.ring()
    delivery = pushes.sweep()
    assert delivery.state == "sent"
    assert "Broken: its keys cannot be used" in (delivery.error or "")
    assert len(phone.requests) == 1


def test_a_test_says_which_devices_took_it(pushes: Pushes) -> None:
    phone = pushes.device("Phone")
    pushes.device("Laptop", Reply(503))
    user = pushes.change()
    said = pushes.channel.send_test(user, "push", pushes.bell.at)
    assert "for Phone" in said
    assert "Laptop: the push service answered 503." in said
    assert phone.messages[0]["title"] == "Bellwether reaches this device"


def test_a_test_without_a_device_says_what_to_do(pushes: Pushes) -> None:
    with pytest.raises(DeliveryError, match="notifications page") as raised:
        pushes.channel.send_test(pushes.change(), "push", pushes.bell.at)
    assert raised.value.permanent


def test_a_device_that_cannot_be_forgotten_now_makes_nobody_wait(
    pushes: Pushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = pushes.device("Phone")
    pushes.device("Old laptop", Reply(410))
    pushes.ring()

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(Devices, "delete", away)
    assert pushes.sweep().state == "sent"
    assert len(phone.requests) == 1
    assert pushes.removed == []
