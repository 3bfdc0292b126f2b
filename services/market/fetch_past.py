"""From a provider into the cache: what workers do when bars or earnings are wanted."""

from collections.abc import Callable
from datetime import datetime

from redis import Redis

from services.errors import MarketError
from services.market.bars import BarCache
from services.market.cache import QuoteCache
from services.market.earnings import EarningsCache
from services.market.fetch import fetch_into_cache
from services.market.histories import MINUTES_REACH, Histories
from services.market.models import BarInterval, Quote
from services.market.provider import Provider


def bars_into_cache(
    provider: Provider,
    redis: Redis,
    symbol: str,
    interval: BarInterval,
    years: int,
    now: datetime,
) -> MarketError | None:
    """Fetch and cache daily bars of `years`, or a week's minutes, of a symbol that has a quote.

    Returns the error where the source failed; whoever waits is released in any case.
    """
    histories = Histories(provider, redis)

    def fetch() -> None:
        quote = _quote(provider, redis, symbol, now)
        if quote and interval == "1m":
            histories.minutes(symbol, provider.market_time(now) - MINUTES_REACH, now)
        elif quote:
            histories.daily(symbol, quote.session, now, years, quote.currency)

    try:
        return _noting_failure(fetch, provider, redis, now)
    finally:
        cache = BarCache(redis)
        cache.pending.release(cache.name(symbol, interval))


def earnings_into_cache(
    provider: Provider, redis: Redis, symbol: str, now: datetime
) -> MarketError | None:
    """Fetch and cache the next earnings date of a symbol that has a quote.

    Returns the error where the source failed; whoever waits is released in any case.
    """
    histories = Histories(provider, redis)

    def fetch() -> None:
        if _quote(provider, redis, symbol, now):
            histories.earnings(symbol, now)

    try:
        return _noting_failure(fetch, provider, redis, now)
    finally:
        EarningsCache(redis).pending.release(symbol)


def _noting_failure(
    fetch: Callable[[], None], provider: Provider, redis: Redis, now: datetime
) -> MarketError | None:
    try:
        fetch()
    except MarketError as error:
        QuoteCache(redis).failed(provider.name, str(error), now)
        return error
    return None


def _quote(provider: Provider, redis: Redis, symbol: str, now: datetime) -> Quote | None:
    """The cached quote, which tells the session and the currency, or a new one."""
    cache = QuoteCache(redis)
    if held := cache.read([symbol], now)[symbol].cached:
        return held.quote
    fetched = fetch_into_cache(provider, cache, [symbol], now)
    if fetched.error:
        raise fetched.error
    return fetched.quotes.get(symbol)
