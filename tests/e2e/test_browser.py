"""The pages in a real browser: the way from sign-up to the bell, accessibility, no surprises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from services.alerts.conditions import PriceCondition, PriceKind
from services.alerts.facts import Facts
from services.market.models import Match
from services.store.watchlists import Entry, Watchlist
from tests.support.thorough import some
from tests.support.web import PASSWORD, Site
from workers.parts import Parts

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

EMAIL = "ada@example.com"
EXPECTED = "Failed to load resource: the server responded with a status of 4"
Scheme = Literal["light", "dark"]
SCREENS = [(320, "light"), (1280, "dark"), (390, "dark"), (768, "light"), (1280, "light")]
on_screens = pytest.mark.parametrize(("width", "scheme"), some(SCREENS, 2))


@dataclass
class Visit:
    """A page with all that the browser complained about."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, email: str = EMAIL) -> None:
        self.go("/sign-in")
        self.page.fill("#email", email)
        self.page.fill("#password", PASSWORD)
        self.page.get_by_role("main").get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/watchlists/*")


def visit(
    browser: Browser,
    address: str,
    width: int = 1280,
    scheme: Scheme = "light",
    scripts: bool = True,
) -> Iterator[Visit]:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=scripts,
        timezone_id="Asia/Tokyo",
        reduced_motion="reduce",
    )
    seen = Visit(context.new_page(), address)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on(
        "console",
        lambda message: (
            seen.complaints.append(message.text)
            if message.type in ("error", "warning") and not message.text.startswith(EXPECTED)
            else None
        ),
    )
    yield seen
    context.close()
    assert seen.complaints == []


@pytest.fixture
def reader(chromium: Browser, address: str) -> Iterator[Visit]:
    yield from visit(chromium, address)


@pytest.fixture
def plain_reader(chromium: Browser, address: str) -> Iterator[Visit]:
    """A browser that runs no scripts."""
    yield from visit(chromium, address, width=390, scripts=False)


def walk_from_sign_up_to_an_alert(seen: Visit) -> None:
    page = seen.page
    seen.go("/")
    page.get_by_role("main").get_by_role("link", name="Sign up").click()
    page.fill("#email", "new@example.com")
    page.fill("#password", PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("A mail is on its way to new@example.com")).to_be_visible()
    page.fill("#password", PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Three steps to your first bell")).to_be_visible()
    page.fill("#symbol", "AAPL")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("row", name="AAPL")).to_contain_text("100.00")
    page.get_by_role("link", name="Set an alert on AAPL").click()
    page.select_option("#kind", "price_falls_to")
    page.fill("#level", "80")
    by_form(seen).get_by_role("button", name="Set the alert").click()
    expect(page.get_by_role("heading", name="AAPL falls to 80.00")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("20.0 % to go")


def test_from_sign_up_to_an_alert(reader: Visit, site: Site) -> None:
    walk_from_sign_up_to_an_alert(reader)
    user = site.services.users.by_email("new@example.com")
    assert user
    assert user.time_zone == "Asia/Tokyo"


def test_from_sign_up_to_the_bell_without_scripts(plain_reader: Visit, site: Site) -> None:
    page = plain_reader.page
    walk_from_sign_up_to_an_alert(plain_reader)
    user = site.services.users.by_email("new@example.com")
    assert user
    plain_reader.go("/confirm/" + site.services.links.make("confirm", user, site.at))
    expect(page.get_by_text("new@example.com is confirmed")).to_be_visible()
    site.market.set("AAPL", 79.5, site.at, day_low=79.0)
    Parts(site.services, site.market).checker.run(site.at)
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("link", name="AAPL fell to 80.00").click()
    expect(page.get_by_role("img", name=re.compile("AAPL"))).to_be_visible()
    expect(page.get_by_role("heading", name="How you were told")).to_be_visible()


def test_a_company_is_chosen_from_suggestions_by_keyboard(reader: Visit, site: Site) -> None:
    site.person(EMAIL)
    reader.sign_in()
    field = reader.page.get_by_role("combobox")
    field.press_sequentially("apple")
    option = reader.page.get_by_role("option", name="AAPL")
    expect(option).to_be_visible()
    field.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    field.press("Enter")
    expect(reader.page.get_by_role("row", name="AAPL")).to_be_visible()


def test_suggestions_close_by_escape_and_keep_what_was_typed(reader: Visit, site: Site) -> None:
    site.person(EMAIL)
    reader.sign_in()
    field = reader.page.get_by_role("combobox")
    field.press_sequentially("apple")
    expect(reader.page.get_by_role("option")).to_have_count(1)
    field.press("Escape")
    expect(reader.page.get_by_role("option")).to_have_count(0)
    expect(field).to_have_value("apple")


def test_a_newer_quote_replaces_the_number_in_place(reader: Visit, site: Site) -> None:
    seed(site)
    reader.sign_in()
    row = reader.page.get_by_role("row", name="AAPL")
    before = {symbol: cells(reader.page, symbol) for symbol in ("OCDO.L", "PEPE-USD")}
    expect(row).to_contain_text("103.50")
    site.market.set("AAPL", 98.25, site.at, name="Apple Inc.", volume=999_999, day_low=98.0)
    site.services.redis.delete("quote:AAPL")
    site.services.desk.get(["AAPL"], site.at)
    expect(row).to_contain_text("98.25")
    expect(row).to_contain_text("▼\N{MINUS SIGN}1.75")
    expect(row).to_contain_text("1.0\N{NARROW NO-BREAK SPACE}M")
    after = {symbol: cells(reader.page, symbol) for symbol in ("OCDO.L", "PEPE-USD")}
    assert after == before


def cells(page: Page, symbol: str) -> str:
    return " ".join(page.get_by_role("row", name=symbol).inner_text().split())


def test_a_lost_connection_is_said_and_the_last_quotes_stay(reader: Visit, site: Site) -> None:
    seed(site)
    reader.sign_in()
    for path in ("**/live?*", "**/api/v1/quotes*"):
        reader.page.route(path, lambda route: route.abort())
    reader.page.reload()
    expect(
        reader.page.get_by_text("No connection; these are the last known quotes")
    ).to_be_visible()
    expect(reader.page.get_by_role("row", name="AAPL")).to_contain_text("103.50")
    reader.complaints.clear()


