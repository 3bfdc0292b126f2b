"""What messages link to without a log-in: snooze, ring again, pause, stop all mail (RFC 8058).

A signed link is all that is asked. GET changes nothing, for scanners of mail follow links; POST
does, from the page's button, from a mail program or from a notification's, and once more does no
harm. Who accepts JSON gets what was done and said as JSON.
"""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.alerts.follow_up import Follow
from services.errors import AuthenticationFailed, InvalidInput, NoQuote, NotFound, UnknownSymbol
from services.notify.snoozing import HOURS
from services.store.alerts import Alert
from services.store.users import User
from services.texts import gettext as _
from web import forms, mail_answers
from web.context import now, services
from web.limits import LINKS_BY_ADDRESS, limiter
from web.mail_answers import Answer
from web.market import market
from web.security import csrf
from web.setting import no_answer

pages = Blueprint("mail_links", __name__, url_prefix="/mail")
csrf.exempt(pages)  # the signature in the address is what no other site can know
JSON = "application/json"
limiter.limit(LINKS_BY_ADDRESS)(pages)


@pages.get("/pause/<token>")
def ask_to_pause(token: str) -> ResponseReturnValue:
    uid, alert_id = services().links.paused(token, now())
    try:
        alert = services().alerts.get(uid, alert_id)
    except NotFound:
        return _shown(mail_answers.pause_gone())
    return _shown(mail_answers.pause(alert, _currency(alert)))


@pages.post("/pause/<token>")
def pause(token: str) -> ResponseReturnValue:
    uid, alert_id = services().links.paused(token, now())
    try:
        alert = services().arming.pause(uid, alert_id, now())
    except NotFound:
        return _shown(mail_answers.pause_gone())
    return _shown(mail_answers.pause(alert, _currency(alert)))


@pages.get("/snooze/<token>")
def ask_to_snooze(token: str) -> ResponseReturnValue:
    try:
        found = services().snoozing.look(*services().links.snoozed(token, now()))
    except NotFound:
        return _shown(mail_answers.snooze_gone())
    return _shown(mail_answers.snooze(found, now()))


@pages.post("/snooze/<token>")
def snooze(token: str) -> ResponseReturnValue:
    uid, trigger_id, round_ = services().links.snoozed(token, now())
    hours = forms.whole(request.form.get("hours") or str(HOURS[0]), "hours")
    try:
        found = services().snoozing.snooze(uid, trigger_id, round_, hours, now())
    except NotFound:
        return _shown(mail_answers.snooze_gone())
    return _shown(mail_answers.snooze(found, now()))


@pages.get("/again/<token>")
def ask_to_ring_again(token: str) -> ResponseReturnValue:
    uid, alert_id, epoch = services().links.again(token, now())
    owner = _owner(uid)
    try:
        follow = services().follow_ups.look(uid, alert_id, epoch)
    except NotFound:
        return _shown(mail_answers.again_gone())
    return _shown(_standing(follow, owner))


@pages.post("/again/<token>")
def ring_again(token: str) -> ResponseReturnValue:
    uid, alert_id, epoch = services().links.again(token, now())
    owner = _owner(uid)
    try:
        follow = services().follow_ups.ring_again(uid, alert_id, epoch, now())
    except NotFound:
        return _shown(mail_answers.again_gone())
    except (NoQuote, UnknownSymbol, InvalidInput) as error:
        return _shown(_not_set(uid, alert_id, error))
    return _shown(_standing(follow, owner))


@pages.get("/stop/<token>")
def ask_to_stop(token: str) -> ResponseReturnValue:
    return _shown(mail_answers.stop(services().accounts.may_stop_mail(token, now())))


@pages.post("/stop/<token>")
def stop(token: str) -> ResponseReturnValue:
    return _shown(mail_answers.stop(services().accounts.stop_mail(token, now())))


@pages.errorhandler(AuthenticationFailed)
def refused(error: AuthenticationFailed) -> ResponseReturnValue:
    return _shown(mail_answers.bad_link(str(error)))


@pages.errorhandler(InvalidInput)
def invalid(error: InvalidInput) -> ResponseReturnValue:
    return _shown(mail_answers.bad_choice(error.message))


def _owner(uid: str) -> User:
    owner = services().users.get(uid)
    if owner is None:
        raise AuthenticationFailed(_("This account does not exist any more."))
    return owner


def _standing(follow: Follow, owner: User) -> Answer:
    currency = _currency(follow.alert)
    return mail_answers.again(follow, currency, market().status, owner.time_zone, now())


def _currency(alert: Alert) -> str:
    """Of its prices, as far as it is known: an alert that is done has no baseline any more."""
    if alert.baseline:
        return alert.baseline.currency
    last = services().triggers.find(alert.uid, alert.last_trigger) if alert.last_trigger else None
    return last.currency if last else ""


def _not_set(uid: str, alert_id: str, error: NoQuote | UnknownSymbol | InvalidInput) -> Answer:
    """Why an alert was not armed; the market may answer later, and a symbol be gone for good."""
    alert = services().alerts.get(uid, alert_id)
    currency = _currency(alert)
    if isinstance(error, NoQuote) and not error.known_missing:
        return mail_answers.again_later(alert, currency, no_answer(error))
    if isinstance(error, InvalidInput):
        return mail_answers.again_refused(alert, currency, error.message)
    reason = _("There are no quotes for %(symbol)s any more.", symbol=alert.symbol)
    return mail_answers.again_refused(alert, currency, reason)


def _shown(answer: Answer) -> ResponseReturnValue:
    """Before a HEAD or GET nothing is done, so only what was posted is answered as JSON."""
    if request.method == "POST" and _wants_json():
        status = answer.status if answer.status in (200, 503) else 410
        return {"done": answer.is_done, "said": answer.said}, status
    return render_template("mail_links/answer.html", answer=answer), answer.status


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(("text/html", JSON)) == JSON
