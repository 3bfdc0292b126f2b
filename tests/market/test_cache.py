"""What Redis holds of the market, and for how long."""

from datetime import datetime, timedelta

import pytest
from redis import Redis

from services.market.cache import Found, QuoteCache, normal_search
from services.market.models import Match, Quote
from tests.support.market import MONDAY, make_quote

FIVE_MINUTES = timedelta(minutes=5)
APPLE = Match(symbol="AAPL", name="Apple Inc.", exchange="NASDAQ", kind="Equity")


def later(**span: float) -> datetime:
    return MONDAY + timedelta(**span)


@pytest.fixture
def cache(redis: Redis) -> QuoteCache:
    return QuoteCache(redis)


def put(cache: QuoteCache, quote: Quote, now: datetime = MONDAY) -> None:
    cache.put({quote.symbol: quote}, [quote.symbol], FIVE_MINUTES, now)


def price(cache: QuoteCache, symbol: str = "AAPL") -> float:
    cached = cache.read([symbol], MONDAY)[symbol].cached
    assert cached is not None
    return cached.quote.price


def test_a_quote_is_fresh_until_its_time_is_up_and_stale_after(cache: QuoteCache) -> None:
    put(cache, make_quote())
    fresh = cache.read(["AAPL"], later(minutes=4.9))["AAPL"].cached
    stale = cache.read(["AAPL"], later(minutes=5))["AAPL"].cached
    assert fresh is not None
    assert stale is not None
    assert (fresh.stale, fresh.age) == (False, timedelta(minutes=4.9))
    assert (stale.stale, stale.quote) == (True, make_quote())


def test_a_quote_is_kept_for_a_day(cache: QuoteCache, redis: Redis) -> None:
    put(cache, make_quote())
    assert redis.ttl("quote:AAPL") == pytest.approx(86_400, abs=5)


def test_a_quote_comes_back_as_it_was_put(cache: QuoteCache) -> None:
    quote = make_quote("^GSPC", 0.1 + 0.2, previous_close=None, volume=None, day_low=None)
    put(cache, quote)
    cached = cache.read(["^GSPC"], MONDAY)["^GSPC"].cached
    assert cached is not None
    assert cached.quote == quote


def test_a_quote_is_decoded_again_only_when_another_was_put(cache: QuoteCache) -> None:
    def found() -> Quote:
        return cache.fresh(["AAPL"], MONDAY)[0]["AAPL"].quote

    put(cache, make_quote(price=100.0))
    first = found()
    assert found() is first
    put(cache, make_quote(price=101.0), later(seconds=1))
    assert found().price == 101.0


