"""Every page, at every width, light and dark: it fits, axe finds nothing, nobody complains.

The pages are those of the application itself: a new one is visited, or this test fails and asks
for an example. Screenshots of the run are left in test-artefacts/pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from werkzeug.routing import Rule

from tests.e2e.test_browser import Scheme, Visit, visit
from tests.support.flock import EMAIL, Flock, settle
from tests.support.thorough import some
from tests.support.web import PASSWORD, Person, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["tests.support.browser"]

SHOTS = Path(__file__).resolve().parents[2] / "test-artefacts" / "pages"
WIDTHS = (1280, 768, 390)
NARROWEST = 320
SHOWN = some((1280, 390, 768), 2)
MAIL = "20260302T150000.000000Z-0badcafe.eml"
NO_PAGES = {
    "assets",
    "csv_lists.export_all",
    "csv_lists.export_one",
    "data.export",
    "devices.renewal",
    "favicon",
    "health.health",
    "health.ready",
    "live.stream",
    "live.trigger",
    "local_mail.show_html",  # the mail itself, in a frame of local_mail.show
    "metrics.metrics",
    "pwa.manifest",
    "pwa.worker",
    "resume.show",  # after a form that came too late: test_inbox_browser.py
    "robots.robots",
    "static",
    "symbols.set_at",  # leads to the editor
}
OUTSIDE = ("accounts.", "passwords.", "mail_links.", "pwa.", "help.", "home.")
"""Visited by somebody who is not signed in; help and what is kept for later by both."""


@dataclass(frozen=True)
class Place:
    """An address, and the name of its screenshots."""

    name: str
    path: str


@pytest.fixture
def flock(site: Site) -> Flock:
    """Everything of a Bellwether that runs on one machine, its mailbox too."""
    settings = site.services.settings.model_copy(update={"bellwether_local": True})
    site.services.__dict__["settings"] = settings
    site.market.name = "replay"
    folder = settings.data / "mail"
    folder.mkdir()
    mail = EmailMessage()
    mail["Subject"], mail["To"], mail["From"] = "AAPL rose to 230", EMAIL, "bell@example.com"
    mail["Date"] = "Mon, 02 Mar 2026 15:00:00 +0000"
    mail.set_content("Confirm here: http://localhost:5000/confirm/" + "abc.def" * 20)
    mail.add_alternative("<p>AAPL rose</p>", subtype="html")
    (folder / MAIL).write_bytes(bytes(mail))
    return settle(site)


def examples(site: Site, flock: Flock) -> dict[str, list[dict[str, Any]]]:
    """What stands for the variable parts of addresses, by endpoint."""
    links, at, uid = site.services.links, site.at, flock.uid
    user = site.services.users.get(uid)
    assert user
    alert, trigger = flock.alerts["armed"], flock.triggers[0]
    lists = [{"list_id": "default"}, {"list_id": "empty"}]
    return {
        "accounts.confirm": [{"token": links.make("confirm", user, at)}],
        "alert.edit": [{"alert_id": alert}],
        "alert.show": [{"alert_id": alert_id} for alert_id in flock.alerts.values()],
        "alerts.new": [{}, {"symbol": "AAPL", "kind": "price_falls_to", "level": "180"}],
        "csv_lists.choose": lists[:1],
        "destinations.show": [{"id_": flock.destination}],
        "lists.edit": lists,
        "local_mail.show": [{"name": MAIL}],
        "mail_links.ask_to_pause": [{"token": links.make_pause(uid, alert, at)}],
        "mail_links.ask_to_ring_again": [{"token": links.make_again(uid, trigger[:-2], 1, at)}],
        "mail_links.ask_to_snooze": [{"token": links.make_snooze(uid, trigger, 0, at)}],
        "mail_links.ask_to_stop": [{"token": links.make_stop(uid, at)}],
        "passwords.reset": [{"token": links.make("reset", user, at)}],
        "symbols.show": [
            {"symbol": "AAPL"},
            {"symbol": "TINY"},
            {"symbol": "AAPL", "range": "1d"},
        ],
        "triggers.show": [{"trigger_id": trigger_id} for trigger_id in flock.triggers],
        "watchlists.show": lists,
    }


def places(site: Site, flock: Flock, *, outside: bool) -> Iterator[Place]:
    """The addresses of all pages for those inside, or outside."""
    given = examples(site, flock)
    for rule in site.app.url_map.iter_rules():
        if not is_page(rule) or rule.endpoint.startswith(OUTSIDE) != outside:
            continue
        if rule.arguments and rule.endpoint not in given:
            pytest.fail(f"Give an example of {rule} in {Path(__file__).name}.")
        for number, values in enumerate(given.get(rule.endpoint, [{}])):
            with site.app.test_request_context():
                path = site.app.url_for(rule.endpoint, **values)
            yield Place(rule.endpoint + (f"-{number + 1}" if number else ""), path)


def is_page(rule: Rule) -> bool:
    is_read = "GET" in (rule.methods or ())
    return is_read and rule.endpoint not in NO_PAGES and not rule.endpoint.startswith("api.")


def sign_in(seen: Visit, site: Site, flock: Flock) -> None:
    client = site.browser(Person(site, flock.uid, EMAIL, PASSWORD, "")).client
    client.get("/account")
    cookie = client.get_cookie("session")
    assert cookie
    seen.page.context.add_cookies([{"name": "session", "value": cookie.value, "url": seen.address}])


def go(seen: Visit, place: Place, width: int) -> list[str]:
    """What is wrong with the answer itself."""
    seen.page.set_viewport_size({"width": width, "height": 900})
    answer = seen.page.goto(seen.address + place.path)
    assert answer
    kind = answer.header_value("content-type") or ""
    is_as_expected = answer.status == 200 and kind.startswith("text/html")
    return [] if is_as_expected else [f"{place.path} answers {answer.status}, {kind}"]


def too_wide(page: Page, where: str) -> list[str]:
    wide, shown = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    return [f"{where} is {wide} wide on a screen of {shown}"] if wide > shown else []


def barriers(page: Page, where: str) -> list[str]:
    found = Axe().run(page)
    return [f"{where}\n{found.generate_report()}"] if found.violations_count else []


def look(seen: Visit, place: Place, scheme: Scheme) -> Iterator[str]:
    """What is wrong with a page, at any width; axe looks at the widest in light, and at the
    narrowest in dark."""
    yield from go(seen, place, WIDTHS[0])
    for width in (*WIDTHS, NARROWEST):
        seen.page.set_viewport_size({"width": width, "height": 900})
        yield from too_wide(seen.page, place.path)
        if width in SHOWN:
            shot = SHOTS / f"{place.name}-{width}-{scheme}.png"
            seen.page.screenshot(path=shot, full_page=True)
        if width == (WIDTHS[0] if scheme == "light" else NARROWEST):
            yield from barriers(seen.page, place.path)
    yield from (f"{place.path}: {complaint}" for complaint in seen.complaints)
    seen.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits(
    chromium: Browser, address: str, site: Site, flock: Flock, scheme: Scheme
) -> None:
    for seen in visit(chromium, address, scheme=scheme):
        faults = [f for at in places(site, flock, outside=True) for f in look(seen, at, scheme)]
        sign_in(seen, site, flock)
        faults += [f for at in places(site, flock, outside=False) for f in look(seen, at, scheme)]
        assert not faults, "\n".join(faults)


def test_every_page_fits_in_german(
    chromium: Browser, address: str, site: Site, flock: Flock
) -> None:
    for seen in visit(chromium, address):
        seen.page.context.set_extra_http_headers({"Accept-Language": "de"})
        faults = [f for at in places(site, flock, outside=True) for f in in_german(seen, at)]
        sign_in(seen, site, flock)
        faults += [f for at in places(site, flock, outside=False) for f in in_german(seen, at)]
        assert not faults, "\n".join(faults)


def in_german(seen: Visit, place: Place) -> Iterator[str]:
    yield from go(seen, place, NARROWEST)
    if seen.page.locator("html").get_attribute("lang") != "de":
        yield f"{place.path} is not in German"
    yield from too_wide(seen.page, f"{place.path} in German")
