"""The page of a symbol in a real browser: the chart, dragging levels, and without scripts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from services.alerts.conditions import PriceCondition
from services.alerts.facts import Facts
from services.market.models import Bar
from services.store.alerts import Alert
from services.store.contract import Create
from services.store.triggers import Trigger, trigger_path
from tests.e2e.test_browser import EMAIL, Scheme, Visit, on_screens, visit
from tests.support.web import Person, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]


def days(count: int) -> list[Bar]:
    """Closes that swing between 80 and 120 up to yesterday."""
    today = datetime.combine(datetime.now(UTC).date(), time(5), UTC)
    bars = []
    for ago in range(count, 0, -1):
        start, close = today - timedelta(days=ago), 100.0 + 20 * ((ago % 40) / 20 - 1)
        bars.append(
            Bar(
                start=start,
                session=start.date(),
                open=close - 1,
                high=close + 2,
                low=close - 2,
                close=close,
                volume=1_000_000 + 10_000 * (ago % 7),
            )
        )
    return bars


@pytest.fixture
def owner(site: Site) -> Person:
    """Ada; AAPL has 600 days behind it."""
    site.market.bars_of["AAPL", "1d"] = days(600)
    site.market.set("AAPL", 100.0, datetime.now(UTC))
    return site.person(EMAIL)


def an_alert(site: Site, owner: Person, level: float) -> Alert:
    site.at = datetime.now(UTC)
    quote = site.market.set("AAPL", 100.0, site.at)
    condition = PriceCondition(kind="price_rises_to", level=level)
    return site.services.arming.create(owner.uid, Facts(quote), condition, site.at)


def a_ring(site: Site, owner: Person) -> Trigger:
    occurred = datetime.now(UTC) - timedelta(days=30)
    trigger = Trigger(
        uid=owner.uid,
        id="01TRIGGER-1",
        alert_id="01TRIGGER",
        epoch=1,
        symbol="AAPL",
        condition=PriceCondition(kind="price_rises_to", level=95.0),
        note="",
        value=96.0,
        price=95.5,
        low=94.0,
        high=96.0,
        currency="USD",
        occurred_at=occurred,
        noticed_at=occurred,
        source=site.market.name,
        open=False,
        due_at=None,
    )
    site.services.store.write(Create(trigger_path(owner.uid, trigger.id), trigger.fields()))
    return trigger


@pytest.fixture
def reader(chromium: Browser, address: str, owner: Person) -> Iterator[Visit]:
    for seen in visit(chromium, address):
        seen.sign_in()
        yield seen


def drawn(page: Page) -> None:
    expect(page.locator(".chart.drawn canvas").first).to_be_visible()


def test_the_chart_is_drawn_and_nobody_complains(reader: Visit) -> None:
    page = reader.page
    reader.go("/symbols/AAPL")
    drawn(page)
    styles = page.evaluate("document.querySelectorAll('style, [id=tv-attr-logo]').length")
    assert styles == 0
    expect(page.get_by_role("link", name="TradingView")).to_have_attribute(
        "href", "https://www.tradingview.com/"
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_when_the_chart_takes_the_place_of_its_still(
    chromium: Browser, address: str, owner: Person, width: int
) -> None:
    for seen in visit(chromium, address, width=width):
        seen.sign_in()
        seen.page.add_init_script(
            "window.shift = 0; new PerformanceObserver((list) => {"
            " for (const entry of list.getEntries()) window.shift += entry.value;"
            "}).observe({ type: 'layout-shift', buffered: true });"
        )
        seen.go("/symbols/AAPL")
        drawn(seen.page)
        seen.page.wait_for_timeout(300)
        assert seen.page.evaluate("window.shift") < 0.001


@pytest.mark.parametrize(
    ("price", "shown"), [(0.00000123, "0.000001230"), (715_930.0, "715,930.00")]
)
def test_tiny_and_large_prices_are_drawn_with_their_digits(
    reader: Visit, site: Site, price: float, shown: str
) -> None:
    site.market.set("ODD-USD", price, datetime.now(UTC), day_high=price, day_low=price)
    site.market.bars_of["ODD-USD", "1d"] = [
        bar.model_copy(
            update={
                name: getattr(bar, name) / 100 * price for name in ("open", "high", "low", "close")
            }
            | {"volume": 0}
        )
        for bar in days(30)
    ]
    reader.go("/symbols/ODD-USD")
    drawn(reader.page)
    handle = reader.page.get_by_role("slider", name="Set an alert at")
    expect(handle).to_have_attribute("aria-valuetext", shown)


def test_a_single_bar_is_a_chart_too(reader: Visit) -> None:
    reader.go("/symbols/IBM")
    drawn(reader.page)


def test_a_finger_drags_a_handle_and_the_page_stays(reader: Visit) -> None:
    page = reader.page
    reader.go("/symbols/AAPL")
    drawn(page)
    box = page.get_by_role("slider", name="Set an alert at").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touched = [{"x": across, "y": down} for across, down in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (x, y + 8 * step))
    assert page.evaluate("scrollY") == 0
    touch("touchEnd")
    page.wait_for_url("**/alerts/new?symbol=AAPL&kind=price_falls_to&level=*")


def test_the_chart_is_loaded_by_no_other_page(reader: Visit) -> None:
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.go("/")
    reader.go("/alerts")
    assert not [url for url in asked if "lightweight-charts" in url]


def test_a_dragged_handle_opens_the_editor_with_the_level(reader: Visit) -> None:
    page = reader.page
    reader.go("/symbols/AAPL")
    drawn(page)
    handle = page.get_by_role("slider", name="Set an alert at")
    box = handle.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 40, steps=4)
    page.mouse.up()
    page.wait_for_url("**/alerts/new?*")
    assert "symbol=AAPL" in page.url
    assert "kind=price_rises_to" in page.url
    level = re.search(r"level=([0-9.]+)", page.url)
    assert level
    assert 100 < float(level[1]) < 125
    expect(page.locator("[name=level]").first).to_have_value(level[1])


def test_a_handle_is_moved_with_the_keyboard(reader: Visit) -> None:
    page = reader.page
    reader.go("/symbols/AAPL")
    drawn(page)
    handle = page.get_by_role("slider", name="Set an alert at")
    handle.press("ArrowDown")
    handle.press("ArrowDown")
    expect(handle).to_have_attribute("aria-valuetext", "99.00")
    handle.press("Escape")
    expect(handle).to_have_attribute("aria-valuetext", "100.00")
    handle.press("PageDown")
    handle.press("Enter")
    page.wait_for_url("**/alerts/new?symbol=AAPL&kind=price_falls_to&level=95*")


def test_an_alert_s_own_line_leads_to_its_page(reader: Visit, site: Site, owner: Person) -> None:
    alert = an_alert(site, owner, 110.0)
    page = reader.page
    reader.go("/symbols/AAPL")
    drawn(page)
    handle = page.get_by_role("slider", name="Alert rises to 110.00 USD")
    handle.press("ArrowUp")
    handle.press("Enter")
    page.wait_for_url(f"**/alerts/{alert.id}/edit?level=*")


def test_a_mark_tells_what_rang(reader: Visit, site: Site, owner: Person) -> None:
    a_ring(site, owner)
    page = reader.page
    reader.go("/symbols/AAPL")
    drawn(page)
    page.get_by_role("button", name="rose to 95.00 USD").focus()
    expect(page.locator(".chart-note")).to_contain_text("Price then: 95.50 USD")
    page.keyboard.press("Escape")
    expect(page.locator(".chart-note")).to_be_hidden()


def test_a_phone_that_is_turned_shows_the_same_year(
    reader: Visit, site: Site, owner: Person
) -> None:
    a_ring(site, owner)
    page = reader.page
    page.set_viewport_size({"width": 1280, "height": 390})
    reader.go("/symbols/AAPL")
    drawn(page)
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.get_by_role("button", name="rose to 95.00 USD")).to_be_visible()
    page.wait_for_function("""() => {
        const ring = document.querySelector('.chart-ring').getBoundingClientRect();
        const chart = document.querySelector('.chart').getBoundingClientRect();
        const share = (ring.left - chart.left) / chart.width;
        return 0.5 < share && share < 0.9;
    }""")


def test_another_range_takes_the_place_without_a_new_page(reader: Visit) -> None:
    page = reader.page
    reader.go("/symbols/AAPL")
    drawn(page)
    page.evaluate("window.same = true")
    page.get_by_role("link", name="5 Y").click()
    expect(page.get_by_role("link", name="5 Y")).to_have_attribute("aria-current", "page")
    expect(page.locator("figcaption")).to_contain_text("5 years: from")
    assert page.evaluate("window.same") is True
    assert page.url.endswith("range=5y")


def test_a_range_without_prices_says_so(reader: Visit) -> None:
    reader.go("/symbols/AAPL?range=1d")
    expect(reader.page.get_by_text("There are no prices of this time yet.")).to_be_visible()
    reader.page.get_by_role("link", name="1 Y").click()
    drawn(reader.page)


def test_the_chart_follows_the_theme(reader: Visit) -> None:
    page = reader.page
    reader.go("/symbols/AAPL")
    drawn(page)
    corner = (
        "() => { const copy = document.createElement('canvas').getContext('2d',"
        " { willReadFrequently: true });"
        " copy.drawImage(document.querySelector('.chart canvas'), 0, 0);"
        " return [...copy.getImageData(3, 3, 1, 1).data].slice(0, 3); }"
    )
    page.wait_for_function(f"({corner})().every((part) => part > 200)")
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function(f"({corner})().every((part) => part < 80)")


def test_without_scripts_the_past_is_a_line_and_a_level_is_typed(
    chromium: Browser, address: str, owner: Person
) -> None:
    for seen in visit(chromium, address, width=390, scripts=False):
        seen.sign_in()
        seen.go("/symbols/AAPL")
        expect(seen.page.locator(".chart-still polyline")).to_be_visible()
        seen.page.get_by_role("link", name="5 Y").click()
        expect(seen.page.locator("figcaption")).to_contain_text("5 years: from")
        seen.page.fill("#level", "80")
        seen.page.get_by_role("button", name="Go on").click()
        seen.page.wait_for_url("**/alerts/new?symbol=AAPL&kind=price_falls_to&level=80")


@on_screens
def test_anybody_can_use_the_page_and_nothing_sticks_out(
    chromium: Browser, address: str, site: Site, owner: Person, width: int, scheme: Scheme
) -> None:
    an_alert(site, owner, 110.0)
    a_ring(site, owner)
    for seen in visit(chromium, address, width=width, scheme=scheme):
        seen.sign_in()
        seen.go("/symbols/AAPL")
        drawn(seen.page)
        found = Axe().run(seen.page)
        assert found.violations_count == 0, found.generate_report()
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
