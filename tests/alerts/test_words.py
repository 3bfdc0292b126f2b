"""Alerts in words: what is understood, what is written back, and where an error points."""

import re
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.alerts.conditions import KINDS, WINDOWS, Condition
from services.alerts.words import MAX_TEXT, Draft, WordsError, parse, sentence
from services.alerts.words import parser as words_parser
from services.alerts.words.numbers import plain

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)  # a Friday; Saturday already in Auckland
CONDITIONS: TypeAdapter[Condition] = TypeAdapter(Condition)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Havana",
    "America/Santiago",
    "Africa/Cairo",
    "Pacific/Auckland",
    "Asia/Kathmandu",
)


def condition(kind: str, **values: Any) -> Condition:
    return CONDITIONS.validate_python({"kind": kind, **values})


def read(text: str) -> Draft:
    return parse(text, NOW)


def rises(level: float, extended: bool = False) -> Condition:
    return condition("price_rises_to", level=level, extended=extended)


def falls(level: float, extended: bool = False) -> Condition:
    return condition("price_falls_to", level=level, extended=extended)


def day(level: float, side: str = "") -> Condition:
    side = side or ("rises" if level > 0 else "falls")
    return condition(f"day_change_{side}_to", level=level)


def move(percent: float, window: str, direction: str = "either") -> Condition:
    return condition("moves_by", percent=percent, window=window, direction=direction)


def stop(percent: float) -> Condition:
    return condition("falls_from_peak", percent=percent)


def run_up(percent: float) -> Condition:
    return condition("rises_from_trough", percent=percent)


def average(days: int, direction: str, kind: str = "sma") -> Condition:
    return condition("crosses_average", days=days, direction=direction, average=kind)


def cross(direction: str, fast: int = 50, slow: int = 200) -> Condition:
    return condition("averages_cross", fast=fast, slow=slow, direction=direction)


def rsi(side: str, level: float, days: int = 14) -> Condition:
    return condition(f"rsi_{side}_to", level=level, days=days)


def volume(ratio: float) -> Condition:
    return condition("volume_reaches", ratio=ratio)


def earnings(days: int) -> Condition:
    return condition("earnings_within", days=days)


def high(span: str = "52w") -> Condition:
    return condition("new_high", span=span)


def low(span: str = "52w") -> Condition:
    return condition("new_low", span=span)


