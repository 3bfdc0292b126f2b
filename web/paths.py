"""The paths of pages, as templates write them: a page has dozens, and most are those of before."""

from functools import lru_cache

import flask
from flask import Flask, request

AT_HAND = 4_000


def register(app: Flask) -> None:
    app.jinja_env.globals.update(url_for=url_for)


def url_for(endpoint: str, **values: object) -> str:
    """As Flask's."""
    is_plain = all(type(value) is str for value in values.values())
    if not is_plain or endpoint.startswith(".") or not flask.has_request_context():
        return flask.url_for(endpoint, **values)  # type: ignore[arg-type]  # _external and the like
    return _path(request.script_root, endpoint, tuple(values.items()))


@lru_cache(AT_HAND)
def _path(_root: str, endpoint: str, values: tuple[tuple[str, str], ...]) -> str:
    return flask.url_for(endpoint, **dict(values))  # type: ignore[arg-type]
