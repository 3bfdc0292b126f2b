"""Forms sent after their session has ended: nothing typed is lost, nothing done unasked."""

import re

import pytest

from tests.support.web import PASSWORD
from tests.web.conftest import Reader, words

TYPED = {
    "symbol": "AAPL",
    "kind": "price_falls_to",
    "level": "80.25",
    "note": "my\nown <b>words</b> \u202e",
    "frequency": "daily",
}


def end_session(reader: Reader) -> None:
    redis = reader.site.services.redis
    redis.delete(*redis.keys("session:*"))
    reader.uid = ""


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in_where(reader: Reader, location: str) -> str:
    """Sign in on the page of that address; returns where that leads."""
    page = reader.get(location).text
    hidden = re.search(r'name="next" value="([^"]*)"', page)
    assert hidden
    answer = reader.client.post(
        "/sign-in",
        data={
            "csrf_token": token_in(page),
            "email": reader.email,
            "password": PASSWORD,
            "next": hidden[1],
        },
    )
    return answer.location


def test_an_alert_s_form_is_there_again_after_signing_in(ada: Reader) -> None:
    page, uid = ada.get("/alerts/new").text, ada.uid
    end_session(ada)
    sent = ada.client.post("/alerts/new", data={**TYPED, "csrf_token": token_in(page)})
    assert sent.status_code == 303
    assert "what you typed is there again" in words(ada.get(sent.location))
    form = ada.get(sign_in_where(ada, sent.location))
    assert form.status_code == 200
    assert 'value="80.25"' in form.text
    assert "my\nown &lt;b&gt;words&lt;/b&gt;" in form.text
    assert re.search(r'value="price_falls_to" selected', form.text)
    assert re.search(r'value="daily" selected', form.text)
    assert ada.site.services.alerts.count(uid) == 0, "nothing is done without a click"
    again = ada.client.post("/alerts/new", data={**TYPED, "csrf_token": token_in(form.text)})
    assert again.status_code == 302
    assert ada.site.services.alerts.count(uid) == 1


def test_a_session_that_a_new_password_ended_keeps_what_was_typed_too(ada: Reader) -> None:
    page = ada.get("/alerts/new").text
    user = ada.site.services.users.get(ada.uid)
    assert user
    ada.site.services.users.end_access(ada.uid, user.password_hash)
    sent = ada.client.post("/alerts/new", data={**TYPED, "csrf_token": token_in(page)})
    assert sent.status_code == 303
    assert 'value="80.25"' in ada.get(sign_in_where(ada, sent.location)).text


def test_any_other_form_comes_back_field_by_field(ada: Reader) -> None:
    end_session(ada)
    sent = ada.client.post(
        "/watchlists/default/symbols", data={"symbol": "aapl above 200", "once": "x"}
    )
    form = ada.get(sign_in_where(ada, sent.location)).text
    assert 'action="/watchlists/default/symbols"' in form
    assert 'name="symbol" value="aapl above 200"' in form
    assert '<input type="hidden" name="once" value="x">' in form
    assert "/watchlists/default" in ada.get("/").location


def test_what_another_site_sends_is_neither_shown_nor_kept(ada: Reader) -> None:
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        answer = ada.client.post("/alerts/new", data={"note": "not mine"}, headers=headers)
        assert answer.status_code == 403
        assert "not mine" not in answer.text
    end_session(ada)
    answer = ada.client.post(
        "/alerts/new", data={"note": "not mine"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    ada.sign_in()
    assert ada.get("/continue").location == "/"


def test_what_a_script_asks_meanwhile_takes_no_form_s_place(ada: Reader) -> None:
    end_session(ada)
    sent = ada.client.post("/alerts/new", data=TYPED)
    for path in ("/alerts/new", "/watchlists/default/symbols"):
        answer = ada.client.post(path, data={"text": "x"}, headers={"Sec-Fetch-Mode": "cors"})
        assert answer.status_code == 400
    assert 'value="80.25"' in ada.get(sign_in_where(ada, sent.location)).text


def test_passwords_are_never_kept(ada: Reader) -> None:
    end_session(ada)
    sent = ada.client.post(
        "/account/password", data={"present": "my old secret", "password": "my new secret"}
    )
    redis = ada.site.services.redis
    stored = b"".join(redis.get(key) or b"" for key in redis.keys("session:*"))
    assert b"my old secret" not in stored
    form = ada.get(sign_in_where(ada, sent.location)).text
    assert "my old secret" not in form
    assert "my new secret" not in form


def test_more_than_can_be_kept_is_in_the_answer_itself(ada: Reader) -> None:
    end_session(ada)
    text = "long " * 5_000
    answer = ada.client.post("/alerts/new", data={**TYPED, "note": text})
    assert answer.status_code == 400
    assert text.strip() in words(answer)
    assert "Sign in on a new page" in words(answer)


def test_what_waits_is_forgotten_after_an_hour(ada: Reader) -> None:
    end_session(ada)
    ada.client.post("/alerts/new", data=TYPED)
    ada.sign_in()
    assert ada.get("/continue").status_code == 200
    ada.site.later(minutes=61)
    assert ada.get("/continue").location == "/"


def test_another_browser_finds_nothing_of_it(ada: Reader, bob: Reader) -> None:
    end_session(ada)
    ada.client.post("/alerts/new", data=TYPED)
    bob.client.delete_cookie("session")
    bob.uid = ""
    bob.sign_in()
    assert bob.get("/continue").location == "/"


def test_the_sign_in_page_itself_may_have_been_open_for_long(ada: Reader) -> None:
    data = {"email": ada.email, "password": PASSWORD, "next": "/alerts", "csrf_token": "old"}
    ada.client.delete_cookie("session")
    answer = ada.client.post("/sign-in", data=data)
    assert answer.status_code == 400
    assert "Please send this again" in words(answer)
    assert f'value="{ada.email}"' in answer.text
    assert PASSWORD not in answer.text
    sent = ada.client.post("/sign-in", data={**data, "csrf_token": token_in(answer.text)})
    assert sent.location == "/alerts"


@pytest.mark.parametrize("path", ["/sign-up", "/forgot"])
def test_forms_for_everybody_come_back_with_the_address(anybody: Reader, path: str) -> None:
    answer = anybody.client.post(path, data={"email": "new@example.com", "password": PASSWORD})
    assert answer.status_code == 400
    assert 'value="new@example.com"' in answer.text
    assert anybody.site.jobs.account_mails == []


def test_who_is_signed_out_already_is_signed_out(ada: Reader) -> None:
    end_session(ada)
    assert ada.client.post("/sign-out").location == "/"
