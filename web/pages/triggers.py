"""The inbox: everything that rang, with its evidence; marking it as read; being told once more."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from services import figures
from services.alerts.follow_up import Follow
from services.errors import InvalidInput, NoQuote, NotFound, StoreUnavailable, UnknownSymbol
from services.market.models import normal_symbol
from services.notify import snoozing
from services.store.contract import Cursor
from services.store.triggers import Trigger
from services.texts import gettext as _
from services.texts import ngettext
from web import drawing, mail_answers, words
from web.api.paging import store_cursor, text_of
from web.around import around
from web.context import me, now, people_only, services, signed_in
from web.forms import local_path, one_line
from web.market import market
from web.setting import no_answer

SHOWN = 30
MOST_UNREAD = 100
"""Counting ends here: more is told as 99 and more."""
LOOKS = 5
"""Pages of a symbol that are looked through for one of a filter."""
FILTERS = {
    "": _l("All"),
    "unread": _l("Unread"),
    "failed": _l("Not delivered"),
    "late": _l("Delayed"),
}
pages = Blueprint("triggers", __name__, url_prefix="/triggers")


@pages.app_template_global()
def unread() -> int:
    """How many triggers the reader has not seen, MOST_UNREAD at most; asked once a request."""
    if "unread" not in g:
        g.unread = _unread()
    found: int = g.unread
    return found


def _unread() -> int:
    """No page fails for want of this number."""
    person = signed_in()
    try:
        return services().triggers.count_unread(person.uid, MOST_UNREAD) if person else 0
    except StoreUnavailable:
        return 0


@pages.get("")
@people_only
def index() -> ResponseReturnValue:
    chosen = request.args.get("show", "")
    if chosen not in FILTERS:
        abort(404)
    typed = one_line(request.args.get("symbol", ""))
    after = store_cursor("triggers", request.args.get("after"))
    found, more = _found(chosen, typed, after)
    return render_template(
        "triggers/index.html",
        triggers=found,
        repeatable={t.id for t in found if snoozing.was_told_lately(t, now())},
        drawings=_drawn_all(found),
        chosen=chosen,
        filters=FILTERS,
        typed=typed,
        is_first=after is None,
        until=_until(found) if after is None and not typed and chosen in ("", "unread") else "",
        more=text_of("triggers", more),
    )


def _found(chosen: str, typed: str, after: Cursor | None) -> tuple[list[Trigger], Cursor | None]:
    """A page of the inbox. One of a symbol has no index by what was chosen: it is looked through,
    and may be shorter than others."""
    uid, all_of = me().uid, services().triggers
    match chosen if not typed else "symbol":
        case "symbol":
            return _of_symbol(chosen, typed, after)
        case "unread":
            return all_of.page(uid, after, SHOWN, unread=True)
        case "failed" | "late" as trouble:
            return all_of.page(uid, after, SHOWN, trouble=trouble)
    return all_of.page(uid, after, SHOWN)


def _of_symbol(
    chosen: str, typed: str, after: Cursor | None
) -> tuple[list[Trigger], Cursor | None]:
    try:
        symbol = normal_symbol(typed)
    except ValueError:
        return [], None
    found: list[Trigger] = []
    for _look in range(LOOKS):
        some, after = services().triggers.page(me().uid, after, SHOWN, symbol=symbol)
        found = [trigger for trigger in some if _is_chosen(trigger, chosen)]
        if found or after is None:
            break
    return found, after


def _is_chosen(trigger: Trigger, chosen: str) -> bool:
    return trigger.unread if chosen == "unread" else chosen in ("", trigger.trouble)


def _until(shown: list[Trigger]) -> str:
    """Up to when *mark all* reaches: the newest that is shown, so that what has come since stays
    unread."""
    return shown[0].noticed_at.isoformat() if any(t.unread for t in shown) else ""


@pages.get("/<trigger_id>")
@people_only
def show(trigger_id: str) -> ResponseReturnValue:
    """One trigger, which is read by being looked at."""
    trigger = services().triggers.get(me().uid, trigger_id)
    if trigger.unread and request.method == "GET" and "Sec-Purpose" not in request.headers:
        services().triggers.mark(me().uid, trigger_id)
    return render_template(
        "triggers/show.html",
        trigger=trigger,
        drawn=_drawn(trigger, drawing.LARGE),
        repeatable=snoozing.was_told_lately(trigger, now()),
        follow=_follow(trigger),
    )


def _follow(trigger: Trigger) -> Follow | None:
    """Whether its alert can ring again; None where that is deleted."""
    try:
        return services().follow_ups.look(me().uid, trigger.alert_id, trigger.epoch)
    except NotFound:
        return None


def _drawn_all(found: list[Trigger]) -> dict[str, Markup]:
    """By id; symbol by symbol, for each brings its years along."""
    by_symbol = sorted(found, key=lambda trigger: trigger.symbol)
    return {trigger.id: _drawn(trigger, drawing.SMALL) for trigger in by_symbol}


def _drawn(trigger: Trigger, size: drawing.Size) -> Markup:
    local = trigger.occurred_at.astimezone(ZoneInfo(me().time_zone))
    ring_day = figures.day_of_year(local.date())
    return drawing.drawing(trigger, around(trigger), size, figures.day_of_year, ring_day)


@pages.post("/read")
@people_only
def mark_all() -> ResponseReturnValue:
    """Mark as read what the page showed, and all before it."""
    marked = services().triggers.mark_all_read(me().uid, _moment(request.form.get("until", "")))
    flash(ngettext("One is marked as read.", "%(num)s are marked as read.", marked))
    return _back()


def _moment(text: str) -> datetime:
    """A time that a page of ours was made with. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("until", "This is no time.") from None
    if moment.tzinfo is None:
        raise InvalidInput("until", "This time has no zone.")
    return min(moment, now()).astimezone(UTC)


