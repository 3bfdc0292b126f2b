"""The real yfinance against a small Yahoo of our own payloads."""

from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from redis import Redis

from services.errors import RateLimited, SourceUnavailable
from services.market.backoff import Backoff
from services.market.cache import QuoteCache
from services.market.fetch import fetch_into_cache
from services.market.yahoo import YahooProvider
from tests.support.market import MONDAY, HandmadeYahoo, loopback_session

NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def backoff(redis: Redis) -> Backoff:
    return Backoff(redis, draw=lambda low, high: high)


@pytest.fixture
def yahoo(handmade_yahoo: HandmadeYahoo, backoff: Backoff) -> YahooProvider:
    return YahooProvider(
        backoff, loopback_session(handmade_yahoo.port), time_limit=timedelta(seconds=2)
    )


def test_symbols_of_all_kinds_come_in_one_request(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    symbols = ["AAPL", "^GSPC", "EURUSD=X", "BRK-B", "VOD.L", "CL=F"]
    assert list(yahoo.quotes(symbols, MONDAY)) == symbols
    (request,) = handmade_yahoo.requests_of("/v7/")
    assert unquote(request).startswith(f"/v7/finance/quote?symbols={','.join(symbols)}&crumb=")


def test_symbols_without_a_usable_price_have_no_quote(yahoo: YahooProvider) -> None:
    symbols = ["DEAD", "ZERO", "NOTIME", "TEXT", "LIAR", "ZZZZ", "AAPL"]
    assert list(yahoo.quotes(symbols, MONDAY)) == ["AAPL"]


def test_250_symbols_cost_three_requests_and_one_handshake(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    yahoo.quotes(["AAPL", *(f"S{number}" for number in range(249))], MONDAY)
    assert len(handmade_yahoo.requests_of("/v7/")) == 3
    assert len(handmade_yahoo.requests_of("/v1/test/getcrumb")) == 1


def test_no_symbols_cost_no_request(yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo) -> None:
    assert yahoo.quotes([], MONDAY) == {}
    assert handmade_yahoo.log == []


def test_a_refusal_is_rate_limited_and_the_next_question_is_not_even_sent(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo, backoff: Backoff
) -> None:
    handmade_yahoo.status, handmade_yahoo.body = 429, "Too Many Requests\r\n"
    with pytest.raises(RateLimited):
        yahoo.quotes(["AAPL"], MONDAY)
    sent = len(handmade_yahoo.log)
    with pytest.raises(RateLimited, match="asked again after"):
        yahoo.quotes(["AAPL"], MONDAY + timedelta(seconds=59))
    assert len(handmade_yahoo.log) == sent
    assert backoff.delayed_since() == MONDAY


def test_after_the_silence_it_answers_again(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo, backoff: Backoff
) -> None:
    handmade_yahoo.status, handmade_yahoo.body = 429, "Too Many Requests\r\n"
    with pytest.raises(RateLimited):
        yahoo.quotes(["AAPL"], MONDAY)
    handmade_yahoo.status, handmade_yahoo.body = 200, None
    assert list(yahoo.quotes(["AAPL"], MONDAY + timedelta(seconds=60))) == ["AAPL"]
    assert backoff.delayed_since() is None


def test_a_refusal_in_the_middle_keeps_the_batches_before_it(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo, redis: Redis
) -> None:
    handmade_yahoo.fail_after = 1
    cache = QuoteCache(redis)
    symbols = ["AAPL", *(f"S{number}" for number in range(150))]
    fetched = fetch_into_cache(yahoo, cache, symbols, MONDAY)
    assert list(fetched.quotes) == ["AAPL"]
    assert isinstance(fetched.error, RateLimited)
    readings = cache.read(symbols, MONDAY)
    assert readings["AAPL"].cached is not None
    assert (readings["S0"].missing, readings["S149"].missing) == (True, False)
    assert cache.status().delayed_since == MONDAY


@pytest.mark.parametrize("crumb_status", [200, 429])
def test_a_crumb_that_reads_too_many_requests_is_a_refusal(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo, crumb_status: int
) -> None:
    handmade_yahoo.crumb, handmade_yahoo.crumb_status = "Too Many Requests\r\n", crumb_status
    with pytest.raises(RateLimited):
        yahoo.quotes(["AAPL"], MONDAY)


def test_a_crumb_that_read_too_many_requests_is_not_used_later(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    crumb = handmade_yahoo.crumb
    handmade_yahoo.crumb, handmade_yahoo.crumb_status = "Too Many Requests\r\n", 429
    with pytest.raises(RateLimited):
        yahoo.quotes(["AAPL"], MONDAY)
    handmade_yahoo.crumb, handmade_yahoo.crumb_status = crumb, 200
    before = len(handmade_yahoo.requests_of("/v7/"))
    assert list(yahoo.quotes(["AAPL"], MONDAY + timedelta(seconds=60))) == ["AAPL"]
    assert len(handmade_yahoo.requests_of("/v7/")) == before + 1
    assert "Too" not in handmade_yahoo.log[-1]


def test_a_crumb_that_has_run_out_is_renewed_within_the_question(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    yahoo.quotes(["AAPL"], MONDAY)
    handmade_yahoo.crumb = "an0ther"
    assert list(yahoo.quotes(["AAPL"], MONDAY)) == ["AAPL"]


@pytest.mark.parametrize("status", [401, 403, 999])
def test_other_ways_of_refusing_are_refusals(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo, status: int
) -> None:
    handmade_yahoo.status = status
    with pytest.raises(RateLimited):
        yahoo.quotes(["AAPL"], MONDAY)


@pytest.mark.parametrize("status", [404, 500, 502, 503])
def test_a_server_in_trouble_is_unavailable_and_not_backed_off(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo, backoff: Backoff, status: int
) -> None:
    handmade_yahoo.status = status
    with pytest.raises(SourceUnavailable, match=str(status)):
        yahoo.quotes(["AAPL"], MONDAY)
    backoff.check(MONDAY)


@pytest.mark.parametrize(
    "body", ["", "<html>Will be right back</html>", "{", "[" * 100_000, "null", '{"a": NaN}']
)
def test_garbage_is_unavailable(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo, body: str
) -> None:
    handmade_yahoo.body = body
    with pytest.raises(SourceUnavailable):
        yahoo.quotes(["AAPL"], MONDAY)


def test_a_body_that_reads_too_many_requests_is_a_refusal_whatever_its_status(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    handmade_yahoo.body = "Too Many Requests\r\n"
    with pytest.raises(RateLimited):
        yahoo.quotes(["AAPL"], MONDAY)


def test_a_slow_source_is_given_up_when_the_time_limit_is_reached(
    handmade_yahoo: HandmadeYahoo, backoff: Backoff
) -> None:
    handmade_yahoo.delay = 30
    session = loopback_session(handmade_yahoo.port)
    yahoo = YahooProvider(backoff, session, time_limit=timedelta(seconds=0.3))
    begin = datetime.now(UTC)
    with pytest.raises(SourceUnavailable, match="did not answer"):
        yahoo.quotes(["AAPL"], MONDAY)
    assert datetime.now(UTC) - begin < timedelta(seconds=5)


def test_the_browser_like_session_of_production_is_bound_by_the_time_limit_too(
    backoff: Backoff,
) -> None:
    yahoo = YahooProvider(backoff, time_limit=timedelta(0))
    with pytest.raises(SourceUnavailable, match="TimeoutError"):
        yahoo.quotes(["AAPL"], MONDAY)


def test_a_source_that_cannot_be_reached_is_unavailable(backoff: Backoff) -> None:
    yahoo = YahooProvider(backoff, loopback_session(1))
    with pytest.raises(SourceUnavailable):
        yahoo.quotes(["AAPL"], MONDAY)


def test_bars_come_as_traded_and_reach_up_to_now(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    bars = yahoo.bars("AAPL", "1d", NEVER, MONDAY)
    assert [bar.close for bar in bars] == [300.01, 101.3, 200.6]
    (request,) = handmade_yahoo.requests_of("/v8/")
    assert f"period2={int((MONDAY + timedelta(days=1)).timestamp())}" in request
    assert "events=split" in request
    assert "includePrePost=false" in request


def test_minutes_are_asked_for_seven_days_at_most(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    assert yahoo.bars("AAPL", "1m", NEVER, MONDAY)
    (request,) = handmade_yahoo.requests_of("/v8/")
    begin = MONDAY - timedelta(days=7, minutes=1)
    assert f"period1={int(begin.timestamp())}" in request


@pytest.mark.parametrize("symbol", ["ZZZZ", "^NONE", "NO=X"])
def test_an_unknown_symbol_has_no_bars_and_no_splits(yahoo: YahooProvider, symbol: str) -> None:
    assert yahoo.bars(symbol, "1d", NEVER, MONDAY) == []
    assert yahoo.splits(symbol, NEVER, MONDAY) == []


def test_splits_come_with_their_ratio(yahoo: YahooProvider) -> None:
    (split,) = yahoo.splits("AAPL", NEVER, MONDAY)
    assert split.ratio == 3.0


def test_a_search_asks_for_quotes_only(yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo) -> None:
    assert [match.symbol for match in yahoo.search("apple", MONDAY)] == ["AAPL", "APC.F"]
    (request,) = handmade_yahoo.requests_of("/v1/finance/search")
    for part in ("quotesCount=10", "newsCount=0", "listsCount=0"):
        assert part in request


def test_two_providers_in_one_process_do_not_disturb_each_other(
    handmade_yahoo: HandmadeYahoo, backoff: Backoff
) -> None:
    session = loopback_session(handmade_yahoo.port)
    first, second = YahooProvider(backoff, session), YahooProvider(backoff, session)
    for provider in (first, second, first):
        assert list(provider.quotes(["AAPL"], MONDAY)) == ["AAPL"]


def test_nothing_is_printed_or_logged_even_in_trouble(
    yahoo: YahooProvider,
    handmade_yahoo: HandmadeYahoo,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    handmade_yahoo.status = 500
    with pytest.raises(SourceUnavailable):
        yahoo.quotes(["AAPL"], MONDAY)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name == "yfinance"] == []
