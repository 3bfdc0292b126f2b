"""The editor of an alert in a real browser: one sentence, looked at while it is typed."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from services.market.models import Bar, Match
from services.store.alerts import Alert
from tests.e2e.test_browser import EMAIL, Scheme, Visit, check_here, on_screens, visit
from tests.support.web import PASSWORD, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

NOTE = "Sold my bicycle for it.\N{RIGHT-TO-LEFT OVERRIDE} <b>לא</b> " * 8


@pytest.fixture
def ada(site: Site, address: str) -> str:
    """Ada's id. AAPL trades at 100 and has a past in which it rose to 105 twice."""
    site.market.set("AAPL", 100.0, site.at, name="Apple Inc.")
    site.market.matches_of["apple"] = [
        Match(symbol="AAPL", name="Apple Inc.", exchange="NASDAQ", kind="equity")
    ]
    site.market.bars_of["AAPL", "1d"] = [_bar(site.at, n) for n in range(1_400, 0, -1)]
    return site.person(EMAIL).uid


def _bar(at: datetime, days_ago: int) -> Bar:
    close = {10: 106.0, 4: 105.0}.get(days_ago, 96.0 + days_ago % 9)
    start = at.replace(hour=5, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
    ends = {"open": close, "high": close, "low": close, "close": close}
    return Bar(start=start, session=start.date(), volume=1_000, **ends)


@pytest.fixture
def reader(chromium: Browser, address: str, ada: str) -> Iterator[Visit]:
    yield from _inside(chromium, address)


@pytest.fixture
def plain_reader(chromium: Browser, address: str, ada: str) -> Iterator[Visit]:
    """A phone that runs no scripts."""
    yield from _inside(chromium, address, width=390, scripts=False)


def _inside(
    chromium: Browser,
    address: str,
    width: int = 1280,
    scheme: Scheme = "light",
    scripts: bool = True,
) -> Iterator[Visit]:
    for seen in visit(chromium, address, width, scheme, scripts):
        seen.sign_in()
        yield seen


def alerts(site: Site, uid: str) -> list[Alert]:
    return site.services.alerts.page(uid)[0]


def write(seen: Visit) -> None:
    """All that an alert can say, typed."""
    page = seen.page
    seen.go("/alerts/new")
    page.fill("#symbol", "aapl")
    page.select_option("#kind", "price_rises_to")
    page.fill("#level", "150.25")
    page.select_option("#frequency", "every")
    page.locator(".more > summary").click()
    page.fill("#margin", "2.5")
    page.fill("#expires", "2026-12-31")
    page.get_by_label("Ring in quiet hours, too").check()
    page.fill("#note", NOTE)


def test_the_past_is_told_while_the_sentence_is_typed(reader: Visit) -> None:
    page = reader.page
    reader.go("/alerts/new?symbol=AAPL")
    expect(page.locator("#standing")).to_contain_text("AAPL Apple Inc. now 100.00 USD")
    page.fill("#level", "104.5")
    expect(page.locator("#standing")).to_contain_text("4.5\N{NARROW NO-BREAK SPACE}% to go")
    expect(page.locator("#past")).to_contain_text("It would have rung 2 times in the past year")
    expect(page.locator("#past canvas").first).to_be_visible()
    page.fill("#level", "400")
    expect(page.locator("#past")).to_contain_text("It would not have rung in the past year.")


def test_only_the_blanks_of_the_chosen_kind_are_there_and_nothing_typed_is_lost(
    reader: Visit,
) -> None:
    page = reader.page
    reader.go("/alerts/new?symbol=AAPL")
    page.fill("#level", "123")
    page.select_option("#kind", "rsi_falls_to")
    expect(page.locator(".of:visible")).to_have_count(1)
    page.fill("#rsi", "30")
    page.select_option("#kind", "price_rises_to")
    expect(page.locator("#level")).to_have_value("123")
    expect(page.locator(".of:visible")).to_have_count(1)


def test_a_tap_fills_the_sentence_and_keeps_the_rest(reader: Visit) -> None:
    page = reader.page
    write(reader)
    page.get_by_role("button", name="RSI under 30").click()
    expect(page.locator("#kind")).to_have_value("rsi_falls_to")
    expect(page.locator("#rsi")).to_have_value("30")
    expect(page.locator("#note")).to_have_value(NOTE)
    expect(page.locator("#past")).to_contain_text("in the past year")


def test_words_fill_the_sentence_above(reader: Visit) -> None:
    page = reader.page
    reader.go("/alerts/new")
    page.get_by_label("Or in words").press_sequentially("aapl falls 7% today")
    expect(page.locator("#kind")).to_have_value("day_change_falls_to")
    expect(page.locator("#change")).to_have_value("7")
    expect(page.locator("#standing")).to_contain_text("Apple Inc.")


def test_what_is_true_already_is_asked_in_place(reader: Visit, site: Site, ada: str) -> None:
    page = reader.page
    reader.go("/alerts/new?symbol=AAPL")
    page.fill("#level", "90")
    expect(page.get_by_role("alert")).to_contain_text("AAPL is at 100.00 USD now")
    page.get_by_role("button", name="Wait for the next crossing").click()
    expect(page.get_by_role("heading", name="AAPL rises to 90.00 USD")).to_be_visible()
    assert [alert.state for alert in alerts(site, ada)] == ["waiting"]


def test_a_double_click_sets_one_alert(reader: Visit, site: Site, ada: str) -> None:
    page = reader.page
    reader.go("/alerts/new?symbol=AAPL&level=150")
    page.get_by_role("button", name="Set the alert").dblclick()
    page.wait_for_url("**/alerts/*")
    expect(page.get_by_role("heading", name="AAPL rises to 150.00 USD")).to_be_visible()
    assert len(alerts(site, ada)) == 1


def test_two_tabs_do_not_disturb_each_other(reader: Visit, site: Site, ada: str) -> None:
    first, second = reader.page, reader.page.context.new_page()
    for page, level in ((first, "150"), (second, "160")):
        page.goto(f"{reader.address}/alerts/new?symbol=AAPL&level={level}")
    for page in (first, second):
        page.get_by_role("button", name="Set the alert").click()
        expect(page.get_by_role("heading", name="AAPL rises to")).to_be_visible()
    assert sorted(alert.condition.target.level for alert in alerts(site, ada)) == [150, 160]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_session_that_ends_while_the_form_is_open_loses_nothing(
    chromium: Browser, address: str, site: Site, ada: str, scripts: bool
) -> None:
    for seen in _inside(chromium, address, scripts=scripts):
        page = seen.page
        write(seen)
        if scripts:
            expect(page.locator("#past .told")).to_contain_text("past year")
        page.context.clear_cookies()
        page.get_by_role("button", name="Set the alert").click()
        page.fill("#email", EMAIL)
        page.fill("#password", PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(page.locator("#level")).to_have_value("150.25")
        expect(page.locator("#symbol")).to_have_value("aapl")
        expect(page.locator("#frequency")).to_have_value("every")
        expect(page.locator("#margin")).to_have_value("2.5")
        expect(page.locator("#note")).to_have_value(NOTE)
        page.get_by_role("button", name="Set the alert").click()
        expect(page.get_by_role("heading", name="AAPL rises to 150.25 USD")).to_be_visible()
        (alert,) = alerts(site, ada)
        assert (alert.note, alert.urgent, alert.rearm_margin) == (NOTE.strip(), True, 2.5)


def test_without_scripts_the_whole_way_is_there(plain_reader: Visit, site: Site, ada: str) -> None:
    page = plain_reader.page
    write(plain_reader)
    page.fill("#level", "104.5")
    page.get_by_role("button", name="Try it on the past year").click()
    expect(page.locator(".told")).to_contain_text("It would have rung 2 times in the past year")
    expect(page.locator(".year-ring")).to_have_count(2)
    expect(page.locator("#note")).to_have_value(NOTE)
    page.get_by_role("button", name="Set the alert").click()
    expect(page.get_by_role("heading", name="AAPL rises to 104.50 USD")).to_be_visible()
    page.get_by_role("link", name="Change").click()
    page.fill("#level", "108")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", name="AAPL rises to 108.00 USD")).to_be_visible()
    plain_reader.go("/alerts")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("The alert is paused.")).to_be_visible()
    assert [alert.state for alert in alerts(site, ada)] == ["paused"]


@on_screens
def test_the_editor_is_accessible_and_fits(
    chromium: Browser, address: str, ada: str, width: int, scheme: Scheme
) -> None:
    for seen in _inside(chromium, address, width, scheme):
        page = seen.page
        for kind in ("price_rises_to", "moves_by", "averages_cross", "crosses_average"):
            seen.go(f"/alerts/new?symbol=AAPL&kind={kind}")
            check_here(seen)
        write(seen)
        page.fill("#level", "90")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("#past canvas").first).to_be_visible()
        check_here(seen)
        page.fill("#level", "1,000")
        expect(page.locator("#fault-level")).to_be_visible()
        check_here(seen)
