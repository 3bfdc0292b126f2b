"""What a program reads when something is wrong."""

from http import HTTPStatus

import pytest
from redis import ConnectionError as RedisAway

from services.errors import (
    BadDocument,
    Conflict,
    Contention,
    RateLimited,
    SourceUnavailable,
    StoreUnavailable,
)
from tests.support.web import Person, Site

PROBLEM = "application/problem+json"


def raising(error: Exception):
    def fail(*_: object, **__: object):
        raise error

    return fail


def test_an_unknown_path_is_a_problem_for_anybody(site: Site):
    for path in ("/api/", "/api/v1", "/api/v1/", "/api/v2/alerts", "/api/v1/nothing"):
        answer = site.app.test_client().get(path)
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert answer.mimetype == PROBLEM
        assert answer.json["status"] == 404
        assert answer.json["title"] == "Not Found"
        assert answer.json["type"] == "about:blank"
        assert answer.json["errors"] == []


@pytest.mark.parametrize("path", ["/alerts", "/openapi.json", "/nothing"])
def test_a_browser_that_is_led_to_an_answer_saves_it(person: Person, path: str) -> None:
    said = person.get(path).headers["Content-Disposition"]
    assert said == 'attachment; filename="api.json"'


def test_a_method_that_a_path_does_not_take_names_those_it_takes(person: Person):
    answer = person.ask("PUT", "/alerts")
    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert answer.mimetype == PROBLEM
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
def test_a_body_of_another_type_is_refused(person: Person, kind: str):
    answer = person.post("/watchlists", data=b'{"name": "Own"}', content_type=kind)
    assert answer.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert answer.mimetype == PROBLEM


def test_a_body_without_a_type_is_refused(person: Person):
    assert person.post("/watchlists").status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def test_a_body_that_is_too_large_is_refused(person: Person):
    answer = person.post("/watchlists", {"name": "x" * 300_000})
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert answer.mimetype == PROBLEM


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("/home/ada/store.sqlite3 is locked"),
        Contention("busy"),
        RedisAway("at 10.0.0.7"),
        RateLimited("slow down"),
        SourceUnavailable("timeout"),
    ],
)
def test_what_is_away_now_is_asked_to_be_tried_again(
    site: Site, person: Person, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    monkeypatch.setattr(site.services.alerts, "page", raising(error))
    answer = person.get("/alerts")
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.mimetype == PROBLEM
    assert int(answer.headers["Retry-After"]) > 0
    assert str(error) not in answer.text


def test_a_lost_race_is_a_conflict(site: Site, person: Person, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(site.services.watchlists, "create", raising(Conflict("users/1/watchlist")))
    answer = person.post("/watchlists", {"name": "Own"})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "users/" not in answer.text


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("at line 7 of secret.py"), BadDocument("users/1 is odd")]
)
def test_a_fault_of_ours_tells_nothing_of_the_inside(
    site: Site,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
):
    monkeypatch.setattr(site.services.alerts, "page", raising(error))
    answer = person.get("/alerts")
    (noted,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert noted.exc_info
    assert noted.exc_info[1] is error
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert answer.mimetype == PROBLEM
    assert answer.json["title"] == "Internal Server Error"
    assert str(error) not in answer.text
    assert "Traceback" not in answer.text


def test_a_redis_that_is_away_before_the_view_is_a_problem_too(
    site: Site, person: Person, monkeypatch: pytest.MonkeyPatch
):
    interface = site.app.session_interface
    monkeypatch.setattr(interface, "open_session", raising(RedisAway("refused")))
    answer = person.get("/alerts")
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.mimetype == PROBLEM


def test_an_id_that_cannot_be_one_is_just_not_there(person: Person):
    for name in ("..", "__x__", "a%00b", "x" * 2_000, "%ED%A0%80", "%F0%9F%94%94", "a%2Fb"):
        for kind in ("alerts", "watchlists", "triggers"):
            answer = person.get(f"/{kind}/{name}")
            assert answer.status_code == HTTPStatus.NOT_FOUND, (kind, name)
            assert answer.mimetype == PROBLEM


def test_pages_keep_their_own_errors(site: Site):
    answer = site.app.test_client().get("/nothing-here")
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert answer.mimetype == "text/html"
