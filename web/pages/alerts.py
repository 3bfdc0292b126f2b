"""All alerts, and setting a new one: in words, or blank by blank."""

from dataclasses import dataclass, replace

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.alerts import phrases
from services.alerts.arming import check_note
from services.alerts.readings import Unchecked
from services.errors import (
    AlreadyTrue,
    BellwetherError,
    InvalidInput,
    LimitReached,
    NoQuote,
    UnknownSymbol,
    WordsError,
)
from services.market.cache import CachedQuote
from services.market.desk import Answer
from services.market.models import normal_symbol
from services.store.alerts import MAX_NOTE, Alert
from web import alert_form, forms, words
from web.api.paging import store_cursor, text_of
from web.context import me, now, people_only, services
from web.forms import Form, is_symbol
from web.market import market
from web.once import new_token, once
from web.rows import distance
from web.setting import Wish, no_answer, set_alert, understood

SHOWN = 200
FILTERS = {
    "": "All",
    "armed": "Armed",
    "waiting": "Waiting",
    "paused": "Paused",
    "triggered": "Rang",
    "expired": "Expired",
}
REFUSALS = (AlreadyTrue, UnknownSymbol, NoQuote, InvalidInput, LimitReached, WordsError)
"""What a form is given back for, with what was typed."""
pages = Blueprint("alerts", __name__, url_prefix="/alerts")


@dataclass(frozen=True, slots=True)
class Line:
    """An alert as the list of alerts shows it."""

    alert: Alert
    state: words.State
    answer: Answer | None
    to_go: str
    blind: Unchecked | None

    @property
    def cached(self) -> CachedQuote | None:
        return self.answer if isinstance(self.answer, CachedQuote) else None

    @property
    def currency(self) -> str:
        """The currency of its prices, as far as anybody knows."""
        if self.cached:
            return self.cached.quote.currency
        return self.alert.baseline.currency if self.alert.baseline else ""


@pages.get("")
@people_only
def index() -> ResponseReturnValue:
    chosen = request.args.get("state", "")
    if chosen not in FILTERS:
        abort(404)
    after = store_cursor("alerts", request.args.get("after"))
    found, more = services().alerts.page(me().uid, after, SHOWN)
    counts = {name: sum(not name or a.state == name for a in found) for name in FILTERS}
    return render_template(
        "alerts/index.html",
        lines=lines_of([a for a in found if not chosen or a.state == chosen]),
        chosen=chosen,
        filters=FILTERS,
        counts=counts,
        more=text_of("alerts", more),
    )


def lines_of(alerts: list[Alert]) -> list[Line]:
    """Alerts with their state in words, and how far the price is from each level."""
    symbols = list(dict.fromkeys(alert.symbol for alert in alerts))
    live = [a.symbol for a in alerts if a.state in ("armed", "waiting")]
    answers = services().desk.get(symbols, now(), wait=0)
    unchecked = services().readings.unchecked(list(dict.fromkeys(live)))
    return [
        Line(
            alert=alert,
            state=words.state(alert, market().status, me().time_zone, now()),
            answer=answers.get(alert.symbol),
            to_go=distance(alert.condition, answers.get(alert.symbol)),
            blind=_blind(alert, unchecked),
        )
        for alert in alerts
    ]


def _blind(alert: Alert, unchecked: dict[str, Unchecked]) -> Unchecked | None:
    """Since when and why an alert that should be watched is not."""
    return unchecked.get(alert.symbol) if alert.state in ("armed", "waiting") else None


@pages.get("/new")
@people_only
def new() -> ResponseReturnValue:
    form = Form.asked("text", "symbol", *alert_form.FIELDS)
    return new_page(with_defaults(form))


