"""A watchlist, and adding symbols to it."""

import re
from datetime import datetime

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from services.bringing import Bringing, Outcome
from services.errors import (
    InvalidInput,
    LimitReached,
    NoQuote,
    NotFound,
    UnknownSymbol,
    WordsError,
)
from services.store.alerts import Alert, newest_alerts
from services.store.paging import looking_ahead
from services.store.triggers import unread_triggers
from services.store.watchlists import MAX_SYMBOLS, Entry, Watchlist, lists_of
from services.texts import gettext as _
from services.texts import ngettext
from services.watchlist_csv import Line
from web import columns
from web.context import me, now, people_only, services
from web.forms import Form, is_symbol, one_line
from web.once import new_token, once
from web.pages import alerts, triggers
from web.push import offer_soon
from web.rows import board_of, with_rows
from web.setting import Wish, no_answer, set_alert, understood
from web.several import Several

ALERTS_READ = 200
MOST_TYPED = 1_000
_SENTENCE = re.compile(r"\s.*[0-9]", re.DOTALL)
STARTERS = ("AAPL", "MSFT", "IBM")
pages = Blueprint("watchlists", __name__)


@pages.get("/watchlists/<list_id>")
@people_only
def show(list_id: str) -> ResponseReturnValue:
    if chosen := columns.asked():
        answer = redirect(url_for("watchlists.show", list_id=list_id))
        return columns.keep(make_response(answer), chosen)
    return _page(list_id, Form())


@pages.post("/watchlists/<list_id>/symbols")
@people_only
def add(list_id: str) -> ResponseReturnValue:
    """Add what was typed, one symbol or several, if it has a quote, or set the alert that it says.

    Else say what may have been meant, and do nothing.
    """
    form = Form.posted("symbol", "once")
    if len(form["symbol"]) > MOST_TYPED:
        return _page(list_id, _too_long(form)), 422
    wish, wrong = _read(form["symbol"])
    if wish is not None:
        return _set(list_id, form, wish)
    typed = Several.of(form["symbol"])
    if typed and typed.is_list and (outcome := _all(list_id, typed)):
        return _told(list_id, outcome)
    try:
        quote = services().lookup.find(one_line(form["symbol"]), now())
        added_to = _added(list_id, quote.symbol, now())
    except UnknownSymbol as error:
        if not error.suggestions and typed and (outcome := _all(list_id, typed)):
            return _told(list_id, outcome)
        if wrong is not None and not error.suggestions:
            return _page(list_id, form.refuse(wrong.message, "symbol"), wrong=wrong), 422
        return _page(list_id, form, unknown=error), 422
    except NoQuote as error:
        return _page(list_id, form.refuse(no_answer(error), "symbol")), 503
    except InvalidInput as error:
        return _page(list_id, form.refuse_input(error, "symbol")), 422
    except LimitReached as error:
        return _page(list_id, form.refuse(str(error), "symbol")), 422
    flash(_("%(symbol)s is on %(list)s.", symbol=quote.symbol, list=added_to.name))
    return redirect(url_for("watchlists.show", list_id=list_id))


def _read(text: str) -> tuple[Wish | None, WordsError | None]:
    """The alert that a text says, or where it fails as one; neither of what names a company."""
    try:
        return understood(text), None
    except WordsError as error:
        return None, error if _SENTENCE.search(text) else None


def _too_long(form: Form) -> Form:
    shortened = Form({**form.values, "symbol": one_line(form["symbol"][:MOST_TYPED])})
    return shortened.refuse(
        _("This is too long: %(most)d characters at most. Import long lists as a CSV file.",
          most=MOST_TYPED),
        "symbol",
    )  # fmt: skip


def _set(list_id: str, form: Form, wish: Wish) -> ResponseReturnValue:
    try:
        once(form["once"], lambda: set_alert(wish, None).id)
    except alerts.REFUSALS as error:
        return alerts.refused(Form({"text": form["symbol"]}), error)
    flash(_("The alert is set: %(sentence)s.", sentence=wish.told))
    offer_soon()
    return redirect(url_for("watchlists.show", list_id=list_id))


def _added(list_id: str, symbol: str, moment: datetime) -> Watchlist:
    entry = Entry(symbol=symbol, added_at=moment)
    return services().watchlists.change(me().uid, list_id, lambda found: found.with_symbol(entry))


def _all(list_id: str, typed: Several) -> Outcome | None:
    """What became of several symbols; None, and nothing is done, where they are no symbols."""
    known = services().lookup.find_all(typed.symbols, now())
    if not typed.is_meant(known.unknown):
        return None
    lines = [Line(symbol) for symbol in typed.symbols]
    bringing = Bringing(services().watchlists, services().lookup)
    outcome = bringing.onto(me().uid, list_id, lines, now(), wait=0)
    outcome.unreadable += typed.odd
    return outcome


def _told(list_id: str, outcome: Outcome) -> ResponseReturnValue:
    """All is well in one sentence; else what became of each, and the rest is there to mend."""
    left = [*outcome.unknown, *outcome.unanswered, *outcome.unreadable, *outcome.beyond]
    if left:
        form = Form({"symbol": ", ".join(left)})
        return _page(list_id, form, outcome=outcome), 200 if outcome.added else 422
    count = len(outcome.added)
    flash(
        ngettext("%(num)s symbol was added.", "%(num)s symbols were added.", count)
        if count
        else _("They are all on this list already.")
    )
    return redirect(url_for("watchlists.show", list_id=list_id))


def _page(
    list_id: str,
    form: Form,
    unknown: UnknownSymbol | None = None,
    wrong: WordsError | None = None,
    outcome: Outcome | None = None,
) -> bytes:
    lists, mine = _lists_and_alerts(me().uid)
    watchlist = next((found for found in lists if found.id == list_id), None)
    if watchlist is None:
        raise NotFound("There is no such list.")
    board, look = board_of(watchlist.entries, mine), columns.look()
    rows = columns.arranged(board.rows, look.sort)
    page = render_template(
        "watchlists/show.html",
        lists=lists,
        watchlist=watchlist,
        rows=rows,
        places=board.places,
        look=look,
        form=form,
        unknown=unknown,
        wrong=wrong,
        outcome=outcome,
        once=new_token(),
        suggestions=_addable(unknown),
        steps=first_steps(watchlist, bool(mine)),
        starters=STARTERS,
        max_symbols=MAX_SYMBOLS,
        max_typed=MOST_TYPED,
    )
    return with_rows(page, rows)


def _lists_and_alerts(uid: str) -> tuple[list[Watchlist], list[Alert]]:
    """And how many triggers are unread, which every page tells, in the same round trip."""
    firsts = (lists_of(uid), newest_alerts(uid, ALERTS_READ))
    with looking_ahead(services().store, firsts, [unread_triggers(uid, triggers.MOST_UNREAD)]):
        lists = services().watchlists.of(uid)
        mine, _more = services().alerts.page(uid, limit=ALERTS_READ)
        triggers.unread()
    return lists, mine


def _addable(unknown: UnknownSymbol | None) -> list[tuple[str, str]]:
    return [found for found in unknown.suggestions if is_symbol(found[0])] if unknown else []


def first_steps(watchlist: Watchlist, has_alerts: bool) -> dict[str, bool] | None:
    """Which of the first three steps are done; None once an alert is set."""
    if has_alerts:
        return None
    return {"symbol": bool(watchlist.entries), "confirm": me().confirmed}
