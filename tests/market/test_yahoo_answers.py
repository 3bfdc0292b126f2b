"""Yahoo's JSON, read with suspicion."""

import json
import struct
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import SourceUnavailable
from services.market import yahoo_answers
from services.market.models import Quote
from tests.support.market import MONDAY, PAYLOADS

QUOTES: dict[str, Any] = json.loads((PAYLOADS / "quotes.json").read_text())
CHARTS: dict[str, Any] = json.loads((PAYLOADS / "charts.json").read_text())
SEARCHES: dict[str, Any] = json.loads((PAYLOADS / "searches.json").read_text())
NEVER = datetime(2000, 1, 1, tzinfo=UTC)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


def read(symbol: str, /, **changes: object) -> Quote | None:
    payload = {"quoteResponse": {"result": [{**QUOTES[symbol], **changes}]}}
    return yahoo_answers.read_quotes(payload, [symbol], MONDAY).get(symbol)


def usable(symbol: str, /, **changes: object) -> Quote:
    quote = read(symbol, **changes)
    assert quote is not None
    return quote


def chart_answer(name: str) -> dict[str, Any]:
    return {"chart": {"result": [CHARTS[name]], "error": None}}


def test_a_quote_is_read_field_by_field() -> None:
    assert usable("AAPL") == Quote(
        symbol="AAPL",
        name="Apple Inc.",
        price=200.5,
        previous_close=199.5,
        day_high=201.5,
        day_low=198.5,
        volume=1000,
        currency="USD",
        exchange="NasdaqGS",
        timezone="America/New_York",
        market_state="open",
        as_of=datetime(2026, 3, 2, 15, 15, tzinfo=UTC),
        fetched_at=MONDAY,
        source="yahoo",
    )


@pytest.mark.parametrize(
    "price", [None, 0, 0.0, float("nan"), float("inf"), float("-inf"), "200", True, [1], 10**400]
)
def test_without_a_usable_price_there_is_no_quote(price: object) -> None:
    assert read("AAPL", regularMarketPrice=price) is None


@pytest.mark.parametrize("time", [None, 0, -1, "soon", 10**18, float("nan")])
def test_without_a_time_of_the_trade_there_is_no_quote(time: object) -> None:
    assert read("AAPL", regularMarketTime=time) is None


def test_negative_prices_are_legal() -> None:
    assert usable("CL=F").price == -37.63


def test_pence_stay_pence() -> None:
    assert (usable("VOD.L").price, usable("VOD.L").currency) == (71.3, "GBp")


@pytest.mark.parametrize(
    ("yahoos", "ours"),
    [
        ("PREPRE", "pre"),
        ("PRE", "pre"),
        ("REGULAR", "open"),
        ("POST", "post"),
        ("POSTPOST", "post"),
        ("CLOSED", "closed"),
        ("HALTED?", "closed"),
        (None, "closed"),
    ],
)
def test_the_state_of_the_market_is_translated(yahoos: object, ours: str) -> None:
    assert usable("AAPL", marketState=yahoos).market_state == ours


def test_hostile_fields_are_tamed() -> None:
    quote = usable("EVIL")
    assert quote.name.startswith("Evil <b>Corp</b>xxx")
    assert len(quote.name) == 80
    assert quote.name.isprintable()
    assert (quote.timezone, quote.market_state, quote.currency) == ("UTC", "closed", "")
    assert (quote.previous_close, quote.volume) == (None, None)
    assert (quote.day_high, quote.day_low) == (None, None)


def test_a_symbol_that_was_not_asked_for_is_left_out() -> None:
    answer = {"quoteResponse": {"result": [QUOTES["LIAR"], QUOTES["AAPL"]]}}
    assert list(yahoo_answers.read_quotes(answer, ["AAPL", "LIAR"], MONDAY)) == ["AAPL"]


def test_one_odd_item_does_not_spoil_the_batch() -> None:
    answer = {"quoteResponse": {"result": [None, "x", {"symbol": 7}, QUOTES["AAPL"]]}}
    assert list(yahoo_answers.read_quotes(answer, ["AAPL"], MONDAY)) == ["AAPL"]


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"finance": {}}, {"quoteResponse": None}])
def test_an_answer_of_another_form_is_no_answer(answer: object) -> None:
    with pytest.raises(SourceUnavailable, match="another form"):
        yahoo_answers.read_quotes(answer, ["AAPL"], MONDAY)


@given(JSON)
def test_whatever_json_comes_only_our_error_is_raised(answer: object) -> None:
    wrapped = [
        lambda: yahoo_answers.read_quotes({"quoteResponse": {"result": [answer]}}, ["A"], MONDAY),
        lambda: yahoo_answers.read_bars({"chart": {"result": [answer]}}, "1d", NEVER),
        lambda: yahoo_answers.read_bars(answer, "1m", NEVER),
        lambda: yahoo_answers.read_matches({"quotes": [answer]}),
    ]
    for call in wrapped:
        try:
            call()
        except SourceUnavailable:
            continue


@given(st.sampled_from(sorted(QUOTES["AAPL"])), JSON)
def test_whatever_a_field_of_a_quote_holds_nothing_breaks(name: str, value: object) -> None:
    read("AAPL", **{name: value})