def test_of_many_symbols_only_so_many_quotes_are_held(
    cache: QuoteCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.market.cache.HELD", 1)
    for symbol in ("AAPL", "MSFT"):
        put(cache, make_quote(symbol))
    assert cache.fresh(["AAPL", "MSFT"], MONDAY)[0].keys() == {"AAPL", "MSFT"}
    assert len(cache._held) == 1


def test_an_asked_symbol_without_a_quote_is_missing_for_five_minutes(
    cache: QuoteCache, redis: Redis
) -> None:
    cache.put({}, ["ZZZZ"], FIVE_MINUTES, MONDAY)
    reading = cache.read(["ZZZZ"], MONDAY)["ZZZZ"]
    assert (reading.cached, reading.missing, reading.wanted) == (None, True, False)
    assert redis.ttl("missing:ZZZZ") == pytest.approx(300, abs=5)


def test_a_missing_symbol_that_gets_a_quote_is_not_missing(cache: QuoteCache) -> None:
    cache.put({}, ["AAPL"], FIVE_MINUTES, MONDAY)
    put(cache, make_quote())
    assert not cache.read(["AAPL"], MONDAY)["AAPL"].missing


def test_a_quote_stays_when_its_symbol_goes_missing_and_is_not_asked_for_again(
    cache: QuoteCache,
) -> None:
    put(cache, make_quote())
    cache.put({}, ["AAPL"], FIVE_MINUTES, later(minutes=6))
    reading = cache.read(["AAPL"], later(minutes=6))["AAPL"]
    assert reading.cached is not None
    assert (reading.cached.stale, reading.wanted) == (True, False)


def test_a_reading_that_arrives_late_does_not_replace_a_newer_one(cache: QuoteCache) -> None:
    put(cache, make_quote(price=2, fetched_at=later(seconds=9)))
    put(cache, make_quote(price=1, fetched_at=later(seconds=8)))
    assert price(cache) == 2


def test_an_older_trade_does_not_replace_a_newer_one_even_if_fetched_later(
    cache: QuoteCache,
) -> None:
    put(cache, make_quote(price=2, as_of=later(seconds=9)))
    put(cache, make_quote(price=1, as_of=later(seconds=8), fetched_at=later(seconds=60)))
    assert price(cache) == 2


def test_a_newer_reading_of_the_same_trade_replaces_the_older(cache: QuoteCache) -> None:
    put(cache, make_quote(price=1))
    put(cache, make_quote(price=2, fetched_at=later(seconds=1)))
    assert price(cache) == 2


def test_a_market_that_went_back_by_days_is_another_market_and_counts(cache: QuoteCache) -> None:
    put(cache, make_quote(price=1))
    put(cache, make_quote(price=2, as_of=later(days=-9000), fetched_at=later(seconds=1)))
    assert price(cache) == 2


def test_one_late_reading_in_a_batch_holds_nothing_else_up(cache: QuoteCache) -> None:
    put(cache, make_quote("AAPL", 2, fetched_at=later(seconds=9)))
    batch = {"AAPL": make_quote("AAPL", 1), "MSFT": make_quote("MSFT", 3)}
    cache.put(batch, list(batch), FIVE_MINUTES, MONDAY)
    assert (price(cache, "AAPL"), price(cache, "MSFT")) == (2, 3)


@pytest.mark.parametrize("written", ["{}", '{"quote": {"symbol": "AAPL"}}', '{"fetched": 1}'])
def test_an_entry_of_another_version_is_fetched_again(
    cache: QuoteCache, redis: Redis, written: str
) -> None:
    redis.set("quote:AAPL", written)
    assert cache.read(["AAPL"], MONDAY)["AAPL"].wanted
    put(cache, make_quote(price=7))
    assert price(cache) == 7


def test_only_the_first_claims_a_symbol_until_it_is_released(cache: QuoteCache) -> None:
    assert cache.claim(["AAPL", "MSFT"]) == ["AAPL", "MSFT"]
    assert cache.claim(["AAPL", "IBM"]) == ["IBM"]
    cache.release(["AAPL"])
    assert cache.claim(["AAPL"]) == ["AAPL"]


def test_a_claim_ends_by_itself_should_the_worker_die(cache: QuoteCache, redis: Redis) -> None:
    cache.claim(["AAPL"])
    assert 0 < redis.ttl("pending:quote:AAPL") <= 30


def test_a_put_releases_the_asked_symbols_found_or_not(cache: QuoteCache) -> None:
    cache.claim(["AAPL", "ZZZZ"])
    cache.put({"AAPL": make_quote()}, ["AAPL", "ZZZZ"], FIVE_MINUTES, MONDAY)
    assert not any(reading.pending for reading in cache.read(["AAPL", "ZZZZ"], MONDAY).values())


def test_nothing_asked_is_nothing_read(cache: QuoteCache) -> None:
    assert cache.read([], MONDAY) == {}


def test_matches_are_kept_for_a_day_whatever_the_case_and_spaces(
    cache: QuoteCache, redis: Redis
) -> None:
    cache.put_found("  Apple   inc ", Found(matches=(APPLE,), fresh_until=later(days=1)))
    found, pending = cache.read_found("APPLE INC")
    assert found is not None
    assert (found.matches, pending) == ((APPLE,), False)
    (key,) = redis.keys("search:*")
    assert redis.ttl(key) == pytest.approx(86_400, abs=5)


def test_a_search_key_is_short_whatever_was_typed(cache: QuoteCache, redis: Redis) -> None:
    cache.put_found("\n\x00€" * 5_000, Found(matches=(), fresh_until=MONDAY))
    (key,) = redis.keys("*")
    assert len(key) == len("search:") + 64


def test_a_search_text_is_cut_at_sixty_characters() -> None:
    assert normal_search("A" * 1000) == "a" * 60


def test_the_status_is_empty_until_a_worker_has_written_it(cache: QuoteCache) -> None:
    status = cache.status()
    assert (status.source, status.market_time, status.delayed_since) == ("", None, None)


def test_the_delay_begins_with_the_first_failure_and_ends_with_an_answer(
    cache: QuoteCache,
) -> None:
    cache.answered("yahoo", MONDAY)
    cache.failed("yahoo", "slow down", later(minutes=1))
    cache.failed("yahoo", "time out", later(minutes=2))
    status = cache.status()
    assert (status.delayed_since, status.reason) == (later(minutes=1), "time out")
    assert status.market_time == MONDAY
    cache.answered("yahoo", later(minutes=3))
    assert cache.status().delayed_since is None
    assert cache.status().market_time == later(minutes=3)


def test_a_status_of_another_version_counts_as_none(cache: QuoteCache, redis: Redis) -> None:
    redis.set("market:status", '{"delayed_since": "soon"}')
    assert cache.status().source == ""


def test_a_redis_client_that_decodes_answers_works_too(redis_url: str, redis: Redis) -> None:
    cache = QuoteCache(Redis.from_url(redis_url, decode_responses=True))
    put(cache, make_quote())
    assert price(cache) == 100.0
