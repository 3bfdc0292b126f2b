"""Single keys, the theme switch and what opens over a page, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_browser import Scheme, Visit, check_here, on_screens, seed, visit
from tests.support.web import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]


@pytest.fixture
def designer(chromium: Browser, address: str, site: Site) -> Iterator[Visit]:
    """At the page of all components, which has rows, fields and dialogs."""
    settings = site.services.settings.model_copy(update={"bellwether_local": True})
    site.services.__dict__["settings"] = settings
    for seen in visit(chromium, address):
        seen.go("/local/design")
        yield seen


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def ground(page: Page) -> str:
    shown: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return shown


@on_screens
def test_every_component_is_accessible_and_fits(
    chromium: Browser, address: str, site: Site, width: int, scheme: Scheme
) -> None:
    settings = site.services.settings.model_copy(update={"bellwether_local": True})
    site.services.__dict__["settings"] = settings
    for seen in visit(chromium, address, width, scheme):
        for path in ("/local/design", "/help"):
            seen.go(path)
            check_here(seen)
        press(seen.page, "?")
        expect(seen.page.get_by_role("dialog")).to_be_visible()
        check_here(seen)


def test_keys_walk_through_rows_and_open_help(designer: Visit) -> None:
    page = designer.page
    press(page, "j")
    expect(page.get_by_role("link", name="AAPL", exact=True)).to_be_focused()
    press(page, "j", "j", "k")
    expect(page.get_by_role("link", name="OCDO.L")).to_be_focused()
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press(page, "j", "Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="OCDO.L")).to_be_focused()


def test_keys_are_letters_where_one_types(designer: Visit) -> None:
    page = designer.page
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_label("Name", exact=True).press_sequentially("j?/g")
    expect(page.get_by_label("Name", exact=True)).to_have_value("j?/g")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_keys_with_modifiers_are_the_browser_s(designer: Visit) -> None:
    press(designer.page, "Control+j", "Alt+j", "Meta+j")
    expect(designer.page.locator("[data-row] :focus")).to_have_count(0)


def test_keys_can_be_switched_off_for_good(designer: Visit) -> None:
    page = designer.page
    press(page, "?")
    page.get_by_label("Use these keys").uncheck()
    press(page, "Escape", "?", "j")
    page.reload()
    press(page, "?", "j")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("[data-row] :focus")).to_have_count(0)
    page.get_by_role("link", name="Help and keys").click()
    page.get_by_label("Use these keys").check()
    press(page, "Escape", "j")
    expect(page.locator("[data-row] :focus")).to_have_count(1)


def test_g_and_a_letter_go_to_another_part(chromium: Browser, address: str, site: Site) -> None:
    seed(site)
    for seen in visit(chromium, address):
        seen.sign_in()
        press(seen.page, "g", "i")
        seen.page.wait_for_url("**/triggers")
        press(seen.page, "g", "a")
        seen.page.wait_for_url("**/alerts")
        press(seen.page, "g", "w")
        seen.page.wait_for_url("**/watchlists/*")


def test_a_theme_shows_at_once_and_stays(designer: Visit) -> None:
    page = designer.page
    switch = page.get_by_role("contentinfo").get_by_role("group", name="Appearance")
    light = ground(page)
    with page.expect_response("**/theme"):
        switch.get_by_role("button", name="Dark").click()
    assert ground(page) != light
    expect(switch.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    dark = ground(page)
    page.reload()
    assert ground(page) == dark
    with page.expect_response("**/theme"):
        switch.get_by_role("button", name="Automatic").click()
    assert ground(page) == light


def test_a_theme_is_chosen_without_scripts(chromium: Browser, address: str) -> None:
    for seen in visit(chromium, address, scripts=False):
        seen.go("/help")
        light = ground(seen.page)
        seen.page.get_by_role("button", name="Dark").click()
        seen.page.wait_for_url("**/help")
        assert ground(seen.page) != light


def test_a_toast_tells_and_a_menu_closes_by_escape(designer: Visit) -> None:
    page = designer.page
    page.get_by_role("button", name="Tell that it worked").click()
    expect(page.locator("#toasts")).to_contain_text("The order is saved.")
    menu = page.locator(".menu")
    expect(menu).not_to_have_attribute("open", "")
    menu.locator("summary").click()
    menu.get_by_role("link", name="Rename").focus()
    press(page, "Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()


def test_print_is_light_and_high_contrast_keeps_the_chosen(designer: Visit) -> None:
    page = designer.page
    page.get_by_role("contentinfo").get_by_role("button", name="Dark").click()
    page.emulate_media(media="print")
    assert ground(page) == "rgb(255, 255, 255)"
    expect(page.get_by_role("contentinfo")).to_be_hidden()
    page.emulate_media(media="screen", forced_colors="active")
    chosen, other = page.locator("#c-segmented-choices button").all()[:2]
    backgrounds = [e.evaluate("e => getComputedStyle(e).backgroundColor") for e in (chosen, other)]
    assert backgrounds[0] != backgrounds[1]


def test_nothing_moves_while_the_pages_load(chromium: Browser, address: str, site: Site) -> None:
    seed(site)
    for seen in visit(chromium, address, 390):
        seen.page.add_init_script(
            "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach("
            "entry => window.moved += entry.value)).observe({type: 'layout-shift', buffered: true})"
        )
        seen.sign_in()
        for path in ("/alerts", "/triggers", "/account", "/help"):
            seen.go(path)
            assert seen.page.evaluate("window.moved") == 0, path
