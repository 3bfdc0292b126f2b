"""Live pages in a real browser: prices in place, one stream for all tabs, dropped and resumed."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from flask import g
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import BaseWSGIServer, make_server

from services.alerts.conditions import PriceCondition
from services.alerts.facts import Facts
from services.market.cache import QuoteCache
from services.market.models import Quote
from services.store.watchlists import Entry, Watchlist
from tests.support.market import make_quote
from tests.support.web import PASSWORD, Site
from web.pages import live

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

EMAIL = "ada@example.com"
SECONDS = 1_000


@dataclass
class Desk:
    """The site on a server that can go away and come back, and a browser signed in to it."""

    site: Site
    context: BrowserContext
    port: int = 0
    uid: str = ""
    asked: list[str] = field(default_factory=list)
    _server: BaseWSGIServer | None = None
    _thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_streams(self) -> int:
        with self.site.app.app_context():
            return live.hub().open

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self.site.app, threaded=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self._thread.start()

    def stop(self) -> None:
        """End the server and all streams, as the end of its process does."""
        assert self._server
        assert self._thread
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        with self.site.app.app_context():
            live.hub().close()
        self.site.app.extensions.pop("bellwether-live")

    def tab(self, path: str = "/watchlists/default") -> Page:
        page = self.context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(self.address + path)
        return page

    def sign_in(self) -> None:
        page = self.tab("/sign-in")
        page.fill("#email", EMAIL)
        page.fill("#password", PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/watchlists/*")
        page.close()
        self.asked.clear()

    def price(self, symbol: str, price: float, **fields: object) -> None:
        """A worker puts another price into the cache."""
        moment = datetime.now(UTC)
        times = {"as_of": moment, "fetched_at": moment}
        quote: Quote = make_quote(symbol, price, **times, **fields)
        cache = QuoteCache(self.site.services.redis)
        cache.put({symbol: quote}, (), timedelta(minutes=5), moment)

    def ring(self, level: float) -> None:
        """A trigger is recorded, and open pages are told."""
        services, moment = self.site.services, datetime.now(UTC)
        quote = make_quote(as_of=moment, fetched_at=moment)
        condition = PriceCondition(kind="price_rises_to", level=level)
        services.arming.create(self.uid, Facts(quote), condition, moment, if_true="fire_now")


@pytest.fixture
def desk(chromium: Browser, site: Site) -> Iterator[Desk]:
    def real_time() -> None:
        site.at = g.now = datetime.now(UTC)

    site.app.before_request_funcs[None].insert(1, real_time)
    site.at = datetime.now(UTC)
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    found = Desk(site, context)
    found.uid = site.person(EMAIL).uid
    names = ["AAPL", "MSFT", *(f"S{number:02}" for number in range(40))]
    for name in names:
        site.market.set(name, 100.0, site.at)
        found.price(name, 100.0)
    entries = tuple(Entry(symbol=name, added_at=site.at) for name in names)
    mine = Watchlist(
        uid=found.uid, id="default", name="Mine", position=0, created_at=site.at, entries=entries
    )
    site.services.watchlists.create(mine)
    found.start()
    found.sign_in()
    yield found
    context.close()
    found.stop()


def test_a_price_changes_in_place_in_two_tabs_over_one_stream(desk: Desk) -> None:
    first, second = desk.tab(), desk.tab()
    expect(first.locator("#row-AAPL [data-price]")).to_have_text("100.00")
    first.wait_for_timeout(SECONDS)
    desk.price("AAPL", 123.0, volume=2_000_000)
    for page in (first, second):
        expect(page.locator("#row-AAPL [data-price]")).to_have_text("123.00")
        expect(page.locator("#row-AAPL [data-change]")).to_contain_text("+23.00")
    assert desk.open_streams == 1
    assert not [url for url in desk.asked if "/api/v1/quotes" in url]
    first.close()
    desk.price("AAPL", 124.0)
    expect(second.locator("#row-AAPL [data-price]")).to_have_text("124.00")


def test_only_symbols_in_view_are_followed(desk: Desk) -> None:
    page = desk.tab()
    expect(page.locator("#row-S39 [data-price]")).to_have_text("100.00")
    page.wait_for_timeout(SECONDS)
    streams = [url for url in desk.asked if "/live?" in url]
    assert streams
    assert "AAPL" in streams[-1]
    assert "S39" not in streams[-1]
    page.locator("#row-S39").scroll_into_view_if_needed()
    desk.price("S39", 77.0)
    expect(page.locator("#row-S39 [data-price]")).to_have_text("77.00")


def test_a_server_that_comes_back_goes_on_and_tells_what_rang(desk: Desk) -> None:
    page = desk.tab()
    page.wait_for_timeout(SECONDS)
    desk.price("AAPL", 101.0)
    expect(page.locator("#row-AAPL [data-price]")).to_have_text("101.00")
    desk.stop()
    expect(page.locator("#offline")).not_to_be_empty()
    desk.ring(99.0)
    desk.price("AAPL", 102.0)
    desk.start()
    expect(page.locator("#row-AAPL [data-price]")).to_have_text("102.00", timeout=30 * SECONDS)
    expect(page.locator("#toasts")).to_contain_text("AAPL rose to 99.00 USD")
    expect(page.locator("#offline")).to_be_empty()


def test_a_new_trigger_is_told_with_a_link_and_counted(desk: Desk) -> None:
    page = desk.tab("/alerts")
    page.wait_for_timeout(SECONDS)
    desk.ring(98.0)
    link = page.locator("#toasts").get_by_role("link", name="AAPL rose to 98.00 USD")
    expect(link).to_be_visible()
    expect(link).to_have_attribute("href", re.compile("^/triggers/.+-1$"))
    desk.ring(97.0)
    expect(page.locator("#toasts")).to_contain_text("AAPL rose to 97.00 USD")


def test_a_name_with_markup_stays_text(desk: Desk) -> None:
    page = desk.tab()
    page.wait_for_timeout(SECONDS)
    desk.price("AAPL", 105.0, name="<img src=x onerror=alert(1)>")
    expect(page.locator("#row-AAPL [data-price]")).to_have_text("105.00")
    assert page.locator("img[src=x]").count() == 0


def test_pages_ask_where_streams_do_not_come_through(desk: Desk) -> None:
    desk.context.route("**/live?*", lambda route: route.fulfill(status=503))
    page = desk.tab()
    desk.price("AAPL", 106.0)
    page.wait_for_timeout(SECONDS)
    assert [url for url in desk.asked if "/api/v1/quotes" in url]
    expect(page.locator("#offline")).to_be_empty()
    desk.context.unroute("**/live?*")
    desk.price("AAPL", 107.0)
    expect(page.locator("#row-AAPL [data-price]")).to_have_text("107.00", timeout=10 * SECONDS)


def test_signing_out_elsewhere_leads_to_the_sign_in(desk: Desk) -> None:
    page = desk.tab()
    page.wait_for_timeout(SECONDS)
    for key in desk.site.services.redis.scan_iter("session:*"):
        desk.site.services.redis.delete(key)
    desk.site.services.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    page.wait_for_url(re.compile("/sign-in"), timeout=20 * SECONDS)
