"""Quotes, bars, splits and search of the replayed market."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.errors import MarketError
from services.market.replay import ReplayProvider
from tests.support.market import MONDAY, make_replay

NEVER = datetime(1999, 1, 1, tzinfo=UTC)


def at(day: int, done: float = 0.0) -> datetime:
    """Our time when `done` of the replay's `day`-th session has passed."""
    return MONDAY + timedelta(seconds=60 * (day + done))


def test_a_quote_tells_the_day_up_to_now(replay: ReplayProvider) -> None:
    quote = replay.quotes(["AAPL"], at(0, 1 / 2))["AAPL"]
    assert (quote.price, quote.day_high, quote.day_low) == (93.84, 93.84, 89.81)
    assert (quote.previous_close, quote.volume, quote.currency) == (91.19, 1_758_950, "USD")
    assert quote.as_of == datetime(2000, 6, 19, 16, 45, tzinfo=UTC)
    assert (quote.fetched_at, quote.market_state, quote.source) == (at(0, 1 / 2), "open", "replay")
    assert (quote.session, quote.name, quote.exchange) == (
        date(2000, 6, 19), "Apple Inc.", "NASDAQ",
    )  # fmt: skip


def test_on_a_split_day_the_previous_close_is_in_new_shares(replay: ReplayProvider) -> None:
    day_before, split_day = (replay.quotes(["AAPL"], at(day))["AAPL"] for day in (1, 2))
    assert day_before.price == 98.5
    assert (split_day.price, split_day.previous_close) == (50.5, 50.625)
    assert split_day.change_percent == pytest.approx(-0.247, abs=0.001)


def test_a_split_is_told_from_its_day_on_and_only_to_who_has_not_seen_it(
    replay: ReplayProvider,
) -> None:
    begin, before, on = (replay.market_time(at(day)) for day in (0, 1, 2))
    assert replay.splits("AAPL", begin, at(1, 0.99)) == []
    (split,) = replay.splits("AAPL", before, at(2))
    assert (split.symbol, split.session, split.ratio) == ("AAPL", date(2000, 6, 21), 2.0)
    assert replay.splits("AAPL", on, at(9)) == []


def test_no_other_symbol_has_that_split(replay: ReplayProvider) -> None:
    assert replay.splits("IBM", NEVER, at(5)) == []
    assert replay.splits("ZZZZ", NEVER, at(5)) == []


def test_all_splits_of_the_years_are_told() -> None:
    end = MONDAY + timedelta(days=365)
    replay = make_replay()
    assert [s.session for s in replay.splits("AAPL", NEVER, end)] == [
        date(2000, 6, 21), date(2005, 2, 28),
    ]  # fmt: skip
    assert [s.session for s in replay.splits("MSFT", NEVER, end)] == [date(2003, 2, 18)]


def test_the_low_of_the_29th_of_september_2000_is_touched() -> None:
    replay = make_replay(start=date(2000, 9, 29))
    low_at = MONDAY + timedelta(seconds=40)  # the day falls: open, high, low, close
    quote = replay.quotes(["AAPL"], low_at)["AAPL"]
    assert (quote.price, quote.day_low, quote.day_high) == (25.37, 25.37, 29.0)
    assert quote.previous_close == 53.5
    minutes = replay.bars("AAPL", "1m", replay.market_time(MONDAY), MONDAY + timedelta(seconds=59))
    assert min(bar.low for bar in minutes) == 25.37


def test_symbols_that_are_not_listed_yet_have_no_quote() -> None:
    replay = make_replay(start=date(2004, 8, 18))
    symbols = ["AAPL", "GOOG", "FB", "ZZZZ"]
    assert list(replay.quotes(symbols, at(0))) == ["AAPL"]
    assert list(replay.quotes(symbols, at(1))) == ["AAPL", "GOOG"]
    assert replay.quotes(symbols, at(1))["GOOG"].previous_close is None