@pages.post("/<trigger_id>/read")
@people_only
def mark(trigger_id: str) -> ResponseReturnValue:
    services().triggers.mark(me().uid, trigger_id)
    return _back(trigger_id)


@pages.post("/<trigger_id>/unread")
@people_only
def mark_unread(trigger_id: str) -> ResponseReturnValue:
    services().triggers.mark(me().uid, trigger_id, unread=True)
    return _back()


@pages.post("/<trigger_id>/snooze")
@people_only
def snooze(trigger_id: str) -> ResponseReturnValue:
    """Remind later; asked twice, once."""
    chosen = request.form.get("for") or snoozing.HOURS[0]
    found = services().snoozing.snooze(me().uid, trigger_id, None, _span(chosen), now())
    is_set = found.stand == "set"
    flash(mail_answers.set_text(found, now()) if is_set else mail_answers.refusal_text(found))
    return _back(trigger_id)


def _span(chosen: str | int) -> snoozing.Span:
    """Raises InvalidInput."""
    if chosen == snoozing.MORNING:
        return snoozing.MORNING
    hours = int(chosen) if str(chosen).isascii() and str(chosen).isdigit() else 0
    return snoozing.checked_hours(hours)


@pages.post("/<trigger_id>/again")
@people_only
def ring_again(trigger_id: str) -> ResponseReturnValue:
    """Set its alert anew, once for what it rang for then; pressed twice, once."""
    trigger = services().triggers.get(me().uid, trigger_id)
    try:
        flash(_set_again(trigger))
    except NotFound:
        flash(mail_answers.again_gone().said)
    return _back(trigger_id)


def _set_again(trigger: Trigger) -> str:
    uid, alert_id = me().uid, trigger.alert_id
    try:
        follow = services().follow_ups.ring_again(uid, alert_id, trigger.epoch, now())
    except NoQuote as error:
        return no_answer(error)
    except (UnknownSymbol, InvalidInput) as error:
        return _("It cannot be set again: %(reason)s", reason=str(error))
    answer = mail_answers.again(
        follow, words.unit(trigger.currency), market().status, me().time_zone, now()
    )
    return answer.said


def _back(trigger_id: str = "") -> ResponseReturnValue:
    """To the page of ours that the button was on, at the trigger that it was about."""
    wanted = local_path(request.form.get("back"))
    if wanted is None or not wanted.startswith(url_for("triggers.index")):
        wanted = url_for("triggers.index", after=request.args.get("after"))
    return redirect(f"{wanted}#t-{trigger_id}" if trigger_id else wanted, 303)
