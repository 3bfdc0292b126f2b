"""Signing up, in and out, and the links in mails."""

import pytest
from flask import session

from tests.support.web import PASSWORD, Site
from tests.web.conftest import Reader, words


def sign_up(reader: Reader, email: str = "new@example.com", password: str = PASSWORD) -> str:
    answer = reader.send("/sign-up", email=email, password=password, time_zone="Europe/Berlin")
    assert answer.status_code == 302
    return answer.location


def link(site: Site, purpose: str, email: str) -> str:
    user = site.services.users.by_email(email)
    assert user
    return f"/{purpose}/{site.services.links.make(purpose, user, site.at)}"  # type: ignore[arg-type]


def test_who_has_signed_up_is_sent_to_sign_in_with_the_address_filled_in(anybody: Reader) -> None:
    page = anybody.get(sign_up(anybody))
    assert 'value="new@example.com"' in page.text
    assert "A mail is on its way to new@example.com" in words(page)
    assert "mailbox" not in words(page)


def test_on_one_machine_the_newcomer_learns_where_the_mail_is(anybody: Reader) -> None:
    settings = anybody.site.services.settings.model_copy(update={"bellwether_local": True})
    anybody.site.services.__dict__["settings"] = settings
    assert '"/local/mail"' in anybody.get(sign_up(anybody)).text


