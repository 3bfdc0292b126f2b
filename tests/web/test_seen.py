"""Each request has an id, a line in the log that tells no secret, and its time in the metrics."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from config import Settings
from services.logs import ACCESS, formatter
from tests.support.web import Person
from tests.web.conftest import Reader
from tests.web.test_errors import lose_redis

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the access log says."""
    stream, log = StringIO(), logging.getLogger(ACCESS)
    handler = logging.StreamHandler(stream)
    settings = Settings(_env_file=None, secret_key="a key", log_format="json")
    handler.setFormatter(formatter(settings))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


def test_a_request_has_one_line(anybody: Reader, lines: Lines) -> None:
    answer = anybody.get("/sign-in?next=/secret")
    (line,) = lines()
    assert {name: line[name] for name in ("method", "route", "status", "bytes", "event")} == {
        "method": "GET",
        "route": "/sign-in",
        "status": 200,
        "bytes": answer.content_length,
        "event": "answered",
    }
    assert line["ms"] >= 0
    assert line["request"] == answer.headers["X-Request-ID"]
    assert "secret" not in json.dumps(line)


def test_a_line_names_the_route_and_not_what_stands_in_its_place(
    anybody: Reader, lines: Lines
) -> None:
    anybody.get("/reset/a-secret-token")
    anybody.get("/no/such/secret")
    first, second = lines()
    assert "<" in first["route"]
    assert second["route"] == "none"
    assert "secret" not in json.dumps([first, second])


def test_who_asks_has_one_short_name_in_browsers_and_programs(
    ada: Reader, person: Person, lines: Lines
) -> None:
    ada.get("/account")
    person.get("/watchlists")
    of_browser, of_program = lines()
    assert of_browser["user"].startswith("#")
    assert of_program["user"] == of_browser["user"]
    assert ada.uid not in json.dumps(of_browser)


def test_the_next_request_of_a_thread_is_another(
    anybody: Reader, ada: Reader, lines: Lines
) -> None:
    ada.get("/account")
    anybody.get("/help")
    first, second = lines()
    assert "user" not in second
    assert first["request"] != second["request"]


def test_an_id_that_a_proxy_gave_comes_back(anybody: Reader) -> None:
    sent = {"X-Request-ID": "9f86d081-884c-4d63"}
    assert anybody.get("/help", headers=sent).headers["X-Request-ID"] == "9f86d081-884c-4d63"


@pytest.mark.parametrize(
    "sent", ["short", "with space in it", "<script>alert(1)</script>", "é" * 9]
)
def test_an_id_that_is_none_does_not(anybody: Reader, sent: str) -> None:
    headers = {"X-Request-ID": sent.encode().decode("latin-1")}
    answer = anybody.get("/help", headers=headers)
    assert answer.headers["X-Request-ID"] != headers["X-Request-ID"]
    assert len(answer.headers.getlist("X-Request-ID")) == 1


def test_probes_say_nothing_while_all_is_well(anybody: Reader, lines: Lines) -> None:
    for path in ("/health", "/ready", "/metrics"):
        anybody.get(path)
    assert lines() == []
    lose_redis(anybody.site)
    anybody.get("/ready")
    assert [line["status"] for line in lines()] == [503]


def test_a_crash_has_its_line_too(anybody: Reader, lines: Lines, web_app: Flask) -> None:
    def crash() -> str:
        raise ValueError("of a view")

    web_app.add_url_rule("/crash", view_func=crash)
    web_app.config["PROPAGATE_EXCEPTIONS"] = False
    assert anybody.get("/crash").status_code == 500
    assert lines()[-1]["status"] == 500


def test_the_time_of_requests_is_exported_by_route_and_status(anybody: Reader) -> None:
    anybody.get("/help")
    for number in range(20):
        anybody.get(f"/nothing/{number}")
        anybody.client.open(f"/nothing/{number}", method=f"ODD{number}")
    text = anybody.get("/metrics").text
    routes = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"])
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "bellwether_request_seconds_count"
    }
    assert ("GET", "/help", "200") in routes
    assert ("-", "none", "404") in routes
    assert not any("nothing" in route or "ODD" in method for method, route, _ in routes)
