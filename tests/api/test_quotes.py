"""Quotes and the search for symbols."""

import pytest

from services.errors import SourceUnavailable
from services.market.models import Match
from tests.support.web import Person, Site


def test_a_quote_has_its_numbers_times_and_age(site: Site, person: Person):
    site.market.set("OCDO.L", 250.5, site.at, previous_close=250.0, currency="GBp", volume=None)
    quote = person.get("/quotes?symbols=OCDO.L").json["items"][0]
    assert quote == {
        "symbol": "OCDO.L",
        "name": "OCDO.L Inc.",
        "price": 250.5,
        "previous_close": 250.0,
        "change_percent": pytest.approx(0.2),
        "day_high": 250.5,
        "day_low": 99.0,
        "volume": None,
        "currency": "GBp",
        "exchange": "NASDAQ",
        "market_state": "open",
        "as_of": "2026-03-02T15:00:00Z",
        "fetched_at": "2026-03-02T15:00:00Z",
        "source": "fixed",
        "stale": False,
        "age_seconds": 0.0,
    }


def test_quotes_come_in_the_order_asked_and_each_once(person: Person):
    answer = person.get("/quotes?symbols=MSFT,AAPL,msft, ibm ").json
    assert [quote["symbol"] for quote in answer["items"]] == ["MSFT", "AAPL", "IBM"]
    assert answer["next"] is None


def test_symbols_that_the_source_does_not_know_are_named(person: Person):
    answer = person.get("/quotes?symbols=AAPL,ZZZZ").json
    assert [quote["symbol"] for quote in answer["items"]] == ["AAPL"]
    assert (answer["missing"], answer["pending"]) == (["ZZZZ"], [])


def test_symbols_that_could_not_be_asked_for_are_pending(site: Site, person: Person):
    site.market.error = SourceUnavailable("no answer")
    answer = person.get("/quotes?symbols=AAPL").json
    assert (answer["items"], answer["missing"], answer["pending"]) == ([], [], ["AAPL"])


def test_an_old_quote_says_so(site: Site, person: Person):
    person.get("/quotes?symbols=AAPL")
    site.market.error = SourceUnavailable("no answer")
    site.later(minutes=7)
    quote = person.get("/quotes?symbols=AAPL").json["items"][0]
    assert (quote["stale"], quote["age_seconds"]) == (True, 420)


def test_numbers_that_are_none_are_null(site: Site, person: Person):
    nan = float("nan")
    site.market.set("AAPL", 100.0, site.at, previous_close=nan, day_high=nan, day_low=None)
    answer = person.get("/quotes?symbols=AAPL")
    assert "NaN" not in answer.text
    quote = answer.json["items"][0]
    assert [quote[name] for name in ("previous_close", "day_high", "change_percent")] == [None] * 3


@pytest.mark.parametrize("symbol", ["^GSPC", "EURUSD=X", "BRK-B", "7203.T", "CL=F"])
def test_symbols_of_every_shape_are_read_plain_and_percent_encoded(person: Person, symbol: str):
    encoded = "".join(f"%{ord(character):02X}" for character in symbol)
    for spelling in (symbol, encoded):
        answer = person.get(f"/quotes?symbols={spelling}").json
        assert [quote["symbol"] for quote in answer["items"]] == [symbol]


def test_a_hundred_symbols_are_answered_and_more_refused(person: Person):
    symbols = [f"S{i}" for i in range(101)]
    most = person.get(f"/quotes?symbols={','.join(symbols[:100])}")
    assert (most.status_code, len(most.json["missing"])) == (200, 100)
    assert person.get(f"/quotes?symbols={','.join(symbols)}").status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?symbols=",
        "?symbols=,",
        "?symbols=A B",
        "?symbols=%00",
        "?symbols=%F0%9F%94%94",
        "?symbols=" + "A" * 21,
        "?symbols=" + "A," * 5_000,
        "?symbols=AAPL&symbols=MSFT",
        "?symbols=../../etc",
    ],
)
def test_what_is_no_list_of_symbols_is_refused_by_name(person: Person, query: str):
    refused = person.get("/quotes" + query)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json["errors"]] == ["symbols"]


def test_a_search_finds_symbols_by_company(person: Person):
    answer = person.get("/symbols?q=Apple").json
    found = {"symbol": "AAPL", "name": "Apple Inc.", "exchange": "NASDAQ", "kind": "equity"}
    assert answer == {"items": [found], "pending": False, "next": None}


@pytest.mark.parametrize("text", ["", "   ", "%00", "%F0%9F%94%94", "no such company", "'%22<b>"])
def test_a_search_for_anything_is_answered(person: Person, text: str):
    answer = person.get(f"/symbols?q={text}")
    assert (answer.status_code, answer.json["items"]) == (200, [])


def test_a_search_without_its_text_is_refused(person: Person):
    assert person.get("/symbols").status_code == 422
    assert person.get("/symbols?q=" + "x" * 201).status_code == 422


def test_a_search_that_got_no_answer_is_pending(site: Site, person: Person):
    site.market.matches_of["ibm"] = [Match(symbol="IBM", name="IBM", exchange="N", kind="equity")]
    site.market.error = SourceUnavailable("no answer")
    assert person.get("/symbols?q=ibm").json == {"items": [], "pending": True, "next": None}