UNDERSTOOD = {
    "above 200": rises(200),
    "ABOVE 200": rises(200),
    "  above   200  ": rises(200),
    "over 200.5": rises(200.5),
    "> 200": rises(200),
    ">200": rises(200),
    ">= 200": rises(200),
    "≥ 200": rises(200),
    "rises to 200": rises(200),
    "rises above 200": rises(200),
    "climbs to 200": rises(200),
    "price rises to 200": rises(200),
    "price is above 200": rises(200),
    "reaches 200": rises(200),
    "crosses above 200": rises(200),
    "goes over 200": rises(200),
    "is up to 200": rises(200),
    "above 0": rises(0),
    "above 0.00012": rises(0.00012),
    "above +200": rises(200),
    "above -5": rises(-5),
    "above 1000000000000": rises(1e12),
    "below 180": falls(180),
    "under 180": falls(180),
    "< 180": falls(180),
    "<=180": falls(180),
    "falls to 180": falls(180),
    "falls below 180": falls(180),
    "drops to 180": falls(180),
    "crosses below 180": falls(180),
    "falls to -37.63": falls(-37.63),
    "above 200 extended": rises(200, True),
    "above 200 extended hours": rises(200, True),
    "above 200 including extended hours": rises(200, True),
    "above 200 incl. pre-market": rises(200, True),
    "below 180 incl pre-market": falls(180, True),
    "below 180, once, extended": falls(180, True),
    "+5% today": day(5),
    "-5% today": day(-5),
    "-5 % today": day(-5),
    "-5.25 percent today": day(-5.25),
    "up 5% today": day(5),
    "is up 5% today": day(5),
    "is up by 5% today": day(5),
    "rises 5% today": day(5),
    "gains 5 pct today": day(5),
    "down 5% today": day(-5),
    "falls 5% today": day(-5),
    "is down by 5 per cent today": day(-5),
    "change today rises to -3%": day(-3, "rises"),
    "day change below 2%": day(2, "falls"),
    "down 0% today": day(0, "falls"),
    "moves 3% in 1h": move(3, "1h"),
    "moves by 3% within 15m": move(3, "15m"),
    "moves 3% within 60 minutes": move(3, "1h"),
    "moves 3% in an hour": move(3, "1h"),
    "moves up 3% in 1 day": move(3, "1d", "up"),
    "up 3% within 2d": move(3, "2d", "up"),
    "rises by 0.5% within 4 hours": move(0.5, "4h", "up"),
    "down 3% in 30 minutes": move(3, "30m", "down"),
    "falls 3% within 5 days": move(3, "5d", "down"),
    "falls 10% from its high": stop(10),
    "falls 10% from its peak": stop(10),
    "falls by 10% from the high": stop(10),
    "down 10% from high": stop(10),
    "trailing stop 10%": stop(10),
    "trailing stop of 7.5%": stop(7.5),
    "10% trailing stop": stop(10),
    "rises 8% from its low": run_up(8),
    "up 8% from its trough": run_up(8),
    "new 52 week high": high(),
    "new high": high(),
    "makes a new high": high(),
    "a new high": high(),
    "52-week low": low(),
    "52w low": low(),
    "new 20 day high": high("20d"),
    "new 20-day low": low("20d"),
    "sets a new 2250 day high": high("2250d"),
    "crosses above its 200 day average": average(200, "up"),
    "crosses below its 200-day moving average": average(200, "down"),
    "crosses over its 50 day ema": average(50, "up", "ema"),
    "above its 200 day average": average(200, "up"),
    "below the 20d sma": average(20, "down"),
    "crosses above ema 50": average(50, "up", "ema"),
    "crosses below sma(50)": average(50, "down"),
    "price crosses above its 5 day exponential average": average(5, "up", "ema"),
    "golden cross": cross("up"),
    "death cross": cross("down"),
    "50 day average crosses above 200 day average": cross("up"),
    "its 10 day sma crosses below its 30 day sma": cross("down", 10, 30),
    "sma 20 crosses over sma 100": cross("up", 20, 100),
    "rsi under 30": rsi("falls", 30),
    "rsi 14 under 30": rsi("falls", 30),
    "rsi(14) above 70": rsi("rises", 70),
    "RSI (2) falls to 10": rsi("falls", 10, 2),
    "rsi >= 70": rsi("rises", 70),
    "rsi reaches 70.5": rsi("rises", 70.5),
    "volume 3x": volume(3),
    "volume reaches 3 times its average": volume(3),
    "volume 2.5 x average": volume(2.5),
    "volume above 3×": volume(3),
    "volume is 3 times the average": volume(3),
    "earnings in 3 days": earnings(3),
    "earnings within a week": earnings(7),
    "earnings in 1 day": earnings(1),
    "earnings within 0 days": earnings(0),
    "earnings within 90 days": earnings(90),
}


@pytest.mark.parametrize(("words", "meant"), UNDERSTOOD.items(), ids=UNDERSTOOD)
def test_a_condition_is_understood(words: str, meant: Condition) -> None:
    assert read(f"AAPL {words}") == Draft("AAPL", meant)


@pytest.mark.parametrize("words", UNDERSTOOD)
def test_the_sentence_that_was_understood_means_the_same(words: str) -> None:
    draft = read(f"AAPL {words}")
    assert read(sentence(draft)) == draft


