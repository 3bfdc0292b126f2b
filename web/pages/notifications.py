"""How, when and how often a person is told: channels, quiet hours, digest."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from services.accounts.preferences import MAX_FALLBACK
from services.errors import InvalidInput
from services.notify.channels.apprise.address import SERVICES
from services.notify.digest import next_due
from services.store.users import DigestEvery
from services.texts import gettext as _
from web import channels, quiet_form
from web.context import me, now, people_only, services
from web.forms import Form
from web.limits import TRIALS_BY_ACCOUNT, limiter

FALLBACKS = tuple(f"fallback_{place}" for place in range(1, MAX_FALLBACK + 1))
DIGESTS: dict[str, DigestEvery] = {"never": "never", "day": "day", "week": "week"}
pages = Blueprint("notifications", __name__)


def _own_account() -> str:
    return f"account:{me().uid}"


@pages.get("/account/notifications")
@people_only
def show() -> ResponseReturnValue:
    return page(Form())


@pages.post("/account/notifications/channels")
@people_only
def set_channels() -> ResponseReturnValue:
    form = Form.posted(*FALLBACKS).with_all("channels")
    fallback = [form[name] for name in FALLBACKS if form[name]]
    try:
        services().preferences.change(
            me().uid, {"channels": form["channels"].split(), "fallback": fallback}, now()
        )
    except InvalidInput as error:
        return page(form.refuse_input(error)), 422
    flash(_("Alerts ring by these channels from now on."))
    return redirect(url_for("notifications.show"))


@pages.post("/account/quiet-hours")
@people_only
def set_quiet_hours() -> ResponseReturnValue:
    form = Form.posted(*quiet_form.FIELDS)
    try:
        hours = quiet_form.hours_of(form)
    except InvalidInput as error:
        return page(form.refuse_input(error)), 422
    services().preferences.change(me().uid, {"quiet_hours": hours}, now())
    flash(_("Your quiet hours are kept from now on.") if hours else _("Quiet hours are off."))
    return redirect(url_for("notifications.show"))


@pages.post("/account/notifications/digest")
@people_only
def set_digest() -> ResponseReturnValue:
    form = Form.posted("digest")
    every = DIGESTS.get(form["digest"])
    if every is None:
        return page(form.refuse(_("Choose how often the digest is to come."), "digest")), 422
    services().preferences.change(me().uid, {"digest": every}, now())
    flash(_("No digest is sent any more.") if every == "never" else _("Your digest is set."))
    return redirect(url_for("notifications.show"))


@pages.post("/account/notifications/<name>/test")
@people_only
@limiter.limit(TRIALS_BY_ACCOUNT, key_func=_own_account)
def test(name: str) -> ResponseReturnValue:
    """Have a real message sent; the page that follows says what came of it."""
    if name not in dict(channels.named(me())):
        abort(404)
    services().trials.begin(me().uid, name, now())
    return redirect(url_for("notifications.show", _anchor=f"channel-{name}"))


def page(form: Form) -> str:
    """The page, with what was typed and refused."""
    person, names = me(), [name for name, _ in channels.named(me())]
    trials = services().trials.of(person.uid, names)
    devices = services().devices.of(person.uid)
    return render_template(
        "notifications/show.html",
        form=form,
        ways=channels.ways(person, devices, trials),
        devices=devices,
        services_known=list(dict.fromkeys(SERVICES.values())),
        named=channels.named(person),
        ring_by=_ring_by(form),
        fallback=_fallback(form),
        quiet=quiet_form.filled(form, person.quiet_hours),
        next_digest=next_due(person.digest, person.time_zone, person.quiet_hours, now()),
    )


def _is_refused(form: Form) -> bool:
    """Whether the form of channels is given back."""
    return bool(form.errors.keys() & {"channels", "fallback"})


def _ring_by(form: Form) -> list[str]:
    return form["channels"].split() if _is_refused(form) else list(me().channels)


def _fallback(form: Form) -> list[tuple[str, str]]:
    """The selects of the fall-back and what each shows."""
    if _is_refused(form):
        return [(name, form[name]) for name in FALLBACKS]
    kept = [*me().fallback, *[""] * MAX_FALLBACK]
    return list(zip(FALLBACKS, kept, strict=False))
