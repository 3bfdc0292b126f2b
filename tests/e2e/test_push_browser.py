"""Push messages in a real browser: turned on, shown, clicked, answered, renewed.

Chromium without Google's push service can neither subscribe nor be reached: a subscription of the
test's stands in for its own, and DevTools hand over what that one was sent, decrypted.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Worker, expect

from services.alerts.conditions import PriceCondition
from services.alerts.facts import Facts
from services.notify.channel import Channels
from services.notify.channels.email.channel import EmailChannel
from services.notify.channels.email.transport import SmtpTransport
from services.notify.channels.push.channel import PushChannel
from services.notify.channels.push.push import PushComposer
from services.notify.channels.push.sender import NoSender
from services.notify.channels.push.web_push import WebPushSender
from services.notify.compose import Composer
from services.notify.outbox import Outbox
from services.store.triggers import Trigger
from tests.e2e.test_browser import EMAIL, Visit, visit
from tests.support.market import make_quote
from tests.support.push_service import PushService, SubscribedBrowser
from tests.support.web import Person, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

PAGE = "/account/notifications"
SUBSCRIBE = """
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")),
                                          (c) => c.charCodeAt(0)).buffer;
  const made = (given, key) => ({
    endpoint: given.endpoint,
    options: { userVisibleOnly: true, applicationServerKey: bytes(key) },
    toJSON: () => ({ ...given, expirationTime: null }),
    unsubscribe: async () => (globalThis.localStorage?.removeItem("subscribed"), true),
  });
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    globalThis.localStorage?.setItem("subscribed", applicationServerKey);
    return made(GIVEN, applicationServerKey);
  };
  PushManager.prototype.getSubscription = async () => {
    const key = localStorage.getItem("subscribed");
    return key && made(GIVEN, key);
  };
"""
"""Chromium's two questions to its push service, answered by a subscription GIVEN."""


def given(browser: SubscribedBrowser) -> str:
    subscription = {"endpoint": browser.endpoint, "keys": browser.subscriber.keys}
    return SUBSCRIBE.replace("GIVEN", json.dumps(subscription))


@dataclass
class Desk:
    """Ada's browser, at the page of notifications, subscribed to a push service on loopback."""

    seen: Visit
    site: Site
    person: Person
    service: PushService
    browser: SubscribedBrowser

    @property
    def devices(self) -> list[str]:
        return [device.name for device in self.site.services.devices.of(self.person.uid)]

    def open(self) -> None:
        self.seen.sign_in()
        self.seen.go(PAGE)

    def turn_on(self) -> Worker:
        self.open()
        context = self.seen.page.context
        with self.seen.page.expect_navigation():
            self.seen.page.get_by_role("button", name="Turn on for this browser").click()
        expect(self.seen.page.get_by_text("This browser gets push messages.")).to_be_visible()
        worker = context.service_workers[0]
        worker.evaluate(
            "() => { self.opened = []; clients.openWindow = async (url) => { opened.push(url); }; }"
        )
        return worker

    def ring(self) -> Trigger:
        """An alert on AAPL rings and is delivered."""
        services, at = self.site.services, self.site.at
        services.users.update(self.person.uid, channels=("push",))
        facts = Facts(make_quote("AAPL", source=self.site.market.name))
        alert = services.arming.create(
            self.person.uid,
            facts,
            PriceCondition(kind="price_rises_to", level=90),
            at,
            if_true="fire_now",
            frequency="every",
        )
        key, ca = services.push_key, str(self.service.ca_file)
        sender = WebPushSender(key, "mailto:b@bell.example", frozenset({"localhost"}), 5, ca)
        address = services.settings.address
        push = PushChannel(
            services.devices,
            PushComposer(address, services.links),
            lambda: {"webpush": sender, "fcm": NoSender("")},
            lambda *_: None,
        )
        composer = Composer(address, "b@bell.example", services.links)
        mail = EmailChannel(composer, SmtpTransport("smtp://127.0.0.1:1", "b@bell.example"))
        outbox = Outbox(services.store, Channels(mail, push), self.site.jobs, lambda: 0.0)
        assert outbox.deliver(self.person.uid, "push", at + timedelta(seconds=1))
        return services.triggers.get(self.person.uid, f"{alert.id}-1")

    def deliver(self, data: str) -> None:
        """What a push service does: wake the worker up with a message."""
        devtools = self.seen.page.context.new_cdp_session(self.seen.page)
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": self.seen.address,
                "registrationId": registration_id(devtools),
                "data": data,
            },
        )

    def deliver_last(self) -> None:
        """What the push service was sent last, as the browser decrypts it."""
        self.deliver(self.browser.subscriber.read(self.service.got[-1].body).decode())

    def shown(self, worker: Worker, count: int = 1) -> list[dict[str, Any]]:
        """The notifications that the browser shows."""
        return worker.evaluate(
            """async (count) => {
                for (let tries = 0; tries < 100; tries++) {
                    const found = await registration.getNotifications();
                    if (found.length === count) {
                        return found.map(({ title, body, tag, data, actions }) =>
                            ({ title, body, tag, data, actions: actions.map((a) => a.action) }));
                    }
                    await new Promise((done) => setTimeout(done, 50));
                }
                throw new Error(`not ${count} notifications`);
            }""",
            count,
        )

    def click(self, worker: Worker, action: str = "") -> list[str]:
        """Click the notification, or a button of it; returns what windows were opened."""
        return worker.evaluate(
            """async (action) => {
                const [notification] = await registration.getNotifications();
                const event = new NotificationEvent("notificationclick", { notification, action });
                let done = Promise.resolve();
                event.waitUntil = (promise) => { done = promise; };
                self.dispatchEvent(event);
                await done;
                return opened;
            }""",
            action,
        )