def test_the_first_tab_skips_to_the_content(reader: Visit) -> None:
    reader.go("/sign-in")
    reader.page.keyboard.press("Tab")
    link = reader.page.get_by_role("link", name="Skip to content")
    expect(link).to_be_focused()
    link.press("Enter")
    expect(reader.page.get_by_role("main")).to_be_focused()


def by_form(seen: Visit) -> Locator:
    """The sentence in which an alert is filled in, blank by blank."""
    return seen.page.get_by_role("form", name="The alert")


BY_FORM: dict[str, tuple[dict[str, str], str]] = {
    "price_rises_to": ({"#level": "150"}, "AAPL rises to 150.00"),
    "price_falls_to": ({"#level": "50"}, "AAPL falls to 50.00"),
    "day_change_rises_to": ({"#change": "7"}, "AAPL is up by 7"),
    "day_change_falls_to": ({"#change": "7.5"}, "AAPL is down by 7.5"),
    "moves_by": ({"#move": "30"}, "AAPL moves by 30"),
    "falls_from_peak": ({"#trail": "10"}, "AAPL falls from its high by 10"),
    "rises_from_trough": ({"#trail": "10"}, "AAPL rises from its low by 10"),
    "new_high": ({}, "AAPL makes a new 52-week high"),
    "new_low": ({}, "AAPL makes a new 52-week low"),
    "crosses_average": ({"#average_days": "50"}, "AAPL crosses above its 50-day average"),
    "averages_cross": ({}, "AAPL makes a golden cross"),
    "rsi_rises_to": ({"#rsi": "70"}, "AAPL RSI(14) rises to 70"),
    "rsi_falls_to": ({"#rsi": "30"}, "AAPL RSI(14) falls to 30"),
    "volume_reaches": ({"#ratio": "2"}, "AAPL volume reaches 2"),
    "earnings_within": ({}, "AAPL reports earnings within 5 days"),
}


@pytest.mark.parametrize("scripts", [True, False])
def test_an_alert_of_each_kind_is_set_by_form(
    chromium: Browser, address: str, site: Site, scripts: bool
) -> None:
    site.person(EMAIL)
    for seen in visit(chromium, address, scripts=scripts):
        seen.sign_in()
        for kind, (filled, said) in BY_FORM.items():
            seen.go("/alerts/new?symbol=AAPL")
            seen.page.select_option("#kind", kind)
            expect(seen.page.locator(".of:visible")).to_have_count(1)
            for blank, text in filled.items():
                seen.page.fill(blank, text)
            by_form(seen).get_by_role("button", name="Set the alert").click()
            expect(seen.page.get_by_role("heading", name=said)).to_be_visible()


def test_a_sentence_is_understood_while_it_is_typed_and_then_set(reader: Visit, site: Site) -> None:
    site.person(EMAIL)
    reader.sign_in()
    reader.go("/alerts/new")
    reader.page.get_by_label("In words").press_sequentially("aapl rsi under 30 once a day")
    expect(reader.page.locator("#understood")).to_have_text(
        "Understood: AAPL RSI 14 falls to 30, once a day"
    )
    reader.page.keyboard.press("Enter")
    expect(reader.page.get_by_role("heading", name="AAPL RSI(14) falls to 30")).to_be_visible()


