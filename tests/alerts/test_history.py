import math
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.conditions import AverageCondition, ExtremeCondition
from services.alerts.history import History, days_to, sessions_needed, sessions_to_settle
from services.alerts.indicators import ema, rsi, sma
from services.alerts.paths import Gauge
from services.market.models import Bar
from tests.support.market import MONDAY, make_replay

FIRST = date(2024, 1, 1)
NO_PRICES = [math.nan, math.inf, -math.inf, 0.0]
GAUGES = ["price", "price+extended", "day-change", "sma:5", "ema:5", "high:20d", "low:20d"]
GAUGES += ["high:2w", "low:2w", "rsi:5", "cross:2:5"]
RATIOS = ["day-change", "sma:5", "ema:5", "high:20d", "low:20d", "high:2w", "low:2w", "rsi:5"]
prices = st.floats(0.01, 10_000)


def bar(number: int, close: float, **fields: Any) -> Bar:
    """The bar of the `number`-th day of 2024; every day is a session."""
    session = FIRST + timedelta(days=number)
    start = datetime.combine(session, time(5), UTC)
    values = {"open": close, "high": close, "low": close, "close": close, "volume": 1_000}
    return Bar(start=start, session=session, **(values | fields))


def history(*closes: float, **fields: Any) -> History:
    return History(tuple(bar(number, close, **fields) for number, close in enumerate(closes)))


def after(past: History) -> date:
    """The session that follows the last one."""
    return past.bars[-1].session + timedelta(days=1) if past.bars else FIRST


def gauge(past: History, metric: str, previous_close: float | None = None) -> Gauge:
    found = past.gauge(metric, after(past), previous_close)
    assert found is not None
    return found


def test_the_bars_before_a_session_leave_that_session_out() -> None:
    past = history(1, 2, 3)
    assert [bar.close for bar in past.before(date(2024, 1, 3))] == [1, 2]
    assert list(past.before(FIRST)) == []
    assert len(past.before(date(2030, 1, 1))) == 3


def test_bars_without_a_price_are_left_out() -> None:
    for broken in NO_PRICES:
        past = History((bar(0, 10.0), bar(1, 11.0, low=broken), bar(2, broken), bar(3, 12.0)))
        assert [bar.close for bar in past.bars] == [10, 12]


def test_a_price_is_its_own_gauge() -> None:
    assert gauge(history(), "price")(-37.63) == -37.63
    assert gauge(history(), "price+extended")(12.5) == 12.5


def test_93_after_a_close_of_100_is_exactly_7_per_cent_down() -> None:
    assert gauge(history(), "day-change", 100.0)(93) == -7
    assert gauge(history(), "day-change", 101.0)(106.05) == 5


def test_the_change_is_from_the_last_close_where_no_other_is_given() -> None:
    assert gauge(history(100, 50), "day-change")(55) == 10


@pytest.mark.parametrize("base", [0.0, -5.0, math.nan, math.inf])
def test_there_is_no_change_from_a_close_that_is_none_or_not_positive(base: float) -> None:
    assert history(100).gauge("day-change", date(2024, 1, 2), base) is None
    assert history().gauge("day-change", FIRST) is None


def test_averages_are_of_the_closes_before_the_session() -> None:
    past = history(10, 11, 12, 13, 14)
    session = date(2024, 1, 5)
    three = past.gauge("sma:3", session)
    smooth = past.gauge("ema:3", session)
    assert three is not None
    assert smooth is not None
    assert three(24) == 2
    assert smooth(24) == 2
    assert past.gauge("sma:5", session) is None
    assert past.gauge("ema:5", session) is None


def test_a_gauge_of_an_earlier_session_knows_nothing_of_later_ones() -> None:
    closes = [100 + 7 * math.sin(day) for day in range(60)]
    whole = history(*closes)
    for count in (20, 35, 59):
        session = FIRST + timedelta(days=count)
        begun = history(*closes[:count])
        for metric in GAUGES:
            seen, known = whole.gauge(metric, session), begun.gauge(metric, session)
            assert seen is not None
            assert known is not None
            assert seen(104.5) == known(104.5)


def test_gauges_are_those_of_the_indicators() -> None:
    closes = [100 + 7 * math.sin(day) for day in range(60)]
    past = history(*closes)
    assert gauge(past, "sma:20")(99) == 99 / (sma(closes, 20) or 0)
    assert gauge(past, "ema:20")(99) == 99 / (ema(closes, 20) or 0)
    assert gauge(past, "rsi:14")(99) == pytest.approx(rsi([*closes, 99], 14))


def test_the_price_that_equals_the_highest_high_makes_no_new_high() -> None:
    past = history(10.1, 10.3, 10.2)
    new_high = ExtremeCondition(kind="new_high", span="3d").target
    new_low = ExtremeCondition(kind="new_low", span="3d").target
    assert gauge(past, "high:3d")(10.3) == 1
    assert not new_high.reached_by(gauge(past, "high:3d")(10.3))
    assert new_high.reached_by(gauge(past, "high:3d")(10.3001))
    assert gauge(past, "low:3d")(10.1) == 1
    assert not new_low.reached_by(gauge(past, "low:3d")(10.1))
    assert new_low.reached_by(gauge(past, "low:3d")(10.0999))


