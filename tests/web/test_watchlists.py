"""A watchlist: what it shows, adding to it, and changing it."""

import re

import pytest

from services.errors import SourceUnavailable
from services.market.fetch_hours import hours_into_cache
from services.market.models import Match
from services.market.sparks import Spark, SparkCache
from services.store.watchlists import MAX_LISTS, MAX_SYMBOLS, Entry
from tests.support.web import Site
from tests.web.conftest import LIST, Reader, have_no_patience, words


def add(reader: Reader, symbol: str, path: str = LIST) -> None:
    assert reader.send(f"{path}/symbols", symbol=symbol).status_code == 302


def symbols(reader: Reader, list_id: str = "default") -> list[str]:
    return list(reader.site.services.watchlists.get(reader.uid, list_id).symbols)


def change(reader: Reader, symbol: str, **fields: str) -> int:
    path = f"{LIST}/symbols/{symbol.replace('^', '%5E')}"
    return reader.send(path, **fields).status_code


@pytest.mark.parametrize("symbol", ["AAPL", "^GSPC", "EURUSD=X", "BRK-B", "7203.T", "CL=F"])
def test_a_symbol_of_any_spelling_is_added_noted_and_removed(ada: Reader, symbol: str) -> None:
    add(ada, f" {symbol.lower()} ")
    assert symbols(ada) == [symbol]
    assert change(ada, symbol, do="note", note="mine") == 302
    assert "mine" in ada.page(LIST)
    assert change(ada, symbol, do="remove") == 302
    assert symbols(ada) == []


def test_a_share_class_with_a_dot_is_understood(ada: Reader) -> None:
    add(ada, "BRK.B")
    assert symbols(ada) == ["BRK-B"]


def test_an_unknown_symbol_is_not_added_and_what_was_typed_stays(ada: Reader) -> None:
    answer = ada.send(f"{LIST}/symbols", symbol="ZZZZ")
    assert answer.status_code == 422
    assert "No quotes for ZZZZ." in words(answer)
    assert 'value="ZZZZ"' in answer.text
    assert symbols(ada) == []


def test_a_company_s_name_gets_its_symbol_as_a_button(ada: Reader) -> None:
    answer = ada.send(f"{LIST}/symbols", symbol="apple")
    assert "Did you mean" in words(answer)
    assert 'name="symbol" value="AAPL"' in answer.text
    assert "Apple Inc." in answer.text
    assert symbols(ada) == []


def test_a_source_that_does_not_answer_is_said_and_nothing_typed_is_lost(ada: Reader) -> None:
    ada.site.market.error = SourceUnavailable("down")
    have_no_patience(ada.site)
    answer = ada.send(f"{LIST}/symbols", symbol="NEWONE")
    assert answer.status_code == 503
    assert "gave no answer about NEWONE" in words(answer)
    assert 'value="NEWONE"' in answer.text


def test_adding_twice_adds_once(ada: Reader) -> None:
    add(ada, "AAPL")
    add(ada, "AAPL")
    assert symbols(ada) == ["AAPL"]


def test_the_fifty_first_symbol_is_refused_in_words(ada: Reader) -> None:
    entries = tuple(Entry(symbol=f"S{n}", added_at=ada.site.at) for n in range(MAX_SYMBOLS))
    ada.site.services.watchlists.change(
        ada.uid, "default", lambda one: one.replace(entries=entries)
    )
    answer = ada.send(f"{LIST}/symbols", symbol="AAPL")
    assert answer.status_code == 422
    assert "50 symbols at most" in words(answer)


def test_a_row_shows_price_currency_change_range_volume_and_age(ada: Reader) -> None:
    ada.site.price(103.5, day_low=99.0, day_high=104.0, volume=12_345_678)
    add(ada, "AAPL")
    text = ada.page(LIST)
    for shown in ("103.50 USD", "▲+3.50 %", "99.00", "104.00", "12.3 M", "now"):
        assert shown in text.replace("\u202f", " ")


