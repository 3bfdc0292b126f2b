"""Pages in German: no English is left on them, numbers and dates are written as Germans do, and
the choice of a language is kept."""

import re
from html import unescape

import pytest

from services import texts
from services.alerts.conditions import PriceCondition
from services.store.users import User
from tests.support.web import PASSWORD, Site
from tests.test_texts import german
from tests.web.conftest import Reader, words
from tests.web.test_mails import ADA, AT, COMPOSER, trigger

PAGES = (
    "/",
    "/watchlists/new",
    "/watchlists/default/edit",
    "/alerts",
    "/alerts/new",
    "/triggers",
    "/account",
    "/account/notifications",
    "/account/security",
    "/account/data",
    "/symbols/AAPL",
    "/watchlists/default/import",
    "/offline",
    "/help",
)
OUTSIDE = ("/", "/sign-in", "/sign-up", "/forgot", "/status", "/offline", "/help")
_KEPT = re.compile(r"<(script|style|code|q|bdi)\b.*?</\1>", re.DOTALL)
_SAID = re.compile(r'>([^<>]+)<|(?:aria-label|title|placeholder|alt)="([^"]+)"')


@pytest.fixture
def german_ada(ada: Reader) -> Reader:
    assert ada.send("/account/language", language="de").status_code == 302
    return ada


def english_left(html: str) -> set[str]:
    """Texts of the catalog that stand on a page in English."""
    found = {unescape(one or other).strip() for one, other in _SAID.findall(_KEPT.sub("", html))}
    shown = {" ".join(text.split()) for text in found}
    return {
        message.id
        for message in german()
        if isinstance(message.id, str)
        and message.id.replace("%%", "%") in shown
        and message.id != message.string
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_no_english_is_left_on_a_german_page(german_ada: Reader, path: str) -> None:
    german_ada.alert()
    answer = german_ada.client.get(path, follow_redirects=True)
    assert answer.status_code == 200
    assert '<html lang="de"' in answer.text
    assert english_left(answer.text) == set()


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_english_is_left_for_a_german_browser(anybody: Reader, path: str) -> None:
    answer = anybody.client.get(
        path, headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}, follow_redirects=True
    )
    assert '<html lang="de"' in answer.text
    assert english_left(answer.text) == set()


def test_a_page_of_an_alert_is_german(german_ada: Reader) -> None:
    alert = german_ada.alert("price_rises_to", 1234.5)
    page = german_ada.page(f"/alerts/{alert.id}")
    assert "steigt auf 1.234,50" in page
    assert english_left(german_ada.get(f"/alerts/{alert.id}").text) == set()


def test_pages_tell_caches_that_they_differ_by_language(anybody: Reader) -> None:
    vary = anybody.get("/sign-in").headers["Vary"]
    assert "Accept-Language" in vary
    assert "Cookie" in vary


def test_what_is_missing_is_told_in_german(german_ada: Reader) -> None:
    answer = german_ada.get("/nowhere")
    assert answer.status_code == 404
    assert "Hier ist nichts" in words(answer)


def test_an_outsider_chooses_a_language_for_all_pages(anybody: Reader) -> None:
    answer = anybody.client.post("/language", data={"language": "de", "next": "/sign-up"})
    assert answer.headers["Location"] == "/sign-up"
    assert "Registrieren" in anybody.page("/sign-up")
    anybody.client.post("/language", data={"language": "tlh"})
    assert "Sign up" in anybody.page("/sign-up")


def test_a_choice_leads_to_no_other_site(anybody: Reader) -> None:
    answer = anybody.client.post("/language", data={"language": "de", "next": "//evil.example"})
    assert answer.headers["Location"] == "/"


def test_who_signs_up_in_german_gets_german_mails(site: Site, anybody: Reader) -> None:
    anybody.client.post("/language", data={"language": "de"})
    anybody.send(
        "/sign-up", email="eva@example.com", password="long enough by far", time_zone="UTC"
    )
    user = site.services.users.by_email("eva@example.com")
    assert user
    assert user.language == "de"


