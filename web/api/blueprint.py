"""Where the resources hang: one blueprint, with authentication before and problems after."""

from typing import Any

from flask import Blueprint
from redis import RedisError
from werkzeug.exceptions import default_exceptions
from werkzeug.wrappers import Response

from services.errors import BellwetherError
from web.api.auth import authenticate
from web.api.openapi import document
from web.api.problems import SAVED, answer

PREFIX = "/api/v1"

api = Blueprint("api", __name__, url_prefix=PREFIX)
api.before_request(authenticate)
FORESEEN: tuple[type[Exception], ...] = (
    BellwetherError,
    RedisError,
    *default_exceptions.values(),
)
for kind in FORESEEN:
    api.register_error_handler(kind, answer)


@api.get("/openapi.json")
def openapi() -> dict[str, Any]:
    return document()


@api.after_request
def _keep_to_programs(response: Response) -> Response:
    for name, value in {"Cache-Control": "no-store", **SAVED}.items():
        response.headers.setdefault(name, value)
    return response