def test_pence_are_called_pence(ada: Reader) -> None:
    ada.site.price(245.3, "OCDO.L", currency="GBp")
    add(ada, "OCDO.L")
    page = ada.get(LIST)
    assert "245.30 p" in words(page)
    assert "pence" in page.text


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        (0.00000123, "0.00000123"),
        (715930.0, "715,930.00"),
        (585.7182, "585.72"),
        (1.1624, "1.1624"),
        (-37.63, "\N{MINUS SIGN}37.63"),
    ],
)
def test_prices_of_any_size_are_legible(ada: Reader, price: float, shown: str) -> None:
    ada.site.price(price, "CL=F")
    add(ada, "CL=F")
    assert shown in ada.page(LIST)


def test_a_stale_quote_is_marked_with_its_age(ada: Reader) -> None:
    add(ada, "AAPL")
    ada.site.market.error = SourceUnavailable("down")
    ada.site.later(minutes=17)
    text = ada.page(LIST)
    assert "17 min" in text.replace("\u00a0", " ")
    assert 'class="stale"' in ada.get(LIST).text
    assert "Quotes delayed since" in text


def test_a_symbol_without_a_quote_says_so(ada: Reader) -> None:
    add(ada, "AAPL")
    del ada.site.market.quotes_of["AAPL"]
    ada.site.services.redis.delete("quote:AAPL")
    assert "No quote at the source" in ada.page(LIST)


def test_a_quote_that_is_still_fetched_says_so(ada: Reader) -> None:
    add(ada, "AAPL")
    ada.site.services.redis.delete("quote:AAPL")
    ada.site.jobs._fetch = None
    have_no_patience(ada.site)
    assert "Fetching" in ada.page(LIST)


def test_a_replay_says_which_day_it_shows(ada: Reader) -> None:
    ada.site.market.name = "replay"
    add(ada, "AAPL")
    assert "Replayed market: prices of 2 March 2026, not live." in ada.page(LIST)


def test_markup_in_a_company_s_name_or_note_stays_text(ada: Reader) -> None:
    ada.site.price(1.0, "AAPL", name="<script>alert(1)</script> \u202eevil 🐑")
    add(ada, "AAPL")
    change(ada, "AAPL", do="note", note='"><img src=x onerror=alert(1)>')
    page = ada.get(LIST).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<img" not in ada.get(f"{LIST}/edit").text


def test_the_levels_of_armed_alerts_stand_on_the_row(ada: Reader) -> None:
    add(ada, "AAPL")
    ada.alert("price_rises_to", 103.2)
    ada.alert("price_rises_to", 90, if_true="wait")
    text = ada.page(LIST)
    assert "rises to 103.20 USD 3.2 % to go" in text
    assert "rises to 90.00 USD waits" in text


def test_without_scripts_the_page_refreshes_itself(ada: Reader) -> None:
    add(ada, "AAPL")
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in ada.get(LIST).text


def test_a_note_of_ten_kilobytes_is_refused_and_not_lost(ada: Reader) -> None:
    add(ada, "AAPL")
    note = "n" * 10_000
    answer = ada.send(f"{LIST}/symbols/AAPL", do="note", note=note)
    assert answer.status_code == 422
    assert "500 characters at most" in words(answer)
    assert note in answer.text


def test_symbols_move_up_and_down_and_stop_at_the_ends(ada: Reader) -> None:
    for symbol in ("AAPL", "MSFT", "IBM"):
        add(ada, symbol)
    change(ada, "IBM", do="up")
    assert symbols(ada) == ["AAPL", "IBM", "MSFT"]
    change(ada, "AAPL", do="down")
    change(ada, "IBM", do="up")
    change(ada, "MSFT", do="down")
    assert symbols(ada) == ["IBM", "AAPL", "MSFT"]


def test_removing_twice_does_no_harm(ada: Reader) -> None:
    add(ada, "AAPL")
    assert [change(ada, "AAPL", do="remove") for _ in range(2)] == [302, 302]


