"""What mails link to without a log-in: pause an alert, stop all mail (RFC 8058).

A signed link is all that is asked. GET changes nothing, for scanners of mail follow links; POST
does, from the page's button or from a mail program, and once more does no harm.
"""

from datetime import datetime

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from services.alerts import phrases
from services.errors import AuthenticationFailed, NotFound
from services.store.alerts import Alert
from web.context import now, services
from web.security import csrf

pages = Blueprint("mail_links", __name__, url_prefix="/mail")
csrf.exempt(pages)  # the signature in the address is what no other site can know


@pages.get("/pause/<token>")
def ask_to_pause(token: str) -> ResponseReturnValue:
    return _about_alert(token, done=False)


@pages.post("/pause/<token>")
def pause(token: str) -> ResponseReturnValue:
    return _about_alert(token, done=True)


@pages.route("/snooze/<token>", methods=["GET", "POST"])
def snooze(token: str) -> ResponseReturnValue:
    services().links.snoozed(token, now())
    return render_template("accounts/pause_alert.html", headline="", done=True)


@pages.route("/again/<token>", methods=["GET", "POST"])
def again(token: str) -> ResponseReturnValue:
    services().links.again(token, now())
    return render_template("accounts/pause_alert.html", headline="", done=True)


@pages.get("/stop/<token>")
def ask_to_stop(token: str) -> ResponseReturnValue:
    user = services().accounts.may_stop_mail(token, now())
    return render_template(
        "accounts/stop_mail.html", email=user.email, done=user.mail_stopped_at is not None
    )


@pages.post("/stop/<token>")
def stop(token: str) -> ResponseReturnValue:
    email = services().accounts.stop_mail(token, now()).email
    return render_template("accounts/stop_mail.html", email=email, done=True)


@pages.errorhandler(AuthenticationFailed)
def refused(error: AuthenticationFailed) -> ResponseReturnValue:
    return render_template("accounts/bad_mail_link.html", reason=str(error)), 410


def _about_alert(token: str, *, done: bool) -> ResponseReturnValue:
    uid, alert_id = services().links.paused(token, now())
    try:
        alert = _paused(uid, alert_id, now()) if done else services().alerts.get(uid, alert_id)
    except NotFound:
        return render_template("accounts/pause_alert.html", headline="", done=True)
    currency = alert.baseline.currency if alert.baseline else ""
    return render_template(
        "accounts/pause_alert.html",
        headline=phrases.headline(alert.symbol, alert.condition, currency),
        alert=alert,
        done=alert.state not in ("armed", "waiting"),
    )


def _paused(uid: str, alert_id: str, now: datetime) -> Alert:
    return services().arming.pause(uid, alert_id, now)
