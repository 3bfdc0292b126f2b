"""Errors as pages, in plain words: what happened, what it means, what to do."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from redis import RedisError
from werkzeug.exceptions import HTTPException, InternalServerError

from services.errors import (
    Contention,
    InvalidInput,
    InvalidPath,
    MarketError,
    NotFound,
    StoreUnavailable,
)
from web.api import problems
from web.context import signed_in
from web.security import limiter

SECRETS = frozenset({"password", "present"})
UNSEEN = frozenset({"once", "next", "time_zone", "do", "to", "if_true", "kind", "username"})
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a page of errors says."""

    title: str
    meaning: str
    remedy: str


TROUBLES = {
    400: Trouble(
        "That request cannot be read",
        "Your browser sent something that Bellwether does not understand.",
        "Go back, load the page again, and try once more.",
    ),
    403: Trouble(
        "This is not for you",
        "You are not allowed to see or change this.",
        "Go to your watchlist, or sign in with another account.",
    ),
    404: Trouble(
        "There is nothing here",
        "The address is wrong, or what was here has been deleted.",
        "Check the address, or start from your watchlist.",
    ),
    405: Trouble(
        "This page cannot do that",
        "The address is right, but not for what your browser asked of it.",
        "Start from your watchlist.",
    ),
    413: Trouble(
        "That is too much at once",
        "What you sent is larger than Bellwether takes. Nothing was changed.",
        "Go back and shorten it; notes have 500 characters at most.",
    ),
    500: Trouble(
        "Something went wrong on our side",
        "This is a fault of Bellwether, not yours. Your alerts go on being checked.",
        "Try again. If it stays, tell whoever runs this site when it happened.",
    ),
    503: Trouble(
        "Bellwether cannot reach its data",
        "Nothing is lost, and nothing you sent was half done. Alerts are caught up afterwards.",
        "Try again in a minute.",
    ),
}


def register(app: Flask) -> None:
    """Turn errors into pages, and those under /api into problem documents."""
    handlers: dict[type[Exception], Callable[[Any], ResponseReturnValue]] = {
        CSRFError: form_expired,
        RateLimitExceeded: too_many,
        NotFound: lambda _: page(404),
        InvalidPath: lambda _: page(404),
        InvalidInput: lambda _: page(400),
        StoreUnavailable: unavailable,
        Contention: unavailable,
        RedisError: unavailable,
        MarketError: unavailable,
        InternalServerError: fault,
        HTTPException: refused,
    }
    for error, handler in handlers.items():
        app.register_error_handler(error, _unless_api(handler))


def _unless_api(handler: Callable[[Any], ResponseReturnValue]) -> Callable[[Any], Any]:
    def answer(error: Exception) -> ResponseReturnValue:
        return problems.answer(error) if problems.concerns_api() else handler(error)

    return answer


def page(status: int) -> ResponseReturnValue:
    """The page of an HTTP status. It asks neither Redis nor the store."""
    trouble = TROUBLES.get(status, TROUBLES[400 if status < 500 else 500])
    return render_template("errors/trouble.html", trouble=trouble, status=status), status


def refused(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    return page(error.code)


def unavailable(error: Exception) -> ResponseReturnValue:
    log.warning("%s %s: %s", request.method, request.path, error)
    return page(503)


def fault(error: InternalServerError) -> ResponseReturnValue:
    """What nobody handled; among it a Redis that failed before the view, with the session."""
    if isinstance(error.original_exception, RedisError):
        return unavailable(error.original_exception)
    return page(500)


def too_many(_: RateLimitExceeded) -> ResponseReturnValue:
    limit = limiter.current_limit
    wait = max(1, math.ceil(limit.reset_at - time.time())) if limit else 60
    trouble = Trouble(
        "Too many tries",
        "To keep accounts safe, Bellwether takes only so many of these in a row.",
        f"Try again in {_span(wait)}. Your browser's Back button keeps what you typed.",
    )
    return render_template("errors/trouble.html", trouble=trouble, status=429), 429


def _span(seconds: int) -> str:
    if seconds < 100:
        return f"{seconds} seconds" if seconds > 1 else "a second"
    return f"{math.ceil(seconds / 60)} minutes"


def form_expired(_: CSRFError) -> ResponseReturnValue:
    """Offer to send a form again whose token is missing or belongs to an ended session.

    What another site made a browser send is not offered.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return page(403)
    typed = [(n, v) for n, v in request.form.items(multi=True) if n != "csrf_token"]
    shown = [(n, "" if n in SECRETS else v, n in SECRETS) for n, v in typed if n not in UNSEEN]
    return (
        render_template(
            "errors/expired.html",
            fields=shown,
            has_secret=any(secret for _, _, secret in shown),
            hidden=[(n, v) for n, v in typed if n in UNSEEN],
            is_signed_in=bool(signed_in()),
        ),
        400,
    )