def test_a_known_address_gets_the_same_answer_and_another_mail(
    ada: Reader, anybody: Reader
) -> None:
    assert sign_up(anybody, ada.email) == sign_up(anybody, "new@example.com")
    assert [kind for kind, _ in anybody.site.jobs.account_mails] == ["known", "confirm"]


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("nobody", PASSWORD, "This is not an e-mail address"),
        ("new@example.com", "short", "12 to 128 characters"),
        ("<b>@x", PASSWORD, "This is not an e-mail address"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field_and_stays(
    anybody: Reader, email: str, password: str, said: str
) -> None:
    answer = anybody.send("/sign-up", email=email, password=password)
    assert answer.status_code == 422
    assert said in words(answer)
    assert "<b>@" not in answer.text
    assert password not in answer.text


def test_the_time_zone_of_the_browser_is_kept(anybody: Reader) -> None:
    sign_up(anybody)
    user = anybody.site.services.users.by_email("new@example.com")
    assert user
    assert user.time_zone == "Europe/Berlin"


def test_a_wrong_password_and_an_unknown_address_read_the_same(
    ada: Reader, anybody: Reader
) -> None:
    wrong = anybody.send("/sign-in", email=ada.email, password="not hers at all")
    unknown = anybody.send("/sign-in", email="who@example.com", password="not hers at all")
    assert wrong.status_code == unknown.status_code == 401
    said = "E-mail and password do not fit together."
    assert said in words(wrong)
    assert words(wrong) == words(unknown)


def test_signing_in_leads_to_a_first_list_that_is_made_once(ada: Reader) -> None:
    answer = ada.get("/")
    assert answer.location == "/watchlists/default"
    assert "Three steps to your first bell" in ada.page("/")
    assert len(ada.site.services.watchlists.of(ada.uid)) == 1


def test_signing_in_begins_a_session_under_another_id(ada: Reader) -> None:
    ada.send("/sign-out")
    ada.uid = ""
    ada.get("/sign-in")
    before = ada.client.get_cookie("session")
    ada.sign_in()
    after = ada.client.get_cookie("session")
    assert before
    assert after
    assert before.value != after.value
    assert not ada.site.services.redis.exists(f"session:{before.value}")


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/alerts/new?symbol=%5EGSPC", "/alerts/new?symbol=%5EGSPC"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\tx", "/"),
        ("javascript:alert(1)", "/"),
        ("http://[", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_one_goes_on_only_within_this_site(
    ada: Reader, anybody: Reader, wanted: str, leads_to: str
) -> None:
    answer = anybody.send("/sign-in", email=ada.email, password=PASSWORD, next=wanted)
    assert answer.location == leads_to


def test_a_page_for_people_sends_others_to_sign_in_and_back(ada: Reader, anybody: Reader) -> None:
    asked = anybody.get("/alerts/new?symbol=AAPL")
    assert asked.location.startswith("/sign-in?next=")
    assert 'value="/alerts/new?symbol=AAPL"' in anybody.get(asked.location).text


def test_signing_out_ends_the_session(ada: Reader) -> None:
    assert ada.send("/sign-out").location == "/"
    assert ada.get("/account").status_code == 302


def test_an_unconfirmed_person_is_told_what_waits_and_may_have_the_link_again(
    anybody: Reader,
) -> None:
    sign_up(anybody)
    anybody.email = "new@example.com"
    anybody.sign_in()
    anybody.uid = "signed in"
    assert "Alert mails go to confirmed addresses only" in anybody.page("/")
    assert anybody.send("/account/confirmation").status_code == 302
    assert [kind for kind, _ in anybody.site.jobs.account_mails] == ["confirm", "confirm"]


def test_the_link_confirms_again_and_again_and_lets_held_mails_go(anybody: Reader) -> None:
    sign_up(anybody)
    path = link(anybody.site, "confirm", "new@example.com")
    assert "Your address is confirmed" in anybody.page(path)
    assert "Your address is confirmed" in anybody.page(path)
    user = anybody.site.services.users.by_email("new@example.com")
    assert user
    assert user.confirmed_at
    assert user.uid in anybody.site.jobs.released


def test_who_is_signed_in_confirms_on_the_way_to_the_list(anybody: Reader) -> None:
    sign_up(anybody)
    anybody.email = "new@example.com"
    anybody.sign_in()
    text = anybody.page(link(anybody.site, "confirm", "new@example.com"))
    assert "new@example.com is confirmed" in text
    assert "Confirm your address" not in text


@pytest.mark.parametrize(
    "path", ["/confirm/forged", "/reset/forged", "/confirm/%00", "/reset/a.b.c"]
)
def test_a_link_that_is_not_ours_says_so(anybody: Reader, path: str) -> None:
    answer = anybody.get(path)
    assert answer.status_code == 410
    assert "This link does not work" in words(answer)


def test_an_old_confirmation_says_that_it_is_too_old(anybody: Reader) -> None:
    sign_up(anybody)
    path = link(anybody.site, "confirm", "new@example.com")
    anybody.site.later(days=8)
    assert "too old" in words(anybody.get(path))


def test_asking_for_a_new_password_never_tells_who_has_an_account(
    ada: Reader, anybody: Reader
) -> None:
    known = anybody.send("/forgot", email=ada.email)
    unknown = anybody.send("/forgot", email="who@example.com")
    assert known.status_code == unknown.status_code == 200
    assert words(known).replace(ada.email, "") == words(unknown).replace("who@example.com", "")
    assert anybody.site.jobs.account_mails == [("reset", ada.uid)]


def test_a_reset_signs_in_and_ends_every_other_session(ada: Reader, anybody: Reader) -> None:
    path = link(ada.site, "reset", ada.email)
    answer = anybody.send(path, password="a new long password")
    assert answer.location == "/"
    assert anybody.get("/account").status_code == 200
    assert ada.get("/account").status_code == 302
    assert anybody.get(path).status_code == 410


def test_a_reset_with_a_short_password_may_be_tried_again(ada: Reader, anybody: Reader) -> None:
    path = link(ada.site, "reset", ada.email)
    answer = anybody.send(path, password="short")
    assert answer.status_code == 422
    assert "12 to 128 characters" in words(answer)
    assert anybody.send(path, password="a new long password").status_code == 302


def test_a_changed_password_keeps_this_session_and_ends_the_others(ada: Reader) -> None:
    other = Reader(ada.site, ada.site.app.test_client(), ada.email)
    other.sign_in()
    answer = ada.send("/account/password", present=PASSWORD, password="a new long password")
    assert answer.status_code == 302
    assert ada.get("/account").status_code == 200
    assert other.get("/account").status_code == 302


def test_a_wrong_present_password_changes_nothing(ada: Reader) -> None:
    answer = ada.send("/account/password", present="wrong", password="a new long password")
    assert answer.status_code == 422
    assert "not your present password" in words(answer)


def test_times_follow_the_chosen_time_zone(ada: Reader) -> None:
    ada.alert()
    assert "Armed since 15:00" in ada.page("/alerts")
    ada.send("/account/time-zone", time_zone="Asia/Tokyo")
    assert "Armed since 00:00" in ada.page("/alerts")


def test_an_unknown_time_zone_is_refused(ada: Reader) -> None:
    answer = ada.send("/account/time-zone", time_zone="../../etc/passwd")
    assert answer.status_code == 422
    assert "There is no such time zone" in words(answer)


def test_passwords_are_never_in_a_page(anybody: Reader) -> None:
    answer = anybody.send("/sign-in", email="who@example.com", password="a secret of mine")
    assert "a secret of mine" not in answer.text


def test_a_session_is_not_stored_for_somebody_who_only_looks(anybody: Reader) -> None:
    with anybody.client:
        anybody.get("/")
        assert not session
    assert anybody.site.services.redis.keys("session:*") == []