def registration_id(devtools: CDPSession) -> str:
    found: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    while not found:
        devtools.send("ServiceWorker.enable")
    return found[-1]


@pytest.fixture
def desk(chromium: Browser, address: str, site: Site, push_service: PushService) -> Iterator[Desk]:
    person = site.person(EMAIL)
    for seen in visit(chromium, address):
        context = seen.page.context
        context.grant_permissions(["notifications"], origin=address)
        browser = push_service.browser("Chromium")
        context.add_init_script(f"{{ {given(browser)} }}")
        yield Desk(seen, site, person, push_service, browser)


def test_push_is_turned_on_named_and_turned_off(desk: Desk) -> None:
    desk.turn_on()
    page = desk.seen.page
    assert desk.devices == ["Chrome on Linux"]
    expect(page.locator("[data-push-here]")).to_have_text(", this one")
    name = page.get_by_label("Name of Chrome on Linux")
    name.fill("Kitchen")
    page.get_by_role("button", name="Rename Chrome on Linux").click()
    expect(page.get_by_text("The device is called Kitchen now.")).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("button", name="Turn off for this browser").click()
    expect(page.get_by_role("button", name="Turn on for this browser")).to_be_visible()
    assert desk.devices == []


def test_what_was_sent_is_shown_and_its_click_opens_the_trigger(desk: Desk) -> None:
    worker = desk.turn_on()
    trigger = desk.ring()
    desk.deliver_last()
    (notification,) = desk.shown(worker)
    assert notification["title"].startswith("AAPL 100.00")
    assert notification["tag"] == trigger.id
    assert notification["actions"][:2] == ["open", "snooze"]
    (opened,) = desk.click(worker)
    assert opened == f"{desk.seen.address}/triggers/{trigger.id}"
    desk.seen.page.goto(opened)
    expect(desk.seen.page.get_by_role("main")).to_contain_text("AAPL rose to 90.00")


def test_a_message_that_comes_twice_is_shown_once(desk: Desk) -> None:
    worker = desk.turn_on()
    desk.ring()
    desk.deliver_last()
    desk.deliver_last()
    assert len(desk.shown(worker)) == 1