@pytest.mark.parametrize("symbol", ["%3Cscript%3E", "nope", "A" * 30, "..%5C"])
def test_what_is_no_symbol_is_not_found(ada: Reader, symbol: str) -> None:
    assert change(ada, symbol, do="note", note="x") == 404


def test_a_list_is_made_named_moved_and_deleted(ada: Reader) -> None:
    made = ada.send("/watchlists/new", name="  Ideas \x00 & <b> ", once="t1")
    path = made.location
    assert "Ideas & <b>" in ada.page(path)
    ada.send(f"{path}/name", name="Dividends")
    ada.send(f"{path}/position", to="left")
    lists = ada.site.services.watchlists.of(ada.uid)
    assert [one.name for one in lists] == ["Dividends", "Watchlist"]
    ada.send(f"{path}/delete")
    assert ada.get(path).status_code == 404


def test_a_form_for_a_list_that_is_sent_twice_makes_one(ada: Reader) -> None:
    token = ada.token()
    sent = [
        ada.client.post("/watchlists/new", data={"csrf_token": token, "name": "A", "once": "t"})
        for _ in range(2)
    ]
    assert sent[0].location == sent[1].location
    assert len(ada.site.services.watchlists.of(ada.uid)) == 2


@pytest.mark.parametrize("name", ["", "   ", "n" * 61, "\x00"])
def test_a_list_s_name_must_be_one(ada: Reader, name: str) -> None:
    answer = ada.send("/watchlists/new", name=name)
    assert answer.status_code == 422
    assert "1 to 60 characters" in words(answer)


def test_the_twenty_first_list_is_refused_in_words(ada: Reader) -> None:
    for n in range(MAX_LISTS - 1):
        assert ada.send("/watchlists/new", name=f"L{n}").status_code == 302
    answer = ada.send("/watchlists/new", name="one more")
    assert answer.status_code == 422
    assert "20 lists at most" in words(answer)
    assert 'value="one more"' in answer.text


def test_who_deletes_the_last_list_gets_a_new_first_one(ada: Reader) -> None:
    ada.send(f"{LIST}/delete")
    assert "Three steps" in ada.page("/")


def test_nobody_sees_or_changes_another_s_list(ada: Reader, bob: Reader, site: Site) -> None:
    made = ada.send("/watchlists/new", name="Secret").location
    for path in (made, f"{made}/edit"):
        assert bob.get(path).status_code == 404
    for path, fields in (
        (f"{made}/symbols", {"symbol": "AAPL"}),
        (f"{made}/symbols/AAPL", {"do": "note", "note": "x"}),
        (f"{made}/name", {"name": "x"}),
        (f"{made}/position", {"to": "left"}),
        (f"{made}/delete", {}),
    ):
        assert bob.send(path, **fields).status_code == 404
    assert len(site.services.watchlists.of(ada.uid)) == 2


@pytest.mark.parametrize(
    "typed",
    ["AAPL, MSFT ibm", "AAPL MSFT IBM", "aapl;msft;ibm", "aapl msft ibm", "AAPL,MSFT,,IBM,"],
)
def test_several_symbols_are_added_at_once(ada: Reader, typed: str) -> None:
    answer = ada.send(f"{LIST}/symbols", symbol=typed)
    assert answer.status_code == 302
    assert symbols(ada) == ["AAPL", "MSFT", "IBM"]
    assert "3 symbols were added" in ada.page(LIST)


def test_of_several_symbols_those_that_there_are_not_are_told(ada: Reader) -> None:
    answer = ada.send(f"{LIST}/symbols", symbol="AAPL, ZZZZ, BRK.B, <b>x")
    assert symbols(ada) == ["AAPL", "BRK-B"]
    text = words(answer)
    assert "2 symbols were added" in text
    assert "1 is not known at the source" in text
    assert 'value="ZZZZ, &lt;b&gt;x"' in answer.text


