"""What is known of an alert while it is typed: parts of the editor, drawn again."""

import json
from collections.abc import Sequence
from datetime import date

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from services.alerts import phrases
from services.alerts.backtest import Ring
from services.errors import InvalidInput, NotFound, WordsError
from services.store.alerts import Alert
from web import alert_form, editor
from web.context import me, people_only, services
from web.forms import Form
from web.limits import while_typing
from web.look import Look, day_text
from web.setting import understood
from web.words import unit

WAIT = 0.8
"""Seconds for which a look holds a web process; a browser asks again."""
pages = Blueprint("look", __name__, url_prefix="/alerts")


@pages.post("/look")
@people_only
@while_typing
def look() -> ResponseReturnValue:
    """The parts of the editor that depend on what is typed. 202 while more is to come."""
    form = alert_form.posted("text", "symbol", "alert")
    if form["text"].strip():
        return _words(form)
    alert = _alert(form["alert"])
    seen = editor.look_of(form, alert, WAIT, WAIT)
    _complain(form, seen)
    return _parts(form, seen, alert), 202 if seen.pending else 200


def _words(form: Form) -> str:
    """The blanks that words fill; none while they are not understood."""
    try:
        wish = understood(form["text"])
    except WordsError:
        return render_template("alerts/understood.html", wish=None)
    blanks = editor.filled_with(wish, form).values
    fill = {name: blanks[name] for name in blanks if name in ("symbol", *alert_form.FIELDS)}
    fill = {name: text for name, text in fill.items() if name not in ("channels", "note")}
    return render_template("alerts/understood.html", wish=wish, fill=editor.json_of(fill))


def _alert(alert_id: str) -> Alert | None:
    try:
        return services().alerts.get(me().uid, alert_id) if alert_id else None
    except NotFound:
        return None


def _complain(form: Form, seen: Look) -> None:
    """Tell what is wrong with the first field that is, unless nothing was typed there yet."""
    try:
        editor.wish_of(form)
    except InvalidInput as error:
        _blame(form, error)
    if seen.fault:
        _blame(form, seen.fault)


def _blame(form: Form, error: InvalidInput) -> None:
    field = alert_form.field_of(error, form["kind"])
    if form[field].strip():
        form.refuse_input(error, field)


def _parts(form: Form, seen: Look, alert: Alert | None) -> str:
    return render_template("alerts/look.html", **editor.context(form, seen, alert))


@pages.app_template_filter("session_day")
def session_day(session: date) -> str:
    return day_text(session)


@pages.app_template_filter("month")
def month(session: date) -> str:
    """The month in short, as drawings have it."""
    return str(format_date(session, "MMM"))


@pages.app_template_filter("as_markers")
def as_markers(rings: Sequence[Ring]) -> str:
    """Rings as static/js/chart.js takes its markers, the oldest first, in JSON."""
    marks = [
        {"id": str(n), "time": ring.session.isoformat(), "price": ring.price, "label": ""}
        for n, ring in enumerate(reversed(rings))
    ]
    return json.dumps(marks)


@pages.app_template_filter("in_a_line")
def in_a_line(alert: Alert, currency: str) -> str:
    """`AAPL falls to 180.00 USD`."""
    return phrases.headline(alert.symbol, alert.condition, unit(currency))
