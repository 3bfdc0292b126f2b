"""The languages of the pages: the reader's choice, else what the browser asks for."""

from flask import Flask, g, request
from flask_babel import Babel

from services.accounts import Profile

LANGUAGES = {"en": "English", "de": "Deutsch"}
babel = Babel()


def register(app: Flask) -> None:
    """Give templates `_()` and views `flask_babel.gettext` in the language of the request."""
    babel.init_app(app, default_locale="en", locale_selector=language, timezone_selector=_time_zone)
    app.jinja_env.globals.update(language=language, languages=LANGUAGES)


def language() -> str:
    """The code of the language of this request, one of LANGUAGES."""
    person = _reader()
    if person and person.language in LANGUAGES:
        return person.language
    return request.accept_languages.best_match(LANGUAGES) or "en"


def _time_zone() -> str:
    person = _reader()
    return person.time_zone if person else "UTC"


def _reader() -> Profile | None:
    """Who is signed in, once the request has looked: pages about trouble must not look again."""
    reader: Profile | None = g.get("profile")
    return reader
