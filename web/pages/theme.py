"""Light, dark, or as the reader's system has it: chosen by a form, kept in a cookie."""

from flask import Blueprint, redirect, request, url_for
from flask.globals import request_ctx
from werkzeug.wrappers import Response

from web.context import services
from web.forms import local_path
from web.security import csrf

COOKIE = "theme"
KEPT_SECONDS = 365 * 86_400
CHOSEN = ("light", "dark")
pages = Blueprint("theme", __name__)
csrf.exempt(pages)  # a token would start a session for everybody, to guard a colour


@pages.app_template_global()
def theme() -> str:
    """`light` or `dark` where the reader chose it, else `system`."""
    kept = request.cookies.get(COOKIE, "")
    return kept if kept in CHOSEN else "system"


@pages.app_template_global()
def here() -> str:
    """The path at which the reader stands; the start where it answers to forms only."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    adapter = request_ctx.url_adapter
    readable = adapter is not None and "GET" in adapter.allowed_methods(request.path)
    return request.path if readable else url_for("home.home")


@pages.post("/theme")
def choose() -> Response:
    """Keep a choice; anything but light and dark is as good as none."""
    answer = redirect(local_path(request.form.get("next")) or url_for("home.home"), 303)
    chosen = request.form.get("theme", "")
    if chosen not in CHOSEN:
        answer.delete_cookie(COOKIE, samesite="Lax")
        return answer
    https = services().settings.address.startswith("https://")
    answer.set_cookie(
        COOKIE, chosen, max_age=KEPT_SECONDS, secure=https, httponly=True, samesite="Lax"
    )
    return answer