def test_the_examples_of_the_documentation_are_understood() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "words.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("|")]
    examples = [one for row in rows for one in re.findall(r"`([^`]+)`", row)]
    assert len(examples) > 50
    assert {read(one).condition.kind for one in examples} == KINDS


def test_every_kind_of_condition_has_words() -> None:
    assert {meant.kind for meant in UNDERSTOOD.values()} == KINDS


@pytest.mark.parametrize(
    ("typed", "symbol"),
    [
        ("AAPL", "AAPL"),
        ("tsla", "TSLA"),
        ("$AAPL", "AAPL"),
        ("BRK.B", "BRK.B"),
        ("brk-b", "BRK-B"),
        ("btc-usd", "BTC-USD"),
        ("^GSPC", "^GSPC"),
        ("EURUSD=X", "EURUSD=X"),
        ("7203.T", "7203.T"),
        ("CL=F", "CL=F"),
        ("up", "UP"),
        ("new", "NEW"),
        ("a", "A"),
        ("rsi", "RSI"),
        ("200", "200"),
        ("aapl:", "AAPL"),
        ("aapl,", "AAPL"),
    ],
)
def test_the_symbol_comes_first_whatever_it_is(typed: str, symbol: str) -> None:
    assert read(f"{typed} above 200").symbol == symbol


def test_signs_need_no_space_around_them() -> None:
    assert read("AAPL>=200,once") == Draft("AAPL", rises(200))


@pytest.mark.parametrize(
    ("words", "frequency"),
    [
        ("", "once"),
        ("once", "once"),
        ("once a day", "daily"),
        ("once  per  day", "daily"),
        ("daily", "daily"),
        ("every time", "every"),
        ("each time", "every"),
    ],
)
def test_frequencies(words: str, frequency: str) -> None:
    assert read(f"AAPL above 200 {words}").frequency == frequency


@pytest.mark.parametrize(
    ("words", "last_day"),
    [
        ("until 2027-01-01", date(2027, 1, 1)),
        ("until 31 Dec 2026", date(2026, 12, 31)),
        ("till December 31, 2026", date(2026, 12, 31)),
        ("until 1 may 2027", date(2027, 5, 1)),
        ("until Sept 5 2027", date(2027, 9, 5)),
        ("until 29 Feb 2028", date(2028, 2, 29)),
        ("until today", date(2026, 11, 20)),
        ("until tomorrow", date(2026, 11, 21)),
        ("until saturday", date(2026, 11, 21)),
        ("until thu", date(2026, 11, 26)),
        ("until friday", date(2026, 11, 27)),
        ("for 1 day", date(2026, 11, 21)),
        ("for 2 weeks", date(2026, 12, 4)),
        ("for a month", date(2026, 12, 20)),
        ("for 14 months", date(2028, 1, 20)),
    ],
)
def test_an_alert_ends_with_its_last_day(words: str, last_day: date) -> None:
    ends = datetime.combine(last_day, datetime.min.time(), UTC) + timedelta(days=1)
    assert read(f"AAPL above 200 {words}").expires_at == ends