def test_a_tab_that_shows_the_trigger_is_not_opened_again(desk: Desk) -> None:
    worker = desk.turn_on()
    trigger = desk.ring()
    desk.deliver_last()
    desk.shown(worker)
    desk.seen.go(f"/triggers/{trigger.id}")
    worker.evaluate(
        """() => {
            WindowClient.prototype.focus = async function () { opened.push(`focus ${this.url}`); };
        }"""
    )
    assert desk.click(worker) == [f"focus {desk.seen.address}/triggers/{trigger.id}"]


def test_snooze_and_pause_are_done_by_the_notification_itself(desk: Desk) -> None:
    worker = desk.turn_on()
    trigger = desk.ring()
    desk.deliver_last()
    desk.shown(worker)
    assert desk.click(worker, "snooze") == []
    after = desk.site.services.triggers.get(trigger.uid, trigger.id).deliveries["push"]
    assert (after.round, after.state) == (1, "pending")
    (answer,) = desk.shown(worker)
    assert (answer["tag"], answer["actions"]) == (trigger.id, [])
    assert answer["body"].startswith("A reminder is set.")
    worker.evaluate("async () => (await registration.getNotifications())[0].close()")
    desk.shown(worker, 0)
    desk.deliver_last()
    desk.shown(worker)
    assert desk.click(worker, "pause") == []
    assert desk.site.services.alerts.get(trigger.uid, trigger.alert_id).state == "paused"


def test_a_button_that_cannot_be_done_opens_its_page(desk: Desk) -> None:
    worker = desk.turn_on()
    desk.ring()
    desk.deliver_last()
    (notification,) = desk.shown(worker)
    worker.evaluate("() => { self.fetch = async () => { throw new TypeError('offline'); }; }")
    assert desk.click(worker, "snooze") == [notification["data"]["snooze"]]


HOSTILE = [
    ("", "Bellwether"),
    ("not JSON", "Bellwether"),
    ("null", "Bellwether"),
    ("[1, 2]", "Bellwether"),
    ('{"title": 5, "body": {}, "tag": [], "link": 7}', "Bellwether"),
    (json.dumps({"title": "x" * 3_000, "body": "y" * 3_000}), "x" * 200),
    (json.dumps({"title": "a", "link": "https://evil.example/x"}), "a"),
    (json.dumps({"title": "a", "link": "https://e//evil.example/", "snooze": "https://e/x"}), "a"),
    (json.dumps({"title": "a", "link": "javascript:alert(1)", "pause": "/mail/stop/x"}), "a"),
]


@pytest.mark.parametrize(("data", "title"), HOSTILE)
def test_no_message_leads_elsewhere_or_breaks_the_worker(desk: Desk, data: str, title: str) -> None:
    worker = desk.turn_on()
    desk.deliver(data)
    (notification,) = desk.shown(worker)
    assert notification["title"] == title
    assert len(notification["body"]) <= 2_000
    assert (notification["data"]["snooze"], notification["data"]["pause"]) == ("", "")
    (opened,) = desk.click(worker)
    assert opened.startswith(f"{desk.seen.address}/")


def test_a_subscription_that_the_browser_changes_keeps_its_name(desk: Desk) -> None:
    worker = desk.turn_on()
    services, former = desk.site.services, desk.browser.endpoint
    services.devices.rename(desk.person.uid, services.devices.of(desk.person.uid)[0].id, "Kitchen")
    renewed = desk.service.browser("renewed")
    worker.evaluate(f"() => {{ {given(renewed)} }}")
    worker.evaluate(
        """async (endpoint) => {
            const event = new ExtendableEvent("pushsubscriptionchange");
            event.oldSubscription = { endpoint };
            let done = Promise.resolve();
            event.waitUntil = (promise) => { done = promise; };
            self.dispatchEvent(event);
            await done;
        }""",
        former,
    )
    (device,) = services.devices.of(desk.person.uid)
    assert (device.name, device.endpoint) == ("Kitchen", renewed.endpoint)


def test_a_browser_with_notifications_blocked_says_what_to_do(desk: Desk) -> None:
    desk.seen.page.add_init_script(
        "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })"
    )
    desk.open()
    expect(desk.seen.page.get_by_text("Notifications of this site are blocked.")).to_be_visible()
    expect(desk.seen.page.locator("#devices").get_by_role("button")).to_have_count(0)


