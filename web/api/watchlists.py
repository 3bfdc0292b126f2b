"""Watchlists and the symbols on them."""

from services.errors import InvalidInput, NotFound
from services.ids import new_id
from services.market.models import normal_symbol
from services.store.watchlists import Entry, Watchlist
from services.watching import ensure_default
from web.api import schemas
from web.api.blueprint import PREFIX, api
from web.api.idempotency import Headers, idempotent
from web.api.openapi import BODY_PROBLEMS, operation
from web.api.paging import page_of_all
from web.context import me, now, services

Created = tuple[schemas.Watchlist, int, dict[str, str]]


@api.get("/watchlists")
@operation("watchlists", 200, schemas.Watchlists)
def read_watchlists(query: schemas.PageQuery) -> schemas.Watchlists:
    """Read your watchlists in their order; the first call makes a first one."""
    lists = ensure_default(services().watchlists, me().uid, now())
    placed = [((one.position, one.id), _shown(one)) for one in lists]
    items, following = page_of_all("watchlist", placed, query.cursor, query.limit)
    return schemas.Watchlists(items=items, next=following)


@api.post("/watchlists")
@idempotent
@operation("watchlists", 201, schemas.Watchlist, *BODY_PROBLEMS, 409, headers=Headers)
def create_watchlist(json: schemas.NewWatchlist) -> Created:
    """Make a list behind the others."""
    lists = services().watchlists.of(me().uid)
    made = Watchlist(
        uid=me().uid,
        id=new_id(now()),
        name=json.name,
        position=max((one.position for one in lists), default=-1) + 1,
        created_at=now(),
    )
    services().watchlists.create(made)
    return _shown(made), 201, {"Location": f"{PREFIX}/watchlists/{made.id}"}


@api.get("/watchlists/<watchlist_id>")
@operation("watchlists", 200, schemas.Watchlist, 404)
def read_watchlist(watchlist_id: str) -> schemas.Watchlist:
    """Read one list."""
    return _shown(services().watchlists.get(me().uid, watchlist_id))


@api.patch("/watchlists/<watchlist_id>")
@operation("watchlists", 200, schemas.Watchlist, *BODY_PROBLEMS, 404)
def change_watchlist(watchlist_id: str, json: schemas.WatchlistChange) -> schemas.Watchlist:
    """Rename, move or reorder a list."""

    def changed(one: Watchlist) -> Watchlist:
        if json.name is not None:
            one = one.replace(name=json.name)
        if json.position is not None:
            one = one.replace(position=json.position)
        return one if json.symbols is None else one.in_order(_order(json.symbols))

    return _shown(services().watchlists.change(me().uid, watchlist_id, changed))


@api.delete("/watchlists/<watchlist_id>")
@operation("watchlists", 204, None, 400, 404)
def delete_watchlist(watchlist_id: str) -> tuple[str, int]:
    """Delete a list and what is on it; alerts stay."""
    services().watchlists.delete(me().uid, watchlist_id)
    return "", 204


@api.post("/watchlists/<watchlist_id>/symbols")
@idempotent
@operation("watchlists", 201, schemas.Watchlist, *BODY_PROBLEMS, 404, 409, headers=Headers)
def add_symbol(watchlist_id: str, json: schemas.NewEntry) -> tuple[schemas.Watchlist, int]:
    """Add a symbol at the end; one that is there already stays as it is."""
    lists, uid = services().watchlists, me().uid
    lists.get(uid, watchlist_id)
    quote = services().lookup.find(json.symbol, now())
    entry = Entry(symbol=quote.symbol, added_at=now(), note=json.note.strip())
    return _shown(lists.change(uid, watchlist_id, lambda one: one.with_symbol(entry))), 201


@api.patch("/watchlists/<watchlist_id>/symbols/<symbol>")
@operation("watchlists", 200, schemas.Watchlist, *BODY_PROBLEMS, 404)
def change_symbol(watchlist_id: str, symbol: str, json: schemas.EntryChange) -> schemas.Watchlist:
    """Change the note of a symbol."""
    named, note = _named(symbol), json.note.strip()
    return _shown(
        services().watchlists.change(me().uid, watchlist_id, lambda one: one.with_note(named, note))
    )


@api.delete("/watchlists/<watchlist_id>/symbols/<symbol>")
@operation("watchlists", 204, None, 400, 404)
def remove_symbol(watchlist_id: str, symbol: str) -> tuple[str, int]:
    """Take a symbol off a list; alerts on it stay."""
    named = _named(symbol)

    def without(one: Watchlist) -> Watchlist:
        if named not in one.symbols:
            raise NotFound(f"{named} is not on this list.")
        return one.without_symbol(named)

    services().watchlists.change(me().uid, watchlist_id, without)
    return "", 204


def _shown(one: Watchlist) -> schemas.Watchlist:
    return schemas.Watchlist(
        id=one.id,
        name=one.name,
        position=one.position,
        created_at=one.created_at,
        symbols=[schemas.Entry.model_validate(entry) for entry in one.entries],
    )


def _named(symbol: str) -> str:
    try:
        return normal_symbol(symbol)
    except ValueError:
        raise NotFound("This symbol is not on the list.") from None


def _order(symbols: list[str]) -> list[str]:
    try:
        return [normal_symbol(symbol) for symbol in symbols]
    except ValueError as error:
        raise InvalidInput("symbols", str(error)) from None
