"""Parts of pages that are the same for everybody who looks in the same way: kept as HTML.

They hold nothing of a session: a test sees to it that their templates can name nothing of one.
"""

from collections.abc import Hashable
from functools import lru_cache

from flask import Flask, current_app
from markupsafe import Markup

from services.texts import language

KEPT = 1_000


def register(app: Flask) -> None:
    """Give templates `kept_part(template, macro, ...)`."""
    app.jinja_env.globals.update(kept_part=kept_part)


def kept_part(template: str, macro: str, *arguments: Hashable) -> Markup:
    """What a macro makes of its arguments, in the reader's language."""
    return _part(template, macro, arguments, language())


@lru_cache(KEPT)
def _part(template: str, macro: str, arguments: tuple[Hashable, ...], _language: str) -> Markup:
    module = current_app.jinja_env.get_template(template).module
    return Markup(getattr(module, macro)(*arguments))  # noqa: S704 - an escaped template