@pages.post("/new")
@people_only
def create() -> ResponseReturnValue:
    """Set what was said or filled in; or fill in the blanks with what was said."""
    form = alert_form.posted("text", "do", "symbol", "once")
    try:
        wish = _wished(form)
        if form["do"] == "fill":
            return new_page(_filled(form, wish))
        alert_id = once(form["once"], lambda: _set(wish, form))
    except REFUSALS as error:
        return refused(form, error)
    flash("The alert is set.")
    if alert_id is None:
        return redirect(url_for("alerts.index"))
    return redirect(url_for("alert.show", alert_id=alert_id))


def refused(form: Form, error: BellwetherError) -> ResponseReturnValue:
    """The page of a new alert with what was typed and what is wrong with it."""
    said = bool(form["text"])
    form = with_defaults(form) if said else form
    match error:
        case WordsError():
            return new_page(form.refuse(error.message, "text"), wrong=error), 422
        case AlreadyTrue():
            return new_page(form, already=error), 409
        case UnknownSymbol():
            return new_page(form, unknown=error), 422
        case NoQuote():
            return new_page(form.refuse(no_answer(error), "text" if said else "symbol")), 503
        case InvalidInput():
            field = "text" if said else alert_form.field_of(error, form["kind"])
            return new_page(form.refuse_input(error, field)), 422
    return new_page(form.refuse(str(error))), 422


def with_defaults(form: Form) -> Form:
    """A form in which no choice is left open."""
    given = {name: value for name, value in form.values.items() if value}
    return Form({**form.values, **alert_form.DEFAULTS, **given}, form.errors)


def _wished(form: Form) -> Wish:
    note = check_note(forms.paragraph(form["note"]))
    if form["text"].strip():
        urgent, channels = alert_form.urgent_of(form), alert_form.channels_of(form, me())
        return replace(understood(form["text"], note), urgent=urgent, channels=channels)
    return Wish(
        symbol=forms.one_line(form["symbol"]),
        condition=alert_form.condition_of(form),
        frequency=alert_form.frequency_of(form),
        expires_at=alert_form.expiry_of(form, me().time_zone, now()),
        note=note,
        urgent=alert_form.urgent_of(form),
        channels=alert_form.channels_of(form, me()),
    )


def _set(wish: Wish, form: Form) -> str:
    return set_alert(wish, alert_form.if_true_of(form)).id


def _filled(form: Form, wish: Wish) -> Form:
    values = {
        **alert_form.DEFAULTS,
        **alert_form.values_of(wish.condition),
        "symbol": wish.symbol,
        "frequency": wish.frequency,
        "expires": alert_form.last_day(wish.expires_at, me().time_zone),
        "urgent": "yes" * wish.urgent,
        "channels": form["channels"],
        "note": form["note"],
        "understood": wish.sentence,
    }
    return Form(values)


def new_page(
    form: Form,
    already: AlreadyTrue | None = None,
    unknown: UnknownSymbol | None = None,
    wrong: WordsError | None = None,
) -> str:
    wish = _wished(form) if already else None
    quote = present_quote(wish.symbol if wish else form["symbol"])
    return render_template(
        "alerts/new.html",
        form=form,
        once=new_token(),
        already=already,
        wish=wish,
        present=present_text(wish, already, quote) if wish and already else "",
        unknown=unknown,
        suggestions=[s for s in unknown.suggestions if is_symbol(s[0])] if unknown else [],
        wrong=wrong,
        quote=quote,
        choices=alert_form.choices(form, me()),
        max_note=MAX_NOTE,
    )


def present_text(wish: Wish, already: AlreadyTrue, quote: CachedQuote | None) -> str:
    """Where the metric stands that has reached its level already."""
    currency = words.unit(quote.quote.currency) if quote else ""
    return phrases.present(wish.condition, already.value, currency)


def present_quote(text: str) -> CachedQuote | None:
    """What is known of a symbol's price, to show it beside the level."""
    try:
        symbol = normal_symbol(text)
    except ValueError:
        return None
    answer = services().desk.get([symbol], now())[symbol]
    return answer if isinstance(answer, CachedQuote) else None
