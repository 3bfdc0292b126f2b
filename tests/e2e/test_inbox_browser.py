"""The inbox and the way in, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from services.alerts.conditions import PriceCondition
from services.alerts.facts import Facts
from tests.e2e.test_browser import EMAIL, Scheme, Visit, check_here, on_screens, visit
from tests.support.web import PASSWORD, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

LONG = "\u202eright to left \u05e9\u05dc\u05d5\u05dd <b>bold</b> " + "wideword" * 20


@pytest.fixture
def reader(chromium: Browser, address: str) -> Iterator[Visit]:
    yield from visit(chromium, address)


def ring(site: Site, uid: str, symbol: str = "AAPL", note: str = "") -> str:
    """The id of a trigger that has just rung."""
    facts = Facts(site.market.quotes_of[symbol])
    condition = PriceCondition(kind="price_rises_to", level=90.0)
    alert = site.services.arming.create(
        uid, facts, condition, site.at, note=note, if_true="fire_now"
    )
    return f"{alert.id}-1"


def test_a_bell_is_new_until_it_is_opened(reader: Visit, site: Site) -> None:
    uid = site.person(EMAIL).uid
    ring(site, uid)
    reader.sign_in()
    badge = reader.page.locator("[data-unread]").first
    expect(badge).to_have_text("1")
    reader.go("/triggers")
    expect(reader.page.get_by_text("New", exact=True)).to_be_visible()
    reader.page.get_by_role("link", name=re.compile("AAPL rose to 90")).click()
    expect(reader.page.get_by_role("img", name=re.compile("AAPL"))).to_be_visible()
    expect(reader.page.get_by_role("heading", name="How you were told")).to_be_visible()
    reader.go("/triggers")
    expect(reader.page.get_by_text("New", exact=True)).to_have_count(0)
    expect(badge).to_be_hidden()


def test_two_tabs_agree_and_a_double_click_does_no_harm(reader: Visit, site: Site) -> None:
    uid = site.person(EMAIL).uid
    ring(site, uid)
    ring(site, uid, "MSFT")
    reader.sign_in()
    reader.go("/triggers")
    other = reader.page.context.new_page()
    other.goto(reader.address + "/triggers")
    reader.page.get_by_role("button", name="Mark AAPL as read").dblclick()
    expect(reader.page.get_by_role("button", name="Mark AAPL as read")).to_have_count(0)
    other.get_by_role("button", name="Mark AAPL as read").click()
    expect(other.get_by_role("button", name="Mark AAPL as read")).to_have_count(0)
    other.get_by_role("button", name="Mark all as read").click()
    expect(other.get_by_text("One is marked as read.")).to_be_visible()


@pytest.mark.parametrize("end", ["session lost", "password changed"])
def test_a_form_that_was_open_for_too_long_is_there_again_after_signing_in(
    reader: Visit, site: Site, end: str
) -> None:
    uid = site.person(EMAIL).uid
    reader.sign_in()
    reader.go("/alerts/new?symbol=AAPL&kind=price_falls_to&level=80.5")
    note = reader.page.locator("#note")
    if not note.is_visible():
        note.evaluate("field => field.closest('details').open = true")
    note.fill("my own words\nin two lines")
    redis = site.services.redis
    if end == "session lost":
        redis.delete(*redis.keys("session:*"))
    else:
        user = site.services.users.get(uid)
        assert user
        site.services.users.end_access(uid, user.password_hash)
    reader.page.get_by_role("button", name="Set the alert").last.click()
    expect(reader.page.get_by_text("Your session has ended")).to_be_visible()
    reader.page.fill("#email", EMAIL)
    reader.page.fill("#password", PASSWORD)
    reader.page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(reader.page.locator("#note")).to_have_value("my own words\nin two lines")
    expect(reader.page.locator("#level")).to_have_value("80.5")
    expect(reader.page.locator("#kind")).to_have_value("price_falls_to")
    assert site.services.alerts.count(uid) == 0
    reader.page.get_by_role("button", name="Set the alert").last.click()
    expect(reader.page.get_by_role("heading", name="AAPL falls to 80.50")).to_be_visible()


def test_a_password_can_be_looked_at_and_nothing_moves(reader: Visit, site: Site) -> None:
    reader.go("/sign-in")
    field = reader.page.locator("#password")
    before = reader.page.locator(".entry").bounding_box()
    field.fill("my secret")
    button = reader.page.get_by_role("button", name="Show the password")
    button.click()
    expect(field).to_have_attribute("type", "text")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert reader.page.locator(".entry").bounding_box() == before
    button.click()
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_attribute("autocomplete", "current-password")
    expect(reader.page.locator("#email")).to_have_attribute("autocomplete", "username")


@on_screens
def test_the_inbox_and_the_way_in_are_accessible_and_fit(
    chromium: Browser, address: str, site: Site, width: int, scheme: Scheme
) -> None:
    site.market.set("MSFT", 715_930.0, site.at)
    site.market.set("IBM", 0.00000123, site.at)
    uid = site.person(EMAIL).uid
    trigger_id = ring(site, uid, note=LONG)
    ring(site, uid, "MSFT")
    for seen in visit(chromium, address, width, scheme):
        for path in ("/", "/sign-in", "/sign-up", "/forgot"):
            seen.go(path)
            check_here(seen)
        seen.sign_in()
        for path in (
            "/triggers",
            "/triggers?show=failed",
            "/triggers?symbol=none",
            f"/triggers/{trigger_id}",
        ):
            seen.go(path)
            check_here(seen)


def test_what_rings_while_the_inbox_is_open_appears(reader: Visit, site: Site) -> None:
    uid = site.person(EMAIL).uid
    first = ring(site, uid)
    reader.sign_in()
    with reader.page.expect_response("**/live?*"):
        reader.go("/triggers")
    expect(reader.page.locator(f"#t-{first}")).to_be_visible()
    second = ring(site, uid, "MSFT")
    expect(reader.page.locator("#bells > li").first).to_have_id(f"t-{second}")
    expect(reader.page.get_by_role("heading", name="Inbox 2 unread")).to_be_visible()
    reader.page.get_by_role("button", name="Mark all as read").click()
    expect(reader.page.get_by_text("2 are marked as read.")).to_be_visible()