def test_after_the_last_day_the_market_is_closed_at_the_last_close() -> None:
    replay = make_replay(start=date(2013, 3, 1))
    running, over = (replay.quotes(["IBM"], at(day))["IBM"] for day in (0, 1))
    assert running.market_state == "open"
    assert (over.market_state, over.price, over.day_high) == ("closed", 202.91, 202.94)
    assert over.as_of == datetime(2013, 3, 1, 21, 0, tzinfo=UTC)
    assert replay.quotes(["IBM"], at(999))["IBM"].as_of == over.as_of


def test_a_start_after_the_last_day_is_refused() -> None:
    with pytest.raises(MarketError, match="2013-03-01"):
        make_replay(start=date(2013, 3, 2))


def test_daily_bars_end_with_the_running_day(replay: ReplayProvider) -> None:
    bars = replay.bars("AAPL", "1d", replay.market_time(at(1)), at(2, 1 / 2))
    assert [bar.session for bar in bars] == [date(2000, 6, 20), date(2000, 6, 21)]
    assert (bars[0].open, bars[0].high, bars[0].low, bars[0].close, bars[0].volume) == (
        98.5, 103.94, 98.37, 101.25, 4_476_700,
    )  # fmt: skip
    assert (bars[1].high, bars[1].low, bars[1].close) == (53.62, 50.31, 53.62)
    assert bars[1].start == datetime(2000, 6, 21, 4, 0, tzinfo=UTC)


def test_daily_bars_reach_back_before_the_start_of_the_replay(replay: ReplayProvider) -> None:
    bars = replay.bars("AAPL", "1d", NEVER, at(0))
    assert bars[0].session == date(2000, 3, 1)
    assert bars[-1].session == date(2000, 6, 19)


def test_minute_bars_begin_with_the_minute_that_ends_after_since(replay: ReplayProvider) -> None:
    since = datetime(2000, 6, 19, 13, 31, tzinfo=UTC)
    bars = replay.bars("AAPL", "1m", since, at(0, 4.5 / 390))
    assert [bar.start.minute for bar in bars] == [31, 32, 33, 34]
    assert bars[-1].close == replay.quotes(["AAPL"], at(0, 4.5 / 390))["AAPL"].price


def test_minute_bars_run_through_the_nights(replay: ReplayProvider) -> None:
    bars = replay.bars("AAPL", "1m", replay.market_time(at(0)), at(2, 0.5))
    assert len(bars) == 390 * 2 + 195
    assert bars[389].close == 96.62
    assert (bars[390].start, bars[390].open) == (datetime(2000, 6, 20, 13, 30, tzinfo=UTC), 98.5)


def test_minute_bars_follow_new_york_when_summer_time_ends() -> None:
    replay = make_replay(start=date(2000, 10, 27))
    bars = replay.bars("IBM", "1m", replay.market_time(at(0)), at(1, 0.999))
    assert bars[0].start == datetime(2000, 10, 27, 13, 30, tzinfo=UTC)
    assert bars[390].start == datetime(2000, 10, 30, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("aapl", ["AAPL"]),
        ("  Apple ", ["AAPL"]),
        ("I", ["IBM", "AAPL", "MSFT"]),
        ("machines", ["IBM"]),
        ("goog", []),
        ("", []),
    ],
)
def test_search_finds_symbols_first_and_names_after(
    replay: ReplayProvider, text: str, symbols: list[str]
) -> None:
    assert [match.symbol for match in replay.search(text, at(0))] == symbols


@pytest.mark.parametrize(
    ("day_seconds", "seconds"), [(0.5, 1), (60, 3), (1_000, 50), (86_400, 300)]
)
def test_quotes_are_fresh_for_a_twentieth_of_a_day(day_seconds: float, seconds: float) -> None:
    assert make_replay(day_seconds=day_seconds).fresh_for == timedelta(seconds=seconds)
