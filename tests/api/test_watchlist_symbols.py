"""The symbols of a list."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from services.errors import SourceUnavailable
from services.store.watchlists import MAX_SYMBOLS
from tests.support.web import Person, Site


@pytest.fixture
def path(person: Person) -> str:
    return f"/watchlists/{person.get('/watchlists').json['items'][0]['id']}"


def symbols(person: Person, path: str) -> list[str]:
    return [entry["symbol"] for entry in person.get(path).json["symbols"]]


def test_an_added_symbol_is_last_with_its_note(person: Person, path: str):
    person.post(path + "/symbols", {"symbol": "MSFT"})
    answer = person.post(path + "/symbols", {"symbol": " aapl ", "note": " the phones "})
    assert answer.status_code == 201
    assert answer.json == person.get(path).json
    assert answer.json["symbols"][-1] == {
        "symbol": "AAPL",
        "added_at": "2026-03-02T15:00:00Z",
        "note": "the phones",
    }


def test_a_symbol_added_twice_is_there_once_and_as_it_was(person: Person, path: str):
    first = person.post(path + "/symbols", {"symbol": "AAPL", "note": "first"})
    again = person.post(path + "/symbols", {"symbol": "aapl", "note": "again"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json


def test_an_unknown_symbol_is_refused_with_what_may_be_meant(person: Person, path: str):
    refused = person.post(path + "/symbols", {"symbol": "apple"})
    assert refused.status_code == 422
    assert refused.mimetype == "application/problem+json"
    assert [fault["field"] for fault in refused.json["errors"]] == ["symbol"]
    assert refused.json["suggestions"] == [{"symbol": "AAPL", "name": "Apple Inc."}]
    assert symbols(person, path) == []


def test_an_unknown_symbol_without_likely_ones_has_no_suggestions(person: Person, path: str):
    assert person.post(path + "/symbols", {"symbol": "ZZZZ"}).json["suggestions"] == []


def test_a_share_class_with_a_dot_is_understood(person: Person, path: str):
    answer = person.post(path + "/symbols", {"symbol": "BRK.B"})
    assert [entry["symbol"] for entry in answer.json["symbols"]] == ["BRK-B"]


def test_a_source_without_an_answer_is_asked_again_later(site: Site, person: Person, path: str):
    site.market.error = SourceUnavailable("no answer")
    answer = person.post(path + "/symbols", {"symbol": "AAPL"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "AAPL" in answer.json["detail"]
    assert symbols(person, path) == []


@pytest.mark.parametrize("symbol", ["^GSPC", "EURUSD=X", "BRK-B", "7203.T", "CL=F"])
def test_symbols_of_every_shape_go_in_and_out(person: Person, path: str, symbol: str):
    for spelling in (symbol, quote(symbol, safe=""), symbol.lower()):
        assert person.post(path + "/symbols", {"symbol": symbol}).status_code == 201
        noted = person.patch(f"{path}/symbols/{spelling}", {"note": "seen"})
        assert noted.json["symbols"][0]["note"] == "seen"
        assert person.delete(f"{path}/symbols/{spelling}").status_code == 204
        assert symbols(person, path) == []


@pytest.mark.parametrize(
    "symbol", ["AAPL", "ZZZZ", "A%20B", "%00", "%F0%9F%94%94", "x" * 500, "..", "%2e%2e", "a%2Fb"]
)
def test_a_symbol_that_is_not_on_the_list_is_not_found(person: Person, path: str, symbol: str):
    assert person.delete(f"{path}/symbols/{symbol}").status_code == 404
    assert person.patch(f"{path}/symbols/{symbol}", {"note": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "symbol"),
        ({"symbol": None}, "symbol"),
        ({"symbol": 7}, "symbol"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": "   "}, "symbol"),
        ({"symbol": "A\x00"}, "symbol"),
        ({"symbol": "\U0001f514"}, "symbol"),
        ({"symbol": "A" * 1_000}, "symbol"),
        ({"symbol": "AAPL", "note": 7}, "note"),
        ({"symbol": "AAPL", "note": "x" * 501}, "note"),
        ({"symbol": "AAPL", "note": "\x00"}, "note"),
        ({"symbol": "AAPL", "price": 1}, "price"),
    ],
)
def test_what_cannot_be_added_names_its_field(person: Person, path: str, body: dict, field: str):
    refused = person.post(path + "/symbols", body)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json["errors"]] == [field]


def test_symbols_take_the_order_that_is_sent(person: Person, path: str):
    for symbol in ("AAPL", "MSFT", "IBM"):
        person.post(path + "/symbols", {"symbol": symbol, "note": symbol.lower()})
    person.patch(path, {"symbols": ["ibm", "AAPL", "MSFT"]})
    entries = person.get(path).json["symbols"]
    assert [(e["symbol"], e["note"]) for e in entries] == [
        ("IBM", "ibm"),
        ("AAPL", "aapl"),
        ("MSFT", "msft"),
    ]


@pytest.mark.parametrize("order", [[], ["AAPL"], ["AAPL", "AAPL"], ["AAPL", "MSFT", "IBM"]])
def test_an_order_must_name_each_symbol_once(person: Person, path: str, order: list[str]):
    for symbol in ("AAPL", "MSFT"):
        person.post(path + "/symbols", {"symbol": symbol})
    assert person.patch(path, {"symbols": order}).status_code == 422
    assert symbols(person, path) == ["AAPL", "MSFT"]


def test_the_symbol_beyond_the_limit_is_refused(site: Site, person: Person, path: str):
    for i in range(MAX_SYMBOLS + 1):
        site.market.set(f"S{i}", 100.0)
    for i in range(MAX_SYMBOLS):
        assert person.post(path + "/symbols", {"symbol": f"S{i}"}).status_code == 201
    assert person.post(path + "/symbols", {"symbol": f"S{MAX_SYMBOLS}"}).status_code == 409
    assert person.post(path + "/symbols", {"symbol": "S0"}).status_code == 201
    assert len(symbols(person, path)) == MAX_SYMBOLS


def test_symbols_added_at_once_are_all_kept(site: Site, person: Person, path: str):
    wanted = [f"S{i}" for i in range(20)]
    for symbol in wanted:
        site.market.set(symbol, 100.0)

    def add(symbol: str) -> int:
        client = Person(site, person.uid, person.email, person.password, person.token)
        return client.post(path + "/symbols", {"symbol": symbol}).status_code

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(add, wanted)) == [201] * 20
    assert sorted(symbols(person, path)) == sorted(wanted)
