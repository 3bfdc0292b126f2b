"""Errors as programs see them: `application/problem+json` (RFC 9457), field by field.

Every error of services/errors.py, of HTTP and of Redis has its status here; whatever else
happens is a 500 that tells nothing of the inside.
"""

import logging
from functools import singledispatch
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import current_app, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from redis import RedisError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from services import errors
from web.api.idempotency import KeyInUse, KeyTaken
from web.api.schemas import FieldError, Problem, Suggestion
from web.faults import faults, message, place

MEDIA_TYPE = "application/problem+json"
SAVED = {"Content-Disposition": 'attachment; filename="api.json"'}
"""A browser that is led to an answer saves it instead of showing it."""
RETRY_SECONDS = 5
_OWN_TYPE = "tag:bellwether,2026:"
_KEPT_HEADERS = ("Allow", "Retry-After")
log = logging.getLogger(__name__)


class InvalidRequest(errors.BellwetherError):
    """A body or query that does not fit its model; `faults` say where."""

    def __init__(self, faults: list[FieldError]) -> None:
        super().__init__("The request cannot be used; see its errors.")
        self.faults = faults

    @classmethod
    def of(cls, error: ValidationError) -> "InvalidRequest":
        return cls([fault_of(found) for found in faults(error)])


def fault_of(fault: ErrorDetails) -> FieldError:
    """A fault that Pydantic found, at the field as the request names it."""
    return FieldError(field=place(fault) or "body", message=message(fault))


class Described(NamedTuple):
    """A problem, and the headers that go with it."""

    problem: Problem
    headers: dict[str, str]


def answer(error: Exception) -> Response:
    """The problem document of an error."""
    problem, headers = describe(error)
    return current_app.response_class(
        problem.model_dump_json(exclude_none=True),
        problem.status,
        SAVED | headers,
        content_type=MEDIA_TYPE,
    )


def concerns_api() -> bool:
    """Whether the answer to an error of this request is a problem document."""
    return request.path.startswith("/api/")


@singledispatch
def describe(_error: Exception) -> Described:
    """The problem of an error: 500 without details for those that nobody foresaw.

    Flask has logged these, and told Sentry, before it asks here.
    """
    return _fault()


@describe.register
def _(error: errors.BellwetherError) -> Described:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _fault()


@describe.register
def _(error: InternalServerError) -> Described:
    cause = error.original_exception
    if isinstance(cause, Exception) and not isinstance(cause, InternalServerError):
        return describe(cause)
    return _fault()


@describe.register
def _(error: HTTPException) -> Described:
    sent = dict(error.get_headers())
    headers = {name: sent[name] for name in _KEPT_HEADERS if name in sent}
    return _plain(error.code or 500, error.description or "", headers)


@describe.register
def _(error: InvalidRequest) -> Described:
    return _plain(422, str(error), errors=error.faults)


@describe.register
def _(error: errors.InvalidInput) -> Described:
    fault = FieldError(field=error.field, message=error.message)
    return _plain(422, error.message, errors=[fault])


@describe.register
def _(error: errors.WordsError) -> Described:
    fault = FieldError(
        field="text",
        message=error.message,
        column=error.column,
        word=error.word,
        expected=error.expected or None,
        suggestion=error.suggestion,
    )
    return _own("not-understood", 422, error.message, errors=[fault])


@describe.register
def _(error: errors.UnknownSymbol) -> Described:
    suggestions = [Suggestion(symbol=symbol, name=name) for symbol, name in error.suggestions]
    fault = FieldError(field="symbol", message=str(error))
    return _own("unknown-symbol", 422, str(error), errors=[fault], suggestions=suggestions)


@describe.register
def _(error: errors.AlreadyTrue) -> Described:
    return _own("already-true", 409, str(error), value=error.value, choices=["fire_now", "wait"])


@describe.register
def _(error: errors.LimitReached) -> Described:
    return _own("limit-reached", 409, str(error))


@describe.register
def _(error: errors.NotRepeatable) -> Described:
    return _own("not-repeatable", 409, str(error))


@describe.register
def _(error: KeyInUse) -> Described:
    return _own("key-in-use", 409, str(error), {"Retry-After": "1"})


@describe.register
def _(error: KeyTaken) -> Described:
    return _own("key-taken", 422, str(error))


@describe.register
def _(error: errors.AuthenticationFailed) -> Described:
    return _plain(401, str(error), {"WWW-Authenticate": "Bearer"})


@describe.register
def _(error: errors.NotFound) -> Described:
    return _plain(404, str(error))


@describe.register
def _(_error: errors.InvalidPath) -> Described:
    return _plain(404, "There is nothing at this address.")


@describe.register(errors.AlreadyExists)
@describe.register(errors.Conflict)
def _(_error: errors.StoreError) -> Described:
    return _plain(409, "Somebody else changed this at the same time. Read it and try again.")


@describe.register
def _(error: errors.NoQuote) -> Described:
    if error.known_missing:
        fault = FieldError(field="symbol", message=str(error))
        return _own("unknown-symbol", 422, str(error), errors=[fault])
    return _later(f"The source of prices cannot be asked for {error.symbol} now.")


@describe.register
def _(_error: errors.MarketError) -> Described:
    return _later("The source of prices cannot be asked now.")


@describe.register(errors.StoreUnavailable)
@describe.register(errors.Contention)
@describe.register(RedisError)
def _(error: Exception) -> Described:
    log.warning("%s %s must wait: %s", request.method, request.path, error)
    return _later("Bellwether cannot reach its data now.")


def _fault() -> Described:
    return _plain(500, "Something went wrong on our side. It has been noted.")


def _later(detail: str) -> Described:
    return _plain(503, f"{detail} Try again soon.", {"Retry-After": str(RETRY_SECONDS)})


def _plain(
    status: int, detail: str, headers: dict[str, str] | None = None, **members: Any
) -> Described:
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, **members)
    return Described(problem, headers or {})


def _own(
    kind: str, status: int, detail: str, headers: dict[str, str] | None = None, **members: Any
) -> Described:
    """A problem of Bellwether's own, which programs tell from others by its type."""
    title = kind.replace("-", " ").capitalize()
    members = {"type": _OWN_TYPE + kind, "title": title, "detail": detail} | members
    return Described(Problem(status=status, **members), headers or {})
