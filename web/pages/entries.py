"""The symbols of a list: note, order, remove."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from services.errors import InvalidInput, NotFound
from services.store.watchlists import Watchlist
from web.context import me, people_only, services
from web.forms import Form, is_symbol, paragraph
from web.pages.lists import edit_page

pages = Blueprint("entries", __name__, url_prefix="/watchlists/<list_id>/symbols/<symbol>")


@pages.post("")
@people_only
def change(list_id: str, symbol: str) -> ResponseReturnValue:
    """Do what the pressed button says: keep the note, move the symbol, or remove it."""
    if not is_symbol(symbol):
        abort(404)
    do = request.form.get("do", "note")
    if do == "note":
        return _note(list_id, symbol)
    if do == "remove":
        services().watchlists.change(me().uid, list_id, lambda w: w.without_symbol(symbol))
        flash(f"{symbol} is off the list. Its alerts stay.")
    elif do in ("up", "down"):
        step = -1 if do == "up" else 1
        services().watchlists.change(me().uid, list_id, lambda w: moved(w, symbol, step))
    return redirect(url_for("lists.edit", list_id=list_id, _anchor=f"row-{symbol}"))


def _note(list_id: str, symbol: str) -> ResponseReturnValue:
    form = Form({"note": request.form.get("note", ""), "symbol": symbol})
    note = paragraph(form["note"])
    try:
        services().watchlists.change(me().uid, list_id, lambda w: w.with_note(symbol, note))
    except InvalidInput as error:
        return edit_page(list_id, form.refuse_input(error)), 422
    flash(f"The note on {symbol} is kept.")
    return redirect(url_for("lists.edit", list_id=list_id, _anchor=f"row-{symbol}"))


def moved(watchlist: Watchlist, symbol: str, step: int) -> Watchlist:
    """The list with a symbol moved by `step` places. Raises NotFound."""
    order = list(watchlist.symbols)
    if symbol not in order:
        raise NotFound(f"{symbol} is not on this list.")
    place = order.index(symbol)
    order.insert(max(0, place + step), order.pop(place))
    return watchlist.in_order(order)
