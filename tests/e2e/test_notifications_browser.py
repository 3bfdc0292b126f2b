"""The page of notifications, alerts with channels of their own, and deliveries in every state,
in a real browser."""

from datetime import timedelta
from typing import get_args

import pytest
from playwright.sync_api import Browser, expect

from services.notify.trials import Trial
from services.store.contract import Update
from services.store.devices import Device
from services.store.triggers import Delivery, DeliveryState, trigger_path
from services.store.users import MAX_DESTINATIONS
from tests.e2e.test_browser import EMAIL, Scheme, check, check_here, on_screens, seed, visit
from tests.support.web import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

PAGE = "/account/notifications"
MINUTE = timedelta(minutes=1)
HOSTILE = "\u202e<script>alert(1)</script> שלום" + "W" * 25


@on_screens
def test_pages_of_channels_are_accessible_and_fit(
    chromium: Browser, address: str, site: Site, width: int, scheme: Scheme
) -> None:
    _, rang, *_ = seed(site)
    uid = uid_of(site)
    for seen in visit(chromium, address, width, scheme):
        seen.sign_in()
        check(seen, (PAGE,))
        places = fill(site, uid, rang)
        site.services.arming.amend(uid, rang, site.at, channels=(places[0], "push"))
        paths = [f"{PAGE}/destinations/{id_}" for id_ in places[:2]]
        check(seen, (PAGE, "/account", "/triggers", f"/alerts/{rang}", *paths))
        seen.go(f"/alerts/{rang}/edit")
        seen.page.locator(".more > summary").click()
        check_here(seen)
        seen.go(PAGE)
        seen.page.get_by_text("Which services").click()
        for tick in seen.page.locator("#channels [name=channels]").all():
            tick.uncheck()
        seen.page.locator("#channels").get_by_role("button", name="Save").click()
        expect(seen.page.get_by_text("Choose one channel at least")).to_be_visible()
        check_here(seen)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_chat_is_added_ticked_and_made_an_alerts_own(
    chromium: Browser, address: str, site: Site, scripts: bool
) -> None:
    *_, armed = seed(site)
    for seen in visit(chromium, address, 390, scripts=scripts):
        page = seen.page
        seen.sign_in()
        seen.go("/account")
        page.get_by_role("link", name="Set notifications").click()
        page.get_by_label("Name").fill("Family chat")
        page.get_by_label("Address").fill("ntfy://stocks-of-the-family")
        page.get_by_role("button", name="Add", exact=True).click()
        ring_by = page.get_by_role("group", name="Ring by")
        ring_by.get_by_label("Family chat").check()
        ring_by.get_by_label("E-mail").uncheck()
        page.get_by_label("First").select_option("Push to your devices")
        page.get_by_label("Then").select_option("E-mail")
        page.locator("#channels").get_by_role("button", name="Save").click()
        user = site.services.users.by_email(EMAIL)
        assert user
        assert user.channels == (user.destinations[0].id,)
        assert user.fallback == ("push", "email")
        seen.go(f"/alerts/{armed}/edit")
        expect(page.locator(".in-short")).to_contain_text("Family chat")
        page.locator(".more > summary").click()
        page.locator(".ring-by").get_by_label("E-mail").check()
        page.get_by_role("button", name="Save changes").click()
        expect(page.get_by_role("main")).to_contain_text("by \u2068E-mail\u2069")
        assert site.services.alerts.get(user.uid, armed).channels == ("email",)


def uid_of(site: Site) -> str:
    user = site.services.users.by_email(EMAIL)
    assert user
    return user.uid


def fill(site: Site, uid: str, alert_id: str) -> list[str]:
    """As many channels as there may be, tests in all states, and a trigger that was sent by them
    in all states; returns the ids of the destinations."""
    places = [add_place(site, uid, number) for number in range(MAX_DESTINATIONS)]
    turn_off(site, uid, places[1])
    for number, name in enumerate(("Chrome on Linux", "Ada’s phone")):
        site.services.devices.create(make_device(site, uid, f"https://push.example/{number}", name))
    for name, ok in (("email", True), (places[0], None), (places[1], False)):
        words = "" if ok is None else "Some words of the mail server, as it said them."
        site.services.trials.keep(uid, name, Trial(id="1", at=site.at, ok=ok, words=words))
    site.services.preferences.change(
        uid,
        {
            "channels": ["email", "push", *places[:3]],
            "fallback": [places[0], "email"],
            "digest": "week",
        },
        site.at,
    )
    (trigger,) = site.services.triggers.page(uid, alert_id=alert_id)[0]
    for name, delivery in zip(["email", "push", *places, "gone"], deliveries(site), strict=False):
        trigger = trigger.with_delivery(name, delivery)
    site.services.store.write(Update(trigger_path(uid, trigger.id), trigger.fields()))
    return places


def deliveries(site: Site) -> list[Delivery]:
    """One in each state, and more."""
    soon, sent = site.at + 10 * MINUTE, site.at - MINUTE
    error = "HTTP 503: the server cannot take anything now. " * 4
    usual: dict[DeliveryState, Delivery] = {
        "sent": Delivery(state="sent", sent_at=sent, attempts=1),
        "retry": Delivery(state="retry", attempts=2, due_at=soon, error=error),
        "failed": Delivery(state="failed", attempts=6, error=f"<b>{HOSTILE}</b>"),
        "held": Delivery(state="held", due_at=soon),
        "sending": Delivery(state="sending", attempts=3, due_at=soon),
        "pending": Delivery(due_at=sent),
    }
    assert usual.keys() == set(get_args(DeliveryState))
    reached = Delivery(state="sent", sent_at=sent, attempts=2, reached=("a", "b"))
    return [
        usual.pop("sent"),
        reached.model_copy(update={"error": "Old tablet: it is gone, so it is forgotten."}),
        *usual.values(),
        Delivery(due_at=soon),
        Delivery(due_at=soon, round=1),
        Delivery(state="sent", sent_at=sent, attempts=1, round=1),
        Delivery(state="retry", due_at=soon, error="Paused: the server asks for a rest."),
        Delivery(state="failed", error="Not tried: it was switched off on 1 March 2026."),
    ]


def add_place(site: Site, uid: str, number: int) -> str:
    name = {0: "Family chat", 1: "Trading desk", 2: HOSTILE}.get(number, f"Channel {number}")
    is_chat = number % 2 == 0
    url = f"ntfy://topic{number}" if is_chat else f"https://hooks.example.com/{number}"
    kind = "apprise" if is_chat else "webhook"
    return site.services.destinations.add(uid, kind, name, url, site.at).id  # type: ignore[arg-type]


def turn_off(site: Site, uid: str, id_: str) -> None:
    user = site.services.users.get(uid)
    assert user
    off = {"off_at": site.at, "off_because": "It answered 410 Gone."}
    places = tuple(
        one.model_copy(update=off) if one.id == id_ else one for one in user.destinations
    )
    site.services.users.update(uid, destinations=places)


def make_device(site: Site, uid: str, endpoint: str, name: str) -> Device:
    return Device(
        uid=uid,
        id=f"device-{endpoint[-1]}",
        kind="webpush",
        endpoint=endpoint,
        p256dh="key",
        auth="secret",
        name=name,
        created_at=site.at,
        last_seen_at=site.at,
    )
