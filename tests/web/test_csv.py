"""Watchlists as CSV: what comes out, what goes in, and that nothing is ever lost."""

import csv
import io

import pytest
from werkzeug.test import TestResponse

from services import watchlist_csv
from services.errors import InvalidInput, SourceUnavailable
from services.store.watchlists import MAX_LISTS, MAX_SYMBOLS, Entry
from tests.web.conftest import LIST, Reader, have_no_patience, words

YAHOO = (
    "Symbol,Current Price,Date,Time,Change,Open,High,Low,Volume,Trade Date,Purchase Price,"
    "Quantity,Commission,High Limit,Low Limit,Comment\r\n"
    "AAPL,52.05,2018/10/25,16:00 EDT,1.30,51.19,53.42,51.1,5346929,20181010,59.04,17.0,,,,long\r\n"
    "MSFT,20.00,2018/10/25,16:00 EDT,1.30,51.19,53.42,51.1,5346929,,,,,,,\r\n"
    "AAPL,52.05,2018/10/25,16:00 EDT,1.30,51.19,53.42,51.1,5346929,20181011,60,3.0,,,,again\r\n"
)


def symbols_in(file: bytes) -> list[str]:
    return [line.symbol for line in watchlist_csv.read(file).lines]


def refusal(file: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        watchlist_csv.read(file)
    return caught.value.message


def test_yahoo_s_portfolio_gives_each_symbol_once_with_its_comment() -> None:
    lines = watchlist_csv.read(YAHOO.encode()).lines
    assert [(line.symbol, line.note) for line in lines] == [("AAPL", "long"), ("MSFT", "")]


@pytest.mark.parametrize(
    "file",
    [
        b"symbol,note\nAAPL,x\nMSFT,y\n",
        b"\xef\xbb\xbfSymbol;Note\r\nAAPL;x\r\nMSFT;y\r\n",
        b"Ticker\tComment\rAAPL\tx\rMSFT\ty",
        'sep=;\n"Symbol";"Notiz"\n"AAPL";"Ärger"\nMSFT;\n'.encode("cp1252"),
        "Symbol,Note\nAAPL,Ö\nMSFT,\n".encode("utf-16"),
        b"AAPL\nMSFT\n",
        b"\n\n aapl \n msft \n",
        b"SYMBOL\nAAPL\n\n,\nMSFT\n",
        b"name,symbol\nApple \"Inc\",AAPL\nMicrosoft,MSFT\n",
        b"Symbol,Note\nAAPL\nMSFT,too,many,cells\n",
    ],
    ids=["plain", "semicolons-bom-crlf", "tabs-cr", "latin-1", "utf-16", "list", "spaces", "gaps",
         "quotes", "ragged"],
)  # fmt: skip
def test_files_of_many_makes_are_read(file: bytes) -> None:
    assert symbols_in(file) == ["AAPL", "MSFT"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"", "nothing in this file"),
        (b" \n \n", "nothing in this file"),
        (b"Name,Price\nApple Inc,1\n", "no column named Symbol"),
        (b"PK\x03\x04rest of a spreadsheet", "no CSV file"),
        (b"\x00\x01\x02", "no CSV file"),
        (b"\xff\xfe\x00", "no CSV file"),
        (b"Symbol\n" + b"AAPL\n" * 2_001, "2000"),
        (b"Symbol\n" + b"A" * watchlist_csv.MOST_BYTES, "too large"),
        (b'Symbol,Note\nAAPL,"' + b"x" * 140_000, "quotation mark"),
    ],
)
def test_what_is_no_list_is_refused_with_the_remedy(file: bytes, said: str) -> None:
    assert said in refusal(file)


def test_cells_that_are_no_symbols_are_told_and_shortened() -> None:
    content = watchlist_csv.read(
        b"Symbol\n$$CASH_TX\n=1+1\n<script>alert(1)</script>" + b"x" * 99 + b"\nAAPL\n"
    )
    assert [line.symbol for line in content.lines] == ["AAPL"]
    assert content.unreadable[:2] == ("$$CASH_TX", "=1+1")
    assert len(content.unreadable[2]) == 40


@pytest.mark.parametrize("note", ["=HYPERLINK(1)", "+1", "-x", "@SUM(A1)", "\tx", "it's", "'=x"])
def test_what_a_spreadsheet_would_compute_is_guarded_and_comes_back_as_it_was(
    ada: Reader, note: str
) -> None:
    put(ada, Entry(symbol="AAPL", added_at=ada.site.at, note=note))
    exported = ada.get(f"{LIST}/export.csv").data
    (row,) = csv.DictReader(io.StringIO(exported.decode("utf-8-sig")))
    assert not row["note"].startswith(("=", "+", "-", "@", "\t"))
    if not note.startswith("'"):
        assert watchlist_csv.read(exported).lines[0].note == note.strip()


def put(reader: Reader, *entries: Entry, list_id: str = "default") -> None:
    reader.site.services.watchlists.change(
        reader.uid, list_id, lambda one: one.replace(entries=entries)
    )


def listed(reader: Reader, list_id: str = "default") -> list[str]:
    return list(reader.site.services.watchlists.get(reader.uid, list_id).symbols)


