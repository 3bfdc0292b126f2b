from datetime import datetime, timedelta

import pytest
from redis import Redis

from services.errors import InvalidInput, NoQuote, SourceUnavailable, UnknownSymbol
from services.market.cache import QuoteCache
from services.market.desk import QuoteDesk
from services.market.lookup import Lookup
from services.market.models import Match
from tests.support.market import MONDAY, FixedProvider, RecordingJobs


@pytest.fixture
def market() -> FixedProvider:
    return FixedProvider()


@pytest.fixture
def lookup(redis: Redis, jobs: RecordingJobs, market: FixedProvider) -> Lookup:
    """A lookup whose worker answers at once, at MONDAY plus the minutes that passed."""
    jobs.run_market(market, QuoteCache(redis), lambda: CLOCK["now"])
    CLOCK["now"] = MONDAY
    return Lookup(QuoteDesk(redis, jobs))


CLOCK: dict[str, datetime] = {}


def test_a_symbol_is_found_in_any_case(lookup: Lookup, market: FixedProvider) -> None:
    market.set("^GSPC", 5_000)
    assert lookup.find(" ^gspc ", MONDAY).price == 5_000


def test_a_share_class_with_a_dot_is_found_with_its_hyphen(
    lookup: Lookup, market: FixedProvider
) -> None:
    market.set("BRK-B", 400)
    assert lookup.find("brk.b", MONDAY).symbol == "BRK-B"


def test_an_exchange_suffix_stays(lookup: Lookup, market: FixedProvider) -> None:
    market.set("VOD.L", 70)
    assert lookup.find("vod.l", MONDAY).symbol == "VOD.L"


def test_an_unknown_symbol_comes_with_what_may_be_meant(
    lookup: Lookup, market: FixedProvider
) -> None:
    market.matches_of["apple"] = [
        Match(symbol="AAPL", name="Apple Inc.", exchange="NASDAQ", kind="EQUITY")
    ]
    for text in ("apple", "Apple"):
        with pytest.raises(UnknownSymbol) as refusal:
            lookup.find(text, MONDAY)
        assert refusal.value.suggestions == (("AAPL", "Apple Inc."),)


def test_a_company_name_with_spaces_is_searched_for(lookup: Lookup) -> None:
    with pytest.raises(UnknownSymbol):
        lookup.find("berkshire hathaway", MONDAY)


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_typed_is_no_symbol(lookup: Lookup, text: str) -> None:
    with pytest.raises(InvalidInput):
        lookup.find(text, MONDAY)


def test_an_alert_is_set_on_a_quote_of_seconds(lookup: Lookup, market: FixedProvider) -> None:
    market.set("AAPL", 100)
    lookup.find("AAPL", MONDAY)
    CLOCK["now"] = MONDAY + timedelta(minutes=1)
    market.set("AAPL", 101, CLOCK["now"])
    assert lookup.find("AAPL", CLOCK["now"]).price == 100
    assert lookup.find_to_arm("AAPL", CLOCK["now"]).price == 101


def test_no_alert_is_set_on_an_old_quote(lookup: Lookup, market: FixedProvider) -> None:
    market.set("AAPL", 100)
    lookup.find("AAPL", MONDAY)
    CLOCK["now"] = MONDAY + timedelta(hours=1)
    market.error = SourceUnavailable("no answer")
    with pytest.raises(NoQuote) as refusal:
        lookup.find_to_arm("AAPL", CLOCK["now"])
    assert not refusal.value.known_missing
