"""JSON bodies, read strictly: what two readers could take for different things is refused."""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from flask import Request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType


def json_body(request: Request) -> Any:
    """The body's value. Raises UnsupportedMediaType, BadRequest or RequestEntityTooLarge."""
    if not request.is_json:
        raise UnsupportedMediaType("Send JSON, with Content-Type: application/json.")
    try:
        text = request.get_data().decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair fails here
    except (ValueError, RecursionError):
        raise BadRequest(
            "The body is not valid JSON in UTF-8, names a field twice, or is nested too deeply."
        ) from None
    return value


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("A field is named twice.")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON.")
