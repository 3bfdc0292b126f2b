import csv
import gzip
import math

import numpy
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.indicators import (
    ema,
    emas,
    highest,
    lowest,
    per_cent,
    positive,
    rsi,
    running_rsi,
    sma,
    wilder,
    wilders,
)
from tests.support.market import REPLAY_DATA

# The worked example of StockCharts ChartSchool, "Relative Strength Index (RSI)": closes of
# QQQQ from 2009-12-14 on, and RSI(14) from the 15th close on, to two decimals.
CHART_SCHOOL_CLOSES = [
    *(44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826),
    *(45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439),
    *(46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672),
    *(43.4205, 42.6628, 43.1314),
]
CHART_SCHOOL_RSI = [
    *(70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38),
    *(54.71, 50.42, 39.99, 41.46, 41.87, 45.46, 37.30, 33.08, 37.77),
]
prices = st.floats(0.01, 10_000)


def closes_of(symbol: str) -> list[float]:
    with gzip.open(REPLAY_DATA / "stocks.csv.gz", "rt", newline="") as file:
        return [float(row["Close"]) for row in csv.DictReader(file) if row["Ticker"] == symbol]


@pytest.fixture(scope="module", params=["AAPL", "IBM", "GOOG"])
def real_closes(request: pytest.FixtureRequest) -> list[float]:
    return closes_of(request.param)


def test_the_rsi_is_that_of_a_published_table() -> None:
    ours = [rsi(CHART_SCHOOL_CLOSES[:count], 14) for count in range(15, 34)]
    assert ours == pytest.approx(CHART_SCHOOL_RSI, abs=0.0051)


def test_the_rsi_without_a_loss_is_exactly_100() -> None:
    averages = wilder([0.25] * 20, 5)
    assert averages is not None
    assert {running_rsi(averages, 0.25, price, 5) for price in (1.0, 8854.782190026765)} == {100}


def test_wilders_averages_are_those_of_that_table() -> None:
    averages = wilder(CHART_SCHOOL_CLOSES[:15], 14)
    assert averages is not None
    assert averages.gain == pytest.approx(0.24, abs=0.0051)
    assert averages.loss == pytest.approx(0.10, abs=0.0051)


def test_a_simple_average_is_worked_by_hand() -> None:
    assert sma([1, 2, 3, 4, 6], 2) == 5
    assert sma([1, 2, 3, 4, 6], 5) == 3.2


def test_an_exponential_average_is_worked_by_hand() -> None:
    assert emas([1, 2, 3, 4, 8], 3) == [2, 3, 5.5]


@pytest.mark.parametrize("n", [5, 20, 50, 200])
def test_averages_agree_with_ta_lib_on_real_closes(real_closes: list[float], n: int) -> None:
    closes = numpy.array(real_closes)
    simple = [sma(real_closes[count - n : count], n) for count in range(n, len(closes) + 1)]
    assert simple == pytest.approx(talib.SMA(closes, n)[n - 1 :], rel=1e-9)
    assert emas(real_closes, n) == pytest.approx(talib.EMA(closes, n)[n - 1 :], rel=1e-9)


@pytest.mark.parametrize("n", [2, 9, 14, 100])
def test_the_rsi_agrees_with_ta_lib_on_real_closes(real_closes: list[float], n: int) -> None:
    ours = [averages.rsi for averages in wilders(real_closes, n)]
    assert ours == pytest.approx(talib.RSI(numpy.array(real_closes), n)[n:], abs=1e-8)


@pytest.mark.parametrize("n", [2, 14])
def test_the_running_rsi_is_that_of_the_day_if_it_closed_so(n: int) -> None:
    closes = closes_of("IBM")[:300]
    averages = wilder(closes[:-1], n)
    assert averages is not None
    assert running_rsi(averages, closes[-2], closes[-1], n) == pytest.approx(rsi(closes, n))


def test_too_few_closes_give_no_value() -> None:
    assert sma([1.0] * 4, 5) is None
    assert ema([1.0] * 4, 5) is None
    assert rsi([1.0] * 14, 14) is None
    assert wilder([], 2) is None
    assert (emas([], 3), wilders([1.0], 2)) == ([], [])
    assert (highest([]), lowest([])) == (None, None)


def test_exactly_enough_closes_give_a_value() -> None:
    assert sma([1.0] * 5, 5) == 1
    assert ema([1.0] * 5, 5) == 1
    assert rsi([1.0] * 15, 14) is not None


def test_the_rsi_of_gains_alone_is_100_of_losses_alone_0_and_of_no_change_50() -> None:
    assert rsi([float(day) for day in range(1, 20)], 14) == 100
    assert rsi([float(day) for day in range(20, 1, -1)], 14) == 0
    assert rsi([7.0] * 20, 14) == 50


def test_extremes_are_the_greatest_and_the_least() -> None:
    assert (highest([1.0, 3.0, 2.0]), lowest([2.0, 1.0, 3.0])) == (3, 1)


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_a_price_of_which_no_per_cent_can_be_is_told(price: float) -> None:
    assert not positive(100.0, price)


def test_a_per_cent_is_exact_where_a_person_would_say_so() -> None:
    assert per_cent(93 - 100, 100) == -7
    assert per_cent(110.0 - 100, 100) == 10
    assert per_cent(106.05 - 101, 101) == 5


@given(st.lists(prices, min_size=31, max_size=60))
def test_the_rsi_lies_between_0_and_100(closes: list[float]) -> None:
    assert all(0 <= averages.rsi <= 100 for averages in wilders(closes, 14))


@given(st.lists(prices, min_size=10, max_size=60), st.floats(0.001, 1000))
def test_scaled_prices_scale_averages_and_leave_the_rsi(closes: list[float], by: float) -> None:
    scaled = [close * by for close in closes]
    assert sma(scaled, 9) == pytest.approx(by * (sma(closes, 9) or 0), rel=1e-9)
    assert ema(scaled, 9) == pytest.approx(by * (ema(closes, 9) or 0), rel=1e-9)
    for ours, theirs in zip(wilders(scaled, 9), wilders(closes, 9), strict=True):
        assert ours.gain == pytest.approx(by * theirs.gain, rel=1e-6, abs=1e-9 * by)


@given(st.lists(prices, min_size=10, max_size=60))
def test_averages_lie_within_the_extremes(closes: list[float]) -> None:
    low, high = min(closes) * (1 - 1e-9), max(closes) * (1 + 1e-9)
    assert all(low <= average <= high for average in [sma(closes, 9), *emas(closes, 9)])
