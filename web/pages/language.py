"""The language of the pages, chosen by a form: kept in a cookie, and in the account of a person."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from services.texts import LANGUAGES
from web.context import services, signed_in
from web.forms import local_path
from web.languages import COOKIE
from web.security import csrf

KEPT_SECONDS = 365 * 86_400
pages = Blueprint("language", __name__)
csrf.exempt(pages)  # a token would start a session for everybody; SameSite keeps others out


@pages.post("/language")
def choose() -> Response:
    """Keep a choice; what is no language is as good as none, and follows the browser again."""
    answer = redirect(local_path(request.form.get("next")) or url_for("home.home"), 303)
    chosen = request.form.get("language")
    code = chosen if chosen in LANGUAGES else None
    if person := signed_in():
        services().preferences.set_language(person.uid, code)
    if code is None:
        answer.delete_cookie(COOKIE, samesite="Lax")
        return answer
    https = services().settings.address.startswith("https://")
    answer.set_cookie(
        COOKIE, code, max_age=KEPT_SECONDS, secure=https, httponly=True, samesite="Lax"
    )
    return answer
