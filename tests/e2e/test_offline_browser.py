"""Without a connection: what was seen last, marked as such; nothing of it after signing out."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from services.store.watchlists import Entry, Watchlist
from tests.e2e.test_browser import EMAIL, Visit, visit
from tests.support.web import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

LOST = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED")
KEPT = """async () => {
    for (let tries = 0; tries < 200; tries++) {
        const found = [];
        for (const name of await caches.keys()) {
            if (!name.startsWith("pages-")) continue;
            for (const { url } of await (await caches.open(name)).keys()) {
                found.push(new URL(url).pathname);
            }
        }
        if (found.length === COUNT) return found;
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error("not COUNT pages are kept");
}"""


def kept(page: Page, count: int) -> list[str]:
    """The paths of the pages that are kept, once there are `count`."""
    found: list[str] = page.evaluate(KEPT.replace("COUNT", str(count)))
    return found


@pytest.fixture
def reader(chromium: Browser, address: str, site: Site) -> Iterator[Visit]:
    """Ada's browser; she watches AAPL."""
    watch(site, EMAIL, "AAPL")
    for seen in visit(chromium, address):
        yield seen
        seen.page.goto("about:blank")
        seen.complaints[:] = [one for one in seen.complaints if not any(w in one for w in LOST)]


def watch(site: Site, email: str, symbol: str) -> None:
    person = site.person(email)
    make_list(site, person.uid, f"mine-{person.uid}", "Mine", symbol)


def make_list(site: Site, uid: str, list_id: str, name: str, *symbols: str) -> None:
    entries = tuple(Entry(symbol=symbol, added_at=site.at) for symbol in symbols)
    made = Watchlist(
        uid=uid, id=list_id, name=name, position=0, created_at=site.at, entries=entries
    )
    site.services.watchlists.create(made)


def enter(seen: Visit, email: str = EMAIL) -> str:
    """Sign in, and wait until the list is kept. Returns its path."""
    seen.sign_in(email)
    (path,) = kept(seen.page, 1)
    return path


def sign_out(page: Page) -> None:
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/")


def test_the_last_quotes_are_shown_without_a_connection_and_marked(reader: Visit) -> None:
    page, path = reader.page, enter(reader)
    expect(page.locator("[data-kept]")).to_be_hidden()
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("Offline: prices as of")).to_be_visible()
    expect(page.get_by_role("row", name="AAPL")).to_contain_text("100.00")
    expect(page.get_by_role("button", name="Add", exact=True)).to_be_disabled()
    expect(page.get_by_text("Quotes arrive as they should")).to_be_hidden()
    reader.go("/")
    assert page.url.endswith(path)
    expect(page.get_by_text("Offline: prices as of")).to_be_visible()


def test_online_the_server_answers_and_never_what_was_kept(reader: Visit, site: Site) -> None:
    page, path = reader.page, enter(reader)
    user = site.services.users.by_email(EMAIL)
    assert user
    list_id = path.removeprefix("/watchlists/")
    site.services.watchlists.change(user.uid, list_id, lambda one: one.replace(name="Newer"))
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="Mine")).to_be_attached()
    page.context.set_offline(False)
    expect(page.get_by_text("Offline: prices as of")).to_be_hidden(timeout=20_000)
    expect(page.get_by_role("button", name="Add", exact=True)).to_be_enabled()
    expect(page.get_by_role("heading", name="Newer")).to_be_attached()


def test_what_is_not_kept_leads_to_what_is(reader: Visit) -> None:
    page, path = reader.page, enter(reader)
    page.context.set_offline(True)
    reader.go("/alerts")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    link = page.get_by_role("link", name="Mine")
    expect(link).to_have_attribute("href", path)
    link.click()
    expect(page.get_by_text("Offline: prices as of")).to_be_visible()


def test_errors_of_the_server_are_not_covered_up(reader: Visit) -> None:
    page, _path = reader.page, enter(reader)
    reader.go("/watchlists/nothing")
    expect(page.get_by_text("There is nothing here")).to_be_visible()


def test_nothing_is_left_after_signing_out(reader: Visit) -> None:
    page, path = reader.page, enter(reader)
    sign_out(page)
    assert kept(page, 0) == []
    page.context.set_offline(True)
    reader.go(path)
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    expect(page.locator("[data-kept-pages]")).to_be_hidden()


def test_signing_out_without_a_connection_forgets_too(reader: Visit) -> None:
    page, _path = reader.page, enter(reader)
    page.context.set_offline(True)
    page.get_by_role("banner").get_by_role("button", name="Sign out").click(no_wait_after=True)
    page.wait_for_timeout(100)
    page.context.set_offline(False)
    reader.go("/help")
    assert kept(page, 0) == []


def test_a_session_that_ended_elsewhere_leaves_nothing(reader: Visit) -> None:
    page, _path = reader.page, enter(reader)
    page.context.clear_cookies()
    reader.go("/")
    assert kept(page, 0) == []


def test_a_second_person_does_not_see_the_pages_of_the_first(reader: Visit, site: Site) -> None:
    bob = site.person("bob@example.com").uid
    page, path = reader.page, enter(reader)
    make_list(site, bob, path.removeprefix("/watchlists/"), "Theirs", "IBM")
    page.context.clear_cookies()
    assert enter(reader, "bob@example.com") == path
    page.context.set_offline(True)
    reader.go(path)
    expect(page.get_by_role("heading", name="Theirs")).to_be_attached()
    expect(page.get_by_role("row", name="IBM")).to_be_visible()
    expect(page.get_by_role("row", name="AAPL")).to_have_count(0)


def test_the_first_person_s_page_is_gone_even_if_the_second_has_none_there(
    reader: Visit, site: Site
) -> None:
    watch(site, "bob@example.com", "MSFT")
    page, path = reader.page, enter(reader)
    page.context.clear_cookies()
    others = enter(reader, "bob@example.com")
    assert others != path
    page.context.set_offline(True)
    reader.go(path)
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    expect(page.get_by_role("link", name="Mine")).to_have_attribute("href", others)


def test_no_more_pages_are_kept_than_eight(reader: Visit, site: Site) -> None:
    enter(reader)
    user = site.services.users.by_email(EMAIL)
    assert user
    for n in range(8):
        make_list(site, user.uid, f"list-{n}", f"List {n}")
        reader.go(f"/watchlists/list-{n}")
    expect(reader.page.get_by_role("heading", name="List 7")).to_be_attached()
    assert set(kept(reader.page, 8)) == {f"/watchlists/list-{n}" for n in range(8)}
