"""One alert: change, pause, arm again, delete, and what it has rung for."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.alerts import phrases, units
from services.alerts.arming import check_note
from services.alerts.conditions import Condition
from services.errors import AlreadyTrue, InvalidInput, NoQuote, UnknownSymbol
from services.store.alerts import MAX_NOTE, Alert
from web import alert_form, forms, words
from web.api.paging import store_cursor, text_of
from web.context import me, now, people_only, services
from web.forms import Form
from web.pages.alerts import Line, lines_of
from web.setting import facts_at_hand, facts_to_arm, no_answer, sentence_of

pages = Blueprint("alert", __name__, url_prefix="/alerts/<alert_id>")


@pages.get("")
@people_only
def show(alert_id: str) -> ResponseReturnValue:
    alert = services().alerts.get(me().uid, alert_id)
    return _page(alert, alert_form.filled(alert, me()))


@pages.post("")
@people_only
def change(alert_id: str) -> ResponseReturnValue:
    """Keep what was changed; arm anew only if the condition is another."""
    alert = services().alerts.get(me().uid, alert_id)
    form = alert_form.posted()
    try:
        condition = alert_form.condition_of(form)
        _keep(alert, form, condition)
    except (AlreadyTrue, NoQuote, UnknownSymbol, InvalidInput) as error:
        return _refused(alert, form, error, "alert.change")
    flash("The alert is changed.")
    return redirect(url_for("alert.show", alert_id=alert_id))


def _keep(alert: Alert, form: Form, condition: Condition) -> None:
    note = check_note(forms.paragraph(form["note"]))
    frequency = alert_form.frequency_of(form)
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
        except (AlreadyTrue, NoQuote, UnknownSymbol, InvalidInput) as error:
            filled = alert_form.filled(alert, me())
            return _refused(alert, Form({**filled.values, **form.values}), error, "alert.arm")
        flash("The alert is set again.")
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
    flash("The alert is paused.")
    return redirect(url_for("alert.show", alert_id=alert_id))


@pages.post("/delete")
@people_only
def delete(alert_id: str) -> ResponseReturnValue:
    services().arming.delete(me().uid, alert_id, now())
    flash("The alert is deleted. What it rang for stays in the history.")
    return redirect(url_for("alerts.index"))


def _refused(
    alert: Alert,
    form: Form,
    error: AlreadyTrue | NoQuote | UnknownSymbol | InvalidInput,
    ask_at: str,
) -> ResponseReturnValue:
    if isinstance(error, AlreadyTrue):
        return _page(alert, form, already=error, ask_at=ask_at), 409
    if isinstance(error, InvalidInput):
        return _page(alert, form.refuse_input(error, alert_form.field_of(error, form["kind"]))), 422
    if isinstance(error, NoQuote):
        return _page(alert, form.refuse(no_answer(error))), 503
    return _page(alert, form.refuse(f"There are no quotes for {alert.symbol} any more.")), 422


def _page(
    alert: Alert, form: Form, already: AlreadyTrue | None = None, ask_at: str = "alert.change"
) -> str:
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
        form=form,
        already=already,
        present=_present(form, already, line) if already else "",
        ask_at=ask_at,
        triggers=triggers,
        more=text_of("triggers", more),
        choices=alert_form.choices(form, me()),
        max_note=MAX_NOTE,
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


def _present(form: Form, already: AlreadyTrue, line: Line) -> str:
    asked = alert_form.condition_of(form)
    return phrases.present(asked, already.value, words.unit(line.currency))
