"""What every provider promises, held against each of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from services.market.backoff import Backoff
from services.market.models import BarInterval
from services.market.provider import Provider
from services.market.yahoo import YahooProvider
from tests.support.market import (
    MONDAY,
    FixedProvider,
    HandmadeYahoo,
    loopback_session,
    make_replay,
)

LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
INTERVALS: tuple[BarInterval, ...] = ("1d", "1m")
SPANS = {"1d": timedelta(days=1), "1m": timedelta(minutes=1)}


@dataclass
class Case:
    """A provider that quotes AAPL, which was split before `now`, and does not know ZZZZ."""

    provider: Provider
    now: datetime
    search: str = "apple"


def _replay(request: pytest.FixtureRequest) -> Case:
    return Case(make_replay(), MONDAY + timedelta(seconds=210))


def _yahoo(request: pytest.FixtureRequest) -> Case:
    redis: Redis = request.getfixturevalue("redis")
    server: HandmadeYahoo = request.getfixturevalue("handmade_yahoo")
    now = datetime(2026, 3, 2, 15, 16, tzinfo=UTC)
    return Case(YahooProvider(Backoff(redis), loopback_session(server.port)), now)


def _recorded(request: pytest.FixtureRequest) -> Case:
    redis: Redis = request.getfixturevalue("redis")
    session = request.getfixturevalue("yahoo_session")
    now = datetime(2025, 2, 17, 11, 0, tzinfo=UTC)
    return Case(YahooProvider(Backoff(redis), session), now, "AAPL")


def _fixed(request: pytest.FixtureRequest) -> Case:
    """The tests' own double keeps the contract too: it is filled from the replay."""
    replay, now = make_replay(), MONDAY + timedelta(seconds=210)
    fixed = FixedProvider()
    fixed.set("AAPL", 50.0, now)
    fixed.matches_of["apple"] = replay.search("apple", now)
    return Case(fixed, now)


CASES = {"replay": _replay, "yahoo": _yahoo, "recorded": _recorded, "fixed": _fixed}


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param](request)


def test_a_known_symbol_has_a_quote_under_its_own_name(case: Case) -> None:
    quotes = case.provider.quotes(["AAPL", "ZZZZ"], case.now)
    assert list(quotes) == ["AAPL"]
    quote = quotes["AAPL"]
    assert (quote.symbol, quote.source) == ("AAPL", case.provider.name)
    assert quote.fetched_at == case.now


def test_a_quote_is_no_younger_than_its_market(case: Case) -> None:
    quote = case.provider.quotes(["AAPL"], case.now)["AAPL"]
    assert quote.as_of <= case.provider.market_time(case.now)
    assert quote.as_of.tzinfo is not None
    assert quote.session <= case.provider.market_time(case.now).date()


def test_the_price_is_within_the_days_range(case: Case) -> None:
    quote = case.provider.quotes(["AAPL"], case.now)["AAPL"]
    assert quote.day_low is not None
    assert quote.day_high is not None
    assert 0 < quote.day_low <= quote.price <= quote.day_high


def test_no_symbols_no_quotes(case: Case) -> None:
    assert case.provider.quotes([], case.now) == {}


@pytest.mark.slow
@pytest.mark.parametrize("interval", INTERVALS)
def test_bars_are_in_order_whole_and_end_after_since(case: Case, interval: BarInterval) -> None:
    everything = case.provider.bars("AAPL", interval, LONG_AGO, case.now)
    starts = [bar.start for bar in everything]
    assert starts == sorted(set(starts))
    for bar in everything:
        assert bar.low <= min(bar.open, bar.close)
        assert max(bar.open, bar.close) <= bar.high
        assert bar.volume >= 0
        assert bar.start <= case.provider.market_time(case.now)
    for since in starts[1:3]:
        later = case.provider.bars("AAPL", interval, since, case.now)
        assert later == [bar for bar in everything if bar.start + SPANS[interval] > since]


def test_a_daily_bar_starts_with_midnight_where_it_is_traded(case: Case) -> None:
    zone = ZoneInfo(case.provider.quotes(["AAPL"], case.now)["AAPL"].timezone)
    for bar in case.provider.bars("AAPL", "1d", LONG_AGO, case.now):
        start = bar.start.astimezone(zone)
        assert (start.date(), start.time()) == (bar.session, time())


@pytest.mark.slow
@pytest.mark.parametrize("interval", INTERVALS)
def test_a_chart_is_the_bars_and_the_splits(case: Case, interval: BarInterval) -> None:
    chart = case.provider.chart("AAPL", interval, LONG_AGO, case.now)
    assert list(chart.bars) == case.provider.bars("AAPL", interval, LONG_AGO, case.now)
    within = case.provider.splits("AAPL", LONG_AGO, case.now)
    assert set(chart.splits) <= set(within)
    if interval == "1d":
        assert list(chart.splits) == within
    assert chart.currency in ("", "USD")
    assert case.provider.chart("ZZZZ", interval, LONG_AGO, case.now).bars == ()


@pytest.mark.slow
def test_extended_minutes_hold_the_regular_ones(case: Case) -> None:
    regular = case.provider.bars("AAPL", "1m", LONG_AGO, case.now)
    extended = case.provider.bars("AAPL", "1m", LONG_AGO, case.now, extended=True)
    assert {bar.start for bar in regular} <= {bar.start for bar in extended}


def test_earnings_are_of_today_or_later_or_not_known(case: Case) -> None:
    today = case.provider.market_time(case.now).date()
    earnings = case.provider.earnings("AAPL", case.now)
    assert earnings is None or earnings >= today
    assert case.provider.earnings("ZZZZ", case.now) is None


def test_an_extended_price_is_newer_than_the_regular_one(case: Case) -> None:
    quote = case.provider.quotes(["AAPL"], case.now)["AAPL"]
    assert (quote.extended_price is None) == (quote.extended_at is None)
    if quote.extended_at is not None:
        assert quote.market_state != "open"
        assert quote.as_of < quote.extended_at <= case.now


@pytest.mark.slow
@pytest.mark.parametrize("interval", INTERVALS)
def test_an_unknown_symbol_has_no_bars(case: Case, interval: BarInterval) -> None:
    assert case.provider.bars("ZZZZ", interval, LONG_AGO, case.now) == []


def test_a_split_is_told_until_its_session_has_been_seen(case: Case) -> None:
    splits = case.provider.splits("AAPL", LONG_AGO, case.now)
    assert splits == sorted(splits, key=lambda split: split.session)
    for split in splits:
        noon = datetime.combine(split.session, time(17), UTC)
        assert split.ratio > 0
        assert split not in case.provider.splits("AAPL", noon, case.now)
        assert split in case.provider.splits("AAPL", noon - timedelta(days=1), case.now)


def test_an_unknown_symbol_has_no_splits(case: Case) -> None:
    assert case.provider.splits("ZZZZ", LONG_AGO, case.now) == []


def test_a_search_finds_the_symbol_with_its_name(case: Case) -> None:
    matches = {match.symbol: match for match in case.provider.search(case.search, case.now)}
    assert matches["AAPL"].name == "Apple Inc."
    assert len(matches) <= 10


def test_a_search_for_nonsense_finds_nothing(case: Case) -> None:
    assert case.provider.search("no such company anywhere", case.now) == []


def test_quotes_are_fresh_for_a_second_to_five_minutes(case: Case) -> None:
    assert timedelta(seconds=1) <= case.provider.fresh_for <= timedelta(minutes=5)
