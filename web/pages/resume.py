"""Forms that came too late, shown back with all that was typed, to be sent by a click."""

from collections.abc import Callable

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from services.texts import gettext as _
from web import alert_form, editor, kept
from web.context import now, people_only, signed_in
from web.forms import Form
from web.kept import SECRETS, TOKEN, Typed
from web.pages import alert, alerts

LABELS = {
    "email": _l("E-mail"),
    "level": _l("Level"),
    "name": _l("Name"),
    "note": _l("Note"),
    "symbol": _l("Symbol"),
    "symbols": _l("Symbols"),
    "text": _l("In words"),
    "title": _l("Title"),
}
"""Fields in which people write themselves; the choices of a form go along unseen."""
pages = Blueprint("resume", __name__)


@pages.get("/continue")
@people_only
def show() -> ResponseReturnValue:
    """What was typed before the session ended; nothing has been done with it."""
    typed = kept.kept(now())
    if typed is None:
        return redirect(url_for("home.home"))
    own = OWN_PAGES.get(typed.endpoint)
    return (
        own(typed, _("Here is what you typed. Nothing has been done with it yet."))
        if own
        else (_again(typed))
    )


def too_late() -> ResponseReturnValue:
    """The answer to a form whose token is missing or belongs to an ended session.

    Signed out, one signs in first and finds it again; else it is there at once. Large ones, which
    are not kept, are in the answer itself.
    """
    if request.endpoint == "accounts.sign_out" and not signed_in():
        return redirect(url_for("home.home"), 303)
    typed = kept.typed_now(now())
    if _is_for_people() and not signed_in() and kept.keep(typed):
        return kept.to_sign_in()
    own = OWN_PAGES.get(typed.endpoint)
    if own and (signed_in() or not _is_for_people()):
        return own(typed, _too_long(typed)), 400
    return _again(typed), 400


def _too_long(typed: Typed) -> str:
    if typed.has_secrets:
        return _(
            "Please send this again, with the password: the page was open for too long,"
            " or your browser keeps no cookies."
        )
    return _(
        "Please send this again: the page was open for so long that its session ended."
        " Nothing was changed."
    )


def _is_for_people() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "for_people", False)


def _again(typed: Typed) -> str:
    """The fields of any form, to be sent to where it wanted to go."""
    secrets = [name for name, _value in request.form.items() if name in SECRETS]
    return render_template(
        "errors/expired.html",
        path=typed.path,
        fields=[(n, LABELS[n], v) for n, v in typed.fields if n in LABELS],
        hidden=[(n, v) for n, v in typed.fields if n not in LABELS],
        secrets=secrets,
        has_files=typed.has_files,
        must_sign_in=_is_for_people() and not signed_in(),
        token_name=TOKEN,
    )


def _alert(typed: Typed, said: str) -> str:
    names = ("text", "symbol", *alert_form.FIELDS)
    values = {name: typed.values.get(name, "") for name in names}
    values["channels"] = " ".join(typed.values.getlist("channels"))
    return alerts.new_page(editor.with_defaults(Form(values).refuse(said)))


def _changed_alert(typed: Typed, said: str) -> str:
    values = {name: typed.values.get(name, "") for name in alert_form.FIELDS}
    values["channels"] = " ".join(typed.values.getlist("channels"))
    return alert.typed_before(typed.arguments["alert_id"], Form(values).refuse(said))


def _out(template: str, *names: str) -> Callable[[Typed, str], str]:
    """A form for people who are not signed in."""

    def shown(typed: Typed, said: str) -> str:
        form = Form({name: typed.values.get(name, "") for name in names}).refuse(said)
        return render_template(template, form=form)

    return shown


OWN_PAGES: dict[str, Callable[[Typed, str], str]] = {
    "alerts.create": _alert,
    "alert.change": _changed_alert,
    "accounts.enter": _out("accounts/sign_in.html", "email", "next"),
    "accounts.create": _out("accounts/sign_up.html", "email", "time_zone"),
    "passwords.ask": _out("accounts/forgot.html", "email"),
}
"""By endpoint, what shows a form as its own page does, with a sentence above it."""
