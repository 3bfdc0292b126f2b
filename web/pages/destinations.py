"""Chats and webhooks of a person: adding one, and what can be done with it."""

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from services.accounts.profiles import Place
from services.errors import InvalidInput, LimitReached, NotFound
from services.store.users import Destination, DestinationKind
from services.texts import gettext as _
from web import trail
from web.context import me, now, people_only, services
from web.forms import Form
from web.pages import notifications

KINDS: dict[str, DestinationKind] = {"apprise": "apprise", "webhook": "webhook"}
pages = Blueprint("destinations", __name__, url_prefix="/account/notifications/destinations")


@pages.post("")
@people_only
def add() -> ResponseReturnValue:
    form = Form.posted("kind", "name", "url")
    try:
        kind = _kind(form)
        added = services().destinations.add(me().uid, kind, form["name"], form["url"], now())
    except InvalidInput as error:
        return notifications.page(form.refuse_input(error)), 422
    except LimitReached as error:
        return notifications.page(form.refuse(str(error), "destinations")), 409
    trail.note(me().uid, "channel_added", added.name)
    if added.secret:
        return _with_secret(added)
    flash(_("The channel is added. Send a test, then tick it below."))
    return redirect(url_for("notifications.show", _anchor=f"channel-{added.id}"))


@pages.get("/<id_>")
@people_only
def show(id_: str) -> ResponseReturnValue:
    return _page(_place(id_), Form())


@pages.post("/<id_>/name")
@people_only
def rename(id_: str) -> ResponseReturnValue:
    form = Form.posted("name")
    try:
        services().destinations.rename(me().uid, id_, form["name"])
    except InvalidInput as error:
        return _page(_place(id_), form.refuse_input(error)), 422
    flash(_("The channel has its new name."))
    return redirect(url_for("notifications.show", _anchor=f"channel-{id_}"))


@pages.post("/<id_>/on")
@people_only
def switch_on(id_: str) -> ResponseReturnValue:
    services().destinations.switch_on(me().uid, id_)
    flash(_("The channel is switched on. Send a test to see whether it works."))
    return redirect(url_for("notifications.show", _anchor=f"channel-{id_}"))


@pages.post("/<id_>/secret")
@people_only
def new_secret(id_: str) -> ResponseReturnValue:
    renewed = services().destinations.new_secret(me().uid, id_)
    trail.note(me().uid, "secret_renewed", renewed.name)
    return _with_secret(renewed)


@pages.post("/<id_>/remove")
@people_only
def remove(id_: str) -> ResponseReturnValue:
    place = me().destination(id_)
    services().destinations.remove(me().uid, id_)
    if place:
        trail.note(me().uid, "channel_removed", place.name)
    flash(_("The channel is removed. Alerts that rang by it alone ring by your usual channels."))
    return redirect(url_for("notifications.show"))


def _kind(form: Form) -> DestinationKind:
    if form["kind"] not in KINDS:
        raise InvalidInput("kind", _("Choose what it is."))
    return KINDS[form["kind"]]


def _place(id_: str) -> Place:
    place = me().destination(id_)
    if place is None:
        raise NotFound("You have no such channel.")
    return place


def _with_secret(destination: Destination) -> Response:
    """The page with the secret, which is shown this once and so kept by nobody."""
    page = make_response(_page(Place.of(destination), Form(), destination.secret))
    page.headers["Cache-Control"] = "no-store"
    return page


def _page(place: Place, form: Form, secret: str = "") -> str:
    return render_template("notifications/destination.html", place=place, form=form, secret=secret)
