"""Pushes to apps, against a peer that speaks Firebase Cloud Messaging's HTTP v1."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import firebase_admin
import pytest
from firebase_admin import messaging

from config import Settings
from services.errors import DeliveryError
from services.notify.channels.push.fcm import FcmSender, open_fcm
from services.notify.channels.push.push import Push
from services.notify.channels.push.sender import NoSender
from services.notify.channels.push.senders import open_senders
from services.notify.subscriptions import app_device
from services.store.devices import Device
from services.store.google_account import google_account
from tests.support.google_cloud import service_account, sign_in

NOW = datetime.now(UTC)
PUSH = Push(
    "AAPL 198.50",
    "a note",
    "https://bell.example/alerts/A",
    "A-1",
    urgent=True,
    snooze="https://bell.example/mail/snooze/x",
    pause="https://bell.example/mail/pause/y",
)
ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
Answer = tuple[int, dict[str, Any], dict[str, str]]


def refusal(http: int, status: str, code: str = "", **headers: str) -> Answer:
    """What FCM says to one message."""
    details = [{"@type": ERROR, "errorCode": code}] if code else []
    error = {"code": http, "message": "no", "status": status, "details": details}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return http, {"error": error}, sent


@dataclass
class Fcm:
    """`answers` are given to messages for a token; the others are taken. `got` by token."""

    address: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    got: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, path: str, headers: Any, body: bytes) -> Answer:
        message = json.loads(body)["message"]
        self.asked.append((path, headers.get("Authorization", "")))
        self.got[message["token"]] = message
        taken = {"name": f"projects/flock/messages/{len(self.asked)}"}
        return self.answers.get(message["token"], (200, taken, {}))


@pytest.fixture
def fcm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fcm]:
    peer = Fcm()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said, headers = peer.answer(self.path, self.headers, body)
            content = json.dumps(said).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        peer.address = f"http://127.0.0.1:{server.server_port}"
        url = peer.address + "/v1/projects/{0}/messages:send"
        monkeypatch.setattr(messaging._MessagingService, "FCM_URL", url)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield peer
        server.shutdown()


def forget_app() -> None:
    """Close the sender's connections; in a thread, for a browser test of before may have left an
    event loop running in this one."""
    with suppress(ValueError):
        app = firebase_admin.get_app("bellwether-push")
        thread = threading.Thread(target=firebase_admin.delete_app, args=(app,))
        thread.start()
        thread.join()


@pytest.fixture
def sender(fcm: Fcm) -> Iterator[FcmSender]:
    with sign_in() as endpoint:
        key, _ = service_account(endpoint.address)
        yield open_fcm(google_account(key), "")
        forget_app()


def app(token: str) -> Device:
    return app_device("ada", token, token.title(), NOW)


def test_an_app_gets_title_body_and_what_may_be_done(fcm: Fcm, sender: FcmSender) -> None:
    assert sender.send([app("phone")], PUSH, NOW) == {}
    ((path, authorization),) = fcm.asked
    assert path == "/v1/projects/flock/messages:send"
    assert authorization == "Bearer ya29.a-secret-token"
    message = fcm.got["phone"]
    assert message["notification"] == {"title": "AAPL 198.50", "body": "a note"}
    assert message["data"] == {
        "link": PUSH.link,
        "tag": "A-1",
        "snooze": PUSH.snooze,
        "pause": PUSH.pause,
    }
    android, apns = message["android"], message["apns"]
    assert (android["priority"], android["ttl"]) == ("high", "43200s")
    assert android["collapse_key"] == android["notification"]["tag"] == "A-1"
    assert apns["headers"]["apns-collapse-id"] == "A-1"


def test_one_batch_brings_it_to_all_and_tells_who_is_gone(fcm: Fcm, sender: FcmSender) -> None:
    fcm.answers = {
        "old": refusal(404, "NOT_FOUND", "UNREGISTERED"),
        "other": refusal(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
    }
    devices = [app(token) for token in ("phone", "old", "tablet", "other")]
    failures = sender.send(devices, PUSH, NOW)
    assert set(fcm.got) == {"phone", "old", "tablet", "other"}
    assert {id_ for id_, error in failures.items() if error.gone} == {devices[1].id, devices[3].id}
    assert len(failures) == 2


@pytest.mark.parametrize(
    "answer",
    [
        refusal(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        refusal(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
        refusal(403, "PERMISSION_DENIED"),
        refusal(504, "DEADLINE_EXCEEDED"),
        (200, {}, {}),
    ],
)
def test_what_passes_or_can_be_mended_is_tried_again(
    fcm: Fcm, sender: FcmSender, answer: Answer
) -> None:
    fcm.answers["phone"] = answer
    (error,) = sender.send([app("phone")], PUSH, NOW).values()
    assert not error.permanent


def test_a_message_that_is_refused_for_good_forgets_no_app(fcm: Fcm, sender: FcmSender) -> None:
    fcm.answers["phone"] = refusal(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
    (error,) = sender.send([app("phone")], PUSH, NOW).values()
    assert (error.permanent, error.gone) == (True, False)
    assert str(error) == "Firebase Cloud Messaging said INVALID_ARGUMENT"


def test_its_wish_to_wait_is_passed_on(fcm: Fcm, sender: FcmSender) -> None:
    fcm.answers["phone"] = refusal(502, "UNAVAILABLE", Retry_After="90")
    (error,) = sender.send([app("phone")], PUSH, NOW).values()
    assert error.retry_after == timedelta(seconds=90)


def test_a_refused_sign_in_is_told_for_every_app(fcm: Fcm) -> None:
    with sign_in() as endpoint:
        endpoint.answer = (400, {"error": "invalid_grant", "error_description": "revoked"})
        key, secret = service_account(endpoint.address)
        sender = open_fcm(google_account(key), "")
        try:
            failures = sender.send([app("phone"), app("tablet")], PUSH, NOW)
        finally:
            forget_app()
    assert len(failures) == 2
    assert fcm.asked == []
    for error in failures.values():
        assert not error.permanent
        assert secret not in str(error)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"firebase_project_id": "flock", "firestore_emulator_host": "localhost:1"},
        {"firebase_credentials_base64": "bm9uc2Vuc2U="},
    ],
)
def test_without_usable_credentials_apps_are_told_why(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    found = open_senders(Settings(_env_file=None, bellwether_data=tmp_path, **settings))["fcm"]
    assert isinstance(found, NoSender)
    (error,) = found.send([app("phone")], PUSH, NOW).values()
    assert isinstance(error, DeliveryError)
    assert error.permanent
    assert "FIREBASE_CREDENTIALS_BASE64" in str(error)
