"""How a program gets its token."""

import pytest

from tests.support.web import PASSWORD, Person, Site
from web.limits import SIGN_IN_BY_ACCOUNT

TRIES = int(SIGN_IN_BY_ACCOUNT.split()[0])


def ask(site: Site, email: object, password: object):
    body = {"email": email, "password": password}
    return site.app.test_client().post("/api/v1/tokens", json=body)


def test_e_mail_and_password_make_a_token_that_opens_the_api(site: Site, person: Person):
    made = ask(site, person.email, PASSWORD)
    assert made.status_code == 201
    person.token = made.json["token"]
    assert person.get("/alerts").status_code == 200


def test_the_spelling_of_the_address_does_not_matter(site: Site, person: Person):
    assert ask(site, "  ADA@Example.com ", PASSWORD).status_code == 201


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com", "", "no address"])
def test_a_wrong_password_and_an_unknown_address_answer_the_same(
    site: Site, person: Person, email: str
):
    refused = ask(site, email, "wrong horse battery")
    assert refused.status_code == 401
    assert refused.mimetype == "application/problem+json"
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.json["detail"] == "E-mail and password do not fit together."


def test_a_token_is_kept_out_of_caches_and_comes_without_a_cookie(site: Site, person: Person):
    made = ask(site, person.email, PASSWORD)
    assert made.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in made.headers


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "ada@example.com"}, "password"),
        ({"password": "x"}, "email"),
        ({"email": 7, "password": "x"}, "email"),
        ({"email": "a@b.c", "password": None}, "password"),
        ({"email": "a" * 400, "password": "x"}, "email"),
        ({"email": "a@b.c", "password": "x" * 2_000}, "password"),
        ({"email": "a@b.c", "password": "x", "admin": True}, "admin"),
    ],
)
def test_a_body_that_is_no_pair_of_texts_names_its_faulty_field(site: Site, body: object, field):
    refused = site.app.test_client().post("/api/v1/tokens", json=body)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json["errors"]] == [field]


def test_tries_on_one_account_are_limited_whatever_the_spelling(site: Site, person: Person):
    spellings = ["ada@example.com", "ADA@example.com", " Ada@Example.Com"]
    answers = [ask(site, spellings[i % 3], "wrong") for i in range(TRIES + 1)]
    assert [answer.status_code for answer in answers[:TRIES]] == [401] * TRIES
    last = answers[-1]
    assert last.status_code == 429
    assert last.mimetype == "application/problem+json"
    assert 0 < int(last.headers["Retry-After"]) <= 60


def test_the_right_password_does_not_lift_an_account_limit(site: Site, person: Person):
    for _ in range(TRIES):
        ask(site, person.email, "wrong")
    assert ask(site, person.email, PASSWORD).status_code == 429


def test_a_limited_account_leaves_others_free(site: Site, person: Person, stranger: Person):
    for _ in range(TRIES + 1):
        ask(site, person.email, "wrong")
    assert ask(site, stranger.email, PASSWORD).status_code == 201


def test_tries_from_one_address_are_limited_over_all_accounts(site: Site):
    answers = [ask(site, f"nobody{i}@example.com", "wrong").status_code for i in range(31)]
    assert answers == [401] * 30 + [429]


def test_a_new_password_ends_a_token(site: Site, person: Person):
    site.services.accounts.change_password(person.uid, PASSWORD, "another horse battery")
    assert person.get("/alerts").status_code == 401