def bring(reader: Reader, file: bytes, to: str = "this", path: str = LIST) -> TestResponse:
    return reader.client.post(
        f"{path}/import",
        data={"csrf_token": reader.token(), "to": to, "file": (io.BytesIO(file), "a.csv")},
    )


def test_an_export_has_a_head_and_all_that_is_on_the_list(ada: Reader) -> None:
    ada.site.price(0.00000123, "PEPE-USD", name='Pépé; "the" coin', currency="USD")
    ada.send(f"{LIST}/symbols", symbol="PEPE-USD")
    ada.send(f"{LIST}/symbols/PEPE-USD", do="note", note="one\ntwo, three")
    answer = ada.get(f"{LIST}/export.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))
    assert row["symbol"] == "PEPE-USD"
    assert row["price"] == "0.00000123"
    assert row["name"] == 'Pépé; "the" coin'
    assert row["note"] == "one\ntwo, three"
    assert row["list"] == "Watchlist"


def test_an_export_of_all_comes_back_onto_the_same_lists(ada: Reader, bob: Reader) -> None:
    made = ada.send("/watchlists/new", name="Idées").location
    ada.send(f"{made}/symbols", symbol="MSFT")
    ada.send(f"{LIST}/symbols", symbol="AAPL, IBM")
    exported = ada.get("/watchlists/export.csv").data
    answer = bring(bob, exported, to="named")
    assert "3 symbols were added" in words(answer)
    lists = bob.site.services.watchlists.of(bob.uid)
    assert {(one.name, one.symbols) for one in lists} == {
        ("Watchlist", ("AAPL", "IBM")),
        ("Idées", ("MSFT",)),
    }
    assert "Nothing was added" in words(bring(bob, exported, to="named"))


def test_an_import_tells_what_became_of_each(ada: Reader) -> None:
    put(ada, Entry(symbol="IBM", added_at=ada.site.at, note="mine"))
    answer = bring(ada, b"Symbol,Comment\nAAPL,new\nIBM,other\nZZZZ,\n$$CASH,\nBRK.B,\n")
    text = words(answer)
    assert "2 symbols were added" in text
    assert "1 was there already" in text
    assert "1 is not known at the source" in text
    assert "1 is not spelt as symbols are" in text
    entries = ada.site.services.watchlists.get(ada.uid, "default").entries
    assert [(one.symbol, one.note) for one in entries] == [
        ("IBM", "mine"), ("AAPL", "new"), ("BRK-B", ""),
    ]  # fmt: skip


def test_what_finds_no_room_is_named_and_the_rest_is_kept(ada: Reader) -> None:
    put(ada, *(Entry(symbol=f"S{n}", added_at=ada.site.at) for n in range(MAX_SYMBOLS - 1)))
    text = words(bring(ada, b"Symbol\nAAPL\nMSFT\nIBM\n"))
    assert "1 symbol was added" in text
    assert "2 found no room" in text
    assert len(listed(ada)) == MAX_SYMBOLS


def test_no_more_lists_are_made_than_anybody_can_have(ada: Reader) -> None:
    file = "List,Symbol\n" + "".join(f"L{n},AAPL\n" for n in range(MAX_LISTS + 5))
    text = words(bring(ada, file.encode(), to="named"))
    assert "found no room" in text
    assert len(ada.site.services.watchlists.of(ada.uid)) == MAX_LISTS


def test_a_source_that_is_silent_is_told_and_can_be_asked_again(ada: Reader) -> None:
    ada.site.market.error = SourceUnavailable("down")
    have_no_patience(ada.site)
    answer = bring(ada, b"Symbol\nNEWONE\nNEWTWO\n")
    assert "no answer about 2 symbols" in words(answer)
    assert 'value="NEWONE, NEWTWO"' in answer.text
    assert listed(ada) == []


@pytest.mark.parametrize("file", [b"", b"PK\x03\x04", b"Name,Price\nApple,1\n"])
def test_a_bad_file_is_answered_in_words_beside_the_field(ada: Reader, file: bytes) -> None:
    answer = bring(ada, file)
    assert answer.status_code == 422
    assert 'id="fault-file"' in answer.text


def test_no_file_at_all_is_answered_in_words(ada: Reader) -> None:
    assert ada.send(f"{LIST}/import").status_code == 422


def test_markup_in_a_file_stays_text(ada: Reader) -> None:
    file = b"List,Symbol,Note\n<img src=x>,AAPL,<b>x</b>\n<i>y</i>,<u>ZZ</u>,\n"
    for page in (bring(ada, file, to="named").text, ada.get(LIST).text):
        assert "<img src" not in page
        assert "<b>x" not in page
        assert "<u>ZZ" not in page


def test_nobody_imports_to_or_exports_another_s_list(ada: Reader, bob: Reader) -> None:
    made = ada.send("/watchlists/new", name="Secret").location
    assert bob.get(f"{made}/export.csv").status_code == 404
    assert bob.get(f"{made}/import").status_code == 404
    assert bring(bob, b"Symbol\nAAPL\n", path=made).status_code == 404
    assert "Secret" not in bob.get("/watchlists/export.csv").text
