"""Parts of a list's page that hold nothing of a session and change seldom: kept as HTML."""

from functools import lru_cache

from flask import current_app
from markupsafe import Markup

from web.columns import CHOOSABLE, SORTS, Look
from web.languages import language

KEPT = 1_000


def part(name: str, look: Look, list_url: str) -> Markup:
    """A macro of watchlists/tools.html for that look at a list, in the reader's language."""
    return _part(name, look, list_url, language())


@lru_cache(KEPT)
def _part(name: str, look: Look, list_url: str, _language: str) -> Markup:
    module = current_app.jinja_env.get_template("watchlists/tools.html").module
    html = getattr(module, name)(look, list_url, CHOOSABLE, SORTS)
    return Markup(html)  # noqa: S704 - an escaped template
