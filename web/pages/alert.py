"""One alert: where it stands and what it has rung for; change, pause, arm again, delete."""

from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.alerts import phrases, units
from services.alerts.arming import check_note
from services.alerts.conditions import Condition
from services.errors import AlreadyTrue, InvalidInput, NoQuote, UnknownSymbol
from services.market.desk import WAIT
from services.notify import snoozing
from services.store.alerts import Alert
from services.store.triggers import Trigger
from services.texts import gettext as _
from web import alert_form, editor, forms, look, mail_answers, words
from web.api.paging import store_cursor, text_of
from web.context import me, now, people_only, services
from web.forms import Form
from web.pages.alerts import Line, lines_of, present_text
from web.picture import Picture
from web.setting import facts_at_hand, facts_to_arm, no_answer, sentence_of

pages = Blueprint("alert", __name__, url_prefix="/alerts/<alert_id>")
_Refusal = AlreadyTrue | NoQuote | UnknownSymbol | InvalidInput


@pages.get("")
@people_only
def show(alert_id: str) -> ResponseReturnValue:
    return _page(services().alerts.get(me().uid, alert_id))


@pages.get("/edit")
@people_only
def edit(alert_id: str) -> ResponseReturnValue:
    alert = services().alerts.get(me().uid, alert_id)
    form = alert_form.filled(alert, me())
    if level := request.args.get("level"):  # dragged on a chart
        form = Form({**form.values, "level": level})
    return _editor(alert, form)


@pages.post("")
@people_only
def change(alert_id: str) -> ResponseReturnValue:
    """Keep what was changed; arm anew only if the condition is another."""
    alert = services().alerts.get(me().uid, alert_id)
    form = alert_form.posted("do")
    if form["do"] == "try":
        return _editor(alert, form, past_wait=WAIT)
    try:
        condition = alert_form.condition_of(form)
        _keep(alert, form, condition)
    except (AlreadyTrue, NoQuote, UnknownSymbol, InvalidInput) as error:
        return _not_kept(alert, form, error)
    flash(_("The alert is changed."))
    return redirect(url_for("alert.show", alert_id=alert_id))


def _keep(alert: Alert, form: Form, condition: Condition) -> None:
    note = check_note(forms.paragraph(form["note"]))
    frequency = alert_form.frequency_of(form)
    margin = alert_form.margin_of(form) if form["margin"].strip() else alert.rearm_margin
    urgent = alert_form.urgent_of(form)
    channels = alert_form.channels_of(form, me())
    expires_at = alert.expires_at
    if form["expires"] != alert_form.last_day(expires_at, me().time_zone):
        expires_at = alert_form.expiry_of(form, me().time_zone, now())
    if condition != alert.condition:
        services().arming.rearm(
            me().uid,
            alert.id,
            facts_to_arm(alert.symbol, condition),
            now(),
            condition=condition,
            frequency=frequency,
            expires_at=expires_at,
            rearm_margin=margin,
            urgent=urgent,
            channels=channels,
            if_true=alert_form.if_true_of(form),
        )
        services().arming.amend(me().uid, alert.id, now(), note=note)
    else:
        services().arming.amend(
            me().uid,
            alert.id,
            now(),
            note=note,
            frequency=frequency,
            expires_at=expires_at,
            rearm_margin=margin,
            urgent=urgent,
            channels=channels,
        )


@pages.post("/arm")
@people_only
def arm(alert_id: str) -> ResponseReturnValue:
    """Resume a paused alert, or let one that has rung ring again."""
    alert, form = services().alerts.get(me().uid, alert_id), Form.posted("if_true")
    if alert.state in ("paused", "triggered", "expired"):
        try:
            _arm_again(alert, form)
        except AlreadyTrue as error:
            return _page(alert, already=error), 409
        except (NoQuote, UnknownSymbol, InvalidInput) as error:
            status = 503 if isinstance(error, NoQuote) else 422
            return _page(alert, fault=_said(alert, error)), status
        flash(_("The alert is set again."))
    return redirect(url_for("alert.show", alert_id=alert_id))


def _arm_again(alert: Alert, form: Form) -> None:
    """An expiry that is over does not hold the alert any more."""
    over = alert.expires_at is not None and alert.expires_at <= now()
    services().arming.rearm(
        me().uid,
        alert.id,
        facts_to_arm(alert.symbol, alert.condition),
        now(),
        expires_at=None if over else alert.expires_at,
        if_true=alert_form.if_true_of(form),
    )