def test_days_are_those_of_the_persons_time_zone() -> None:
    draft = parse("AAPL above 200 until today", NOW, "Pacific/Auckland")
    assert draft.expires_at == datetime(2026, 11, 22, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert sentence(draft, "Pacific/Auckland").endswith("until 2026-11-21")
    assert sentence(draft, "UTC").endswith("until 2026-11-21 11:00")


def test_a_month_that_is_shorter_ends_on_its_last_day() -> None:
    draft = parse("AAPL above 200 for 3 months", datetime(2026, 11, 30, tzinfo=UTC))
    assert draft.expires_at == datetime(2027, 3, 1, tzinfo=UTC)


def test_a_time_of_day_may_follow_a_date() -> None:
    draft = parse("AAPL above 200 until 2027-01-01 15:30", NOW, "America/New_York")
    assert draft.expires_at == datetime(2027, 1, 1, 20, 30, tzinfo=UTC)


def test_options_come_in_any_order() -> None:
    first = read("AAPL above 200 extended, every time, until 2027-01-01")
    second = read("AAPL above 200 until 2027-01-01 every time incl. pre-market")
    assert first == second


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("aapl above 200", "AAPL price rises to 200, once"),
        ("tsla -5% today", "TSLA is down by 5% today, once"),
        (
            "btc-usd crosses below its 200 day average",
            "BTC-USD crosses below its 200 day average, once",
        ),
        (
            "nvda rsi 14 under 30 once a day until 2027-01-01",
            "NVDA RSI 14 falls to 30, once a day, until 2027-01-01",
        ),
        ("x < 5 extended each time", "X price falls to 5 including extended hours, every time"),
        ("x golden cross", "X 50 day average crosses above 200 day average, once"),
        ("x 52w low", "X makes a new 52 week low, once"),
        ("x moves 3% in 60m", "X moves by 3% within 1 hour, once"),
        ("x trailing stop 10%", "X falls by 10% from its high, once"),
        ("x volume 3x", "X volume reaches 3 times its average, once"),
        ("x earnings in a week", "X earnings within 7 days, once"),
        ("x above 0.00000001", "X price rises to 0.00000001, once"),
        ("x above 1000000000000", "X price rises to 1000000000000, once"),
        ("x above -0", "X price rises to 0, once"),
    ],
)
def test_the_sentence_says_what_was_understood(typed: str, written: str) -> None:
    assert sentence(read(typed)) == written


def test_an_end_beyond_all_calendars_can_be_written() -> None:
    draft = Draft("AAPL", rises(1), expires_at=datetime.max.replace(tzinfo=UTC))
    assert sentence(draft, "Pacific/Auckland").endswith("until 9999-12-30 13:00")


AVERAGE_OR_NUMBER = "a number, average or exponential average"
A_CONDITION = "a condition, such as above 200, +5% today, new 52 week high or rsi under 30"
AN_OPTION = "once, once a day, every time, extended hours, until, for or the end"
A_DATE = "a date, such as 2027-01-31, 31 Jan 2027 or friday"
A_SIDE = "above, below, rises, falls, reaches, crosses, up or down"
SYMBOLS = "A symbol has 1 to 20 of the characters A-Z 0-9 . ^ = - (such as AAPL, BRK-B, ^GSPC)."
NO_CURRENCY = "Write only the number: it is taken in the currency of the quote."
PLAIN_NUMBER = "Write a plain number here, such as 200, 1000.50 or 0.00012."
WINDOW = f"The window must be one of {', '.join(WINDOWS)}."


def early(expected: str) -> str:
    return f"The sentence ends too early. Expected {expected}."


def strange(word: str, expected: str) -> str:
    return f"“{word}” is not understood here. Expected {expected}."


def typo(word: str, meant: str) -> str:
    return f"“{word}” is not understood here. Did you mean “{meant}”?"


