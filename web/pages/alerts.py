"""All alerts, and setting a new one."""

from dataclasses import dataclass
from typing import cast, get_args

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.alerts.arming import IfTrue, check_note
from services.alerts.conditions import Condition, PriceCondition, PriceKind
from services.alerts.readings import Unchecked
from services.errors import AlreadyTrue, InvalidInput, LimitReached, NoQuote, UnknownSymbol
from services.market.cache import CachedQuote
from services.market.desk import Answer
from services.market.models import normal_symbol
from services.market.money import price_text
from services.store.alerts import MAX_NOTE, Alert
from web import forms, words
from web.api.paging import store_cursor, text_of
from web.context import me, now, people_only, services
from web.forms import Form, is_symbol
from web.market import market
from web.once import new_token, once
from web.pages.watchlists import no_answer
from web.rows import distance

SHOWN = 200
FILTERS = {
    "": "All",
    "armed": "Armed",
    "waiting": "Waiting",
    "paused": "Paused",
    "triggered": "Rang",
}
FIELDS = ("symbol", "kind", "level", "note", "once", "if_true")
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
    return _page(Form.asked("symbol", "kind", "level", "note"))


@pages.post("/new")
@people_only
def create() -> ResponseReturnValue:
    form = Form.posted(*FIELDS)
    try:
        alert_id = once(form["once"], lambda: _create(form).id)
    except AlreadyTrue as error:
        return _page(form, already=error), 409
    except UnknownSymbol as error:
        return _page(form, unknown=error), 422
    except NoQuote as error:
        return _page(form.refuse(no_answer(error), "symbol")), 503
    except InvalidInput as error:
        return _page(form.refuse_input(error, field_of(error))), 422
    except LimitReached as error:
        return _page(form.refuse(str(error))), 422
    flash("The alert is set.")
    if alert_id is None:
        return redirect(url_for("alerts.index"))
    return redirect(url_for("alert.show", alert_id=alert_id))


def condition_of(form: Form) -> Condition:
    """The condition that a form says. Raises InvalidInput."""
    kind = form["kind"]
    if kind not in get_args(PriceKind):
        raise InvalidInput("kind", "Choose whether the price rises or falls to the level.")
    return PriceCondition(kind=cast(PriceKind, kind), level=forms.level(form["level"]))


def if_true_of(form: Form) -> IfTrue | None:
    """What to do about a condition that is true already; None while nobody was asked."""
    choice = form["if_true"]
    return cast(IfTrue, choice) if choice in get_args(IfTrue) else None


def field_of(error: InvalidInput) -> str:
    """The form's field of an error about an alert: `condition.level` stands in `level`."""
    return error.field.rpartition(".")[2]


def _create(form: Form) -> Alert:
    condition, note = condition_of(form), check_note(forms.paragraph(form["note"]))
    quote = services().lookup.find_to_arm(forms.one_line(form["symbol"]), now())
    return services().arming.create(
        me().uid, quote, condition, now(), note=note, if_true=if_true_of(form)
    )


def _page(
    form: Form, already: AlreadyTrue | None = None, unknown: UnknownSymbol | None = None
) -> str:
    return render_template(
        "alerts/new.html",
        form=form,
        once=new_token(),
        already=already,
        already_price=price_text(already.value) if already else None,
        unknown=unknown,
        suggestions=[s for s in unknown.suggestions if is_symbol(s[0])] if unknown else [],
        quote=present_quote(form["symbol"]),
        max_note=MAX_NOTE,
    )


def present_quote(text: str) -> CachedQuote | None:
    """What is known of a symbol's price, to show it beside the level."""
    try:
        symbol = normal_symbol(text)
    except ValueError:
        return None
    answer = services().desk.get([symbol], now())[symbol]
    return answer if isinstance(answer, CachedQuote) else None
