"""A person's own settings."""

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from services.accounts.accounts import known_time_zones
from services.errors import InvalidInput
from services.texts import gettext as _
from web import languages, trail
from web.context import me, now, people_only, services
from web.forms import Form
from web.limits import MAIL_BY_ACCOUNT, MAIL_BY_ADDRESS, SIGN_IN_BY_ADDRESS, limiter
from web.security import start_session

pages = Blueprint("account", __name__)


def _own_account() -> str:
    return f"account:{me().email}"


@pages.get("/account")
@people_only
def show() -> ResponseReturnValue:
    return _page(Form())


@pages.post("/account/confirmation")
@people_only
@limiter.shared_limit(MAIL_BY_ADDRESS, scope="mail")
@limiter.shared_limit(MAIL_BY_ACCOUNT, scope="mail", key_func=_own_account)
def send_again() -> ResponseReturnValue:
    services().accounts.ask_for_confirmation(me().uid)
    flash(_("A new link is on its way to %(email)s.", email=me().email))
    return redirect(url_for("account.show"))


@pages.post("/account/mail")
@people_only
def start_mail() -> ResponseReturnValue:
    services().accounts.start_mail(me().uid)
    flash(_("Mail about your alerts comes again."))
    return redirect(url_for("account.show"))


@pages.post("/account/language")
@people_only
def set_language() -> ResponseReturnValue:
    """The cookie of an outsider's choice goes: from now on the account tells."""
    form = Form.posted("language")
    try:
        services().preferences.set_language(me().uid, form["language"] or None)
    except InvalidInput as error:
        return _page(form.refuse_input(error)), 422
    languages.speak(form["language"] or None)
    flash(_("Pages are shown in this language now."))
    answer = redirect(url_for("account.show"))
    answer.delete_cookie(languages.COOKIE, samesite="Lax")
    return answer


@pages.post("/account/time-zone")
@people_only
def set_time_zone() -> ResponseReturnValue:
    form = Form.posted("time_zone")
    try:
        services().preferences.set_time_zone(me().uid, form["time_zone"])
    except InvalidInput as error:
        return _page(form.refuse_input(error)), 422
    flash(_("Times are shown in your new time zone."))
    return redirect(url_for("account.show"))


@pages.post("/account/password")
@people_only
@limiter.limit(SIGN_IN_BY_ADDRESS)
def change_password() -> ResponseReturnValue:
    form = Form.posted("present", "password")
    try:
        person = services().accounts.change_password(me().uid, form["present"], form["password"])
    except InvalidInput as error:
        if error.field == "present":
            services().trail.failed(me().uid, me().email, trail.client(), now())
        return _page(form.refuse_input(error)), 422
    trail.note(person.uid, "password_changed")
    start_session(person)
    flash(_("Your password is changed. Every other session has ended."))
    return redirect(url_for("account.show"))


@pages.get("/account/security")
@people_only
def security() -> ResponseReturnValue:
    events = [(event, trail.words(event)) for event in services().trail.of(me().uid)]
    return render_template("accounts/security.html", events=events)


@pages.post("/account/sign-out-everywhere")
@people_only
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session and token, also this one."""
    services().accounts.sign_out_everywhere(me().uid)
    trail.note(me().uid, "signed_out_everywhere")
    session.clear()
    flash(_("You are signed out everywhere. Programs need a new token."))
    return redirect(url_for("accounts.sign_in"))


def _page(form: Form) -> str:
    zones = sorted(known_time_zones())
    return render_template("accounts/account.html", form=form, zones=zones)
