"""The JSON API, `/api/v1`: one module for each resource; docs/api.md shows its use."""

from flask import Flask

from web.api import (
    alerts,
    bars,
    devices,
    export,
    preview,
    quotes,
    settings,
    symbols,
    tokens,
    triggers,
    watchlists,
)
from web.api.blueprint import api
from web.api.openapi import document
from web.security import csrf

RESOURCES = (
    tokens,
    quotes,
    bars,
    symbols,
    watchlists,
    alerts,
    preview,
    triggers,
    devices,
    settings,
    export,
)


def register(app: Flask) -> None:
    """Serve the API from `app`."""
    csrf.exempt(api)  # auth.py checks the token where a session asks
    app.register_blueprint(api)
    with app.app_context():
        document()  # made now, once, so that no two requests make it at the same time
