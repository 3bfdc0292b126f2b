"""Each event is one line, whatever it says."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from config import Settings
from services.logs import context, start_logging

HOSTILE = 'x\n{"level": "error", "event": "forged"}\r\n\x1b[2J\u2028\u202eforged'
log = logging.getLogger("tests.logs")


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """As they were, behind each test."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    for name in ("rq.worker", "rq_scheduler.scheduler", "rq.scheduler", "bellwether.access"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def begun(form: str = "json", **more: Any) -> StringIO:
    stream = StringIO()
    settings = Settings(_env_file=None, secret_key="a key", log_format=form, **more)
    start_logging(settings, stream)
    return stream


def told(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_says_when_how_grave_and_who_speaks() -> None:
    stream = begun()
    log.warning("%d of %s", 3, "AAPL")
    (line,) = told(stream)
    assert list(line) == ["time", "level", "logger", "event"]
    assert (line["level"], line["logger"], line["event"]) == ("warning", "tests.logs", "3 of AAPL")
    assert line["time"].endswith("Z")


def test_an_event_says_to_which_request_job_and_person_it_belongs() -> None:
    stream = begun()
    with context.of_request("abcdef0123456789"):
        context.is_of("01JA2B3C4D5E6F7G8H9JAKBMCN")
        log.info("within")
    with context.of_job("check-1"):
        log.info("at work")
    log.info("outside")
    within, at_work, outside = told(stream)
    assert within["request"] == "abcdef0123456789"
    assert within["user"].startswith("#")
    assert "01JA" not in stream.getvalue()
    assert at_work["job"] == "check-1"
    assert "request" not in at_work
    assert "user" not in outside


def test_fields_that_an_event_brings_stand_beside_the_others() -> None:
    stream = begun()
    log.info("asked", extra={"fields": {"status": 200, "token": "secret"}})
    (line,) = told(stream)
    assert line["status"] == 200
    assert line["token"] == "…"
    assert "fields" not in line


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_value_forges_a_line(form: str) -> None:
    stream = begun(form)
    log.error("it said %s", HOSTILE)
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_error_forges_a_line_or_tells_a_secret(form: str) -> None:
    stream = begun(form)
    try:
        raise ValueError("2026-01-01 ERROR x: forged\nroot: forged\x1b[2J for ada@example.com")
    except ValueError:
        log.exception("It failed")
    lines = stream.getvalue().splitlines()
    assert len([line for line in lines if not line.startswith("    ")]) == 1
    assert "\x1b" not in stream.getvalue()
    assert "ada@" not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


def test_it_is_text_on_one_machine_and_json_on_a_server() -> None:
    stream = begun("auto", bellwether_local=True)
    log.info("here")
    assert "INFO tests.logs: here" in stream.getvalue()
    stream = begun("auto")
    log.info("there")
    assert told(stream)[0]["event"] == "there"


def test_libraries_speak_the_same_way() -> None:
    stream = begun()
    logging.getLogger("rq.worker").warning("Moving job to %s", "FailedJobRegistry")
    logging.getLogger("rq.worker").info("chatter")
    (line,) = told(stream)
    assert line["logger"] == "rq.worker"


def test_gunicorn_speaks_the_same_way() -> None:
    from gunicorn.config import Config

    from services.logs.gunicorn import GunicornLogger

    stream = begun()
    config = Config()
    config.set("loglevel", "info")
    GunicornLogger(config).info("Booting worker with pid: %s", 7)
    (line,) = told(stream)
    assert (line["logger"], line["event"]) == ("gunicorn.error", "Booting worker with pid: 7")


@pytest.mark.parametrize(
    "sent", [None, "", "short", "x" * 65, "with space1", "a\nb\nc\nd\ne", "é" * 9]
)
def test_an_id_of_a_request_that_is_none_is_not_taken(sent: str | None) -> None:
    made = context.request_id(sent)
    assert made != sent
    assert len(made) == 16


def test_an_id_that_a_proxy_gave_is_kept() -> None:
    assert context.request_id("9f86d081-884c-4d63") == "9f86d081-884c-4d63"
