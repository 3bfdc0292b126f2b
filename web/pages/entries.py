"""The symbols of a list: note, order, remove."""

from functools import partial

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from services.errors import InvalidInput, NotFound
from services.store.watchlists import Watchlist
from services.texts import gettext as _
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
        flash(_("%(symbol)s is off the list. Its alerts stay.", symbol=symbol))
    elif do in ("up", "down"):
        step = -1 if do == "up" else 1
        services().watchlists.change(me().uid, list_id, lambda w: moved(w, symbol, step))
    elif do == "place":
        before, after = request.form.get("before", ""), request.form.get("after", "")
        placed_there = partial(placed, symbol=symbol, before=before, after=after)
        services().watchlists.change(me().uid, list_id, placed_there)
        return "", 204
    return redirect(url_for("lists.edit", list_id=list_id, _anchor=f"row-{symbol}"))


def _note(list_id: str, symbol: str) -> ResponseReturnValue:
    form = Form({"note": request.form.get("note", ""), "symbol": symbol})
    note = paragraph(form["note"])
    try:
        services().watchlists.change(me().uid, list_id, lambda w: w.with_note(symbol, note))
    except InvalidInput as error:
        return edit_page(list_id, form.refuse_input(error)), 422
    flash(_("The note on %(symbol)s is kept.", symbol=symbol))
    return redirect(url_for("lists.edit", list_id=list_id, _anchor=f"row-{symbol}"))


def moved(watchlist: Watchlist, symbol: str, step: int) -> Watchlist:
    """The list with a symbol moved by `step` places. Raises NotFound."""
    order = list(watchlist.symbols)
    if symbol not in order:
        raise NotFound(_("%(symbol)s is not on this list.", symbol=symbol))
    place = order.index(symbol)
    order.insert(max(0, place + step), order.pop(place))
    return watchlist.in_order(order)


def placed(watchlist: Watchlist, symbol: str, before: str, after: str) -> Watchlist:
    """The list with a symbol put between its two new neighbours, "" at an end.

    What somebody else has moved, added or removed meanwhile stays so: of neighbours that are not
    together any more the one below counts. Raises NotFound where the symbol itself is gone.
    """
    order = [one for one in watchlist.symbols if one != symbol]
    if len(order) == len(watchlist.symbols):
        raise NotFound(_("%(symbol)s is not on this list.", symbol=symbol))
    if before in order:
        place = order.index(before)
    elif after in order:
        place = order.index(after) + 1
    else:
        place = 0 if not after and before else len(order)
    return watchlist.in_order([*order[:place], symbol, *order[place:]])
