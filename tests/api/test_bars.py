"""The bars of a chart over the API."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from services.errors import SourceUnavailable
from services.market.cache import QuoteCache
from services.market.models import Bar, Split
from tests.support.market import MONDAY
from tests.support.web import Person, Site


def bar(start: datetime, price: float) -> Bar:
    return Bar(
        start=start,
        session=start.date(),
        open=price,
        high=price + 1,
        low=price - 1,
        close=price,
        volume=100,
    )


def day(days_ago: int, price: float) -> Bar:
    return bar(MONDAY.replace(hour=5) - timedelta(days=days_ago), price)


@pytest.fixture
def past(site: Site, redis: Redis) -> Site:
    """AAPL and ^GSPC have 300 days at 100 and some minutes behind them."""
    site.jobs.run_market(site.market, QuoteCache(redis), lambda: site.at, redis)
    for symbol in ("AAPL", "^GSPC", "EURUSD=X", "BRK-B"):
        site.market.bars_of[symbol, "1d"] = [day(ago, 100.0) for ago in range(300, 0, -1)]
        opened = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
        minutes = [bar(opened + timedelta(minutes=at), 100.0 + at) for at in range(30)]
        site.market.bars_of[symbol, "1m"] = minutes
    return site


def ask(person: Person, symbol: str = "AAPL", **query: str) -> dict:
    answer = person.get(f"/bars/{symbol}", query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_month_of_days_with_the_running_one(past: Site, person: Person) -> None:
    found = ask(person, range="1mo")
    assert (found["symbol"], found["range"], found["interval"]) == ("AAPL", "1mo", "1d")
    assert (found["currency"], found["timezone"]) == ("USD", "America/New_York")
    assert found["pending"] is False
    assert found["sessions"][-1] == "2026-03-02"
    assert found["sessions"][0] == "2026-01-31"
    columns = ("times", "open", "high", "low", "close", "volume")
    assert {len(found[name]) for name in columns} == {len(found["sessions"])}
    assert found["open"][-1] == 100.0
    assert found["averages"][0] == {"days": 50, "values": [100.0] * len(found["sessions"])}
    assert found["averages"][1]["days"] == 200


def test_a_year_is_what_is_meant_without_a_range(past: Site, person: Person) -> None:
    assert ask(person)["range"] == "1y"


def test_a_day_is_of_five_minutes_and_has_no_averages(past: Site, person: Person) -> None:
    found = ask(person, range="1d")
    assert found["interval"] == "5m"
    assert found["times"][:2] == ["2026-03-02T14:30:00Z", "2026-03-02T14:35:00Z"]
    assert found["close"][0] == 104.0
    assert found["averages"] == []


def test_ten_years_are_asked_for_and_drawn_in_weeks(past: Site, person: Person) -> None:
    assert ask(person, range="10y")["interval"] == "1w"
    assert ("AAPL", "1d", 10) in past.jobs.bars_asked


def test_bars_before_a_split_are_in_shares_of_today(past: Site, person: Person) -> None:
    session = (MONDAY - timedelta(days=10)).date()
    past.market.splits_of["AAPL"] = [Split(symbol="AAPL", session=session, ratio=3.0)]
    found = ask(person, range="1mo")
    before, after = found["sessions"].index("2026-02-19"), found["sessions"].index("2026-02-20")
    assert (found["close"][before], found["volume"][before]) == (33.3333333, 300)
    assert (found["close"][after], found["volume"][after]) == (100.0, 100)


@pytest.mark.parametrize("symbol", ["^GSPC", "%5EGSPC", "EURUSD=X", "BRK-B", "brk.b"])
def test_symbols_of_all_spellings_have_bars(past: Site, person: Person, symbol: str) -> None:
    assert ask(person, symbol)["close"]


def test_what_has_not_changed_is_not_sent_again(past: Site, person: Person) -> None:
    first = person.get("/bars/AAPL")
    assert first.headers["Cache-Control"] == "private, no-cache"
    tag = {"If-None-Match": first.headers["ETag"]}
    again = person.get("/bars/AAPL", headers=tag)
    assert (again.status_code, again.data) == (304, b"")
    past.price(105.0)
    changed = person.get("/bars/AAPL", headers=tag)
    assert changed.status_code == 200
    assert changed.json["close"][-1] == 105.0


def test_while_a_worker_fetches_the_answer_says_when_to_ask_again(
    site: Site, person: Person
) -> None:
    person.get("/quotes?symbols=AAPL")
    site.services.__dict__["desk"]._past._sleep = lambda _: None
    seconds = iter(range(0, 1_000, 10))
    site.services.__dict__["desk"]._past._monotonic = lambda: next(seconds)
    answer = person.get("/bars/AAPL?range=5y")
    assert answer.status_code == 200
    assert (answer.json["pending"], answer.json["times"]) == (True, [])
    assert answer.json["interval"] == "1w"
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_bars_at_the_source_leave_the_running_day(past: Site, person: Person) -> None:
    found = ask(person, "MSFT")
    assert found["close"] == [100.0]
    assert ask(person, "MSFT", range="1d")["close"] == []


@pytest.mark.parametrize("name", ["", "2y", "1D", "all", "-1d"])
def test_other_ranges_are_refused(past: Site, person: Person, name: str) -> None:
    answer = person.get("/bars/AAPL", query_string={"range": name})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "range"


def test_an_unknown_symbol_is_told_with_what_may_be_meant(past: Site, person: Person) -> None:
    answer = person.get("/bars/APPLE")
    assert answer.status_code == 422
    assert [one["symbol"] for one in answer.json["suggestions"]] == ["AAPL"]


def test_a_source_that_does_not_answer_is_told(site: Site, person: Person) -> None:
    site.market.error = SourceUnavailable("down")
    answer = person.get("/bars/NEW")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_tiny_and_large_prices_keep_their_digits(past: Site, person: Person) -> None:
    past.market.set("SHIB-USD", 0.00000123, past.at, day_high=0.00000124, day_low=0.00000122)
    past.market.set("BRK-A", 715_930.25, past.at, day_high=716_000.0, day_low=700_000.0)
    assert ask(person, "SHIB-USD")["close"] == [0.00000123]
    assert ask(person, "BRK-A")["close"] == [715_930.25]


def test_nobody_reads_bars_without_a_token_or_a_session(past: Site, person: Person) -> None:
    assert past.app.test_client().get("/api/v1/bars/AAPL").status_code == 401
    browser = past.browser(person)
    assert browser.client.get("/api/v1/bars/AAPL").status_code == 200