@pytest.fixture(scope="module")
def real() -> History:
    """IBM's days from 2000-03-01 on, to the end of 2011 at the least."""
    replay = make_replay(start=date(2012, 1, 3))
    return History(tuple(replay.bars("IBM", "1d", datetime(2000, 3, 1, tzinfo=UTC), MONDAY)))


def test_extremes_of_real_sessions_agree_with_ta_lib(real: History) -> None:
    highs = talib.MAX(numpy.array([bar.high for bar in real.bars]), 20)
    lows = talib.MIN(numpy.array([bar.low for bar in real.bars]), 20)
    for number in range(20, len(real.bars), 50):
        high = real.gauge("high:20d", real.bars[number].session)
        low = real.gauge("low:20d", real.bars[number].session)
        assert high is not None
        assert low is not None
        assert (high(highs[number - 1]), low(lows[number - 1])) == (1, 1)


def test_52_weeks_of_real_sessions_are_those_of_the_364_days_before(real: History) -> None:
    for number in range(300, len(real.bars), 200):
        session = real.bars[number].session
        year = [bar for bar in real.bars if 0 < (session - bar.session).days < 364]
        high = real.gauge("high:52w", session)
        assert high is not None
        assert high(max(bar.high for bar in year)) == 1


def test_averages_of_real_sessions_agree_with_ta_lib(real: History) -> None:
    closes = numpy.array([bar.close for bar in real.bars])
    simple, smooth = talib.SMA(closes, 200), talib.EMA(closes, 200)
    fast = talib.SMA(closes, 50)
    for number in range(200, len(real.bars), 100):
        session, price = real.bars[number].session, real.bars[number].open
        for metric, value in (
            ("sma:200", price / simple[number - 1]),
            ("ema:200", price / smooth[number - 1]),
            ("cross:50:200", fast[number - 1] / simple[number - 1]),
        ):
            found = real.gauge(metric, session)
            assert found is not None
            assert found(price) == pytest.approx(value, rel=1e-9)


def test_a_span_of_days_counts_sessions() -> None:
    past = history(20, 10, 11)
    assert gauge(past, "high:2d")(11) == 1
    assert gauge(past, "high:3d")(20) == 1
    assert past.gauge("high:4d", after(past)) is None


def test_a_span_of_weeks_counts_the_days_of_the_calendar() -> None:
    closes = [float(100 - day) for day in range(20)]
    past = history(*closes)
    session = FIRST + timedelta(days=20)
    week = past.gauge("high:1w", session)
    assert week is not None
    assert week(closes[14]) == 1


def test_a_span_of_weeks_longer_than_the_history_has_no_value_yet() -> None:
    past = history(*[100.0] * 14)
    assert past.gauge("high:2w", FIRST + timedelta(days=13)) is None
    assert past.gauge("high:2w", FIRST + timedelta(days=14)) is not None


def test_a_gap_within_the_weeks_of_a_span_does_no_harm() -> None:
    past = History((bar(0, 50.0), bar(13, 10.0)))
    session = FIRST + timedelta(days=14)
    fortnight, week = past.gauge("high:2w", session), past.gauge("high:1w", session)
    assert fortnight is not None
    assert week is not None
    assert (fortnight(10), week(10)) == (1, 1)


def test_an_rsi_of_no_change_at_all_is_50_and_of_gains_alone_100() -> None:
    assert gauge(history(*[7.0] * 15), "rsi:14")(7) == 50
    assert gauge(history(*range(1, 16)), "rsi:14")(16) == 100
    assert history(*[7.0] * 14).gauge("rsi:14", FIRST + timedelta(days=14)) is None


def test_volume_is_held_against_the_mean_of_the_30_sessions_before() -> None:
    bars = [bar(0, 1.0, volume=9_999), *(bar(day, 1.0, volume=100 * day) for day in range(1, 31))]
    past = History(tuple(bars))
    assert gauge(past, "volume")(3_100) == 2
    assert gauge(past, "volume")(0) == 0
    assert History(tuple(bars[:29])).gauge("volume", FIRST + timedelta(days=29)) is None


def test_an_index_without_volume_has_no_average_volume() -> None:
    past = history(*[5.0] * 40, volume=0)
    assert past.gauge("volume", after(past)) is None


@pytest.mark.parametrize("volume", [math.nan, math.inf, -5.0])
def test_a_volume_that_is_none_reaches_nothing(volume: float) -> None:
    assert math.isnan(gauge(history(*[5.0] * 30), "volume")(volume))


def test_averages_cross_on_completed_closes_alone() -> None:
    past = history(10, 10, 10, 16)
    assert past.cross(2, 4, date(2024, 1, 4)) == 13 / 11.5
    assert past.cross(2, 3, date(2024, 1, 3)) == 1
    assert past.cross(2, 4, date(2024, 1, 3)) is None
    constant = gauge(past, "cross:2:4")
    assert constant(1) == constant(1_000) == 13 / 11.5


