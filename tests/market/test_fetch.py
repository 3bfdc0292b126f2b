"""From a provider into the cache."""

from datetime import datetime, timedelta

import pytest
from redis import Redis

from services.errors import RateLimited, SourceUnavailable
from services.market.cache import QuoteCache
from services.market.fetch import fetch_into_cache, search_into_cache
from services.market.models import Match, Quote
from tests.support.market import MONDAY, FixedProvider

APPLE = Match(symbol="AAPL", name="Apple Inc.", exchange="NASDAQ", kind="Equity")


@pytest.fixture
def cache(redis: Redis) -> QuoteCache:
    return QuoteCache(redis)


@pytest.fixture
def provider() -> FixedProvider:
    return FixedProvider()


def test_fetched_quotes_are_cached_for_as_long_as_the_provider_says(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    provider.fresh_for = timedelta(seconds=3)
    quote = provider.set("AAPL", 12.5)
    assert fetch_into_cache(provider, cache, ["AAPL"], MONDAY).quotes == {"AAPL": quote}
    for seconds, stale in ((2, False), (3, True)):
        reading = cache.read(["AAPL"], MONDAY + timedelta(seconds=seconds))["AAPL"]
        assert reading.cached is not None
        assert reading.cached.stale is stale


def test_symbols_that_the_source_does_not_have_are_marked_missing(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    fetched = fetch_into_cache(provider, cache, ["ZZZZ"], MONDAY)
    assert (fetched.quotes, fetched.unanswered, fetched.error) == ({}, (), None)
    assert cache.read(["ZZZZ"], MONDAY)["ZZZZ"].missing


def test_a_symbol_is_asked_for_once_however_often_it_is_named(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    fetch_into_cache(provider, cache, ["AAPL", "MSFT", "AAPL"], MONDAY)
    assert provider.asked == [("quotes", ["AAPL", "MSFT"])]


def test_nothing_wanted_asks_nothing_and_tells_nothing(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    fetch_into_cache(provider, cache, [], MONDAY)
    assert provider.asked == []
    assert cache.status().source == ""


@pytest.mark.parametrize("error", [RateLimited("slow down"), SourceUnavailable("time out")])
def test_a_failure_is_told_raises_nothing_and_releases_who_waits(
    provider: FixedProvider, cache: QuoteCache, error: RateLimited | SourceUnavailable
) -> None:
    provider.error = error
    cache.claim(["AAPL"])
    fetched = fetch_into_cache(provider, cache, ["AAPL"], MONDAY)
    assert (fetched.quotes, fetched.unanswered, fetched.error) == ({}, ("AAPL",), error)
    reading = cache.read(["AAPL"], MONDAY)["AAPL"]
    assert (reading.missing, reading.pending) == (False, False)
    status = cache.status()
    assert (status.source, status.delayed_since, status.reason) == ("fixed", MONDAY, str(error))


def test_what_came_before_a_failure_is_kept(provider: FixedProvider, cache: QuoteCache) -> None:
    symbols = [f"S{number}" for number in range(250)]
    for symbol in symbols:
        provider.set(symbol, 10.0)
    answer = provider.quotes

    def refuse_the_second(batch: list[str], now: object) -> object:
        if "S100" in batch:
            raise RateLimited("slow down")
        return answer(batch, MONDAY)

    provider.quotes = refuse_the_second  # type: ignore[method-assign,assignment]
    fetched = fetch_into_cache(provider, cache, symbols, MONDAY)
    assert list(fetched.quotes) == symbols[:100]
    assert list(fetched.unanswered) == symbols[100:]
    assert cache.read(["S99"], MONDAY)["S99"].cached is not None
    assert cache.read(["S100"], MONDAY)["S100"].wanted
    assert cache.status().delayed_since == MONDAY


def test_a_batch_that_fails_does_not_stop_the_others(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    symbols = [f"S{number}" for number in range(250)]
    fail_on(provider, symbols, {"S100"})
    cache.claim(symbols)
    fetched = fetch_into_cache(provider, cache, symbols, MONDAY)
    assert list(fetched.quotes) == symbols[:100] + symbols[200:]
    assert list(fetched.unanswered) == symbols[100:200]
    assert isinstance(fetched.error, SourceUnavailable)
    assert not cache.read(["S100"], MONDAY)["S100"].pending
    assert cache.status().delayed_since == MONDAY


def test_a_source_that_fails_three_times_on_end_is_left_alone(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    symbols = [f"S{number}" for number in range(700)]
    fail_on(provider, symbols, {"S0", "S200", "S300", "S400", "S500"})
    fetched = fetch_into_cache(provider, cache, symbols, MONDAY)
    assert list(fetched.quotes) == symbols[100:200]
    assert list(fetched.unanswered) == symbols[:100] + symbols[200:]


def fail_on(provider: FixedProvider, symbols: list[str], bad: set[str]) -> None:
    """Let each request for one of the `bad` symbols time out."""
    for symbol in symbols:
        provider.set(symbol, 10.0)
    answer = provider.quotes

    def quotes(batch: list[str], now: datetime) -> dict[str, Quote]:
        if bad & set(batch):
            raise SourceUnavailable("time out")
        return answer(batch, now)

    provider.quotes = quotes  # type: ignore[method-assign,assignment]


def test_an_answer_ends_the_delay_and_tells_the_time_of_the_market(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    cache.failed("fixed", "time out", MONDAY)
    provider.set("AAPL", 1.0)
    fetch_into_cache(provider, cache, ["AAPL"], MONDAY)
    status = cache.status()
    assert (status.delayed_since, status.reason, status.market_time) == (None, "", MONDAY)


def test_matches_are_fresh_for_a_day_where_quotes_are_for_five_minutes(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    provider.matches_of["apple"] = [APPLE]
    assert search_into_cache(provider, cache, " APPLE ", MONDAY) is None
    found, _ = cache.read_found("apple")
    assert found is not None
    assert (found.matches, found.fresh_until) == ((APPLE,), MONDAY + timedelta(days=1))


def test_a_failed_search_is_told_and_releases_who_waits(
    provider: FixedProvider, cache: QuoteCache
) -> None:
    provider.error = SourceUnavailable("time out")
    cache.claim_search("apple")
    assert search_into_cache(provider, cache, "apple", MONDAY) is provider.error
    assert cache.read_found("apple") == (None, False)
    assert cache.status().delayed_since == MONDAY
