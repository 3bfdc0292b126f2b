"""What one open page is told, and what of it waits while the page is slow."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.live.quotes import News
from services.live.reader import Reader, Told
from services.live.triggers import KEPT_OF_EACH


def reader(last_id: str = "") -> Reader:
    return Reader(uid="U", auth_epoch=1, session="S", symbols=frozenset({"AAPL"}), last_id=last_id)


def begun(last_id: str = "", **told: Any) -> Reader:
    found = reader(last_id)
    found.begin(Told(**{"quotes": {}, "triggers": (), "last_id": "0-0", **told}))
    return found


def quote(price: float, at: str = "2026-03-02T15:00:00Z") -> dict[str, Any]:
    return {"symbol": "AAPL", "price": price, "fetched_at": at}


def items(text: bytes) -> list[dict[str, Any]]:
    (line,) = [one for one in text.split(b"\n") if one.startswith(b'data: {"items"')]
    found: list[dict[str, Any]] = json.loads(line.removeprefix(b"data: "))["items"]
    return found


def ids(text: bytes) -> list[str]:
    lines = text.decode().split("\n")
    return [line.removeprefix("id: ") for line in lines if line.startswith("id: ")]


def test_a_stream_begins_with_its_place_and_how_soon_to_come_back() -> None:
    text = begun().text()
    assert text.startswith(b"retry: 3000\nid: 0-0\nevent: beat\n")


def test_only_the_newest_quote_of_a_symbol_waits() -> None:
    found = begun()
    for price in (1.0, 2.0, 3.0):
        found.take_quote(News.of(quote(price)))
    assert [item["price"] for item in items(found.text())] == [3.0]


def test_what_was_told_waits_no_more() -> None:
    found = begun()
    found.take_quote(News.of(quote(1.0)))
    found.text()
    assert found.text() == b""


def test_a_quote_that_was_only_looked_at_adds_its_time_to_what_waits() -> None:
    found = begun()
    found.take_quote(News.of(quote(1.0)))
    found.take_quote(News.of({"symbol": "AAPL", "fetched_at": "2026-03-02T15:05:00Z"}))
    assert items(found.text()) == [quote(1.0, "2026-03-02T15:05:00Z")]


def test_a_price_replaces_what_said_that_there_is_none() -> None:
    found = begun()
    found.take_quote(News.of({"symbol": "AAPL", "missing": True}))
    found.take_quote(News.of(quote(1.0)))
    assert items(found.text()) == [quote(1.0)]


def test_news_that_came_while_the_page_opened_are_not_undone_by_what_was_read() -> None:
    found = reader()
    found.take_quote(News.of(quote(2.0, "2026-03-02T15:00:05Z")))
    found.begin(Told({"AAPL": quote(1.0)}, (), "0-0"))
    assert [item["price"] for item in items(found.text())] == [2.0]


def test_what_was_read_is_not_undone_by_older_news() -> None:
    found = reader()
    found.take_quote(News.of(quote(1.0)))
    found.begin(Told({"AAPL": quote(2.0, "2026-03-02T15:00:05Z")}, (), "0-0"))
    assert [item["price"] for item in items(found.text())] == [2.0]


def test_a_trigger_that_is_both_missed_and_new_is_told_once() -> None:
    found = reader("5-0")
    found.take_trigger("6-0", b"{}")
    found.begin(Told({}, (("6-0", b"{}"), ("6-1", b"{}")), "6-1"))
    assert ids(found.text()) == ["5-0", "6-0", "6-1"]


def test_a_trigger_that_was_told_is_not_told_again() -> None:
    found = begun(last_id="9-0")
    found.take_trigger("9-0", b"{}")
    found.take_trigger("8-5", b"{}")
    assert ids(found.text()) == ["9-0"]


def test_the_oldest_triggers_give_way_when_too_many_wait() -> None:
    found = begun(last_id="1-0")
    for number in range(KEPT_OF_EACH + 5):
        found.take_trigger(f"{2 + number}-0", b"{}")
    told = ids(found.text())[1:]
    assert len(told) == KEPT_OF_EACH
    assert told[-1] == f"{KEPT_OF_EACH + 6}-0"


@given(st.lists(st.tuples(st.integers(0, 10**13), st.integers(0, 99)), unique=True, max_size=20))
def test_triggers_are_told_in_the_order_in_which_they_came(numbers: list[tuple[int, int]]) -> None:
    found = begun()
    for number in numbers:
        found.take_trigger("{}-{}".format(*number), b"{}")
    later = sorted(number for number in numbers if number > (0, 0))
    assert ids(found.text())[1:] == ["{}-{}".format(*number) for number in later]


@given(st.text(max_size=50))
def test_no_name_can_break_the_stream(name: str) -> None:
    found = begun()
    found.take_quote(News.of(quote(1.0) | {"name": name}))
    text = found.text()
    assert text.count(b"\n\n") == 2
    assert items(text)[0]["name"] == name
