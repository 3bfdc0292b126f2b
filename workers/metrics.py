"""The metrics of a machine that has workers but no web process, on METRICS_PORT."""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client.registry import Collector

from config import Settings
from services.metrics.access import Asked, status_of
from services.metrics.shared import CONTENT_TYPE, metrics_text

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: it is asked every few seconds."""


def serve_metrics(settings: Settings, site: Collector | None = None) -> WSGIServer | None:
    """Answer `GET /metrics` beside the work where `metrics_port` is set.

    Without a token on loopback only. Several workers of a machine may be given the same port:
    the first that has it tells of all, the others say so in the log.
    """
    if not settings.metrics_port:
        return None
    token = settings.metrics_token.get_secret_value()
    address = "0.0.0.0" if token else "127.0.0.1"  # noqa: S104  who knows the token may ask
    try:
        server = make_server(
            address, settings.metrics_port, _Metrics(token, site), _Server, _Handler
        )
    except OSError as error:
        log.warning("No metrics on METRICS_PORT=%d: %s", settings.metrics_port, error.strerror)
        return None
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


class _Metrics:
    def __init__(self, token: str, site: Collector | None) -> None:
        self._token = token
        self._site = site

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        status = HTTPStatus(self._status(environ))
        content_type = CONTENT_TYPE if status == HTTPStatus.OK else "text/plain"
        headers = [("Content-Type", content_type), ("Cache-Control", "no-store")]
        if status == HTTPStatus.UNAUTHORIZED:
            headers.append(("WWW-Authenticate", "Bearer"))
        start(f"{status.value} {status.phrase}", headers)
        return [
            metrics_text(self._site) if status == HTTPStatus.OK else f"{status.phrase}\n".encode()
        ]

    def _status(self, environ: "WSGIEnvironment") -> int:
        if environ["PATH_INFO"] != "/metrics":
            return 404
        if environ["REQUEST_METHOD"] != "GET":
            return 405
        names = [key[5:].replace("_", "-") for key in environ if key.startswith("HTTP_")]
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        host, peer = environ.get("HTTP_HOST", ""), environ["REMOTE_ADDR"]
        return status_of(Asked(peer, host, names, authorization), self._token)
