"""Which pages of other sites may use the API: those of CORS_ORIGINS, with a token, never with a
cookie."""

from flask import Flask, current_app, request
from flask_cors import CORS
from werkzeug.wrappers import Response

from config import Settings

PATHS = r"/api/.*"
ASKED = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"]
SHOWN = ["ETag", "Location", "Retry-After"]
REMEMBERED_SECONDS = 600


def allow_origins(app: Flask, settings: Settings) -> None:
    """Answer the pages of the configured origins; without any, nothing is said of origins."""
    origins = settings.origins
    if not origins:
        return
    app.before_request(_answer_preflight)
    CORS(
        app,
        resources={PATHS: {"origins": origins}},
        send_wildcard="*" in origins,
        supports_credentials=False,
        allow_headers=ASKED,
        expose_headers=SHOWN,
        methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        max_age=REMEMBERED_SECONDS,
        vary_header=True,
    )


def _answer_preflight() -> Response | None:
    """A preflight carries no token, so it is answered before anybody asks for one."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if asks and request.path.startswith("/api/"):
        return current_app.make_default_options_response()
    return None
