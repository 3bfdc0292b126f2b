"""All alerts, and setting a new one: a sentence with choices in it, or words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from services.alerts import phrases
from services.alerts.arming import check_note
from services.alerts.readings import Unchecked
from services.errors import (
    AlreadyTrue,
    BellwetherError,
    InvalidInput,
    LimitReached,
    NoQuote,
    NotFound,
    UnknownSymbol,
    WordsError,
)
from services.market.cache import CachedQuote
from services.market.desk import WAIT, Answer
from services.market.models import normal_symbol
from services.store.alerts import Alert
from services.texts import gettext as _
from services.texts import ngettext
from web import alert_form, editor, forms, words
from web.api.paging import store_cursor, text_of
from web.context import me, now, people_only, services
from web.editor import with_defaults
from web.forms import Form, is_symbol
from web.look import Look
from web.market import market
from web.nearness import nearest, nearness
from web.once import new_token, once
from web.push import offer_soon
from web.rows import distance
from web.setting import Wish, no_answer, set_alert, understood
from web.usual_alerts import usual_named

SHOWN = 200
FILTERS: Mapping[str, Any] = {
    "": _l("All"),
    "armed": _l("Armed"),
    "waiting": _l("Waiting"),
    "paused": _l("Paused"),
    "triggered": _l("Rang"),
    "expired": _l("Expired"),
}
LIVE = ("armed", "waiting")
REFUSALS = (AlreadyTrue, UnknownSymbol, NoQuote, InvalidInput, LimitReached, WordsError)
"""What a form is given back for, with what was typed."""
pages = Blueprint("alerts", __name__, url_prefix="/alerts")


@dataclass(frozen=True, slots=True)
class Line:
    """An alert as the list of alerts shows it; `away` puts lines in order."""

    alert: Alert
    state: words.State
    answer: Answer | None
    to_go: str
    blind: Unchecked | None
    away: float

    @property
    def cached(self) -> CachedQuote | None:
        return self.answer if isinstance(self.answer, CachedQuote) else None

    @property
    def currency(self) -> str:
        """The currency of its prices, as far as anybody knows."""
        if self.cached:
            return self.cached.quote.currency
        return self.alert.baseline.currency if self.alert.baseline else ""


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one symbol, the nearest first."""

    symbol: str
    lines: tuple[Line, ...]

    @property
    def cached(self) -> CachedQuote | None:
        return self.lines[0].cached


@pages.get("")
@people_only
def index() -> ResponseReturnValue:
    chosen, symbol = request.args.get("state", ""), request.args.get("symbol", "").strip()
    if chosen not in FILTERS:
        abort(404)
    after = store_cursor("alerts", request.args.get("after"))
    found, more = services().alerts.page(me().uid, after, SHOWN)
    counts = {name: sum(not name or a.state == name for a in found) for name in FILTERS}
    shown = [a for a in found if not chosen or a.state == chosen]
    return render_template(
        "alerts/index.html",
        groups=groups_of([a for a in shown if symbol.upper() in a.symbol]),
        chosen=chosen,
        symbol=symbol,
        filters=FILTERS,
        counts=counts,
        more=text_of("alerts", more),
    )


@pages.post("")
@people_only
def many() -> ResponseReturnValue:
    """Pause or delete what is ticked."""
    ticked, do = dict.fromkeys(request.form.getlist("alert")[:SHOWN]), request.form.get("do", "")
    if do not in _MANY:
        abort(400)
    if ticked:
        change, told = _MANY[do]
        flash(told(sum(_done(change, alert_id) for alert_id in ticked)))
    else:
        flash(_("Tick the alerts first."))
    state, symbol = request.form.get("state") or None, request.form.get("symbol") or None
    return redirect(url_for("alerts.index", state=state, symbol=symbol))


def _done(change: Callable[[str], None], alert_id: str) -> bool:
    """Whether an alert was there to be changed."""
    try:
        change(alert_id)
    except NotFound:
        return False
    return True


def _pause(alert_id: str) -> None:
    if services().alerts.get(me().uid, alert_id).state in LIVE:
        services().arming.pause(me().uid, alert_id, now())


def _delete(alert_id: str) -> None:
    services().alerts.get(me().uid, alert_id)
    services().arming.delete(me().uid, alert_id, now())


def _paused(count: int) -> str:
    return ngettext("The alert is paused.", "%(num)s alerts are paused.", count)


def _deleted(count: int) -> str:
    return ngettext("The alert is deleted.", "%(num)s alerts are deleted.", count)


_MANY: Mapping[str, tuple[Callable[[str], None], Callable[[int], str]]] = {
    "pause": (_pause, _paused),
    "delete": (_delete, _deleted),
}


def groups_of(alerts: list[Alert]) -> list[Group]:
    """Alerts by symbol; what is nearest to its level stands first."""
    by_symbol: dict[str, list[Line]] = {}
    for line in lines_of(alerts):
        by_symbol.setdefault(line.alert.symbol, []).append(line)
    groups = [
        Group(symbol, tuple(sorted(lines, key=lambda line: line.away)))
        for symbol, lines in by_symbol.items()
    ]
    return sorted(groups, key=lambda g: (nearest(line.away for line in g.lines), g.symbol))


def lines_of(alerts: list[Alert]) -> list[Line]:
    """Alerts with their state in words, and how far the price is from each level."""
    symbols = list(dict.fromkeys(alert.symbol for alert in alerts))
    live = [a.symbol for a in alerts if a.state in LIVE]
    answers = services().desk.get(symbols, now(), wait=0)
    unchecked = services().readings.unchecked(list(dict.fromkeys(live)))
    return [_line(alert, answers.get(alert.symbol), unchecked) for alert in alerts]


