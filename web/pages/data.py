"""What is kept about a person: taken away as a file, or deleted with the account."""

from flask import Blueprint, Response, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from services.errors import InvalidInput
from services.texts import gettext as _
from web import trail
from web.context import me, now, people_only, services
from web.forms import Form
from web.limits import SIGN_IN_BY_ACCOUNT, SIGN_IN_BY_ADDRESS, limiter
from web.own_archive import EXPORTS_BY_ACCOUNT, archive_of_me, own_export

pages = Blueprint("data", __name__, url_prefix="/account/data")


def _own_deletion() -> str:
    return f"leave:{me().uid}"


@pages.get("")
@people_only
def show() -> ResponseReturnValue:
    return render_template("account/data.html", form=Form())


@pages.get("/export.zip")
@people_only
@limiter.shared_limit(EXPORTS_BY_ACCOUNT, scope="export", key_func=own_export)
def export() -> Response:
    return archive_of_me()


@pages.post("/delete")
@people_only
@limiter.shared_limit(SIGN_IN_BY_ADDRESS, scope="sign-in")
@limiter.limit(SIGN_IN_BY_ACCOUNT, key_func=_own_deletion)
def delete() -> ResponseReturnValue:
    form = Form.posted("password")
    try:
        services().leaving.leave(me().uid, form["password"], now())
    except InvalidInput as error:
        services().trail.failed(me().uid, me().email, trail.client(), now())
        return render_template("account/data.html", form=form.refuse_input(error)), 422
    session.clear()
    flash(_("Your account is deleted. A last mail confirms it."))
    return redirect(url_for("home.home"))
