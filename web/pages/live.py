"""The stream of news for open pages, and what a new trigger says."""

import random
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, cast

from flask import Blueprint, Response, current_app, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Unauthorized
from werkzeug.wsgi import ClosingIterator

from services.alerts import phrases
from services.live.hub import Hub
from services.live.memory import Memory
from services.live.reader import Reader
from services.market.models import normal_symbol
from web import words
from web.context import services, signed_in
from web.handover import take_connection
from web.limits import limiter
from web.pages.triggers import unread

MAX_SYMBOLS = 100
OPENED_BY_ACCOUNT = "120 per minute"
_TRIGGER_ID = re.compile(r"\d{1,15}-\d{1,10}", re.ASCII)
_HUB = "bellwether-live"
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Connection": "close",
}
pages = Blueprint("live", __name__)


def _account() -> str:
    person = signed_in()
    return f"live:{person.uid if person else ''}"


def _is_probe() -> bool:
    """Browsers that want a stream say so."""
    asked = request.headers.get("Accept", "")
    return not request.query_string and "event-stream" not in asked and signed_in() is None


@pages.get("/live")
@limiter.limit(OPENED_BY_ACCOUNT, key_func=_account, exempt_when=_is_probe)
def stream() -> ResponseReturnValue:
    """News of `symbols` and of the reader's triggers; those behind Last-Event-ID or `after` first.

    401 for who is not signed in, 503 where there are too many streams: then the page asks.
    Probes learn that the process lives.
    """
    person = signed_in()
    if person is None:
        if _is_probe():
            return {"status": "alive"}
        raise Unauthorized
    reader = Reader(
        uid=person.uid,
        auth_epoch=person.auth_epoch,
        session=cast(Any, session).sid,
        symbols=_symbols(request.args.get("symbols", "")),
        last_id=_last_id(request.headers.get("Last-Event-ID"), request.args.get("after")),
        retry_ms=random.randint(1_500, 4_500),  # noqa: S311 - so that not all come back at once
    )
    return Stream(hub(), reader)


@pages.get("/live/triggers/<trigger_id>")
def trigger(trigger_id: str) -> ResponseReturnValue:
    """What a new trigger says, in its owner's language, and how many are unread now."""
    person = signed_in()
    if person is None:
        raise Unauthorized
    found = services().triggers.get(person.uid, trigger_id)
    currency = words.unit(found.currency)
    said = {
        "text": phrases.headline(found.symbol, found.condition, currency, past=True),
        "link": url_for("triggers.show", trigger_id=trigger_id),
        "unread": unread(),
    }
    return said, {"Cache-Control": "no-store"}


def hub() -> Hub:
    """The hub of this process; it does nothing before the first stream."""
    found: Hub | None = current_app.extensions.get(_HUB)
    if found is None:
        shared = services()
        prefix = current_app.config["SESSION_KEY_PREFIX"]
        memory = Memory(
            shared.redis, shared.desk, shared.profiles, lambda: datetime.now(UTC), prefix
        )
        # Two threads may get here at once: one hub is kept, the other never starts.
        found = current_app.extensions.setdefault(_HUB, Hub(shared.settings.redis_url, memory))
    return found


class Stream(Response):
    """A response without an end: it hands its connection over to the hub."""

    automatically_set_content_length = False

    def __init__(self, hub: Hub, reader: Reader) -> None:
        super().__init__(headers=_HEADERS)
        self._hub = hub
        self._reader = reader

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        if not self._hub.reserve(self._reader.uid):
            return _come_back_later(environ, start_response)
        taken = take_connection(environ)
        if taken is None:
            self._hub.free(self._reader.uid)
            return _come_back_later(environ, start_response)
        connection, far = taken
        self._hub.admit(connection, self._head(environ), self._reader)
        # The server believes in an empty answer; nobody reads it.
        start_response("200 OK", [("Content-Length", "0")])
        return ClosingIterator([], far.close)

    def _head(self, environ: Any) -> bytes:
        lines = [f"HTTP/1.1 {self.status}"]
        lines += [f"{name}: {value}" for name, value in self.get_wsgi_headers(environ)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _come_back_later(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    wait = random.randint(20, 60)  # noqa: S311 - no secret
    answer = Response(status=503, headers={"Retry-After": str(wait), "Cache-Control": "no-store"})
    return answer(environ, start_response)


def _symbols(text: str) -> frozenset[str]:
    """Raises BadRequest."""
    parts = [part for part in text.split(",", MAX_SYMBOLS) if part.strip()]
    try:
        symbols = frozenset(normal_symbol(part) for part in parts)
    except ValueError:
        raise BadRequest from None
    if len(parts) > MAX_SYMBOLS:
        raise BadRequest
    return symbols


def _last_id(*told: str | None) -> str:
    """The first that can be one: browsers send what they were told last, if anything."""
    return next((text for text in told if text and _TRIGGER_ID.fullmatch(text)), "")
