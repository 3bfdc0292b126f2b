"""Watchlists to and from CSV files."""

from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.utils import secure_filename

from services import watchlist_csv
from services.bringing import Bringing, Outcome
from services.errors import InvalidInput
from services.market.cache import CachedQuote
from services.store.watchlists import MAX_SYMBOLS, Watchlist
from web.context import me, now, people_only, services
from web.forms import Form
from web.limits import limiter

WAIT = 8.0
"""Seconds for the source to answer about a whole file."""
pages = Blueprint("csv_lists", __name__, url_prefix="/watchlists")


def _person() -> str:
    return f"import:{me().uid}"


@pages.get("/<list_id>/export.csv")
@people_only
def export_one(list_id: str) -> Response:
    watchlist = services().watchlists.get(me().uid, list_id)
    name = secure_filename(watchlist.name) or "watchlist"
    return _file([watchlist], name, now())


@pages.get("/export.csv")
@people_only
def export_all() -> Response:
    return _file(services().watchlists.of(me().uid), "watchlists", now())


@pages.get("/<list_id>/import")
@people_only
def choose(list_id: str) -> str:
    return _page(list_id, Form({"to": "this"}))


@pages.post("/<list_id>/import")
@people_only
@limiter.limit("10 per minute", key_func=_person)
def bring(list_id: str) -> ResponseReturnValue:
    """Add what the file names, and tell what became of each symbol."""
    form = Form.posted("to")
    services().watchlists.get(me().uid, list_id)
    try:
        outcome = _brought(list_id, form["to"])
    except InvalidInput as error:
        return _page(list_id, form.refuse_input(error, "file")), 422
    return _page(list_id, form, outcome)


def _brought(list_id: str, to: str) -> Outcome:
    file = request.files.get("file")
    content = watchlist_csv.read(file.read(watchlist_csv.MOST_BYTES + 1) if file else b"")
    bringing = Bringing(services().watchlists, services().lookup)
    bring = bringing.by_name if to == "named" else bringing.onto
    outcome = bring(me().uid, list_id, content.lines, now(), WAIT)
    outcome.unreadable += content.unreadable
    return outcome


def _file(lists: Sequence[Watchlist], name: str, moment: datetime) -> Response:
    symbols = list(dict.fromkeys(symbol for one in lists for symbol in one.symbols))
    answers = services().desk.get(symbols, moment, wait=0)
    quotes = {s: one.quote for s, one in answers.items() if isinstance(one, CachedQuote)}
    answer = Response(watchlist_csv.written(lists, quotes), content_type="text/csv; charset=utf-8")
    answer.headers.set(
        "Content-Disposition", "attachment", filename=f"{name}-{moment:%Y-%m-%d}.csv"
    )
    return answer


def _page(list_id: str, form: Form, outcome: Outcome | None = None) -> str:
    return render_template(
        "watchlists/import.html",
        watchlist=services().watchlists.get(me().uid, list_id),
        form=form,
        outcome=outcome,
        max_symbols=MAX_SYMBOLS,
    )
