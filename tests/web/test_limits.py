"""Too many tries of one person or from one address."""

from tests.support.web import PASSWORD
from tests.web.conftest import Reader, words


def test_the_eleventh_try_on_one_account_within_a_minute_is_told_when_to_come_back(
    anybody: Reader,
) -> None:
    for _ in range(10):
        assert anybody.send("/sign-in", email=anybody.email, password="wrong").status_code == 401
    answer = anybody.send("/sign-in", email=f" {anybody.email.upper()}", password=PASSWORD)
    assert answer.status_code == 429
    assert "Try again in" in words(answer)
    assert answer.headers["Retry-After"]


def test_another_account_may_still_sign_in(ada: Reader, bob: Reader, anybody: Reader) -> None:
    for _ in range(11):
        anybody.send("/sign-in", email=ada.email, password="wrong")
    assert anybody.send("/sign-in", email=bob.email, password=PASSWORD).status_code == 302


def test_one_address_may_not_try_many_accounts(anybody: Reader) -> None:
    answers = [
        anybody.send("/sign-in", email=f"a{n}@example.com", password="x").status_code
        for n in range(31)
    ]
    assert answers == [401] * 30 + [429]


def test_the_sixth_mail_to_an_account_within_an_hour_is_refused(anybody: Reader) -> None:
    for _ in range(5):
        assert anybody.send("/forgot", email="who@example.com").status_code == 200
    assert anybody.send("/forgot", email="who@example.com").status_code == 429
    sign_up = anybody.send("/sign-up", email="who@example.com", password=PASSWORD)
    assert sign_up.status_code == 429


def test_the_link_is_sent_again_five_times_an_hour(ada: Reader) -> None:
    answers = [ada.send("/account/confirmation").status_code for _ in range(6)]
    assert answers == [302] * 5 + [429]


def test_looking_at_the_forms_is_not_limited(anybody: Reader) -> None:
    assert {anybody.get("/sign-in").status_code for _ in range(40)} == {200}