WRONG = [
    ("", 0, "", early("a symbol, such as AAPL")),
    ("   ", 0, "", early("a symbol, such as AAPL")),
    ("x", 1, "", early(A_CONDITION)),
    ("above 200", 0, "above", words_parser.NO_SYMBOL),
    ("  falls 5% today", 2, "falls", words_parser.NO_SYMBOL),
    ("golden cross", 0, "golden", words_parser.NO_SYMBOL),
    ("ÄPL above 3", 0, "ÄPL", "Write the symbol with plain letters and digits, such as AAPL."),
    ("$ above 3", 0, "$", SYMBOLS),
    ("aa/pl above 3", 0, "aa/pl", SYMBOLS),
    ("x abov 200", 2, "abov", typo("abov", "above")),
    ("x belwo 200", 2, "belwo", typo("belwo", "below")),
    ("x crosess above its 5 day sma", 2, "crosess", typo("crosess", "crosses")),
    ("x above its 50 day averge", 19, "averge", typo("averge", "average")),
    (
        "x above its 50 day moving averge",
        19,
        "moving averge",
        typo("moving averge", "moving average"),
    ),
    ("x above 3 evry time", 10, "evry time", typo("evry time", "every time")),
    ("x above 3 untill 2027-01-01", 10, "untill", typo("untill", "until")),
    ("x new 52 week hihg", 14, "hihg", typo("hihg", "high")),
    ("x foo 200", 2, "foo", strange("foo", A_CONDITION)),
    ("x all time high", 2, "all", strange("all", A_CONDITION)),
    ("x once", 2, "once", strange("once", A_CONDITION)),
    ("x above", 7, "", early(AVERAGE_OR_NUMBER)),
    ("x crosses 200", 10, "200", strange("200", "above or below")),
    ("x rsi 30", 8, "", early(A_SIDE)),
    ("x rsi(14 under 30", 9, "under", strange("under", ")")),
    ("x above 1,000.50", 8, "1,000.50", "Write 1000.50 without the comma."),
    ("x above 1,5", 8, "1,5", "Write 1.5 with a point, not a comma."),
    ("x above １００", 8, "１００", "Write 100 with the plain digits 0 to 9."),
    ("x above ٣٠", 8, "٣٠", PLAIN_NUMBER),
    ("x above −5", 8, "−5", "Write -5 with a plain minus sign."),
    ("x above 1e308", 8, "1e308", PLAIN_NUMBER),
    ("x above nan", 8, "nan", PLAIN_NUMBER),
    ("x above Infinity", 8, "Infinity", PLAIN_NUMBER),
    ("x above .5", 8, ".5", PLAIN_NUMBER),
    ("x above 1.2.3", 8, "1.2.3", PLAIN_NUMBER),
    ("x above $200", 8, "$200", NO_CURRENCY),
    ("x above €5", 8, "€5", NO_CURRENCY),
    ("x above 200 usd", 12, "usd", NO_CURRENCY),
    ("x above 200€", 11, "€", strange("€", AN_OPTION)),
    ("x above 200k", 11, "k", strange("k", AN_OPTION)),
    ("x above 1 000", 10, "000", strange("000", AN_OPTION)),
    ("x above " + "9" * 31, 8, "9" * 31, "Write the number with 30 characters at most."),
    ("x above 2000000000000", 8, "2000000000000", "This must be at most 1000000000000."),
    ("x above 200 note: buy", 12, "note", strange("note", AN_OPTION)),
    ("x 5% today", 2, "5", "Write +5% or -5%."),
    ("x up -5% today", 5, "-5", "Write 5 without the sign."),
    ("x up 5 today", 7, "today", strange("today", "%")),
    ("x -101% today", 2, "-101", "This must be at least -100."),
    ("x moves 3% in 20m", 14, "20", WINDOW),
    ("x moves 3% in a week", 14, "a", WINDOW),
    ("x moves 0% in 1h", 8, "0", "This must be more than 0."),
    ("x moves 3% today", 11, "today", strange("today", "within")),
    ("x falls 10% from its low", 21, "low", "A price falls from its high, or rises from its low."),
    ("x trailing stop 100%", 16, "100", "A price cannot fall by 100 % or more."),
    ("x new 600 week high", 6, "600", "The span is 1d to 2250d (sessions) or 1w to 450w."),
    ("x above its 300 day average", 12, "300", "This must be at most 200."),
    ("x above its 4 day average", 12, "4", "This must be at least 5."),
    (
        "x 50 day average above 50 day average",
        2,
        "50",
        "The fast average must be of fewer days than the slow one.",
    ),
    (
        "x 20 day average above 50 day ema",
        30,
        "ema",
        "Only simple averages can cross each other here.",
    ),
    ("x rsi under 101", 12, "101", "This must be at most 100."),
    ("x rsi 14.5 under 30", 6, "14.5", "Write a whole number here, such as 14."),
    ("x rsi 1 under 30", 6, "1", "This must be at least 2."),
    ("x volume 0x", 9, "0", "This must be more than 0."),
    ("x earnings in 3 hours", 16, "hours", strange("hours", "days or weeks")),
    ("x earnings in 91 days", 14, "91", "This must be at most 90."),
    ("x rsi under 30 extended", 15, "extended", "Only prices can be watched in extended hours."),
    (
        "x above 3 once daily, once",
        22,
        "once",
        "“once daily” is said already; leave one of them out.",
    ),
    ("x above 3 until", 15, "", early(A_DATE)),
    ("x above 3 until 31/12/2026", 18, "/12/2026", strange("/12/2026", A_DATE)),
    ("x above 3 until 31 dec", 22, "", early("a year, such as 2027")),
    ("x above 3 until 2027-02-30", 16, "2027-02-30", "There is no such day in the calendar."),
    ("x above 3 until 2027-02-03 24:00", 27, "24:00", "A time is between 0:00 and 23:59."),
    ("x above 3 until 2020-01-01", 16, "2020-01-01", "This is past already."),
    ("x above 3 until 9999-12-31", 16, "9999-12-31", "This is beyond the calendar."),
    (
        "x above 3 for 99999999999999999999 weeks",
        14,
        "99999999999999999999",
        "This is beyond the calendar.",
    ),
    ("x above 3 for 99999999 months", 14, "99999999", "This is beyond the calendar."),
    ("x above \u202e200", 8, "\u202e200", PLAIN_NUMBER),
    ("x \x00above 200", 2, "\x00above", typo("�above", "above")),
    ("a" * 201, 200, "", "Write the alert with 200 characters at most."),
]


