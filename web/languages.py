"""The languages of the pages: the reader's choice, else what the browser asks for.

Programs, which send a token, are answered in English; the scripts of our own pages as the pages
are.
"""

from functools import lru_cache
from typing import Any

from flask import Flask, Response, g, request
from flask_babel import Babel, refresh
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from services import texts
from services.accounts import Profile
from services.texts import LANGUAGES
from web.context import signed_in

COOKIE = "language"
API = "/api/"
SILENT = ("/assets/", "/static/", "/health", "/ready", "/metrics")
"""Paths whose answers hold no text for people."""
TEXTS_AT_HAND = 2_000
babel = Babel()


def register(app: Flask) -> None:
    """Give templates `_()` and views `flask_babel.gettext` in the language of the request, and
    have the services speak it."""
    babel.init_app(app, default_locale="en", locale_selector=language, timezone_selector=_time_zone)
    _speak_in_templates(app)
    app.jinja_env.globals.update(language=language, languages=LANGUAGES)
    app.before_request(_speak)
    app.after_request(_vary)
    app.teardown_request(_fall_silent)


def _speak_in_templates(app: Flask) -> None:
    """By our own catalogs: Flask-Babel looks up request and locale anew for each text."""
    env: Any = app.jinja_env
    env.install_gettext_callables(
        texts.gettext, texts.form_for, newstyle=True, pgettext=texts.pgettext
    )
    env.globals.update(gettext=_say, _=_say)


@pass_eval_context
def _say(context: EvalContext, message: str, **values: object) -> str:
    """As Jinja's own, but a page says a hundred texts: those without values are made once."""
    if values:
        return _text(texts.language(), message, context.autoescape) % values
    return _whole_text(texts.language(), message, context.autoescape)


@lru_cache(TEXTS_AT_HAND)
def _whole_text(language: str, message: str, is_html: bool) -> str:
    return _text(language, message, is_html) % {}


@lru_cache(TEXTS_AT_HAND)
def _text(_language: str, message: str, is_html: bool) -> str:
    text = texts.gettext(message)
    return Markup(text) if is_html else text  # noqa: S704 - of our catalogs and templates


def language() -> str:
    """The code of the language of this request, one of LANGUAGES."""
    chosen: str | None = g.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    person = _reader()
    if request.path.startswith(API) and (_is_program() or person is None):
        return texts.DEFAULT
    for code in (person.language if person else None, request.cookies.get(COOKIE)):
        if code in LANGUAGES:
            return str(code)
    return request.accept_languages.best_match(LANGUAGES) or texts.DEFAULT


def speak(code: str | None) -> None:
    """Answer this request in a language that is known better than from the browser."""
    g.language = code
    refresh()
    texts.speak(language())


def _is_program() -> bool:
    sent = request.authorization
    return sent is not None and sent.type == "bearer"


def _speak() -> None:
    """Who asks is looked up first, for the language is theirs."""
    if not request.path.startswith(SILENT):
        if not _is_program():
            signed_in()
        texts.speak(language())


def _fall_silent(_error: BaseException | None = None) -> None:
    texts.speak(texts.DEFAULT)


def _vary(response: Response) -> Response:
    """Caches keep an answer for each language, and for each person."""
    if response.mimetype == "text/html":
        response.vary.update(("Accept-Language", "Cookie"))
    return response


def _time_zone() -> str:
    person = _reader()
    return person.time_zone if person else "UTC"


def _reader() -> Profile | None:
    """Who is signed in, once the request has looked: pages about trouble must not look again."""
    reader: Profile | None = g.get("profile")
    return reader
