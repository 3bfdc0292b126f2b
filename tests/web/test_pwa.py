"""Bellwether as an app: the manifest, the worker, the page for no connection, who is told apart."""

import json
import re
import struct
from pathlib import Path

import pytest

from tests.web.conftest import Reader, words
from web.pages.pwa import READER

ROOT = Path(__file__).parents[2]
MARK = '<div class="kept" data-kept hidden>'


def given(reader: Reader) -> dict[str, object]:
    """What the worker's script hands to its parts."""
    first = reader.get("/push-worker.js").text.splitlines()[0]
    return json.loads(first.removeprefix("self.BELLWETHER = ").removesuffix(";"))


def test_the_manifest_says_all_that_an_installation_needs(anybody: Reader) -> None:
    answer = anybody.get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    assert "Set-Cookie" not in answer.headers
    manifest = json.loads(answer.text)
    assert manifest["name"] == manifest["short_name"] == "Bellwether"
    assert (manifest["id"], manifest["start_url"], manifest["scope"]) == ("/", "/", "/")
    assert manifest["display"] == "standalone"
    assert {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]} >= {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }


def test_every_page_names_the_manifest_and_an_icon_for_home_screens(anybody: Reader) -> None:
    page = anybody.get("/").text
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    (icon,) = re.findall(r'rel="apple-touch-icon" href="([^"]+)"', page)
    assert size_of(anybody, icon) == "180x180"


def test_icons_have_the_sizes_that_the_manifest_claims(anybody: Reader) -> None:
    manifest = json.loads(anybody.get("/manifest.webmanifest").text)
    icons = manifest["icons"] + [one for cut in manifest["shortcuts"] for one in cut["icons"]]
    for icon in icons:
        answer = anybody.get(icon["src"])
        assert answer.mimetype == icon["type"]
        if icon["type"] == "image/png":
            assert size_of(anybody, icon["src"]) == icon["sizes"]


def size_of(reader: Reader, path: str) -> str:
    data = reader.get(path).data
    assert data.startswith(b"\x89PNG")
    return "{}x{}".format(*struct.unpack(">II", data[16:24]))


def test_shortcuts_lead_to_pages_that_are_there(ada: Reader) -> None:
    manifest = json.loads(ada.get("/manifest.webmanifest").text)
    assert [cut["name"] for cut in manifest["shortcuts"]] == ["Watchlist", "Set an alert", "Inbox"]
    for cut in manifest["shortcuts"]:
        ada.page(cut["url"])


def test_the_manifest_is_in_the_language_of_the_browser(anybody: Reader) -> None:
    answer = anybody.get("/manifest.webmanifest", headers={"Accept-Language": "de"})
    manifest = json.loads(answer.text)
    assert manifest["lang"] == "de"
    assert "Accept-Language" in answer.headers["Vary"]
    assert manifest["shortcuts"][2]["name"] == "Eingang"


def test_the_worker_is_another_with_each_version_of_the_static_files(anybody: Reader) -> None:
    version = given(anybody)["version"]
    parts = re.findall(r'"(/assets/[^"]+)"', anybody.get("/push-worker.js").text)
    assert parts == [
        f"/assets/{version}/js/push-worker.js",
        f"/assets/{version}/js/offline-worker.js",
    ]
    for part in parts:
        assert anybody.get(part).mimetype == "text/javascript"


def test_messages_show_icons_that_are_there_and_no_svg(anybody: Reader) -> None:
    told = given(anybody)
    assert size_of(anybody, str(told["icon"])) == "192x192"
    assert size_of(anybody, str(told["badge"])) == "96x96"


def test_buttons_of_messages_speak_the_reader_s_language(ada: Reader) -> None:
    assert given(ada)["words"]["open"] == "Open"  # type: ignore[index]
    ada.site.services.preferences.set_language(ada.uid, "de")
    assert given(ada)["words"]["open"] == "Öffnen"  # type: ignore[index]


def test_the_page_for_no_connection_holds_nothing_of_anybody(ada: Reader) -> None:
    page = ada.get("/offline").text
    assert "Your alerts go on being checked" in page
    assert ada.email not in page
    assert "csrf" not in page
    assert MARK not in page


def test_only_lists_are_kept_and_they_say_from_when_they_are(ada: Reader) -> None:
    page = ada.get("/", follow_redirects=True)
    assert page.text.count(MARK) == 1
    assert "Offline: prices as of 2" in words(page)
    for path in ("/alerts", "/account", "/triggers", "/alerts/new"):
        assert MARK not in ada.get(path).text


def test_the_worker_knows_the_mark_that_pages_have() -> None:
    assert f"MARK = '{MARK}'" in (ROOT / "static/js/offline-worker.js").read_text()
    assert MARK in (ROOT / "templates/kept.html").read_text()


def test_a_list_whose_name_is_the_mark_is_not_taken_for_it(ada: Reader) -> None:
    services = ada.site.services
    (found,) = services.watchlists.of(ada.uid)
    services.watchlists.change(ada.uid, found.id, lambda one: one.replace(name=MARK))
    assert ada.get(f"/watchlists/{found.id}").text.count(MARK) == 1


def test_pages_tell_readers_apart_without_naming_them(
    ada: Reader, bob: Reader, anybody: Reader
) -> None:
    readers = [reader.get("/help").headers[READER] for reader in (ada, bob, anybody)]
    assert len(set(readers)) == 3
    assert readers[2] == "nobody"
    assert ada.uid not in readers[0]
    assert ada.get("/alerts").headers[READER] == readers[0]


def test_what_is_the_same_for_everybody_says_nothing_of_readers(ada: Reader) -> None:
    for path in ("/push-worker.js", "/manifest.webmanifest", "/api/v1/settings"):
        assert READER not in ada.get(path).headers


def set_alert(reader: Reader) -> str:
    """The page after an alert was set."""
    answer = reader.send(
        "/alerts/new", symbol="AAPL", kind="price_rises_to", level="150", frequency="once"
    )
    assert answer.status_code == 302
    return reader.get(answer.headers["Location"]).text


def test_push_is_offered_once_after_an_alert_was_set(ada: Reader) -> None:
    assert "data-offer" not in ada.get("/alerts").text
    page = set_alert(ada)
    assert "Ring on this device, too?" in page
    assert f'data-push="{ada.site.services.push_key.public}"' in page
    assert "data-offer" not in ada.get("/alerts").text


def test_the_offer_stays_unseen_without_scripts(ada: Reader) -> None:
    assert re.search(r'<aside class="offer" data-offer hidden ', set_alert(ada))


@pytest.mark.parametrize("path", ["/account/notifications"])
def test_installing_is_offered_where_a_person_looks_for_it_and_unseen_at_first(
    ada: Reader, path: str
) -> None:
    assert re.search(r"<section[^>]* data-install hidden>", ada.get(path).text)
