"""The last 30 closes of many symbols: asked for once, few requests, never waited for."""

from datetime import UTC, date, datetime, timedelta

import pytest
from redis import Redis

from services.errors import RateLimited
from services.market.backoff import Backoff
from services.market.bars import BarCache, Kept
from services.market.cache import QuoteCache
from services.market.fetch_sparks import sparks_into_cache
from services.market.models import Bar, Chart, Quote, Split
from services.market.sparks import SESSIONS, Spark, SparkCache, SparkDesk
from services.market.yahoo import YahooProvider
from tests.support.market import (
    MONDAY,
    FixedProvider,
    HandmadeYahoo,
    RecordingJobs,
    loopback_session,
    make_quote,
    make_replay,
)

DAY = timedelta(days=1)


def days_before(session: date, count: int, first: float = 100.0) -> list[tuple[date, float]]:
    """So many weekdays before a session, each a dollar above the one before."""
    days: list[date] = []
    day = session
    while len(days) < count:
        day -= DAY
        if day.weekday() < 5:
            days.append(day)
    return [(one, first + n) for n, one in enumerate(reversed(days))]


@pytest.fixture
def market() -> FixedProvider:
    provider = FixedProvider()
    for symbol in ("AAPL", "MSFT"):
        quote = provider.set(symbol, 150.0)
        provider.closes_of[symbol] = [*days_before(quote.session, 40), (quote.session, 150.0)]
    return provider


@pytest.fixture
def desk(redis: Redis, market: FixedProvider, jobs: RecordingJobs) -> SparkDesk:
    """With workers that do at once what they are asked for."""
    cache = QuoteCache(redis)
    cache.put(market.quotes_of, market.quotes_of, market.fresh_for, MONDAY)
    jobs.run_market(market, cache, lambda: MONDAY, redis)
    return SparkDesk(redis, jobs)


def quotes(market: FixedProvider) -> list[Quote]:
    return list(market.quotes_of.values())


def test_the_first_page_asks_and_the_next_one_draws(
    desk: SparkDesk, market: FixedProvider, jobs: RecordingJobs
) -> None:
    assert desk.of(quotes(market), MONDAY) == {}
    assert jobs.sparks_asked == [["AAPL", "MSFT"]]
    found = desk.of(quotes(market), MONDAY)
    assert found["AAPL"].closes == tuple(float(n) for n in range(110, 140))
    assert len(found["MSFT"].closes) == SESSIONS
    assert len(jobs.sparks_asked) == 1


def test_the_running_session_is_not_among_the_closes(
    desk: SparkDesk, market: FixedProvider
) -> None:
    desk.of(quotes(market), MONDAY)
    assert 150.0 not in desk.of(quotes(market), MONDAY)["AAPL"].closes


def test_many_symbols_are_one_request_a_day(desk: SparkDesk, market: FixedProvider) -> None:
    for _ in range(5):
        desk.of(quotes(market), MONDAY)
    assert market.asked == [("closes", ["AAPL", "MSFT"])]


def test_two_pages_at_once_ask_once(redis: Redis, market: FixedProvider) -> None:
    silent = RecordingJobs()
    for desk in (SparkDesk(redis, silent), SparkDesk(redis, silent)):
        desk.of(quotes(market), MONDAY)
    assert silent.sparks_asked == [["AAPL", "MSFT"]]


def test_another_session_asks_anew_and_shows_the_old_closes_meanwhile(
    desk: SparkDesk, market: FixedProvider, jobs: RecordingJobs
) -> None:
    desk.of(quotes(market), MONDAY)
    desk.of(quotes(market), MONDAY)
    tuesday = make_quote("AAPL", 151.0, as_of=MONDAY + DAY, previous_close=150.0)
    assert desk.of([tuesday], MONDAY + DAY)["AAPL"].closes[-1] == 139.0
    assert jobs.sparks_asked[1:] == [["AAPL"]]


def test_closes_from_before_a_split_are_not_drawn_beside_a_new_price() -> None:
    spark = Spark(session=MONDAY.date(), closes=(400.0, 404.0), fresh_until=MONDAY + DAY)
    after = make_quote("AAPL", 102.0, as_of=MONDAY + DAY, previous_close=101.0)
    assert not spark.fits(after)
    assert spark.fits(make_quote("AAPL", 404.0, as_of=MONDAY, previous_close=101.0))


