"""Each request as operators see it: an id, one line in the log, and the time it took."""

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from werkzeug.datastructures import Headers

from services.logs import ACCESS
from services.logs.context import of_request, request_id
from services.metrics import REQUESTS
from services.metrics.memory import note_memory
from services.tracing import Tell, span

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "X-Request-ID"
PROBES = frozenset({"/health", "/ready", "/metrics"})
"""Asked every few seconds: their lines are for DEBUG, while all is well."""
NO_ROUTE = "none"
_RULE = "bellwether.rule"
log = logging.getLogger(ACCESS)


def register(app: Flask) -> None:
    """See every request of `app`, from its first moment on."""
    app.before_request(_note_rule)
    app.wsgi_app = Seen(app.wsgi_app).answer  # type: ignore[method-assign]


def _note_rule() -> None:
    request.environ[_RULE] = request.url_rule


class Seen:
    """Around a Flask application: its errors have become answers within."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def answer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        begun = time.perf_counter()
        id_ = request_id(environ.get("HTTP_X_REQUEST_ID"))
        answer: list[Any] = ["500", None]

        def start_with_id(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers.append((HEADER, id_))
            answer[:] = status[:3], Headers(headers).get("Content-Length", type=int)
            return start_response(status, headers, exc_info)

        is_traced = environ.get("PATH_INFO") not in PROBES
        sent = environ.get("HTTP_TRACEPARENT")
        with of_request(id_), span("request", sent, is_wanted=is_traced) as tell:
            try:
                return self._app(environ, start_with_id)
            finally:
                _tell(environ, answer[0], answer[1], time.perf_counter() - begun)
                _trace(tell, environ, answer[0])


def _tell(environ: "WSGIEnvironment", status: str, size: int | None, seconds: float) -> None:
    method, route = _asked_for(environ)
    REQUESTS.labels(method, route, status).observe(seconds)
    note_memory("web")
    level = logging.DEBUG if route in PROBES and status < "400" else logging.INFO
    if log.isEnabledFor(level):
        fields = {
            "method": method,
            "route": route,
            "status": int(status),
            "ms": round(seconds * 1000, 1),
            "bytes": size,
        }
        log.log(level, "answered", extra={"fields": fields})


def _trace(tell: Tell, environ: "WSGIEnvironment", status: str) -> None:
    method, route = _asked_for(environ)
    asked: dict[str, str | int] = {"http.request.method": method, "http.route": route}
    told = asked | {"http.response.status_code": int(status)}
    tell(f"{method} {route}", told, is_error=status >= "500")


def _asked_for(environ: "WSGIEnvironment") -> tuple[str, str]:
    """The method, and the rule of the address: what is in its place may be a secret. What fits
    no rule is one route, with one method, whatever strangers think of."""
    rule = environ.get(_RULE)
    return (environ["REQUEST_METHOD"], rule.rule) if rule else ("-", NO_ROUTE)
