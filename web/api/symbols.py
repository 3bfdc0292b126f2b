"""Search for symbols by symbol or company name."""

from web.api import schemas
from web.api.blueprint import api
from web.api.openapi import operation
from web.context import now, services
from web.limits import while_typing


@api.get("/symbols")
@operation("market", 200, schemas.Matches)
@while_typing
def search_symbols(query: schemas.SearchQuery) -> schemas.Matches:
    """Find symbols that fit a text, best first."""
    found = services().desk.search(query.q, now())
    return schemas.Matches(
        items=[schemas.Match.model_validate(match) for match in found.matches],
        pending=found.pending,
    )