@pages.post("/pause")
@people_only
def pause(alert_id: str) -> ResponseReturnValue:
    services().arming.pause(me().uid, alert_id, now())
    flash(_("The alert is paused."))
    return redirect(url_for("alert.show", alert_id=alert_id))


@pages.post("/remind")
@people_only
def remind(alert_id: str) -> ResponseReturnValue:
    """Tell its last trigger once more in an hour; asked twice, once."""
    last = services().alerts.get(me().uid, alert_id).last_trigger
    if last:
        found = services().snoozing.snooze(me().uid, last, None, snoozing.HOURS[0], now())
        is_set = found.stand == "set"
        flash(mail_answers.set_text(found, now()) if is_set else mail_answers.refusal_text(found))
    return redirect(url_for("alert.show", alert_id=alert_id))


@pages.post("/delete")
@people_only
def delete(alert_id: str) -> ResponseReturnValue:
    services().arming.delete(me().uid, alert_id, now())
    flash(_("The alert is deleted. What it rang for stays in the history."))
    return redirect(url_for("alerts.index"))


def _not_kept(alert: Alert, form: Form, error: _Refusal) -> ResponseReturnValue:
    match error:
        case AlreadyTrue():
            return _editor(alert, form, already=error), 409
        case InvalidInput():
            field = alert_form.field_of(error, form["kind"])
            return _editor(alert, form.refuse_input(error, field)), 422
        case NoQuote():
            return _editor(alert, form.refuse(_said(alert, error))), 503
    return _editor(alert, form.refuse(_said(alert, error))), 422


def _said(alert: Alert, error: NoQuote | UnknownSymbol | InvalidInput) -> str:
    match error:
        case NoQuote():
            return no_answer(error)
        case InvalidInput():
            return error.message
    return _("There are no quotes for %(symbol)s any more.", symbol=alert.symbol)


def typed_before(alert_id: str, form: Form) -> str:
    """The editor with what was typed before a session ended."""
    return _editor(services().alerts.get(me().uid, alert_id), form)


def _editor(
    alert: Alert, form: Form, already: AlreadyTrue | None = None, past_wait: float = 0
) -> str:
    form = editor.with_defaults(Form({**form.values, "symbol": alert.symbol}, form.errors))
    seen = editor.look_of(form, alert, WAIT, past_wait)
    present = present_text(form, already, seen.cached)
    return render_template(
        "alerts/edit.html", **editor.context(form, seen, alert=alert, already=present)
    )


def _page(alert: Alert, already: AlreadyTrue | None = None, fault: str = "") -> str:
    after = store_cursor("triggers", request.args.get("after"))
    triggers, more = services().triggers.page(me().uid, after, alert_id=alert.id)
    line = lines_of([alert])[0]
    standing, too_little = _standing(alert, line)
    return render_template(
        "alerts/show.html",
        alert=alert,
        line=line,
        standing=standing,
        too_little=too_little,
        said=sentence_of(alert),
        in_short=editor.in_short(alert_form.filled(alert, me()), me()),
        already=_present(alert, already, line) if already else "",
        fault=fault,
        triggers=triggers,
        remindable=bool(triggers) and snoozing.was_told_lately(triggers[0], now()),
        picture=_picture(alert, line, triggers),
        more=text_of("triggers", more),
    )


def _standing(alert: Alert, line: Line) -> tuple[str, str]:
    """Where a metric that is no price stands now, or from when on there will be one."""
    metric = alert.condition.target.metric
    if not line.cached or metric in units.PRICES or alert.state not in ("armed", "waiting"):
        return "", ""
    facts = facts_at_hand(line.cached.quote, alert.condition)
    if facts is None or metric in ("drawdown", "run-up"):
        return "", ""
    value = facts.value(metric)
    if value is None:
        return "", phrases.too_little(alert.condition)
    return phrases.present(alert.condition, value, words.unit(line.currency)), ""


def _present(alert: Alert, already: AlreadyTrue, line: Line) -> str:
    return phrases.present(alert.condition, already.value, words.unit(line.currency))


def _picture(alert: Alert, line: Line, triggers: list[Trigger]) -> Picture | None:
    """The year behind the alert, its level, and where it rang."""
    if line.cached is None:
        return None
    quote = line.cached.quote
    zone = ZoneInfo(quote.timezone)
    rings: list[tuple[date, float]] = [
        (trigger.occurred_at.astimezone(zone).date(), trigger.price) for trigger in triggers
    ]
    return look.year_of(quote, alert.condition, rings)
