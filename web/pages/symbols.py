"""The page of a symbol: its price and past, the reader's alerts on it, and what is told of it."""

from urllib.parse import quote as url_quote

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.alerts import units
from services.errors import InvalidInput, LimitReached, NoQuote, NotFound, UnknownSymbol
from services.figures import day
from services.market.absent import Absent
from services.market.models import Quote
from services.market.ranges import RANGES, USUAL, RangeName
from services.store.watchlists import Entry
from services.texts import gettext as _
from web import hours
from web.context import me, now, people_only, services
from web.forms import Form, is_symbol, number
from web.market import market
from web.pages.alerts import lines_of
from web.symbol_page import SymbolPage, gathered, said, summary, told, when

pages = Blueprint("symbols", __name__, url_prefix="/symbols/<symbol>")


@pages.get("")
@people_only
def show(symbol: str) -> ResponseReturnValue:
    chosen = request.args.get("range", USUAL)
    if chosen not in RANGES:
        abort(404)
    try:
        quote = services().lookup.find(symbol, now())
    except UnknownSymbol as error:
        return _unknown(error), 404
    except InvalidInput:
        abort(404)
    except NoQuote as error:
        return _waiting(error.symbol)
    if quote.symbol != symbol:
        wanted = request.args.get("range")
        return redirect(url_for("symbols.show", symbol=quote.symbol, range=wanted))
    return _page(quote.symbol, chosen, Form())


@pages.get("/alert")
@people_only
def set_at(symbol: str) -> ResponseReturnValue:
    """On to the editor with a level that was dragged or typed, and the way to it."""
    form = Form.asked("level")
    try:
        quote = services().lookup.find(symbol, now())
    except (UnknownSymbol, InvalidInput, NoQuote):
        return redirect(url_for("alerts.new", symbol=symbol[:60], level=form["level"]))
    try:
        level = number(form["level"])
    except InvalidInput as error:
        return _page(quote.symbol, USUAL, form.refuse_input(error, "level")), 422
    kind = "price_rises_to" if level > quote.price else "price_falls_to"
    return redirect(
        url_for("alerts.new", symbol=quote.symbol, kind=kind, level=form["level"].strip())
    )


@pages.post("/lists")
@people_only
def change_lists(symbol: str) -> ResponseReturnValue:
    """Put the symbol on a list, or take it off."""
    if not is_symbol(symbol):
        abort(404)
    list_id = request.form.get("list", "")
    try:
        if request.form.get("do") == "remove":
            _take_off(symbol, list_id)
        else:
            _put_on(symbol, list_id)
    except NotFound:
        flash(_("That list is gone."))
    except LimitReached as error:
        flash(str(error))
    return redirect(url_for("symbols.show", symbol=symbol))


def _put_on(symbol: str, list_id: str) -> None:
    """Raises NotFound or LimitReached."""
    try:
        quote = services().lookup.find(symbol, now())
    except (UnknownSymbol, InvalidInput, NoQuote):
        flash(_("There is no quote of %(symbol)s now, so it was not added.", symbol=symbol))
        return
    entry = Entry(symbol=quote.symbol, added_at=now())
    found = services().watchlists.change(me().uid, list_id, lambda held: held.with_symbol(entry))
    flash(_("%(symbol)s is on %(list)s.", symbol=quote.symbol, list=found.name))


def _take_off(symbol: str, list_id: str) -> None:
    """Raises NotFound."""
    found = services().watchlists.change(
        me().uid, list_id, lambda held: held.without_symbol(symbol)
    )
    flash(
        _("%(symbol)s is off %(list)s. Its alerts stay.", symbol=symbol, list=found.name),
    )


def _page(symbol: str, chosen: RangeName, form: Form) -> str:
    cached = services().desk.get([symbol], now(), 0)[symbol]
    if isinstance(cached, Absent):
        return _waiting(symbol)
    return _shown(gathered(cached, chosen), form)


def _shown(page: SymbolPage, form: Form) -> str:
    quote, chart = page.quote, page.chart
    names = range_names()
    return render_template(
        "symbols/show.html",
        page=page,
        quote=quote,
        chart=chart,
        figures=page.figures,
        lines=lines_of(list(page.alerts)),
        form=form,
        hours=hours.stands([page.cached])[quote.symbol].said,
        earnings=day(page.earnings) if page.earnings else "",
        extended=_extended(quote),
        summary=summary(page, names[chart.range][1]),
        levels=page.levels(),
        markers=page.markers(),
        said=lambda alert: said(alert, quote.currency),
        told=told,
        when=lambda bar: when(chart, bar),
        units=units,
        person_zone=me().time_zone,
        range_names=names,
        address_of_bars=_api_address(quote),
        refresh_seconds=market().refresh_seconds,
    )


def _extended(quote: Quote) -> tuple[str, float | None] | None:
    """What the price outside of regular hours is called, and its change in per cent against the
    regular one; None where there is none since the last regular trade."""
    price, at = quote.extended_price, quote.extended_at
    if price is None or at is None or at <= quote.as_of or quote.market_state == "open":
        return None
    label = _("Pre-market") if quote.market_state == "pre" else _("After hours")
    return label, 100 * (price / quote.price - 1) if quote.price > 0 else None


def _api_address(quote: Quote) -> str:
    return f"/api/v1/bars/{url_quote(quote.symbol, safe='')}"


def _waiting(symbol: str) -> str:
    """While no worker has an answer yet; the page asks again by itself."""
    return render_template("symbols/waiting.html", symbol=symbol)


def _unknown(error: UnknownSymbol) -> str:
    suggestions = [found for found in error.suggestions if is_symbol(found[0])]
    return render_template("symbols/unknown.html", wanted=error.symbol, suggestions=suggestions)


def range_names() -> dict[RangeName, tuple[str, str]]:
    """The short and the whole name of each range."""
    return {
        "1d": (_("1 D"), _("1 day")),
        "5d": (_("5 D"), _("5 days")),
        "1mo": (_("1 M"), _("1 month")),
        "6mo": (_("6 M"), _("6 months")),
        "1y": (_("1 Y"), _("1 year")),
        "5y": (_("5 Y"), _("5 years")),
        "10y": (_("10 Y"), _("10 years")),
    }
