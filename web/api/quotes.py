"""Quotes of any symbols, as fresh as the workers keep them."""

from services.errors import InvalidInput
from services.market.cache import CachedQuote
from services.market.desk import Absent
from services.market.models import normal_symbol
from web.api import schemas
from web.api.blueprint import api
from web.api.openapi import operation
from web.context import now, services
from web.limits import while_polling


@api.get("/quotes")
@operation("market", 200, schemas.Quotes)
@while_polling
def read_quotes(query: schemas.QuotesQuery) -> schemas.Quotes:
    """Read quotes; symbols never seen before are waited for 3 s at most."""
    found = services().desk.get(_symbols(query.symbols), now())
    return schemas.Quotes(
        items=[_shown(quote) for quote in found.values() if isinstance(quote, CachedQuote)],
        missing=[symbol for symbol, quote in found.items() if quote is Absent.MISSING],
        pending=[symbol for symbol, quote in found.items() if quote is Absent.PENDING],
    )


def _symbols(text: str) -> list[str]:
    try:
        symbols = [normal_symbol(part) for part in text.split(",")]
    except ValueError as error:
        raise InvalidInput("symbols", str(error)) from None
    if len(symbols) > schemas.MAX_QUOTES:
        raise InvalidInput("symbols", f"Ask for {schemas.MAX_QUOTES} symbols at most.")
    return symbols


def _shown(cached: CachedQuote) -> schemas.Quote:
    quote = cached.quote
    return schemas.Quote(
        **quote.model_dump(exclude={"timezone"}),
        change_percent=quote.change_percent,
        stale=cached.stale,
        age_seconds=cached.age.total_seconds(),
    )