@pytest.mark.parametrize(("text", "column", "word", "message"), WRONG)
def test_an_error_points_at_the_word(text: str, column: int, word: str, message: str) -> None:
    with pytest.raises(WordsError) as caught:
        read(text)
    assert (caught.value.column, caught.value.word, caught.value.message) == (column, word, message)
    assert text[column : column + len(word)] == word


def test_an_error_carries_what_was_expected_and_meant() -> None:
    with pytest.raises(WordsError) as caught:
        read("AAPL abov 200")
    assert caught.value.suggestion == "above"
    assert caught.value.expected == A_CONDITION


def test_the_suggestion_put_in_place_of_the_word_is_understood() -> None:
    for text, column, word, _message in WRONG:
        with pytest.raises(WordsError) as caught:
            read(text)
        if meant := caught.value.suggestion:
            read(text[:column] + meant + text[column + len(word) :])


# Round trips


def entered(low: int | str, high: int | str, places: int = 4) -> st.SearchStrategy[float]:
    return st.decimals(low, high, places=places).map(lambda number: float(f"{number:f}"))


LEVELS = st.one_of(entered(-(10**12), 10**12), entered(-1, 1, places=25), st.integers(-99, 99))
PERCENTS = entered("0.0001", "99.9999")
SPANS = st.one_of(
    st.integers(1, 2250).map(lambda days: f"{days}d"), st.integers(1, 450).map(lambda w: f"{w}w")
)
WAYS = st.sampled_from(["up", "down"])
CROSSES = st.tuples(st.integers(2, 199), st.integers(3, 200)).filter(lambda pair: pair[0] < pair[1])