def test_a_session_that_is_over_counts_once_it_is_added() -> None:
    past = history(10, 10, 10).and_close(bar(3, 16.0))
    assert past.cross(2, 4, date(2024, 1, 4)) == 13 / 11.5
    assert len(past.and_close(bar(3, 17.0)).bars) == 4


def test_averages_of_futures_that_are_not_positive_are_no_base() -> None:
    past = history(-37.0, -30.0, -20.0, -10.0, -5.0)
    for metric in ("sma:2", "ema:2", "high:2d", "low:2d", "cross:2:3", "day-change"):
        assert past.gauge(metric, after(past)) is None


@pytest.mark.parametrize("metric", ["drawdown", "run-up", "move:1h", "move-up:2d", "earnings", "x"])
def test_what_is_no_metric_of_the_price_alone_has_no_gauge(metric: str) -> None:
    past = history(*[5.0] * 40)
    assert past.gauge(metric, after(past)) is None


@pytest.mark.parametrize("metric", RATIOS)
@pytest.mark.parametrize("price", NO_PRICES)
def test_a_price_that_is_none_reaches_no_level(metric: str, price: float) -> None:
    value = gauge(history(*range(1, 40)), metric)(price)
    assert not value >= -1e300
    assert not value <= 1e300


def test_a_gauge_is_made_once() -> None:
    past = history(*range(1, 40))
    assert past.gauge("rsi:14", after(past)) is past.gauge("rsi:14", after(past))


def test_a_price_at_its_flat_average_touches_it_from_both_sides() -> None:
    past = history(*[0.1] * 200)
    for direction in ("up", "down"):
        crosses = AverageCondition(kind="crosses_average", days=200, direction=direction)
        assert crosses.target.reached_by(gauge(past, "sma:200")(0.1))


@pytest.mark.parametrize(
    ("metric", "sessions"),
    [
        ("price", 0),
        ("price+extended", 0),
        ("day-change", 0),
        ("sma:200", 200),
        ("ema:5", 5),
        ("rsi:14", 15),
        ("high:20d", 20),
        ("low:52w", 260),
        ("cross:50:200", 200),
        ("volume", 30),
        ("move:15m", 0),
        ("move-up:1d", 0),
        ("move-down:5d", 4),
        ("drawdown", 0),
        ("earnings", 0),
    ],
)
def test_each_metric_says_how_many_sessions_it_needs(metric: str, sessions: int) -> None:
    assert sessions_needed(metric) == sessions


@pytest.mark.parametrize("metric", ["sma:7", "ema:7", "rsi:7", "high:7d", "cross:3:7", "volume"])
def test_a_metric_has_a_value_from_exactly_the_sessions_that_it_needs(metric: str) -> None:
    needed = sessions_needed(metric)
    for count in (needed - 1, needed):
        past = history(*[5.0 + day for day in range(count)])
        assert (past.gauge(metric, after(past)) is not None) == (count == needed)


def test_where_the_history_begins_no_longer_matters_once_it_has_settled() -> None:
    assert sessions_to_settle("sma:20") == 20
    for metric in ("ema:20", "rsi:5"):
        closes = [100.0 + 5 * math.sin(day) for day in range(sessions_to_settle(metric))]
        jumped = [50.0 + day for day in range(20)] + closes[20:]
        apart = gauge(history(*closes), metric)(101) - gauge(history(*jumped), metric)(101)
        assert abs(apart) < 0.05 * (100 if metric == "rsi:5" else 0.1)


def test_earnings_of_the_past_are_no_number_of_days_away() -> None:
    assert days_to(date(2024, 1, 4), FIRST) == 3
    assert days_to(FIRST, FIRST) == 0
    assert days_to(date(2023, 12, 31), FIRST) is None


@given(st.lists(prices, min_size=20, max_size=40), st.lists(prices, min_size=2, max_size=10))
def test_gauges_never_fall_when_the_price_rises(closes: list[float], at: list[float]) -> None:
    past = history(*closes)
    for metric in GAUGES:
        values = [gauge(past, metric)(price) for price in sorted(at)]
        assert values == sorted(values)


@pytest.mark.slow
@given(st.lists(prices, min_size=20, max_size=40), prices, st.floats(0.001, 1_000))
def test_scaled_prices_change_no_ratio(closes: list[float], price: float, by: float) -> None:
    past, scaled = history(*closes), history(*[close * by for close in closes])
    for metric in RATIOS:
        one, other = gauge(past, metric)(price), gauge(scaled, metric)(price * by)
        assert one == pytest.approx(other, rel=1e-9, abs=1e-7)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=25),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_no_numbers_whatever_raise(closes: list[float], price: float) -> None:
    past = history(*closes)
    for metric in GAUGES:
        found = past.gauge(metric, after(past))
        if found is not None:
            found(price)