def test_a_company_of_several_words_is_no_list_of_symbols(ada: Reader) -> None:
    ada.site.market.matches_of["best buy"] = [
        Match(symbol="AAPL", name="Best Buy", exchange="NYSE", kind="equity")
    ]
    for symbol in ("BEST", "BUY"):
        ada.site.market.set(symbol, 10.0)
    answer = ada.send(f"{LIST}/symbols", symbol="best buy")
    assert "Did you mean" in words(answer)
    assert symbols(ada) == []


def test_several_of_which_none_exists_add_nothing(ada: Reader) -> None:
    answer = ada.send(f"{LIST}/symbols", symbol="ZZZZ, YYYY")
    assert answer.status_code == 422
    assert symbols(ada) == []


@pytest.mark.parametrize(
    "text",
    ["x" * 5_000, "A," * 900, "\x00\x01", "\u202eAAPL", "🐑 🐑", "'; drop table", "%s %d {}"],
)
def test_whatever_is_pasted_is_answered(ada: Reader, text: str) -> None:
    assert ada.send(f"{LIST}/symbols", symbol=text).status_code in (302, 422, 200)


def order(reader: Reader, query: str = "") -> list[str]:
    page = reader.get(f"{LIST}{query}", follow_redirects=True).text
    return re.findall(r'<tr role="row" id="row-([^"]+)"', page)


@pytest.fixture
def sorted_ada(ada: Reader) -> Reader:
    """Ada with four symbols that differ in all; one has no quote."""
    for symbol, price, volume in (("MSFT", 90.0, 500), ("AAPL", 110.0, 100), ("IBM", 100.0, 900)):
        ada.site.market.set(symbol, price, ada.site.at, volume=volume)
        add(ada, symbol)
    add(ada, "CL=F")
    del ada.site.market.quotes_of["CL=F"]
    ada.site.services.redis.delete("quote:CL=F")
    ada.alert("price_rises_to", 101, symbol="IBM")
    ada.alert("price_rises_to", 300, symbol="AAPL")
    return ada


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("own", ["MSFT", "AAPL", "IBM", "CL=F"]),
        ("symbol", ["AAPL", "CL=F", "IBM", "MSFT"]),
        ("-price", ["AAPL", "IBM", "MSFT", "CL=F"]),
        ("price", ["MSFT", "IBM", "AAPL", "CL=F"]),
        ("-change", ["AAPL", "IBM", "MSFT", "CL=F"]),
        ("-volume", ["IBM", "MSFT", "AAPL", "CL=F"]),
        ("alerts", ["IBM", "AAPL", "MSFT", "CL=F"]),
    ],
)
def test_rows_stand_as_they_are_sorted_and_those_without_a_value_last(
    sorted_ada: Reader, sort: str, expected: list[str]
) -> None:
    assert order(sorted_ada, f"?sort={sort}") == expected
    assert order(sorted_ada) == expected, "it is remembered"


def test_heads_tell_the_sort_and_lead_to_the_other_way_and_back(sorted_ada: Reader) -> None:
    seen = []
    for _ in range(3):
        page = sorted_ada.get(LIST).text
        link = re.search(r'class="price-head num"([^>]*)><a href="([^"]+)"', page)
        assert link
        seen.append(link[1].strip())
        sorted_ada.get(link[2])
    assert seen == ["", 'aria-sort="descending"', 'aria-sort="ascending"']
    assert "aria-sort" not in sorted_ada.get(LIST).text


def test_columns_are_chosen_and_remembered(sorted_ada: Reader) -> None:
    chosen = "?view=1&sort=own&show=spark&show=change&show=alerts&show=age"
    assert sorted_ada.get(LIST + chosen).status_code == 302
    page = sorted_ada.get(LIST).text
    assert 'class="quotes without-range without-volume"' in page


