"""A forgotten password: ask for a link, and set a new one."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from services.accounts.accounts import checked_email
from services.errors import AuthenticationFailed, InvalidInput
from services.texts import gettext as _
from services.watching import ensure_default
from web import trail
from web.context import now, services
from web.forms import Form
from web.pages.accounts import mail_by_account, mail_by_address
from web.security import start_session

pages = Blueprint("passwords", __name__)


@pages.get("/forgot")
def forgot() -> ResponseReturnValue:
    return render_template("accounts/forgot.html", form=Form())


@pages.post("/forgot")
@mail_by_address
@mail_by_account
def ask() -> ResponseReturnValue:
    form = Form.posted("email")
    try:
        email = checked_email(form["email"])
    except InvalidInput as error:
        return render_template("accounts/forgot.html", form=form.refuse_input(error)), 422
    services().accounts.ask_for_reset(email)
    return render_template("accounts/reset_sent.html", email=email)


@pages.get("/reset/<token>")
def reset(token: str) -> ResponseReturnValue:
    try:
        user = services().accounts.check_reset(token, now())
    except AuthenticationFailed as error:
        return _bad_link(error)
    return render_template("accounts/reset.html", form=Form(), email=user.email)


@pages.post("/reset/<token>")
def set_new(token: str) -> ResponseReturnValue:
    form = Form.posted("password")
    try:
        user = services().accounts.check_reset(token, now())
        person = services().accounts.reset(token, form["password"], now())
    except AuthenticationFailed as error:
        return _bad_link(error)
    except InvalidInput as error:
        form.refuse_input(error)
        return render_template("accounts/reset.html", form=form, email=user.email), 422
    trail.note(person.uid, "password_reset")
    start_session(person)
    ensure_default(services().watchlists, person.uid, now())
    flash(_("Your new password is set. Every other session has ended."))
    return redirect(url_for("home.home"))


def _bad_link(error: AuthenticationFailed) -> ResponseReturnValue:
    return render_template("accounts/bad_link.html", reason=str(error), kind="reset"), 410
