"""What a request needs to know: the services, the time, and who asks."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import abort, current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from services.accounts import Profile
from services.container import Services
from services.logs.context import is_of
from web import kept

P = ParamSpec("P")
R = TypeVar("R")


def services() -> Services:
    return cast(Services, current_app.extensions["bellwether"])


def now() -> datetime:
    """The time of this request, read once, UTC."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    return cast(datetime, g.now)


def signed_in() -> Profile | None:
    """Who is signed in by a session that no new password has ended."""
    if "profile" not in g:
        uid, epoch = session.get("uid"), session.get("auth_epoch")
        g.profile = services().accounts.profile(uid, epoch) if uid and epoch else None
        if g.profile:
            is_of(g.profile.uid)
    return cast(Profile | None, g.profile)


def me() -> Profile:
    """Who asks, in a view that only people who are signed in reach."""
    profile = signed_in()
    if profile is None:
        raise RuntimeError("This view needs @people_only.")
    return profile


def people_only(view: Callable[P, R]) -> Callable[P, R | Response]:
    """Send everybody else to the sign-in page, and back afterwards: also to what they typed."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        if signed_in() is not None:
            return view(*args, **kwargs)
        if request.method == "POST" and kept.is_by_script():
            abort(401)
        if request.method == "POST" and kept.keep(kept.typed_now(now())):
            return kept.to_sign_in()
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("accounts.sign_in", next=wanted))

    guarded.for_people = True  # type: ignore[attr-defined]  # a form that came late is kept for them
    return guarded
