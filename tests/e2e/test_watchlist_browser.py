"""The watchlist in a real browser: moving rows, choosing columns, files, names of any kind."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from services.market.fetch_hours import hours_into_cache
from services.market.sparks import Spark, SparkCache
from services.store.watchlists import Entry
from tests.e2e.test_browser import EMAIL, Scheme, Visit, check_here, make_list, on_screens, visit
from tests.support.web import PASSWORD, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

LIST = "/watchlists/default"
NAMES = ("W" * 80, "<b>bold</b> & Söhne", "شركة الاتصالات السعودية", "\u202eInc.", "Short")


@pytest.fixture
def uid(site: Site) -> str:
    """Ada, with three symbols, and a worker's sparks and hours."""
    uid = site.services.accounts.create_confirmed(EMAIL, PASSWORD, site.at)
    hours_into_cache(site.services.redis, ["XNYS"], site.at)
    for n, symbol in enumerate(("AAPL", "MSFT", "IBM")):
        site.market.set(symbol, 100.0 + n, site.at, name=f"{symbol} Inc.", exchange="NasdaqGS")
    draw(site, "AAPL", "MSFT", "IBM")
    fill(site, uid, "AAPL", "MSFT", "IBM")
    return uid


def fill(site: Site, uid: str, *symbols: str) -> None:
    entries = tuple(Entry(symbol=symbol, added_at=site.at) for symbol in symbols)
    make_list(site, uid, "default", "Watchlist", entries)


def draw(site: Site, *symbols: str) -> None:
    closes = tuple(95.0 + n % 7 for n in range(30))
    spark = Spark(session=site.at.date(), closes=closes, fresh_until=site.at + timedelta(days=9999))
    SparkCache(site.services.redis).put(dict.fromkeys(symbols, spark))


def order(page: Page) -> list[str]:
    rows = page.locator("[data-row]").all()
    return [row.get_attribute("data-symbol") or "" for row in rows]


def kept(site: Site, uid: str) -> list[str]:
    return list(site.services.watchlists.get(uid, "default").symbols)


@pytest.fixture
def reader(chromium: Browser, address: str, uid: str) -> Visit:
    seen = visit(chromium, address)
    for one in seen:
        one.sign_in()
        yield one


def test_a_row_is_moved_by_keys_and_kept(reader: Visit, site: Site, uid: str) -> None:
    page = reader.page
    link = page.get_by_role("link", name="AAPL", exact=True)
    link.focus()
    with page.expect_response("**/symbols/AAPL"):
        page.keyboard.press("Alt+ArrowDown")
    assert order(page) == kept(site, uid) == ["MSFT", "AAPL", "IBM"]
    expect(link).to_be_focused()
    expect(page.locator("#moved")).to_have_text("AAPL is now 2 of 3.")


def test_a_row_is_dragged_and_kept(reader: Visit, site: Site, uid: str) -> None:
    page = reader.page
    page.get_by_role("row", name="IBM").hover()
    grip = page.locator("#row-IBM .grip")
    box, above = grip.bounding_box(), page.locator("#row-AAPL").bounding_box()
    assert box
    assert above
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 5, above["y"] + 2, steps=8)
    with page.expect_response("**/symbols/IBM"):
        page.mouse.up()
    assert order(page) == kept(site, uid) == ["IBM", "AAPL", "MSFT"]


def test_a_move_that_cannot_be_kept_is_taken_back(reader: Visit, site: Site, uid: str) -> None:
    page = reader.page
    site.services.watchlists.change(uid, "default", lambda one: one.without_symbol("AAPL"))
    page.get_by_role("link", name="AAPL", exact=True).focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#moved")).to_contain_text("could not be kept")
    assert order(page) == ["AAPL", "MSFT", "IBM"]


def test_a_column_pasted_from_a_spreadsheet_is_added(reader: Visit, site: Site, uid: str) -> None:
    field = reader.page.get_by_role("combobox", name="Add a symbol")
    field.focus()
    field.evaluate(
        """(field) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text", "CL=F\\r\\nBRK-B\\r\\n");
            field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
        }"""
    )
    expect(field).to_have_value("CL=F, BRK-B")
    field.press("Enter")
    expect(reader.page.get_by_role("status").first).to_contain_text("2 symbols were added")
    assert kept(site, uid)[-2:] == ["CL=F", "BRK-B"]


def test_columns_and_order_are_chosen_without_scripts(
    chromium: Browser, address: str, uid: str
) -> None:
    for seen in visit(chromium, address, scripts=False):
        seen.sign_in()
        seen.page.get_by_role("link", name="Price", exact=True).click()
        assert order(seen.page) == ["IBM", "MSFT", "AAPL"]
        seen.page.get_by_text("View", exact=True).click()
        seen.page.get_by_label("Volume", exact=True).uncheck()
        seen.page.get_by_role("button", name="Apply").click()
        expect(seen.page.get_by_role("columnheader", name="Volume")).to_be_hidden()
        assert order(seen.page) == ["IBM", "MSFT", "AAPL"]


def test_drawings_arrive_without_a_reload(reader: Visit, site: Site) -> None:
    page = reader.page
    site.services.redis.delete("spark:AAPL")
    site.services.__dict__.pop("sparks", None)
    site.jobs._sparks = None  # the worker takes its time
    page.reload()
    cell = page.locator("#row-AAPL [data-spark]")
    expect(cell).to_be_empty()
    draw(site, "AAPL")
    expect(cell.locator("svg")).to_be_visible(timeout=10_000)
    expect(page.locator("#row-AAPL [data-price]")).to_have_text("100.00")


@on_screens
def test_fifty_long_names_of_every_kind_fit(
    chromium: Browser, address: str, site: Site, width: int, scheme: Scheme
) -> None:
    uid = site.services.accounts.create_confirmed(EMAIL, PASSWORD, site.at)
    symbols = [f"LONGSYMBOL{n:02}.XX" for n in range(50)]
    for n, symbol in enumerate(symbols):
        price = (0.00000123, 715_930.0, 1.5, -37.63, 99_999_999.0)[n % 5]
        site.market.set(
            symbol, price, site.at, name=NAMES[n % 5], currency="GBp" if n % 3 else "USD"
        )
    draw(site, *symbols[:40])
    fill(site, uid, *symbols)
    for seen in visit(chromium, address, width, scheme):
        seen.sign_in()
        check_here(seen)
        assert len(order(seen.page)) == 50
        seen.go(f"{LIST}/import")
        check_here(seen)
        seen.go(f"{LIST}/edit")
        check_here(seen)
