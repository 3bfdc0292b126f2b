"""Who may ask: programs by token, pages by session and CSRF token."""

import re
from http import HTTPStatus

import pytest
from redis import Redis

from tests.support.web import Person, Site

LIST, ENTRY = "/watchlists/<watchlist_id>", "/watchlists/<watchlist_id>/symbols/<symbol>"
ROUTES = [
    ("GET", "/quotes"),
    ("GET", "/bars/<symbol>"),
    ("GET", "/symbols"),
    ("GET", "/watchlists"),
    ("POST", "/watchlists"),
    ("GET", LIST),
    ("PATCH", LIST),
    ("DELETE", LIST),
    ("POST", LIST + "/symbols"),
    ("PATCH", ENTRY),
    ("DELETE", ENTRY),
    ("GET", "/alerts"),
    ("POST", "/alerts"),
    ("POST", "/alerts/parse"),
    ("POST", "/alerts/preview"),
    ("GET", "/alerts/<alert_id>"),
    ("PATCH", "/alerts/<alert_id>"),
    ("DELETE", "/alerts/<alert_id>"),
    ("GET", "/triggers"),
    ("POST", "/triggers/read"),
    ("GET", "/triggers/<trigger_id>"),
    ("PATCH", "/triggers/<trigger_id>"),
    ("POST", "/triggers/<trigger_id>/snooze"),
    ("GET", "/devices"),
    ("POST", "/devices"),
    ("PATCH", "/devices/<device_id>"),
    ("DELETE", "/devices/<device_id>"),
    ("GET", "/settings"),
    ("PATCH", "/settings"),
    ("GET", "/export"),
]
OPEN_TO_ALL = [("POST", "/tokens"), ("GET", "/openapi.json")]


def address(route: str) -> str:
    return "/api/v1" + re.sub("<.*?>", "AAPL", route)


def test_every_route_is_named_here(site: Site):
    served = {
        (method, rule.rule.removeprefix("/api/v1"))
        for rule in site.app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert served == {*ROUTES, *OPEN_TO_ALL}


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_every_route_asks_for_a_token_first(site: Site, method: str, route: str):
    refused = site.app.test_client().open(address(route), method=method)
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert refused.mimetype == "application/problem+json"
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert "Set-Cookie" not in refused.headers


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer bw.01KJQH0CC03EJMYGGW2JSQC64S.short",
        "Bearer bw." + "A" * 26 + "." + "b" * 43,
        "Bearer " + "x" * 5_000,
        "bearer \u00e9\u00e9",
        "Basic YWRhOnB3",
        "Digest",
        "=",
    ],
)
def test_a_header_that_is_no_token_is_refused_and_not_a_fault(site: Site, header: str):
    refused = site.app.test_client().get("/api/v1/alerts", headers={"Authorization": header})
    assert refused.status_code == HTTPStatus.UNAUTHORIZED


def test_the_word_bearer_is_read_in_any_case(person: Person):
    answer = person.get("/alerts", headers={"Authorization": f"bEaReR {person.token}"})
    assert answer.status_code == HTTPStatus.OK


def test_a_token_with_another_persons_id_is_refused(person: Person, stranger: Person):
    head, _, secret = person.token.split(".")
    person.token = f"{head}.{stranger.uid}.{secret}"
    assert person.get("/alerts").status_code == HTTPStatus.UNAUTHORIZED


def test_a_bearer_request_makes_no_session(site: Site, person: Person, redis: Redis):
    for path in ("/alerts", "/watchlists", "/alerts/none"):
        assert "Set-Cookie" not in person.get(path).headers
    assert "Set-Cookie" not in person.post("/watchlists", {"name": "Own"}).headers
    assert not list(redis.scan_iter("session:*"))


def test_a_bearer_request_leaves_a_browsers_session_alone(
    site: Site, person: Person, stranger: Person, redis: Redis
):
    client = site.browser(stranger).client
    (key,) = redis.scan_iter("session:*")
    held = redis.get(key)
    answer = client.get("/api/v1/watchlists", headers={"Authorization": f"Bearer {person.token}"})
    assert answer.status_code == HTTPStatus.OK
    assert "Set-Cookie" not in answer.headers
    assert redis.get(key) == held
    assert [found.uid for found in site.services.watchlists.of(person.uid)] == [person.uid]


def test_a_bad_token_is_not_saved_by_a_session(site: Site, person: Person):
    client = site.browser(person).client
    answer = client.get("/api/v1/alerts", headers={"Authorization": "Bearer bw.no"})
    assert answer.status_code == HTTPStatus.UNAUTHORIZED


def test_a_session_reads_without_more(site: Site, person: Person):
    assert site.browser(person).client.get("/api/v1/alerts").status_code == HTTPStatus.OK


def test_a_proxys_password_in_front_of_us_does_not_hide_the_session(site: Site, person: Person):
    client = site.browser(person).client
    answer = client.get("/api/v1/alerts", headers={"Authorization": "Basic YWRhOnB3"})
    assert answer.status_code == HTTPStatus.OK


def test_a_session_writes_with_its_csrf_token(site: Site, person: Person):
    browser = site.browser(person)
    headers = {"X-CSRFToken": browser.csrf_token}
    made = browser.client.post("/api/v1/watchlists", json={"name": "Own"}, headers=headers)
    assert made.status_code == HTTPStatus.CREATED


@pytest.mark.parametrize("token", [None, "", "forged", "\u00e9"])
@pytest.mark.parametrize(("method", "route"), [route for route in ROUTES if route[0] != "GET"])
def test_a_session_cannot_write_without_its_csrf_token(
    site: Site, person: Person, token: str | None, method: str, route: str
):
    headers = {} if token is None else {"X-CSRFToken": token}
    client = site.browser(person).client
    refused = client.open(address(route), method=method, json={"name": "Own"}, headers=headers)
    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert refused.mimetype == "application/problem+json"
    assert "CSRF" in refused.json["detail"]
    assert site.services.watchlists.of(person.uid) == []


def test_a_session_that_a_new_password_ended_is_refused(site: Site, person: Person):
    client = site.browser(person).client
    site.services.accounts.change_password(person.uid, person.password, "another horse battery")
    assert client.get("/api/v1/alerts").status_code == HTTPStatus.UNAUTHORIZED
