"""What people see when something is wrong: what happened, what it means, what to do."""

import re
from collections.abc import Callable
from typing import NoReturn

import pytest
from redis import ConnectionError as RedisAway

from services.errors import BadDocument, Contention, SourceUnavailable, StoreUnavailable
from services.redis_client import open_redis
from tests.support.redis_server import free_port
from tests.support.web import Site
from tests.web.conftest import Reader, words


def failing(error: Exception) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def lose_redis(site: Site) -> None:
    """As if the server had gone: sessions and services reach nobody."""
    away = open_redis(f"redis://127.0.0.1:{free_port()}/0")
    interface = site.app.session_interface
    interface.client = away  # type: ignore[attr-defined]
    site.services.__dict__["redis"] = away


def test_an_address_with_nothing_behind_it_says_so(anybody: Reader) -> None:
    answer = anybody.get("/nope/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "There is nothing here" in words(answer)
    assert "<script>alert" not in answer.text


def test_a_wrong_method_says_so(anybody: Reader) -> None:
    assert anybody.get("/sign-out").status_code == 405


def test_too_large_a_form_says_so(ada: Reader) -> None:
    answer = ada.send("/alerts/new", note="n" * 300_000)
    assert answer.status_code == 413
    assert "too much at once" in words(answer)


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("away"),
        Contention("busy"),
        RedisAway("away"),
        SourceUnavailable("away"),
    ],
)
def test_what_is_away_for_now_gives_a_page_that_says_try_again(
    ada: Reader, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(ada.site.services.watchlists, "of", failing(error))
    answer = ada.get("/watchlists/default")
    assert answer.status_code == 503
    assert "Try again in a minute" in words(answer)
    assert answer.headers["Retry-After"] == "5"


def test_a_lost_redis_is_told_to_the_log_once_a_request(
    ada: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    lose_redis(ada.site)
    caplog.clear()
    assert ada.get("/watchlists/default").status_code == 503
    assert caplog.text.count("Exception on /watchlists/default") == 1
    assert "finalizing failed" not in caplog.text


@pytest.mark.parametrize("error", [BadDocument("users/u cannot be read"), KeyError("secret")])
def test_a_fault_of_ours_says_so_and_tells_nothing_of_the_inside(
    ada: Reader, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(ada.site.services.watchlists, "of", failing(error))
    answer = ada.get("/watchlists/default")
    assert answer.status_code == 500
    assert "This is a fault of Bellwether" in words(answer)
    assert "secret" not in answer.text


def test_without_redis_even_the_session_s_failure_is_a_page(ada: Reader) -> None:
    lose_redis(ada.site)
    answer = ada.get("/alerts")
    assert answer.status_code == 503
    assert "Bellwether cannot reach its data" in words(answer)
    style = re.findall(r'href="(/assets/[^"]+\.css)"', answer.text)
    assert style
    assert all(ada.get(path).status_code == 200 for path in style)


def test_pages_of_errors_keep_the_security_headers(anybody: Reader) -> None:
    for path in ("/nope", "/sign-in"):
        policy = anybody.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy


def test_no_one_between_keeps_a_page(ada: Reader) -> None:
    assert ada.get("/alerts").headers["Cache-Control"] == "private, no-cache"


def test_a_form_without_its_token_changes_nothing_and_is_offered_again(ada: Reader) -> None:
    typed = {"symbol": "AAPL", "kind": "price_rises_to", "level": "150", "note": "my\nown words"}
    answer = ada.client.post("/alerts/new", data=typed)
    assert answer.status_code == 400
    assert "Please send this again" in words(answer)
    assert "my\nown words" in answer.text
    assert ada.site.services.alerts.count(ada.uid) == 0
    token = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
    assert token
    sent = ada.client.post("/alerts/new", data={**typed, "csrf_token": token[1]})
    assert sent.status_code == 302


def test_errors_under_the_api_are_problem_documents(anybody: Reader) -> None:
    answer = anybody.get("/api/v1/nope")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