def one_of(*kinds: str, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[Condition]:
    return st.builds(condition, st.sampled_from(kinds), **values)


ANY_CONDITION = st.one_of(
    one_of("price_rises_to", "price_falls_to", level=LEVELS, extended=st.booleans()),
    one_of("day_change_rises_to", "day_change_falls_to", level=entered(-100, 10_000)),
    one_of(
        "moves_by",
        percent=PERCENTS,
        window=st.sampled_from(WINDOWS),
        direction=st.sampled_from(["up", "down", "either"]),
    ),
    one_of("falls_from_peak", "rises_from_trough", percent=PERCENTS),
    one_of("new_high", "new_low", span=SPANS),
    one_of(
        "crosses_average",
        average=st.sampled_from(["sma", "ema"]),
        days=st.integers(5, 200),
        direction=WAYS,
    ),
    st.builds(lambda pair, way: cross(way, *pair), CROSSES, WAYS),
    one_of("rsi_rises_to", "rsi_falls_to", level=entered(0, 100), days=st.integers(2, 200)),
    one_of("volume_reaches", ratio=entered("0.0001", 10_000)),
    one_of("earnings_within", days=st.integers(0, 90)),
)
SYMBOL = st.from_regex(r"[A-Z0-9^][A-Z0-9.^=-]{0,19}", fullmatch=True)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    symbol=SYMBOL,
    waited_for=ANY_CONDITION,
    frequency=st.sampled_from(["once", "daily", "every"]),
    days=st.none() | st.integers(1, 5_000),
    zone=st.sampled_from(ZONES),
)
def test_every_draft_is_read_back_from_its_sentence(
    symbol: str, waited_for: Condition, frequency: Any, days: int | None, zone: str
) -> None:
    expires_at = None
    if days is not None:
        expires_at = parse(f"X above 1 for {days} days", NOW, zone).expires_at
    draft = Draft(symbol, waited_for, frequency, expires_at)
    assert parse(sentence(draft, zone), NOW, zone) == draft


@given(st.floats(-1e12, 1e12))
def test_a_number_is_written_so_that_it_reads_back_the_same(value: float) -> None:
    assert float(plain(value)) == value
    assert "e" not in plain(value)


@given(st.integers(0, 5_000 * 24 * 60))
def test_an_end_in_the_middle_of_a_day_is_read_back(minutes: int) -> None:
    draft = Draft("X", rises(1), "once", NOW + timedelta(days=1, minutes=minutes))
    assert read(sentence(draft)) == draft


# Hostile input


VOCABULARY = sorted({word for words in UNDERSTOOD for word in words.split()})
PIECES = st.sampled_from([*VOCABULARY, ",", "(", ")", "-", "until", "for", "31", "dec", "2027", ""])


def outcome(text: str) -> Draft | WordsError:
    try:
        return parse(text, NOW, "America/Havana")
    except WordsError as error:
        return error


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=220), st.lists(PIECES, max_size=14).map(" ".join)))
@example("x above \ud800")
@example("ſpy above 3")
@example("x above 3 until ſep 3 2027")
@example("x for 0 days")
def test_any_text_gives_a_draft_or_an_error_that_points_into_it(text: str) -> None:
    for typed in (text, f"AAPL {text}"):
        match outcome(typed):
            case WordsError() as error:
                assert 0 <= error.column <= min(len(typed), MAX_TEXT)
                assert typed[error.column :].startswith(error.word)
                assert error.message.isprintable()
            case draft:
                assert outcome(sentence(draft, "America/Havana")) == draft


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "(" * 200,
        "x rsi" + "(" * 190,
        "x above " + "9," * 95,
        "x above 1" + " ,once" * 30,
        "x " + "moving " * 28,
        "\u202e" * 200,
        "x " + "1" * 198,
        "x above 1" + "." * 190,
    ],
)
def test_a_hostile_text_is_refused_at_once(text: str) -> None:
    words_parser._grammar()
    started = time.thread_time()
    with pytest.raises(WordsError):
        read(text)
    assert time.thread_time() - started < 0.1


def test_threads_parse_at_the_same_time() -> None:
    found: list[Draft] = []

    def work(level: int) -> None:
        found.extend(read(f"X above {level}") for _ in range(50))

    threads = [threading.Thread(target=work, args=(level,)) for level in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    levels = sorted(draft.condition.target.level for draft in found)
    assert levels == sorted([0.0, 1.0, 2.0, 3.0] * 50)
