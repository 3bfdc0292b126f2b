"""The header `Idempotency-Key`: what is asked twice is done once.

After the IETF draft *The Idempotency-Key HTTP Header Field*
(draft-ietf-httpapi-idempotency-key-header): the first answer is given again to the same key and
request; another request under that key is refused with 422, and one that comes while the first
still runs with 409. Only what was done is kept: a refusal changes nothing, and its key may be
used again.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar, cast

from flask import current_app, make_response, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from services.errors import BellwetherError
from web.context import me, services

HEADER = "Idempotency-Key"
KEPT_SECONDS = 86_400
RUNS_SECONDS = 120
"""For how long a request that died with its process holds its key."""
MAX_KEY = 255
_KEY = re.compile(rf'"([\x20\x21\x23-\x7e]{{1,{MAX_KEY}}})"|([\x21\x23-\x7e]{{1,{MAX_KEY}}})')
P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)


class Headers(BaseModel):
    """What the OpenAPI document says of the header."""

    idempotency_key: Annotated[str | None, Field(alias=HEADER, max_length=MAX_KEY + 2)] = Field(
        None,
        alias=HEADER,
        description="Names this request; repeated within 24 hours it gets the same answer.",
    )


class KeyInUse(BellwetherError):
    """The first request under this key still runs."""


class KeyTaken(BellwetherError):
    """Another request was made under this key."""


class _Kept(BaseModel):
    """What is known of a key: which request it names and, once that is done, the answer."""

    request: str
    status: int = 0
    body: str = ""
    location: str | None = None


def idempotent(view: Callable[P, R]) -> Callable[P, Response]:
    """Let a view that creates something honour the header."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
        key = _key()
        if key is None:
            return make_response(view(*args, **kwargs))
        return _once(key, lambda: make_response(view(*args, **kwargs)))

    return guarded


def _key() -> str | None:
    sent = request.headers.get(HEADER)
    if sent is None:
        return None
    found = _KEY.fullmatch(sent.strip())
    if found is None:
        raise BadRequest(f"{HEADER} has 1 to {MAX_KEY} printable ASCII characters, in quotes.")
    return found[1] or found[2]


def _once(key: str, create: Callable[[], Response]) -> Response:
    redis = services().redis
    name = f"idempotency:{me().uid}:{hashlib.sha256(key.encode()).hexdigest()}"
    asked = _Kept(request=_fingerprint())
    if not redis.set(name, asked.model_dump_json(), nx=True, ex=RUNS_SECONDS):
        before = cast(bytes | None, redis.get(name))
        if before is not None:
            return _again(_Kept.model_validate_json(before), asked)
        raise KeyInUse("The first request under this key has just ended. Send it again.")
    done = False
    try:
        answer = create()
        done = answer.status_code < 400
    finally:
        if not done:
            redis.delete(name)
    kept = asked.model_copy(
        update={
            "status": answer.status_code,
            "body": answer.get_data(as_text=True),
            "location": answer.headers.get("Location"),
        }
    )
    redis.set(name, kept.model_dump_json(), ex=KEPT_SECONDS)
    return answer


def _again(kept: _Kept, asked: _Kept) -> Response:
    if kept.request != asked.request:
        raise KeyTaken("Another request was made under this key. Take a new key for a new request.")
    if not kept.status:
        raise KeyInUse("The first request under this key still runs. Send it again in a second.")
    headers = {"Location": kept.location} if kept.location else {}
    return current_app.response_class(
        kept.body, kept.status, headers, content_type="application/json"
    )


def _fingerprint() -> str:
    """Which request this is: method, address and body."""
    digest = hashlib.sha256(f"{request.method} {request.full_path}\n".encode())
    digest.update(request.get_data())
    return digest.hexdigest()
