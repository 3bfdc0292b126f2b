"""Keeping fresh what people look at, while its exchange is open."""

from datetime import datetime

from services.market.cache import QuoteCache, Reading
from services.market.fetch import fetch_into_cache
from services.market.hours import Hours
from services.market.looked_at import LookedAt
from services.market.provider import Provider


def refresh(
    provider: Provider, cache: QuoteCache, looked_at: LookedAt, hours: Hours, now: datetime
) -> int:
    """Fetch the quotes that are no longer fresh, in batches of one request; returns how many
    came. Raises redis.RedisError."""
    symbols = looked_at.lately(now)
    market_now = provider.market_time(now)
    readings = cache.read(symbols, now) if symbols else {}
    due = [s for s, one in readings.items() if _is_due(one, hours, market_now)]
    return len(fetch_into_cache(provider, cache, due, now).quotes)


def _is_due(reading: Reading, hours: Hours, market_now: datetime) -> bool:
    if not reading.wanted or reading.pending:
        return False
    if reading.cached is None:
        return True
    quote = reading.cached.quote
    return hours.has_traded_since(quote.exchange, quote.as_of, market_now)