@given(st.sampled_from(["timestamp", "events", "indicators", "meta"]), JSON)
def test_whatever_a_field_of_a_chart_holds_only_our_error_is_raised(
    name: str, value: object
) -> None:
    answer = {"chart": {"result": [{**CHARTS["AAPL 1d"], name: value}]}}
    try:
        yahoo_answers.read_bars(answer, "1d", NEVER)
        yahoo_answers.read_splits(answer, "AAPL", NEVER, MONDAY)
    except SourceUnavailable:
        return


def test_bars_before_a_split_are_turned_back_to_prices_as_traded() -> None:
    before, on, _ = yahoo_answers.read_bars(chart_answer("AAPL 1d"), "1d", NEVER)
    assert (before.open, before.high, before.low, before.close) == (299.99, 301.07, 298.5, 300.01)
    assert before.volume == 1000
    assert (on.open, on.high, on.low, on.close, on.volume) == (100.1, 102.2, 99.9, 101.3, 5000)


def test_a_daily_bar_starts_with_its_sessions_midnight() -> None:
    bars = yahoo_answers.read_bars(chart_answer("AAPL 1d"), "1d", NEVER)
    assert [bar.session for bar in bars] == [
        date(2026, 2, 26), date(2026, 2, 27), date(2026, 3, 2),
    ]  # fmt: skip
    assert bars[0].start == datetime(2026, 2, 26, 5, 0, tzinfo=UTC)


def test_the_last_trade_in_a_row_of_its_own_is_part_of_its_day() -> None:
    running = yahoo_answers.read_bars(chart_answer("AAPL 1d"), "1d", NEVER)[-1]
    assert (running.open, running.high, running.low, running.close) == (101.4, 203.0, 101.1, 200.6)
    assert running.volume == 1000


def test_only_bars_that_end_after_since_are_given() -> None:
    midnight = datetime(2026, 2, 27, 5, 0, tzinfo=UTC)
    bars = yahoo_answers.read_bars(chart_answer("AAPL 1d"), "1d", midnight)
    assert [bar.session for bar in bars] == [date(2026, 2, 27), date(2026, 3, 2)]
    since = datetime(2026, 3, 2, 14, 33, tzinfo=UTC)
    minutes = yahoo_answers.read_bars(chart_answer("AAPL 1m"), "1m", since)
    assert [bar.start.minute for bar in minutes] == [33, 35]


def test_minutes_without_prices_are_left_out_and_the_last_trade_is_joined() -> None:
    bars = yahoo_answers.read_bars(chart_answer("AAPL 1m"), "1m", NEVER)
    assert [bar.start.minute for bar in bars] == [30, 31, 32, 33, 35]
    assert (bars[0].low, bars[-1].open, bars[-1].high, bars[-1].close) == (100.9, 107, 107.3, 107.3)


@given(st.integers(1, 10**7).map(lambda cents: cents / 100), st.sampled_from([1, 2, 3, 4, 7, 10]))
def test_a_price_survives_single_precision_and_a_split(price: float, ratio: int) -> None:
    (told,) = struct.unpack("f", struct.pack("f", price / ratio))
    back = yahoo_answers._as_traded(told, ratio)
    # Seven digits are all that single precision holds.
    assert back == (price if price < 10_000 else pytest.approx(price, rel=1.2e-7))


def test_splits_are_told_after_the_session_of_since_and_up_to_now() -> None:
    answer = chart_answer("AAPL 1d")
    thursday, friday = (datetime(2026, 2, day, 20, 0, tzinfo=UTC) for day in (26, 27))
    (split,) = yahoo_answers.read_splits(answer, "AAPL", thursday, MONDAY)
    assert (split.symbol, split.session, split.ratio) == ("AAPL", date(2026, 2, 27), 3.0)
    assert yahoo_answers.read_splits(answer, "AAPL", friday, MONDAY) == []
    assert yahoo_answers.read_splits(answer, "AAPL", NEVER, thursday) == []


def test_a_split_without_a_sensible_ratio_is_none() -> None:
    chart = json.loads(json.dumps(CHARTS["AAPL 1d"]))
    (event,) = chart["events"]["splits"].values()
    event["denominator"] = 0
    assert yahoo_answers.read_splits({"chart": {"result": [chart]}}, "A", NEVER, MONDAY) == []


@pytest.mark.parametrize("result", [None, []])
def test_an_empty_chart_has_neither_bars_nor_splits(result: object) -> None:
    answer = {"chart": {"result": result, "error": None}}
    assert yahoo_answers.read_bars(answer, "1d", NEVER) == []
    assert yahoo_answers.read_splits(answer, "A", NEVER, NEVER + timedelta(days=9)) == []


def test_matches_are_symbols_only_in_yahoos_order() -> None:
    first, second = yahoo_answers.read_matches(SEARCHES["apple"])
    assert (first.symbol, first.name, first.exchange, first.kind) == (
        "AAPL", "Apple Inc.", "NASDAQ", "Equity",
    )  # fmt: skip
    assert (second.symbol, second.name) == ("APC.F", "APPLE INC")


def test_there_are_ten_matches_at_most() -> None:
    assert len(yahoo_answers.read_matches(SEARCHES["many"])) == 10
