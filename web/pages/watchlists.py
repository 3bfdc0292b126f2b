"""A watchlist, and adding a symbol to it."""

import re
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from services.errors import InvalidInput, LimitReached, NoQuote, NotFound, UnknownSymbol, WordsError
from services.store.watchlists import MAX_SYMBOLS, Entry, Watchlist
from web.context import me, now, people_only, services
from web.forms import Form, is_symbol, one_line
from web.once import new_token, once
from web.pages import alerts
from web.rows import html_of, rows_of
from web.setting import Wish, no_answer, set_alert, understood

ALERTS_READ = 200
_SENTENCE = re.compile(r"\s.*[0-9]", re.DOTALL)
STARTERS = ("AAPL", "MSFT", "IBM")
pages = Blueprint("watchlists", __name__)


@pages.get("/watchlists/<list_id>")
@people_only
def show(list_id: str) -> ResponseReturnValue:
    return _page(list_id, Form())


@pages.post("/watchlists/<list_id>/symbols")
@people_only
def add(list_id: str) -> ResponseReturnValue:
    """Add what was typed if it has a quote, or set the alert that it says.

    Else say what may have been meant, and do nothing.
    """
    form = Form.posted("symbol", "once")
    wish, wrong = _read(form["symbol"])
    if wish is not None:
        return _set(list_id, form, wish)
    try:
        quote = services().lookup.find(one_line(form["symbol"]), now())
        added_to = _added(list_id, quote.symbol, now())
    except UnknownSymbol as error:
        if wrong is not None and not error.suggestions:
            return _page(list_id, form.refuse(wrong.message, "symbol"), wrong=wrong), 422
        return _page(list_id, form, unknown=error), 422
    except NoQuote as error:
        return _page(list_id, form.refuse(no_answer(error), "symbol")), 503
    except InvalidInput as error:
        return _page(list_id, form.refuse_input(error, "symbol")), 422
    except LimitReached as error:
        return _page(list_id, form.refuse(str(error), "symbol")), 422
    flash(f"{quote.symbol} is on {added_to.name}.")
    return redirect(url_for("watchlists.show", list_id=list_id))


def _read(text: str) -> tuple[Wish | None, WordsError | None]:
    """The alert that a text says, or where it fails as one; neither of what names a company."""
    try:
        return understood(text), None
    except WordsError as error:
        return None, error if _SENTENCE.search(text) else None


def _set(list_id: str, form: Form, wish: Wish) -> ResponseReturnValue:
    try:
        once(form["once"], lambda: set_alert(wish, None).id)
    except alerts.REFUSALS as error:
        return alerts.refused(Form({"text": form["symbol"]}), error)
    flash(f"The alert is set: {wish.sentence}.")
    return redirect(url_for("watchlists.show", list_id=list_id))


def _added(list_id: str, symbol: str, moment: datetime) -> Watchlist:
    entry = Entry(symbol=symbol, added_at=moment)
    return services().watchlists.change(me().uid, list_id, lambda found: found.with_symbol(entry))


def _page(
    list_id: str,
    form: Form,
    unknown: UnknownSymbol | None = None,
    wrong: WordsError | None = None,
) -> str:
    lists = services().watchlists.of(me().uid)
    watchlist = next((found for found in lists if found.id == list_id), None)
    if watchlist is None:
        raise NotFound("There is no such list.")
    mine, _ = services().alerts.page(me().uid, limit=ALERTS_READ)
    return render_template(
        "watchlists/show.html",
        lists=lists,
        watchlist=watchlist,
        rows=rows_of(watchlist.entries, mine),
        html_of=html_of,
        form=form,
        unknown=unknown,
        wrong=wrong,
        once=new_token(),
        suggestions=_addable(unknown),
        steps=first_steps(watchlist, bool(mine)),
        starters=STARTERS,
        max_symbols=MAX_SYMBOLS,
    )


def _addable(unknown: UnknownSymbol | None) -> list[tuple[str, str]]:
    return [found for found in unknown.suggestions if is_symbol(found[0])] if unknown else []


def first_steps(watchlist: Watchlist, has_alerts: bool) -> dict[str, bool] | None:
    """Which of the first three steps are done; None once an alert is set."""
    if has_alerts:
        return None
    return {"symbol": bool(watchlist.entries), "confirm": me().confirmed}
