"""Light, dark, or as the system has it."""

import re

import pytest

from tests.web.conftest import Reader


def choose(reader: Reader, theme: str, **fields: str) -> str:
    """Where the reader is sent after choosing."""
    answer = reader.client.post("/theme", data={"theme": theme, **fields})
    assert answer.status_code == 303
    return answer.headers["Location"]


def shown(reader: Reader, path: str = "/sign-in") -> tuple[str, str]:
    """The theme that a page is written in, and the choice that is marked on it."""
    text = reader.get(path).text
    marked = re.findall(r'value="(\w+)" aria-pressed="true"', text)
    assert len(marked) == 1
    found = re.search(r'<html[^>]* data-theme="(\w+)"', text)
    return (found[1] if found else ""), marked[0]


def metas(reader: Reader) -> dict[str, str]:
    found = re.findall(
        r'name="theme-color"[^>]*data-scheme="(\w+)" media="([^"]+)"', reader.get("/").text
    )
    return dict(found)


def test_a_page_looks_as_the_system_has_it_until_something_is_chosen(anybody: Reader) -> None:
    assert shown(anybody) == ("", "system")
    assert metas(anybody) == {
        "light": "(prefers-color-scheme: light)",
        "dark": "(prefers-color-scheme: dark)",
    }


def test_what_is_chosen_stays(anybody: Reader) -> None:
    choose(anybody, "dark")
    assert shown(anybody) == ("dark", "dark")
    assert metas(anybody) == {"light": "not all", "dark": "all"}
    choose(anybody, "light")
    assert shown(anybody) == ("light", "light")


def test_pages_of_errors_have_it_too(anybody: Reader) -> None:
    choose(anybody, "dark")
    assert shown(anybody, "/nope") == ("dark", "dark")


@pytest.mark.parametrize("theme", ["system", "", "purple", "dark\r\nSet-Cookie: a=b"])
def test_anything_else_is_as_the_system_has_it(anybody: Reader, theme: str) -> None:
    choose(anybody, "dark")
    choose(anybody, theme)
    assert shown(anybody) == ("", "system")


def test_a_forged_cookie_is_no_theme(anybody: Reader) -> None:
    anybody.client.set_cookie("theme", '"><script>')
    assert shown(anybody) == ("", "system")


def test_one_returns_to_where_one_was(anybody: Reader) -> None:
    text = anybody.get("/sign-in?next=/alerts").text
    found = re.search(r'name="next" value="(/sign-in[^"]+)"', text)
    assert found
    assert choose(anybody, "dark", next=found[1]) == "/sign-in?next=/alerts"


def test_the_answer_to_a_form_is_returned_to_by_its_path(anybody: Reader) -> None:
    answer = anybody.sign_in("not the password")
    assert answer.status_code >= 400
    assert re.search(r'name="next" value="/sign-in"', answer.text)


def test_what_answers_to_forms_only_leads_to_the_start(ada: Reader) -> None:
    answer = ada.send("/account/time-zone", time_zone="Nowhere")
    assert answer.status_code == 422
    assert re.search(r'name="next" value="/"', answer.text)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "javascript:1"]
)
def test_nobody_is_sent_to_another_site(anybody: Reader, elsewhere: str) -> None:
    assert choose(anybody, "dark", next=elsewhere) == "/"


def test_a_choice_starts_no_session(anybody: Reader) -> None:
    answer = anybody.client.post("/theme", data={"theme": "dark"})
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("theme=dark;")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_choice_is_kept_over_https_only_where_that_is_spoken(anybody: Reader) -> None:
    settings = anybody.site.services.settings.model_copy(
        update={"public_url": "https://bell.example"}
    )
    anybody.site.services.__dict__["settings"] = settings
    answer = anybody.client.post("/theme", data={"theme": "dark"})
    assert "Secure" in answer.headers["Set-Cookie"]
