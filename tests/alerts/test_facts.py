import math
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from services.alerts.facts import Facts, needs
from services.alerts.history import History
from services.market.models import Bar, Quote
from tests.support.market import MONDAY, make_quote

SESSION = MONDAY.date()
METRICS = ["price", "price+extended", "day-change", "sma:5", "ema:5", "high:5d", "low:5d", "rsi:5"]
METRICS += ["cross:2:5", "volume", "move:15m", "move-up:1d", "move-down:5d"]


def day(before: int, close: float, **fields: Any) -> Bar:
    """The daily bar of so many days before the quote's session; every day is a session."""
    session = SESSION - timedelta(days=before)
    start = datetime.combine(session, time(5), UTC)
    values = {"open": close, "high": close, "low": close, "close": close, "volume": 500}
    return Bar(start=start, session=session, **(values | fields))


def minute(before: float, low: float, high: float) -> Bar:
    start = MONDAY - timedelta(minutes=before)
    return Bar(start=start, session=SESSION, open=low, high=high, low=low, close=high, volume=1)


def history(*closes: float) -> History:
    return History(tuple(day(len(closes) - number, close) for number, close in enumerate(closes)))


def over(quote: Quote) -> Quote:
    """The same quote read two hours after its session closed."""
    later = quote.fetched_at + timedelta(hours=2)
    return quote.model_copy(update={"market_state": "closed", "fetched_at": later})


def test_the_price_and_todays_change_need_nothing_but_the_quote() -> None:
    facts = Facts(make_quote(price=93.0))
    assert facts.value("price") == 93
    assert facts.value("day-change") == -7
    assert not needs("price") | needs("price+extended") | needs("day-change")


def test_an_extended_price_counts_where_it_is_the_later_one() -> None:
    after, before = MONDAY + timedelta(hours=1), MONDAY - timedelta(hours=1)
    later = make_quote(extended_price=108.0, extended_at=after)
    earlier = make_quote(extended_price=108.0, extended_at=before)
    assert Facts(later).value("price+extended") == 108
    assert Facts(later).value("price") == 100
    assert Facts(earlier).value("price+extended") == 100
    assert Facts(make_quote()).value("price+extended") == 100


def test_averages_extremes_and_the_rsi_come_from_the_history() -> None:
    facts = Facts(make_quote(price=24.0), history(10, 11, 12, 13, 14))
    assert facts.value("sma:5") == 2
    assert facts.value("ema:5") == 2
    assert facts.value("high:5d") == 24 / 14
    assert facts.value("low:5d") == 2.4
    assert facts.value("rsi:4") == 100


def test_the_volume_of_the_day_is_held_against_its_average() -> None:
    past = history(*[100.0] * 30)
    assert Facts(make_quote(), past).value("volume") == 2
    assert Facts(make_quote(volume=None), past).value("volume") is None


@pytest.mark.parametrize("metric", ["sma:5", "ema:5", "rsi:5", "high:5d", "volume", "cross:2:5"])
def test_too_little_history_gives_no_value(metric: str) -> None:
    assert needs(metric) == {"history"}
    assert Facts(make_quote(), history(1, 2, 3)).value(metric) is None
    assert Facts(make_quote()).value(metric) is None


def test_averages_cross_on_the_close_of_today_only_once_it_is_final() -> None:
    past, quote = history(10, 10, 10, 10), make_quote(price=16.0)
    assert Facts(quote, past).value("cross:2:4") == 1
    assert Facts(over(quote), past).value("cross:2:4") == 13 / 11.5


def test_a_move_within_minutes_is_held_against_the_bars_of_the_window() -> None:
    bars = (minute(60, 50, 50), minute(10, 95, 99), minute(1, 102, 110))
    facts = Facts(make_quote(price=104.5), minutes=bars)
    assert needs("move:15m") == needs("move-up:4h") == {"minutes"}
    assert facts.value("move-up:15m") == 10
    assert facts.value("move-down:15m") == 5
    assert facts.value("move:15m") == 10
    assert facts.value("move-up:2h") == 109


def test_minute_bars_later_than_a_delayed_quote_do_not_count() -> None:
    facts = Facts(make_quote(price=100.0), minutes=(minute(5, 100, 100), minute(-5, 50, 50)))
    assert facts.value("move:15m") == 0


def test_without_a_trade_in_the_window_nothing_has_moved() -> None:
    assert Facts(make_quote()).value("move:15m") == 0


def test_a_move_of_today_needs_the_quote_alone() -> None:
    facts = Facts(make_quote(price=104.5, day_high=110.0, day_low=95.0), history(10, 20))
    assert not needs("move:1d")
    assert facts.value("move-up:1d") == 10
    assert facts.value("move-down:1d") == 5


def test_a_move_of_days_is_held_against_the_sessions_before() -> None:
    past = History((day(3, 60), day(2, 100, low=80.0, high=120.0), day(1, 100)))
    facts = Facts(make_quote(price=100.0), past)
    assert needs("move:3d") == {"history"}
    assert facts.value("move-up:3d") == 25
    assert facts.value("move-down:3d") == pytest.approx(100 / 6)
    assert facts.value("move-up:2d") == pytest.approx(100 / 99)


def test_a_trailing_distance_begins_at_nothing() -> None:
    assert Facts(make_quote()).value("drawdown") == 0
    assert Facts(make_quote()).value("run-up") == 0
    assert not needs("drawdown")


def test_days_to_earnings_count_from_the_exchanges_date() -> None:
    assert needs("earnings") == {"earnings"}
    assert Facts(make_quote(), earnings=date(2026, 3, 5)).value("earnings") == 3
    weekend = make_quote(market_state="closed", fetched_at=MONDAY + timedelta(days=1))
    assert Facts(weekend, earnings=date(2026, 3, 5)).value("earnings") == 2
    assert Facts(make_quote(), earnings=date(2026, 3, 1)).value("earnings") is None
    assert Facts(make_quote()).value("earnings") is None


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, 0.0])
@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric != "volume"])
def test_a_quote_without_a_price_gives_no_value(metric: str, price: float) -> None:
    quote = make_quote(day_high=101.0, day_low=99.0).model_copy(update={"price": price})
    value = Facts(quote, history(*range(90, 130))).value(metric)
    assert value is None or metric.startswith("cross")


def test_day_extremes_that_are_none_do_no_harm() -> None:
    quote = make_quote().model_copy(update={"day_high": math.nan, "day_low": 0.0})
    assert Facts(quote).value("move:1d") == 0


def test_a_metric_that_nobody_knows_has_no_value() -> None:
    assert Facts(make_quote()).value("phase-of-the-moon") is None