def _line(alert: Alert, answer: Answer | None, unchecked: dict[str, Unchecked]) -> Line:
    is_live = alert.state in LIVE
    return Line(
        alert=alert,
        state=words.state(alert, market().status, me().time_zone, now()),
        answer=answer,
        to_go=distance(alert.condition, answer),
        blind=unchecked.get(alert.symbol) if is_live else None,
        away=nearness(alert.condition, answer) if is_live else float("inf"),
    )


@pages.get("/new")
@people_only
def new() -> ResponseReturnValue:
    """The editor, filled in as the address says."""
    form = Form.asked("text", "symbol", "direction", *alert_form.FIELDS)
    return new_page(with_kind(form))


def with_kind(form: Form) -> Form:
    """With the kind that a level alone, or one with a direction, stands for."""
    ways = {"up": "price_rises_to", "down": "price_falls_to"}
    kind = form["kind"] or ways.get(form["direction"], "")
    if not kind and form["level"]:
        kind = _side(form)
    return with_defaults(Form({**form.values, "kind": kind}))


def _side(form: Form) -> str:
    """Whether a price would have to rise or fall to the level."""
    cached = present_quote(form["symbol"])
    try:
        below = cached is not None and float(form["level"]) < cached.quote.price
    except ValueError:
        below = False
    return "price_falls_to" if below else "price_rises_to"


@pages.post("/new")
@people_only
def create() -> ResponseReturnValue:
    """Set what was said or filled in; or only look at it, or fill in more of it."""
    form = alert_form.posted("text", "do", "symbol", "once", "usual", "pick")
    if filled := _filled(form):
        return new_page(filled)
    try:
        wish = _wished(form)
        if form["do"] == "fill":
            return new_page(editor.filled_with(wish, form))
        if form["do"] == "try":
            return new_page(with_defaults(form), past_wait=WAIT)
        alert_id = once(form["once"], lambda: _set(wish, form))
    except REFUSALS as error:
        return refused(form, error)
    flash(_("The alert is set."))
    offer_soon()
    if alert_id is None:
        return redirect(url_for("alerts.index"))
    return redirect(url_for("alert.show", alert_id=alert_id))


def _filled(form: Form) -> Form | None:
    """The form with what a tap chose: one of the usual alerts, or the symbol that was meant."""
    if is_symbol(form["pick"]):
        return with_defaults(Form({**form.values, "symbol": form["pick"]}))
    usual = usual_named(form["usual"])
    if usual is None:
        return None
    cached = present_quote(form["symbol"])
    blanks = usual.fill(cached.quote.price if cached else None)
    filled = with_defaults(Form({**form.values, **(blanks or {})}))
    return filled if blanks else filled.refuse(_("Say first for which symbol."), "symbol")


def refused(form: Form, error: BellwetherError) -> ResponseReturnValue:
    """The page of a new alert with what was typed and what is wrong with it."""
    form = _spelt_out(form)
    match error:
        case WordsError():
            return new_page(form.refuse(error.message, "text"), wrong=error), 422
        case AlreadyTrue():
            return new_page(form, already=error), 409
        case UnknownSymbol():
            return new_page(form, unknown=error), 422
        case NoQuote():
            return new_page(form.refuse(no_answer(error))), 503
        case InvalidInput():
            return new_page(form.refuse_input(error, alert_form.field_of(error, form["kind"]))), 422
    return new_page(form.refuse(str(error))), 422


def _spelt_out(form: Form) -> Form:
    """With the sentence filled in by words that were understood."""
    if not form["text"].strip():
        return form
    try:
        return editor.filled_with(understood(form["text"]), form)
    except (WordsError, InvalidInput):
        return with_defaults(form)


def _wished(form: Form) -> Wish:
    if not form["text"].strip():
        return editor.wish_of(form)
    wish = understood(form["text"], check_note(forms.paragraph(form["note"])))
    urgent, channels = alert_form.urgent_of(form), alert_form.channels_of(form, me())
    return replace(wish, urgent=urgent, channels=channels)


def _set(wish: Wish, form: Form) -> str:
    return set_alert(wish, alert_form.if_true_of(form)).id


def new_page(
    form: Form,
    already: AlreadyTrue | None = None,
    unknown: UnknownSymbol | None = None,
    wrong: WordsError | None = None,
    past_wait: float = 0,
) -> str:
    """The editor with a form, and with what an attempt to set it found."""
    if unknown:
        seen = Look(state="unknown", unknown=unknown)
    else:
        seen = editor.look_of(form, None, WAIT, past_wait)
    return render_template(
        "alerts/new.html",
        **editor.context(form, seen, already=present_text(form, already, seen.cached)),
        once=new_token(),
        wrong=wrong,
    )


def present_text(form: Form, already: AlreadyTrue | None, cached: CachedQuote | None) -> str:
    """Where the metric stands that has reached its level already."""
    if already is None:
        return ""
    currency = words.unit(cached.quote.currency) if cached else ""
    return phrases.present(alert_form.condition_of(form), already.value, currency)


def present_quote(text: str) -> CachedQuote | None:
    """What is known of a symbol's price, to show it beside the level."""
    try:
        symbol = normal_symbol(text)
    except ValueError:
        return None
    answer = services().desk.get([symbol], now())[symbol]
    return answer if isinstance(answer, CachedQuote) else None
