"""Who is told what happened to an account, and signing out everywhere."""

from tests.support.web import PASSWORD, Site
from tests.web.conftest import Reader, signed_in

EVENTS = "/account/security"


def test_an_account_s_page_leads_to_what_happened_to_it(ada: Reader) -> None:
    assert f'href="{EVENTS}"' in ada.get("/account").text
    page = ada.page(EVENTS)
    assert "Signed in" in page
    assert "127.0.0.0/24" in page


def test_failed_sign_ins_are_shown_to_their_owner_as_one(ada: Reader, anybody: Reader) -> None:
    for _ in range(3):
        anybody.send("/sign-in", email=ada.email, password="guess")
    assert "3 sign-ins failed" in ada.page(EVENTS)


def test_a_guessed_present_password_is_shown_too(ada: Reader) -> None:
    ada.send("/account/password", present="guess", password="a newer password")
    assert "A sign-in failed" in ada.page(EVENTS)


def test_a_new_password_and_a_token_are_shown(site: Site, ada: Reader) -> None:
    ada.send("/account/password", present=PASSWORD, password="a newer password")
    site.app.test_client().post(
        "/api/v1/tokens", json={"email": ada.email, "password": "a newer password"}
    )
    page = ada.page(EVENTS)
    assert "The password was changed" in page
    assert "A token for programs was made" in page


def test_a_channel_s_coming_and_going_is_shown_without_its_address(ada: Reader) -> None:
    path = "/account/notifications/destinations"
    ada.send(path, kind="apprise", name="Ops chat", url="ntfys://ntfy.sh/very-secret-topic")
    (place,) = ada.site.services.users.get(ada.uid).destinations  # type: ignore[union-attr]
    ada.send(f"{path}/{place.id}/remove")
    page = ada.page(EVENTS)
    assert "The channel “Ops chat” was added" in page
    assert "The channel “Ops chat” was removed" in page
    assert "very-secret-topic" not in page


def test_nobody_sees_what_happened_to_another_account(ada: Reader, bob: Reader) -> None:
    ada.send("/account/password", present=PASSWORD, password="a newer password")
    assert "The password was changed" not in bob.page(EVENTS)


def test_in_german_it_is_told_in_german(ada: Reader) -> None:
    ada.send("/account/language", language="de")
    assert "Angemeldet" in ada.page(EVENTS)


def test_signing_out_everywhere_ends_all_sessions_and_tokens(site: Site, ada: Reader) -> None:
    token = site.services.accounts.create_token(ada.email, PASSWORD, site.at)
    phone = Reader(site, site.app.test_client(), ada.email, ada.uid)
    phone.uid = ""
    phone.sign_in()
    answer = ada.send("/account/sign-out-everywhere")
    assert answer.status_code == 302
    for reader in (ada, phone):
        assert reader.get("/account").status_code == 302
    asked = site.app.test_client().get(
        "/api/v1/alerts", headers={"Authorization": f"Bearer {token}"}
    )
    assert asked.status_code == 401


def test_signing_out_everywhere_leaves_others_alone_and_lets_in_again(
    site: Site, ada: Reader, bob: Reader
) -> None:
    ada.send("/account/sign-out-everywhere")
    assert bob.get("/account").status_code == 200
    again = signed_in(site, ada.email)
    assert "Signed out everywhere" in again.page(EVENTS)


def test_a_stranger_signs_nobody_out(site: Site, ada: Reader, anybody: Reader) -> None:
    assert anybody.client.post("/account/sign-out-everywhere").status_code in (302, 303, 400)
    assert ada.get("/account").status_code == 200
