"""Errors as pages, in plain words: what happened, what it means, what to do."""

import logging
import math
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
from services.texts import N_, ngettext
from services.texts import gettext as _
from web.api import problems
from web.kept import is_by_script, is_foreign
from web.limits import seconds_left
from web.pages import resume

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a page of errors says."""

    title: str
    meaning: str
    remedy: str


TROUBLES = {
    400: Trouble(
        N_("That request cannot be read"),
        N_("Your browser sent something that Bellwether does not understand."),
        N_("Go back, load the page again, and try once more."),
    ),
    403: Trouble(
        N_("This is not for you"),
        N_("You are not allowed to see or change this."),
        N_("Go to your watchlist, or sign in with another account."),
    ),
    404: Trouble(
        N_("There is nothing here"),
        N_("The address is wrong, or what was here has been deleted."),
        N_("Check the address, or start from your watchlist."),
    ),
    405: Trouble(
        N_("This page cannot do that"),
        N_("The address is right, but not for what your browser asked of it."),
        N_("Start from your watchlist."),
    ),
    413: Trouble(
        N_("That is too much at once"),
        N_("What you sent is larger than Bellwether takes. Nothing was changed."),
        N_("Go back and shorten it; notes have 500 characters at most."),
    ),
    500: Trouble(
        N_("Something went wrong on our side"),
        N_("This is a fault of Bellwether, not yours. Your alerts go on being checked."),
        N_("Try again. If it stays, tell whoever runs this site when it happened."),
    ),
    503: Trouble(
        N_("Bellwether cannot reach its data"),
        N_("Nothing is lost, and nothing you sent was half done. Alerts are caught up afterwards."),
        N_("Try again in a minute."),
    ),
}


def register(app: Flask) -> None:
    """Turn errors into pages, and those under /api into problem documents."""
    handlers: dict[type[Exception], Callable[[Any], ResponseReturnValue]] = {
        CSRFError: form_expired,
        RateLimitExceeded: too_many,
        NotFound: lambda _error: page(404),
        InvalidPath: lambda _error: page(404),
        InvalidInput: lambda _error: page(400),
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
    shown = Trouble(_(trouble.title), _(trouble.meaning), _(trouble.remedy))
    headers = {"Retry-After": str(problems.RETRY_SECONDS)} if status == 503 else {}
    return render_template("errors/trouble.html", trouble=shown, status=status), status, headers


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


def too_many(_error: RateLimitExceeded) -> ResponseReturnValue:
    trouble = Trouble(
        _("Too many tries"),
        _("To keep accounts safe, Bellwether takes only so many of these in a row."),
        _(
            "Try again in %(time)s. Your browser's Back button keeps what you typed.",
            time=_span(seconds_left()),
        ),
    )
    return render_template("errors/trouble.html", trouble=trouble, status=429), 429


def _span(seconds: int) -> str:
    if seconds < 100:
        return ngettext("%(num)s second", "%(num)s seconds", seconds)
    return ngettext("%(num)s minute", "%(num)s minutes", math.ceil(seconds / 60))


def form_expired(_error: CSRFError) -> ResponseReturnValue:
    """Show a form again whose token is missing or belongs to an ended session.

    What another site made a browser send is not shown.
    """
    if is_foreign():
        return page(403)
    return page(400) if is_by_script() else resume.too_late()