def test_kept_bars_save_the_request_and_are_in_present_shares(
    redis: Redis, market: FixedProvider
) -> None:
    quote = market.quotes_of["AAPL"]
    QuoteCache(redis).put({"AAPL": quote}, ["AAPL"], market.fresh_for, MONDAY)
    bars = tuple(
        Bar(start=datetime(d.year, d.month, d.day, tzinfo=UTC), session=d, open=c, high=c, low=c,
            close=c, volume=1)
        for d, c in ((date(2026, 2, 26), 400.0), (date(2026, 2, 27), 101.0))
    )  # fmt: skip
    splits = (Split(symbol="AAPL", session=date(2026, 2, 27), ratio=4.0),)
    chart = Chart(bars=bars, splits=splits, currency="USD", exchange="NASDAQ")
    kept = Kept(quote.session, MONDAY - 2000 * DAY, MONDAY, MONDAY + DAY, chart)
    BarCache(redis).put("AAPL", "1d", kept)
    assert sparks_into_cache(market, redis, ["AAPL"], MONDAY) is None
    assert SparkCache(redis).get(["AAPL"])["AAPL"].closes == (100.0, 101.0)
    assert ("closes", ["AAPL"]) not in market.asked


def test_a_source_in_trouble_is_left_alone_for_a_quarter_of_an_hour(
    desk: SparkDesk, market: FixedProvider, jobs: RecordingJobs
) -> None:
    market.error = RateLimited("slow down")
    for minutes in (0, 1, 14):
        assert desk.of(quotes(market), MONDAY + timedelta(minutes=minutes)) == {}
    assert len(jobs.sparks_asked) == 1
    market.error = None
    desk.of(quotes(market), MONDAY + timedelta(minutes=16))
    assert len(jobs.sparks_asked) == 2


def test_closes_in_another_currency_are_not_drawn(
    desk: SparkDesk, market: FixedProvider, redis: Redis
) -> None:
    gbp = make_quote("AAPL", 150.0, currency="GBp", fetched_at=MONDAY + timedelta(seconds=1))
    QuoteCache(redis).put({"AAPL": gbp}, ["AAPL"], market.fresh_for, MONDAY)
    desk.of([gbp], MONDAY)
    assert "AAPL" not in desk.of([gbp], MONDAY)


def test_symbols_without_a_quote_are_not_asked_for(redis: Redis, market: FixedProvider) -> None:
    sparks_into_cache(market, redis, ["NOPE"], MONDAY)
    assert market.asked == [("closes", [])] or market.asked == []


def test_what_another_version_wrote_is_fetched_again(
    desk: SparkDesk, market: FixedProvider, jobs: RecordingJobs, redis: Redis
) -> None:
    redis.set("spark:AAPL", b'{"form": 99}')
    desk.of(quotes(market), MONDAY)
    assert jobs.sparks_asked == [["AAPL", "MSFT"]]


def test_the_replay_gives_closes_in_shares_of_its_day() -> None:
    replay = make_replay(start=date(2000, 6, 22))
    closes = replay.closes(["AAPL", "NOPE"], datetime(2000, 5, 1, tzinfo=UTC), MONDAY)
    assert list(closes) == ["AAPL"]
    by_day = dict(closes["AAPL"].days)
    assert by_day[date(2000, 6, 20)] == pytest.approx(101.25 / 2, rel=0.02)
    assert date(2000, 6, 22) in by_day


@pytest.fixture
def yahoo(handmade_yahoo: HandmadeYahoo, redis: Redis) -> YahooProvider:
    return YahooProvider(Backoff(redis), loopback_session(handmade_yahoo.port))


def test_yahoo_is_asked_for_twenty_symbols_at_a_time(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    symbols = [f"S{n}" for n in range(45)]
    handmade_yahoo.sparks = {symbol: [100.0, None, 101.5] for symbol in symbols}
    closes = yahoo.closes(symbols, MONDAY - 30 * DAY, MONDAY)
    assert len(closes) == 45
    assert [close for _, close in closes["S7"].days] == [100.0, 101.5]
    assert closes["S7"].currency == "USD"
    assert len(handmade_yahoo.requests_of("/v7/finance/spark")) == 3


def test_one_symbol_without_a_past_does_not_spoil_the_others(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    handmade_yahoo.sparks = {f"S{n}": [100.0, 101.0] for n in range(19)}
    closes = yahoo.closes([*handmade_yahoo.sparks, "BAD"], MONDAY - 30 * DAY, MONDAY)
    assert len(closes) == 19


def test_a_yahoo_that_refuses_all_is_not_asked_for_ever(
    yahoo: YahooProvider, handmade_yahoo: HandmadeYahoo
) -> None:
    assert yahoo.closes([f"S{n}" for n in range(100)], MONDAY - 30 * DAY, MONDAY) == {}
    questions = {line.partition("&range")[0] for line in handmade_yahoo.log if "/spark?" in line}
    assert len(questions) == 6