def test_a_push_service_that_refuses_is_told_and_nothing_is_kept(desk: Desk) -> None:
    desk.seen.page.add_init_script(
        "PushManager.prototype.subscribe = async () => { throw new Error('no service'); }"
    )
    desk.open()
    button = desk.seen.page.get_by_role("button", name="Turn on for this browser")
    button.click()
    expect(desk.seen.page.get_by_text("That did not work: no service")).to_be_visible()
    expect(button).to_be_enabled()
    assert desk.devices == []


def test_without_scripts_the_page_says_what_is_needed(
    chromium: Browser, address: str, site: Site
) -> None:
    site.person(EMAIL)
    for seen in visit(chromium, address, scripts=False):
        seen.sign_in()
        seen.go(PAGE)
        expect(seen.page.get_by_text("need JavaScript")).to_be_visible()


def set_alert(seen: Visit, level: str) -> None:
    """In words, on the page of new alerts."""
    seen.go(f"/alerts/new?symbol=AAPL&kind=price_rises_to&level={level}")
    seen.page.get_by_role("main").get_by_role("button", name="Set the alert").click()
    seen.page.wait_for_url(re.compile(r"/alerts/(?!new)[^/]+$"))


def test_after_an_alert_was_set_this_device_can_ring_by_one_click(desk: Desk) -> None:
    desk.seen.sign_in()
    set_alert(desk.seen, "150")
    page = desk.seen.page
    expect(page.get_by_text("Ring on this device, too?")).to_be_visible()
    page.get_by_role("button", name="Yes, ring here").click()
    expect(page.get_by_text("This device rings from now on.")).to_be_visible()
    assert desk.devices == ["Chrome on Linux"]
    user = desk.site.services.users.get(desk.person.uid)
    assert user.channels == ("email", "push")
    set_alert(desk.seen, "160")
    expect(page.get_by_role("heading", name="AAPL rises to 160.00")).to_be_visible()
    expect(page.locator("[data-offer]")).to_be_hidden()


def test_not_now_is_remembered_on_this_device(desk: Desk) -> None:
    desk.seen.sign_in()
    set_alert(desk.seen, "150")
    offer = desk.seen.page.locator("[data-offer]")
    desk.seen.page.get_by_role("button", name="Not now").click()
    expect(offer).to_be_hidden()
    set_alert(desk.seen, "160")
    desk.seen.page.wait_for_load_state("networkidle")
    expect(offer).to_be_hidden()
    assert desk.devices == []


def test_an_offer_that_the_browser_blocks_says_what_to_do(desk: Desk) -> None:
    desk.seen.page.add_init_script(
        "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })"
    )
    desk.seen.sign_in()
    set_alert(desk.seen, "150")
    page = desk.seen.page
    expect(page.get_by_text("Notifications of this site are blocked: allow")).to_be_visible()
    expect(page.get_by_role("button", name="Yes, ring here")).to_be_hidden()
    expect(page.get_by_role("button", name="Not now")).to_be_visible()


def test_installing_is_offered_when_the_browser_can_and_asks_on_a_click_only(desk: Desk) -> None:
    desk.open()
    page = desk.seen.page
    expect(page.locator("#install")).to_be_hidden()
    prevented = page.evaluate(
        """() => {
            const event = new Event("beforeinstallprompt", { cancelable: true });
            event.prompt = () => { globalThis.prompted = true; };
            return !dispatchEvent(event);
        }"""
    )
    assert prevented
    assert page.evaluate("globalThis.prompted") is None
    page.get_by_role("button", name="Install").click()
    assert page.evaluate("globalThis.prompted") is True
    expect(page.get_by_text("Add to Home Screen")).to_be_hidden()


def test_on_an_iphone_the_way_to_the_home_screen_is_told(desk: Desk) -> None:
    desk.seen.page.add_init_script("navigator.standalone = false")
    desk.open()
    expect(desk.seen.page.locator("#install")).to_contain_text("Share → Add to Home Screen")
    expect(desk.seen.page.get_by_role("button", name="Install")).to_be_hidden()