@pytest.mark.parametrize(
    "query", ["?sort=x", "?sort=-own", "?sort=" + "y" * 999, "?show=zz&view=1"]
)
def test_a_look_that_there_is_not_does_no_harm(sorted_ada: Reader, query: str) -> None:
    assert order(sorted_ada, query)[0] == "MSFT"


@pytest.mark.parametrize("cookie", ["", "...", "nonsense.x.y", "own." + "a" * 900, '"<b>"'])
def test_a_cookie_that_says_nonsense_is_not_heard(sorted_ada: Reader, cookie: str) -> None:
    sorted_ada.client.set_cookie("look", cookie, path="/watchlists")
    assert order(sorted_ada) == ["MSFT", "AAPL", "IBM", "CL=F"]


def place(reader: Reader, symbol: str, before: str = "", after: str = "") -> int:
    return change(reader, symbol, do="place", before=before, after=after)


def test_a_symbol_is_put_between_its_new_neighbours(sorted_ada: Reader) -> None:
    assert place(sorted_ada, "CL=F", before="MSFT") == 204
    assert symbols(sorted_ada) == ["CL=F", "MSFT", "AAPL", "IBM"]
    assert place(sorted_ada, "CL=F", before="IBM", after="AAPL") == 204
    assert symbols(sorted_ada) == ["MSFT", "AAPL", "CL=F", "IBM"]
    assert place(sorted_ada, "MSFT", after="IBM") == 204
    assert symbols(sorted_ada) == ["AAPL", "CL=F", "IBM", "MSFT"]


def test_what_others_did_meanwhile_is_not_lost_when_a_row_is_moved(sorted_ada: Reader) -> None:
    add(sorted_ada, "EURUSD=X")
    change(sorted_ada, "AAPL", do="remove")
    assert place(sorted_ada, "IBM", before="AAPL", after="MSFT") == 204, "AAPL is gone"
    assert symbols(sorted_ada) == ["MSFT", "IBM", "CL=F", "EURUSD=X"]
    assert place(sorted_ada, "AAPL", before="MSFT") == 404
    assert symbols(sorted_ada) == ["MSFT", "IBM", "CL=F", "EURUSD=X"]


def test_rows_can_be_dragged_in_their_own_order_only(sorted_ada: Reader) -> None:
    assert "data-reorder" in sorted_ada.get(LIST).text
    sorted_ada.get(f"{LIST}?sort=-price")
    assert "data-reorder" not in sorted_ada.get(LIST).text


def test_closes_are_drawn_once_a_worker_has_brought_them(ada: Reader) -> None:
    add(ada, "AAPL")
    page = ada.get(LIST).text
    assert "data-spark></td>" in page
    assert ada.site.jobs.sparks_asked == [["AAPL"]]
    session = ada.site.market.quotes_of["AAPL"].session
    spark = Spark(session=session, closes=(90.0, 95.0), fresh_until=ada.site.later(days=1))
    SparkCache(ada.site.services.redis).put({"AAPL": spark})
    page = ada.get(LIST).text
    assert '<path class="spark-line" d="M3 ' in page
    assert "Last 30 sessions: +11.11" in words(ada.get(LIST))


def test_markets_say_until_when_they_are_open_in_the_reader_s_time(ada: Reader) -> None:
    redis, site = ada.site.services.redis, ada.site
    hours_into_cache(redis, ["XNYS", "XLON"], site.at)
    site.market.set("AAPL", 100.0, site.at, exchange="NasdaqGS")
    site.market.set("IBM", 100.0, site.at, exchange="NYSE")
    site.market.set("OCDO.L", 100.0, site.at, exchange="LSE")
    ada.send(f"{LIST}/symbols", symbol="AAPL, IBM, OCDO.L")
    assert "open until 21:00 NasdaqGS, NYSE" in ada.page(LIST)
    site.later(hours=3)
    site.market.set("OCDO.L", 100.0, site.at, exchange="LSE", market_state="closed")
    assert "closed, opens Tue 08:00 LSE" in ada.page(LIST)
