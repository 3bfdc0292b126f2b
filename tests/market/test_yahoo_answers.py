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
from services.market.models import Chart, Quote
from services.market.yahoo_answers import is_of_another, read_chart, read_quotes
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


def chart_of(**fields: Any) -> dict[str, Any]:
    """A chart of AAPL with two daily bars; `fields` replace parts of it."""
    day = 86_400
    first = 1_772_202_600  # 2026-02-27 14:30 UTC
    prices = [100.0, 101.0]
    chart = {
        "meta": {
            "symbol": "AAPL",
            "currency": "USD",
            "fullExchangeName": "NasdaqGS",
            "exchangeTimezoneName": "America/New_York",
        },
        "timestamp": [first, first + 3 * day],
        "indicators": {
            "quote": [dict.fromkeys(("open", "high", "low", "close"), prices) | {"volume": [5, 6]}]
        },
    } | fields
    return {"chart": {"result": [chart], "error": None}}


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 3, 3, tzinfo=UTC)


def test_a_chart_tells_its_currency_and_exchange() -> None:
    chart = read_chart(chart_of(), "AAPL", "1d", LONG_AGO, LATER)
    assert (len(chart.bars), chart.currency, chart.exchange) == (2, "USD", "NasdaqGS")
    assert read_chart({"chart": {"result": None}}, "AAPL", "1d", LONG_AGO, LATER) == Chart()


def test_a_chart_of_another_symbol_is_known_as_such() -> None:
    assert is_of_another(chart_of(), "FB")
    assert not is_of_another(chart_of(), "AAPL")
    assert not is_of_another(chart_of(meta={}), "AAPL")
    assert not is_of_another({"chart": {"result": None}}, "AAPL")


@pytest.mark.parametrize(
    ("numerator", "denominator"), [(1e300, 1), (1, 1e300), (1e-300, 1), (1e9, 1), (0, 1), (2, None)]
)
def test_a_split_that_cannot_be_is_none(numerator: float, denominator: float | None) -> None:
    event = {"date": 1_772_461_800, "numerator": numerator, "denominator": denominator}
    answer = chart_of(events={"splits": {"x": event}})
    chart = read_chart(answer, "AAPL", "1d", LONG_AGO, LATER)
    assert chart.splits == ()
    assert [bar.close for bar in chart.bars] == [100.0, 101.0]


def test_splits_that_multiply_to_nonsense_cost_the_bars_before_them() -> None:
    events = {
        str(n): {"date": 1_772_461_800 - 86_400 * n, "numerator": 1e5, "denominator": 1}
        for n in range(3)
    }
    chart = read_chart(chart_of(events={"splits": events}), "AAPL", "1d", LONG_AGO, LATER)
    assert [bar.close for bar in chart.bars] == [101.0]


def share(**fields: Any) -> Quote:
    raw = {
        "symbol": "AAPL",
        "regularMarketPrice": 244.6,
        "regularMarketTime": 1_739_566_800,  # 2025-02-14 21:00 UTC
        "exchangeTimezoneName": "America/New_York",
        "marketState": "CLOSED",
    } | fields
    answer = {"quoteResponse": {"result": [raw]}}
    return read_quotes(answer, ["AAPL"], datetime(2025, 2, 17, 11, tzinfo=UTC))["AAPL"]


def test_the_newest_price_out_of_regular_hours_is_told_with_its_time() -> None:
    after = {"postMarketPrice": 244.64, "postMarketTime": 1_739_581_198}
    before = {"preMarketPrice": 250.0, "preMarketTime": 1_739_800_000}
    assert share(**after).extended_price == 244.64
    assert share(**after).extended_at == datetime(2025, 2, 15, 0, 59, 58, tzinfo=UTC)
    assert share(**after, **before, marketState="PRE").extended_price == 250.0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"postMarketPrice": 244.64},
        {"postMarketTime": 1_739_581_198},
        {"postMarketPrice": 244.64, "postMarketTime": 1_739_566_800},
        {"postMarketPrice": 0, "postMarketTime": 1_739_581_198},
        {"postMarketPrice": float("nan"), "postMarketTime": 1_739_581_198},
        {"postMarketPrice": 1.0, "postMarketTime": 1_739_581_198, "marketState": "REGULAR"},
    ],
)
def test_no_extended_price_in_regular_hours_or_older_or_of_no_use(fields: dict[str, Any]) -> None:
    quote = share(**fields)
    assert (quote.extended_price, quote.extended_at) == (None, None)


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}T21:30:00+00:00").timestamp())


@pytest.mark.parametrize(
    ("given", "begin", "end", "expected"),
    [
        ("2025-01-30", "2025-04-30", "2025-05-05", date(2025, 4, 30)),  # the last, and an estimate
        ("2025-02-20", "2025-02-20", "2025-02-20", date(2025, 2, 20)),
        ("2025-02-17", "2025-02-17", "2025-02-17", date(2025, 2, 17)),
        ("2025-01-14", "2025-01-14", "2025-01-14", None),
        ("2025-01-14", "2025-02-14", "2025-02-20", date(2025, 2, 17)),  # any day of it, now
        ("2025-01-14", None, None, None),
        (None, None, None, None),
    ],
)
def test_the_next_earnings_are_the_first_day_they_may_come(
    given: str | None, begin: str | None, end: str | None, expected: date | None
) -> None:
    names = ("earningsTimestamp", "earningsTimestampStart", "earningsTimestampEnd")
    fields = {name: at(day) for name, day in zip(names, (given, begin, end), strict=True) if day}
    assert share(**fields).earnings == expected


@pytest.mark.parametrize("nonsense", ["soon", -1, float("nan"), 1e300, [], {}, True])
def test_nonsense_for_earnings_is_none(nonsense: object) -> None:
    assert share(earningsTimestamp=nonsense, earningsTimestampStart=nonsense).earnings is None
