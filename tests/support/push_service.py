"""A push service on loopback, over HTTPS, with browsers that are subscribed to it."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from services.notify.subscriptions import browser_device
from services.store.devices import Device
from tests.support.http_peer import _certificate
from tests.support.rfc8291 import Subscriber


@dataclass(frozen=True)
class Reply:
    """`raw` stands in the place of an HTTP answer; with `hangs` there is none before the end."""

    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hangs: bool = False


@dataclass(frozen=True)
class Got:
    """A request; the names of its headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """`replies` are what it says to requests for a path; 201 to others."""

    ca_file: Path
    port: int = 0
    replies: dict[str, Reply] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    ended: Event = field(default_factory=Event)

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    def browser(self, name: str, reply: Reply | None = None) -> "SubscribedBrowser":
        path = f"/push/{name.replace(' ', '-')}"
        if reply:
            self.replies[path] = reply
        return SubscribedBrowser(self, name, path)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.path, headers, body))
        reply = self.replies.get(request.path, Reply())
        if reply.hangs:
            self.ended.wait(30)
        if reply.raw is not None:
            request.wfile.write(reply.raw)
            request.close_connection = True
            return
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()


@dataclass
class SubscribedBrowser:
    service: PushService
    name: str
    path: str
    subscriber: Subscriber = field(default_factory=Subscriber)

    @property
    def endpoint(self) -> str:
        return self.service.origin + self.path

    @property
    def requests(self) -> list[Got]:
        return [got for got in self.service.got if got.path == self.path]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What it was sent, decrypted."""
        return [json.loads(self.subscriber.read(got.body)) for got in self.requests]

    def device(self, uid: str, now: datetime) -> Device:
        keys = self.subscriber.keys
        return browser_device(uid, self.endpoint, keys["p256dh"], keys["auth"], self.name, now)


def _handler(service: PushService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                service.answer(self)
            except OSError:  # the other side has cut the connection
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A connection that was cut is what some tests want."""


@pytest.fixture
def push_service(tmp_path: Path) -> Iterator[PushService]:
    service = PushService(_certificate(tmp_path / "push.pem", ["localhost"]))
    server = _Server(("127.0.0.1", 0), _handler(service))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(service.ca_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    service.port = int(server.server_address[1])
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield service
    service.ended.set()
    server.shutdown()
    server.server_close()
    thread.join()
