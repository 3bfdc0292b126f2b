"""From a provider into the cache: what workers do when quotes or matches are wanted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.errors import MarketError, RateLimited
from services.market.cache import Found, QuoteCache, normal_search
from services.market.models import Quote
from services.market.provider import MAX_SYMBOLS_A_REQUEST, Provider

_SEARCH_FRESH_FACTOR = 288
"""Matches are fresh longer than quotes by this: a day where quotes are for five minutes."""
_GIVES_UP_AFTER = 3
"""Failures on end: a source that times out would hold a check for hours."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The quotes that came; what was not answered, and why (both empty when all was).

    A symbol in neither is missing at the source.
    """

    quotes: dict[str, Quote]
    unanswered: tuple[str, ...] = ()
    error: MarketError | None = None


def fetch_into_cache(
    provider: Provider, cache: QuoteCache, symbols: Iterable[str], now: datetime
) -> Fetched:
    """Fetch and cache the quotes of `symbols`, a request's worth at a time.

    Raises no MarketError: a failure costs its own batch only, unless the source wants to be left
    alone or fails three times on end. It is written to the market's status, the first one is
    told, and whoever waits is released.
    """
    wanted = list(dict.fromkeys(symbols))
    quotes: dict[str, Quote] = {}
    unanswered: list[str] = []
    errors: list[MarketError] = []
    failures_on_end = 0
    for start in range(0, len(wanted), MAX_SYMBOLS_A_REQUEST):
        batch = wanted[start : start + MAX_SYMBOLS_A_REQUEST]
        try:
            found = provider.quotes(batch, now)
        except MarketError as error:
            errors.append(error)
            failures_on_end += 1
            if isinstance(error, RateLimited) or failures_on_end == _GIVES_UP_AFTER:
                unanswered += wanted[start:]
                break
            unanswered += batch
            continue
        failures_on_end = 0
        cache.put(found, batch, provider.fresh_for, now)
        quotes |= found
    cache.release(unanswered)
    if errors:
        cache.failed(provider.name, str(errors[0]), now)
    elif wanted:
        cache.answered(provider.name, provider.market_time(now))
    return Fetched(quotes, tuple(unanswered), errors[0] if errors else None)


def search_into_cache(
    provider: Provider, cache: QuoteCache, text: str, now: datetime
) -> MarketError | None:
    """Search for `text` and cache the matches; returns the error where the source failed."""
    try:
        matches = provider.search(normal_search(text), now)
    except MarketError as error:
        cache.failed(provider.name, str(error), now)
        cache.release_search(text)
        return error
    cache.answered(provider.name, provider.market_time(now))
    fresh_until = now + provider.fresh_for * _SEARCH_FRESH_FACTOR
    cache.put_found(text, Found(matches=tuple(matches), fresh_until=fresh_until))
    return None
