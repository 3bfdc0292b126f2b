"""Sign-up, sign-in, sign-out, and the link that confirms an address."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from services.errors import AuthenticationFailed, InvalidInput
from services.texts import gettext as _
from services.watching import ensure_default
from web import kept, trail
from web.context import now, services, signed_in
from web.forms import Form, local_path
from web.limits import (
    MAIL_BY_ACCOUNT,
    MAIL_BY_ADDRESS,
    SIGN_IN_BY_ACCOUNT,
    SIGN_IN_BY_ADDRESS,
    limiter,
)
from web.security import account_of_request, start_session

pages = Blueprint("accounts", __name__)
mail_by_address = limiter.shared_limit(MAIL_BY_ADDRESS, scope="mail", methods=["POST"])
mail_by_account = limiter.shared_limit(
    MAIL_BY_ACCOUNT, scope="mail", methods=["POST"], key_func=account_of_request
)


@pages.get("/sign-up")
def sign_up() -> ResponseReturnValue:
    if signed_in():
        return redirect(url_for("home.home"))
    return render_template("accounts/sign_up.html", form=Form())


@pages.post("/sign-up")
@mail_by_address
@mail_by_account
def create() -> ResponseReturnValue:
    form = Form.posted("email", "password", "time_zone")
    try:
        services().accounts.sign_up(form["email"], form["password"], now(), form["time_zone"])
    except InvalidInput as error:
        return render_template("accounts/sign_up.html", form=form.refuse_input(error)), 422
    session["signed_up"] = form["email"].strip()[:320]
    return redirect(url_for("accounts.sign_in"))


@pages.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    if signed_in():
        return redirect(local_path(request.args.get("next")) or url_for("home.home"))
    signed_up = session.pop("signed_up", "")
    form = Form({"email": signed_up, "next": request.args.get("next", "")})
    typed = kept.kept(now()) is not None
    return render_template("accounts/sign_in.html", form=form, signed_up=signed_up, has_typed=typed)


@pages.post("/sign-in")
@limiter.shared_limit(SIGN_IN_BY_ADDRESS, scope="sign-in")
@limiter.shared_limit(SIGN_IN_BY_ACCOUNT, scope="sign-in", key_func=account_of_request)
def enter() -> ResponseReturnValue:
    form = Form.posted("email", "password", "next")
    try:
        person = services().accounts.sign_in(form["email"], form["password"])
    except AuthenticationFailed as error:
        services().trail.failed(error.uid, form["email"], trail.client(), now())
        form.refuse(str(error))
        return render_template("accounts/sign_in.html", form=form), 401
    typed = kept.carry()
    services().trail.signed_in(person.uid, trail.client(), now())
    start_session(person)
    kept.put_back(typed)
    ensure_default(services().watchlists, person.uid, now())
    return redirect(local_path(form["next"]) or url_for("home.home"))


@pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    session.clear()
    return redirect(url_for("home.home"))


@pages.get("/confirm/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """Confirm the address that the link was sent to; again and again does no harm."""
    try:
        user = services().accounts.confirm(token, now())
    except AuthenticationFailed as error:
        return render_template("accounts/bad_link.html", reason=str(error), kind="confirm"), 410
    if user.confirmed_at == now():
        trail.note(user.uid, "email_confirmed")
    if signed_in():
        flash(_("%(email)s is confirmed. Alert mails will reach you there.", email=user.email))
        return redirect(url_for("home.home"))
    return render_template("accounts/confirmed.html", email=user.email)
