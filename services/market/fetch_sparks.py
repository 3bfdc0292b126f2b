"""From a provider into the cache: what workers do when pages want the last 30 closes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from redis import Redis

from services.errors import MarketError
from services.market.bars import BarCache
from services.market.cache import QuoteCache
from services.market.hours import Hours
from services.market.models import Closes, Quote
from services.market.provider import Provider
from services.market.sparks import SESSIONS, Spark, SparkCache

_REACH = timedelta(days=75)
"""Thirty sessions, however many holidays are among them."""
_GOOD_FOR = timedelta(days=4)
_AFTER_FAILURE = timedelta(minutes=15)
_WHILE_LATE = timedelta(hours=1)


def sparks_into_cache(
    provider: Provider, redis: Redis, symbols: Sequence[str], now: datetime
) -> MarketError | None:
    """Cache the last closes of those symbols that have a quote: out of their daily bars where
    these are kept, else from the source, a request for many.

    Returns the error where the source failed; then what was kept stays and is good for 15 more
    minutes, so that a source in trouble is not asked by every page.
    """
    cache = SparkCache(redis)
    quotes = _quotes(redis, symbols, now)
    try:
        kept = {s: closes for s, quote in quotes.items() if (closes := _of_bars(redis, quote))}
        cache.put(_sparks({s: quotes[s] for s in kept}, kept, now))
        missing = [symbol for symbol in quotes if symbol not in kept]
        try:
            found = provider.closes(missing, provider.market_time(now) - _REACH, now)
        except MarketError as error:
            cache.put(_put_off(cache, {s: quotes[s] for s in missing}, now))
            return error
        cache.put(_sparks({s: quotes[s] for s in missing}, found, now))
        return None
    finally:
        cache.pending.release_all(symbols)


def _quotes(redis: Redis, symbols: Sequence[str], now: datetime) -> dict[str, Quote]:
    readings = QuoteCache(redis).read(list(dict.fromkeys(symbols)), now)
    return {symbol: one.cached.quote for symbol, one in readings.items() if one.cached}


def _of_bars(redis: Redis, quote: Quote) -> Closes | None:
    kept = BarCache(redis).get(quote.symbol, "1d")
    if kept is None or kept.session < quote.session or kept.chart.currency != quote.currency:
        return None
    days = [(bar.session, bar.close) for bar in kept.daily(quote.session)[-SESSIONS:]]
    return Closes(days=tuple(days), currency=quote.currency) if days else None


def _sparks(
    quotes: Mapping[str, Quote], closes: Mapping[str, Closes], now: datetime
) -> dict[str, Spark]:
    hours = Hours()
    return {
        symbol: _spark(quote, closes.get(symbol), hours, now) for symbol, quote in quotes.items()
    }


def _spark(quote: Quote, closes: Closes | None, hours: Hours, now: datetime) -> Spark:
    days = _before(closes, quote)
    last = days[-1][0] if days else date.min
    is_late = last < hours.session_before(quote.exchange, quote.session)
    return Spark(
        session=quote.session,
        closes=tuple(float(f"{close:.7g}") for _, close in days),
        fresh_until=now + (_WHILE_LATE if is_late else _GOOD_FOR),
    )


def _before(closes: Closes | None, quote: Quote) -> list[tuple[date, float]]:
    """The last ones before the quote's session; none in another currency than the quote's."""
    if closes is None or closes.currency not in ("", quote.currency):
        return []
    days: Iterable[tuple[date, float]] = (one for one in closes.days if one[0] < quote.session)
    return sorted(days)[-SESSIONS:]


def _put_off(cache: SparkCache, quotes: Mapping[str, Quote], now: datetime) -> dict[str, Spark]:
    held = cache.get(list(quotes))
    return {
        symbol: Spark(
            session=quote.session,
            closes=held[symbol].closes if symbol in held and held[symbol].fits(quote) else (),
            fresh_until=now + _AFTER_FAILURE,
        )
        for symbol, quote in quotes.items()
    }
