"""What is told to the service that collects errors: a service of our own on loopback hears it."""

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import pytest
import sentry_sdk
from flask import request
from redis import Redis
from rq import Queue, SimpleWorker

from config import Settings
from services.logs.redaction import Redaction
from services.reporting import start_reporting
from services.scrubbing import Scrubbing
from tests.support.web import Site

SECRETS = (
    *("ada@example.com", "a-cookie", "a-query", "a-form", "a-header", "hooks.example"),
    *("a-local", "an-argument", "01JA2B3C4D5E6F7G8H9JAKBMCN"),
)
ADA = "01JA2B3C4D5E6F7G8H9JAKBMCN"
LOCAL = "a-local"
SAID = f"ada@example.com at https://hooks.example/%s of {ADA}"
# Lines of code around an error are reported: none of the above may stand near one.


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator["SimpleQueue[dict[str, Any]]"]:
    """The events that reach the service."""
    events: SimpleQueue[dict[str, Any]] = SimpleQueue()

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for line in body.splitlines():
                told = json.loads(line)
                if "exception" in told:
                    events.put(told)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("services.reporting.start_logging", lambda _: None)
    dsn = f"http://public@127.0.0.1:{server.server_port}/1"
    start_reporting(Settings(_env_file=None, secret_key="a key", sentry_dsn=dsn))
    yield events
    sentry_sdk.get_client().close()
    sentry_sdk.init()
    server.shutdown()
    server.server_close()


def told(heard: "SimpleQueue[dict[str, Any]]") -> dict[str, Any]:
    sentry_sdk.flush(5)
    try:
        return heard.get(timeout=10)
    except Empty:
        pytest.fail("Nothing was reported")


def assert_scrubbed(event: dict[str, Any]) -> None:
    text = json.dumps(event)
    for secret in SECRETS:
        assert secret not in text
    assert not {"request", "user", "extra"} & set(event)
    for error in event["exception"]["values"]:
        assert all("vars" not in frame for frame in error["stacktrace"]["frames"])


def explode(argument: str) -> None:
    """Fails over what it was given."""
    local = LOCAL + argument
    raise ValueError(SAID % len(local))


def test_a_crash_in_a_view_arrives_scrubbed(
    heard: "SimpleQueue[dict[str, Any]]", site: Site
) -> None:
    def crash(part: str) -> str:
        explode(request.form["field"] + part)
        return ""

    site.app.add_url_rule("/crash/<part>", view_func=crash, endpoint="crash", methods=["POST"])
    site.app.config.update(WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    client = site.app.test_client()
    client.set_cookie("session", "a-cookie")
    answer = client.post(
        "/crash/an-argument?q=a-query", data={"field": "a-form"}, headers={"X-Other": "a-header"}
    )
    assert answer.status_code == 500
    event = told(heard)
    assert event["exception"]["values"][-1]["type"] == "ValueError"
    assert event["transaction"] == "crash"
    assert_scrubbed(event)


def test_a_crash_in_a_job_arrives_scrubbed(
    heard: "SimpleQueue[dict[str, Any]]", redis: Redis
) -> None:
    queue = Queue("fast", connection=redis)
    queue.enqueue("tests.test_reporting.explode", "an-argument", job_id=f"deliver-{ADA}-email")
    SimpleWorker([queue], connection=redis).work(burst=True, logging_level=None)
    event = told(heard)
    assert event["exception"]["values"][-1]["type"] == "ValueError"
    assert event["transaction"] == "tests.test_reporting.explode"
    assert_scrubbed(event)


def test_addresses_of_webhooks_and_chats_are_not_reported() -> None:
    scrubbing = Scrubbing(Redaction("a key"))
    asked = {"category": "httplib", "data": {"url": "https://hooks.example/secret"}}
    assert scrubbing.crumb(asked, {}) is None
    logged = {"category": "rq.worker", "message": "to ada@example.com", "data": {"x": "secret"}}
    assert scrubbing.crumb(logged, {}) == {"category": "rq.worker", "message": "to …"}


def test_what_is_not_known_to_be_harmless_is_not_reported() -> None:
    event = {
        "event_id": "1",
        "request": {"url": "https://bell.example/reset/secret"},
        "user": {"ip_address": "203.0.113.9"},
        "extra": {"rq-job": {"args": ["secret"]}},
        "contexts": {"runtime": {"name": "CPython"}, "rq-job": {"args": ["secret"]}},
        "logentry": {
            "message": "%s of %s",
            "params": ["secret"],
            "formatted": "for ada@example.com",
        },
        "something new": "secret",
    }
    reported = Scrubbing(Redaction("a key")).event(event, {})
    assert "secret" not in json.dumps(reported)
    assert reported["logentry"] == {"message": "for …"}
    assert reported["contexts"] == {"runtime": {"name": "CPython"}}


def test_without_an_address_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.reporting.start_logging", lambda _: None)
    monkeypatch.setattr("sentry_sdk.init", lambda *_, **__: pytest.fail("It was begun"))
    start_reporting(Settings(_env_file=None, secret_key="a key"))
