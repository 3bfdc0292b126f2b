"""One alert: change, pause, arm again, delete, and what it has rung for."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.alerts.arming import check_note
from services.alerts.conditions import Condition
from services.errors import AlreadyTrue, InvalidInput, NoQuote, UnknownSymbol
from services.market.money import price_text
from services.store.alerts import MAX_NOTE, Alert
from web import forms
from web.api.paging import store_cursor, text_of
from web.context import me, now, people_only, services
from web.forms import Form
from web.pages.alerts import condition_of, field_of, if_true_of, lines_of
from web.pages.watchlists import no_answer

FIELDS = ("kind", "level", "note", "if_true")
pages = Blueprint("alert", __name__, url_prefix="/alerts/<alert_id>")


@pages.get("")
@people_only
def show(alert_id: str) -> ResponseReturnValue:
    alert = services().alerts.get(me().uid, alert_id)
    return _page(alert, _filled(alert))


@pages.post("")
@people_only
def change(alert_id: str) -> ResponseReturnValue:
    """Keep the note; arm anew only if the condition has changed."""
    alert, form = services().alerts.get(me().uid, alert_id), Form.posted(*FIELDS)
    try:
        condition, note = condition_of(form), check_note(forms.paragraph(form["note"]))
        if condition != alert.condition:
            _arm(alert, form, condition)
        services().arming.annotate(me().uid, alert_id, note)
    except (AlreadyTrue, NoQuote, UnknownSymbol, InvalidInput) as error:
        return _refused(alert, form, error, "alert.change")
    flash("The alert is changed." if condition != alert.condition else "The note is kept.")
    return redirect(url_for("alert.show", alert_id=alert_id))


@pages.post("/arm")
@people_only
def arm(alert_id: str) -> ResponseReturnValue:
    """Resume a paused alert, or let one that has rung ring again."""
    alert, form = services().alerts.get(me().uid, alert_id), Form.posted("if_true")
    if alert.state in ("paused", "triggered"):
        try:
            _arm(alert, form, None)
        except (AlreadyTrue, NoQuote, UnknownSymbol, InvalidInput) as error:
            form = Form({**_filled(alert).values, **form.values})
            return _refused(alert, form, error, "alert.arm")
        flash("The alert is set again.")
    return redirect(url_for("alert.show", alert_id=alert_id))


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


def _arm(alert: Alert, form: Form, condition: Condition | None) -> None:
    quote = services().lookup.find_to_arm(alert.symbol, now())
    services().arming.rearm(
        me().uid, alert.id, quote, now(), condition=condition, if_true=if_true_of(form)
    )


def _refused(
    alert: Alert,
    form: Form,
    error: AlreadyTrue | NoQuote | UnknownSymbol | InvalidInput,
    ask_at: str,
) -> ResponseReturnValue:
    if isinstance(error, AlreadyTrue):
        return _page(alert, form, already=error, ask_at=ask_at), 409
    if isinstance(error, InvalidInput):
        return _page(alert, form.refuse_input(error, field_of(error))), 422
    if isinstance(error, NoQuote):
        return _page(alert, form.refuse(no_answer(error))), 503
    return _page(alert, form.refuse(f"There are no quotes for {alert.symbol} any more.")), 422


def _filled(alert: Alert) -> Form:
    level = price_text(alert.condition.target.level).replace(",", "")
    return Form({"kind": alert.condition.kind, "level": level, "note": alert.note})


def _page(
    alert: Alert, form: Form, already: AlreadyTrue | None = None, ask_at: str = "alert.change"
) -> str:
    after = store_cursor("triggers", request.args.get("after"))
    triggers, more = services().triggers.page(me().uid, after, alert_id=alert.id)
    return render_template(
        "alerts/show.html",
        alert=alert,
        line=lines_of([alert])[0],
        form=form,
        already=already,
        already_price=price_text(already.value) if already else None,
        ask_at=ask_at,
        triggers=triggers,
        more=text_of("triggers", more),
        max_note=MAX_NOTE,
    )