def test_a_language_that_is_not_spoken_is_refused(ada: Reader) -> None:
    answer = ada.send("/account/language", language="tlh")
    assert answer.status_code == 422
    assert "Choose one of these languages" in words(answer)


def test_the_browser_decides_again_once_no_language_is_chosen(german_ada: Reader) -> None:
    german_ada.send("/account/language", language="")
    assert "Notifications" in german_ada.page("/account")


def test_the_services_fall_silent_after_a_german_page(german_ada: Reader) -> None:
    german_ada.page("/alerts")
    assert texts.language() == "en"


NEW = {"symbol": "AAPL", "kind": "price_rises_to", "note": ""}


@pytest.mark.parametrize(
    ("typed", "level"), [("1.000,50", 1000.5), ("180,5", 180.5), ("1.000", 1000), ("180.5", 180.5)]
)
def test_a_level_is_read_as_germans_mean_it(german_ada: Reader, typed: str, level: float) -> None:
    assert german_ada.send("/alerts/new", **NEW, level=typed).status_code == 302
    (alert,) = german_ada.site.services.alerts.page(german_ada.uid)[0]
    assert isinstance(alert.condition, PriceCondition)
    assert alert.condition.level == level


def test_a_level_that_could_be_read_two_ways_is_said_back(german_ada: Reader) -> None:
    german_ada.send("/alerts/new", **NEW, level="1.000")
    assert "1.000,00" in german_ada.page("/alerts")


def test_a_level_of_a_thousandth_stays_one_when_its_form_is_sent_again(german_ada: Reader) -> None:
    alert = german_ada.alert("price_rises_to", 101.085)
    html = german_ada.get(f"/alerts/{alert.id}/edit", follow_redirects=True).text
    html = html if 'name="level"' in html else german_ada.get(f"/alerts/{alert.id}").text
    found = re.search(r'<input[^>]*name="level"[^>]*value="([^"]+)"', html)
    assert found
    assert found[1] == "101,085"


def test_what_a_program_gets_is_english(german_ada: Reader) -> None:
    site = german_ada.site
    token = site.services.accounts.create_token(german_ada.email, PASSWORD, site.at)
    answer = site.app.test_client().patch(
        "/api/v1/settings",
        json={"language": "tlh"},
        headers={"Authorization": f"Bearer {token}", "Accept-Language": "de"},
    )
    assert answer.status_code == 422
    assert "Choose one of these languages" in answer.text


def test_a_script_of_a_german_page_is_answered_in_german(german_ada: Reader) -> None:
    answer = german_ada.client.post(
        "/api/v1/alerts/parse",
        json={"text": "aapl falls to 1.000"},
        headers={"X-CSRFToken": german_ada.token()},
    )
    assert answer.status_code == 422
    assert "auf zwei Arten" in answer.text


def german_mail(user: User = ADA) -> User:
    return user.replace(language="de")


def test_a_mail_about_a_ring_is_german() -> None:
    with texts.speaking("de"):
        mail = COMPOSER.trigger(trigger(note="verkaufen"), german_mail(), AT)
    assert mail.subject.startswith("AAPL 25,75, fiel auf 40,00")
    for body in (mail.text, mail.html):
        for fact in ("AAPL fiel auf 40,00 USD", "29. September 2000, 15:42 CEST", "Börsenzeit"):
            assert fact in body
    assert '<html lang="de">' in mail.html
    assert english_left(mail.html) == set()


@pytest.mark.parametrize("kind", ["confirm", "reset", "known", "changed"])
def test_mails_about_the_account_are_german(kind: str) -> None:
    with texts.speaking("de"):
        mail = COMPOSER.account(kind, german_mail(), "token", "key")  # type: ignore[arg-type]
    assert english_left(mail.html) == set()
    assert not any(
        message.id in mail.text.split("\n")
        for message in german()
        if isinstance(message.id, str) and message.id != message.string
    )