def test_a_slip_in_a_sentence_is_marked_and_nothing_is_lost(reader: Visit, site: Site) -> None:
    site.person(EMAIL)
    reader.sign_in()
    reader.go("/alerts/new")
    reader.page.fill("#text", "aapl abofe 200")
    reader.page.locator("#text").press("Enter")
    expect(reader.page.locator(".pointed mark")).to_have_text("abofe")
    expect(reader.page.locator("#text")).to_have_value("aapl abofe 200")
    check_here(reader)


@on_screens
def test_what_forms_lead_to_is_accessible_and_fits(
    chromium: Browser, address: str, site: Site, width: int, scheme: Scheme
) -> None:
    """Pages as they open are looked at in test_every_page.py."""
    seed(site)
    for seen in visit(chromium, address, width, scheme):
        check(seen, ("/nope", "/confirm/forged"))
        seen.sign_in()
        seen.go("/alerts/new?symbol=AAPL")
        for level in ("90", "1,000"):
            seen.page.fill("#level", level)
            seen.page.locator("#level").press("Enter")
            expect(seen.page.locator("#level")).to_have_attribute("value", level)
            check_here(seen)
        seen.go("/watchlists/empty")
        seen.page.get_by_role("combobox").press_sequentially("apple")
        expect(seen.page.get_by_role("option")).to_have_count(1)
        check_here(seen)
        seen.page.get_by_role("combobox").press("Escape")
        seen.page.get_by_role("button", name="Add", exact=True).click()
        expect(seen.page.get_by_text("Did you mean")).to_be_visible()
        check_here(seen)


def check(seen: Visit, paths: tuple[str, ...]) -> None:
    for path in paths:
        seen.go(path)
        check_here(seen)


def check_here(seen: Visit) -> None:
    found = Axe().run(seen.page)
    assert found.violations_count == 0, f"{seen.page.url}\n{found.generate_report()}"
    wide = seen.page.evaluate("document.documentElement.scrollWidth")
    shown = seen.page.evaluate("document.documentElement.clientWidth")
    assert wide <= shown, f"{seen.page.url} is {wide} wide on a screen of {shown}"


def seed(site: Site) -> list[str]:
    """Ada with two lists, quotes of every kind, and an alert in every state; returns those."""
    uid = site.services.accounts.create_confirmed(EMAIL, PASSWORD, site.at)
    set_prices(site)
    symbols = ("AAPL", "OCDO.L", "PEPE-USD", "^GSPC", "GONE", "MSFT")
    entries = tuple(Entry(symbol=s, added_at=site.at, note="Why? " * 9) for s in symbols)
    make_list(site, uid, "default", "Watchlist", entries)
    make_list(site, uid, "empty", "Ideas <i>of mine</i> " * 2, ())
    waiting = set_alert(site, uid, "price_rises_to", 90, if_true="wait")
    rang = set_alert(site, uid, "price_rises_to", 95, if_true="fire_now")
    paused = set_alert(site, uid, "price_rises_to", 130)
    site.services.arming.pause(uid, paused, site.at, "No data for 5 trading days.")
    armed = set_alert(site, uid, "price_falls_to", 80)
    site.services.readings.note_unchecked({"AAPL": "stale"}, site.at, lambda _: True)
    return [waiting, rang, paused, armed]


def set_prices(site: Site) -> None:
    site.market.name = "replay"
    site.market.set("AAPL", 103.5, site.at, name="Apple Inc.", volume=12_345_678)
    site.market.set("MSFT", 100.0, site.at, market_state="closed", name="N" * 80)
    site.market.set("^GSPC", 6881.62, site.at, previous_close=None, day_low=None, volume=None)
    site.market.set("OCDO.L", 245.3, site.at, currency="GBp", previous_close=251.2)
    site.market.set(
        "PEPE-USD", 0.00000423, site.at, previous_close=0.0000041, day_low=0.000004, day_high=5e-6
    )
    site.market.matches_of["apple"] = [
        Match(symbol="AAPL", name="Apple Inc.", exchange="NASDAQ", kind="equity")
    ]


def make_list(site: Site, uid: str, list_id: str, name: str, entries: tuple[Entry, ...]) -> None:
    site.services.watchlists.create(
        Watchlist(uid=uid, id=list_id, name=name, position=0, created_at=site.at, entries=entries)
    )


def set_alert(site: Site, uid: str, kind: PriceKind, level: float, **more: object) -> str:
    quote = site.market.quotes_of["AAPL"]
    condition = PriceCondition(kind=kind, level=level)
    return site.services.arming.create(
        uid, Facts(quote), condition, site.at, note="x " * 60, **more
    ).id  # type: ignore[arg-type]
