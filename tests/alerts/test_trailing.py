import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.intervals import MAX_STEPS, Span
from services.alerts.paths import Move
from services.alerts.trailing import distance, possible, walk

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
NO_PRICES = [math.nan, math.inf, -math.inf, 0.0, -5.0]
prices = st.floats(0.5, 1_000)
metrics = st.sampled_from(["drawdown", "run-up"])


def move(minute: int, opened: float, low: float, high: float, close: float) -> Move:
    return Move(START + timedelta(minutes=minute), DAY, opened, low, high, close)


def points(*closes: float) -> list[Move]:
    return [move(minute, close, close, close, close) for minute, close in enumerate(closes)]


def values(moves: Sequence[Move], extreme: float, metric: str = "drawdown") -> list[float]:
    return [step.value for step in walk(moves, extreme, metric).steps]


@st.composite
def paths(draw: st.DrawFn) -> list[Move]:
    quartets = draw(st.lists(st.tuples(prices, prices, prices, prices), min_size=1, max_size=20))
    return [
        move(minute, opened, min(quartet), max(quartet), close)
        for minute, quartet in enumerate(quartets)
        for opened, close in [quartet[:2]]
    ]


def plain(closes: Sequence[float], extreme: float, metric: str) -> float:
    """The most that any close lies below (above) a price before it, or the first extreme."""
    return max(
        distance(before, close, metric)
        for end, close in enumerate(closes, 1)
        for before in [extreme, *closes[:end]]
    )


def test_a_fall_counts_from_the_highest_price_since_armed() -> None:
    done = walk(points(100, 110, 104.5, 99), 100, "drawdown")
    assert [step.value for step in done.steps] == [0, 5, 10]
    assert [step.at.minute for step in done.steps] == [0, 2, 3]
    assert done.extreme == 110


def test_a_rise_counts_from_the_lowest_price_since_armed() -> None:
    done = walk(points(100, 80, 88, 84), 100, "run-up")
    assert [step.value for step in done.steps] == [0, 10]
    assert done.extreme == 80


def test_the_peak_is_carried_from_one_walk_to_the_next() -> None:
    assert values(points(93), 100) == [7]
    assert values(points(107), 100, "run-up") == [7]


def test_the_low_of_a_move_is_not_held_against_its_own_high() -> None:
    """The high may have come after the low; only the close is surely after it."""
    assert values([move(0, 100, 95, 120, 119)], 100) == [5]


def test_the_close_of_a_move_is_held_against_its_own_high() -> None:
    assert values([move(0, 100, 100, 120, 108)], 100) == [10]


def test_the_high_of_a_rise_is_not_held_against_its_own_low() -> None:
    assert values([move(0, 100, 80, 105, 82)], 100, "run-up") == [5]
    assert values([move(0, 100, 80, 100, 96)], 100, "run-up") == [20]


def test_an_open_above_the_peak_makes_the_peak_before_the_low() -> None:
    assert values([move(0, 110, 99, 110, 109)], 100) == [10]


def test_the_high_of_a_move_counts_for_the_next() -> None:
    assert values([move(0, 100, 100, 120, 120), move(1, 119, 108, 119, 118)], 100) == [0, 10]


@pytest.mark.parametrize("metric", ["drawdown", "run-up"])
@pytest.mark.parametrize("broken", NO_PRICES)
def test_a_move_without_a_price_is_left_out(metric: str, broken: float) -> None:
    bad = [move(1, 100, broken, 100, 100), move(2, 100, 100, broken, 100), *points(broken)]
    assert walk([*points(100), *bad], 100, metric) == walk(points(100), 100, metric)
    assert walk(bad, 100, metric) == ((), 100)


@pytest.mark.parametrize("unknown", NO_PRICES)
def test_an_extreme_that_is_none_gives_way_to_the_first_open(unknown: float) -> None:
    assert values(points(100, 90), unknown) == [0, 10]


def test_records_of_a_long_way_are_thinned_and_keep_the_last() -> None:
    done = walk(points(*[1_000 - step for step in range(999)]), 1_000, "drawdown")
    assert len(done.steps) <= MAX_STEPS
    assert done.steps[-1].value == 99.8


def test_what_may_have_been_is_the_lowest_against_the_highest() -> None:
    assert possible(100, Span(low=95, high=99), "drawdown") == (5, False)
    assert possible(100, Span(low=99, high=110), "drawdown") == (10, True)
    assert possible(100, Span(low=101, high=105), "run-up") == (5, False)
    assert possible(100, Span(low=80, high=100), "run-up") == (25, True)


def test_over_a_gap_anything_may_have_been() -> None:
    anything = Span(low=-math.inf, high=math.inf)
    assert possible(100, anything, "drawdown") == (math.inf, True)
    assert possible(100, anything, "run-up") == (math.inf, True)


@given(st.lists(prices, min_size=1, max_size=30), prices, metrics)
def test_closes_alone_give_what_every_pair_of_prices_gives(
    closes: list[float], extreme: float, metric: str
) -> None:
    assert values(points(*closes), extreme, metric)[-1] == plain(closes, extreme, metric)


@given(paths(), prices, metrics, st.integers(0, 20))
def test_a_path_walked_in_two_gives_the_same(
    path: list[Move], extreme: float, metric: str, cut: int
) -> None:
    whole = walk(path, extreme, metric)
    first = walk(path[:cut], extreme, metric)
    second = walk(path[cut:], first.extreme, metric)
    assert second.extreme == whole.extreme
    records = [step for part in (first, second) for step in part.steps]
    assert max(step.value for step in records) == whole.steps[-1].value


@given(paths(), prices, metrics)
def test_what_is_certain_is_never_more_than_what_may_have_been(
    path: list[Move], extreme: float, metric: str
) -> None:
    span = Span(low=min(m.low for m in path), high=max(m.high for m in path))
    assert values(path, extreme, metric)[-1] <= possible(extreme, span, metric).most


@pytest.mark.slow
@given(paths(), prices, metrics)
def test_no_order_within_a_move_gives_less(path: list[Move], extreme: float, metric: str) -> None:
    up = [price for m in path for price in (m.open, m.low, m.high, m.close)]
    down = [price for m in path for price in (m.open, m.high, m.low, m.close)]
    certain = values(path, extreme, metric)[-1]
    assert certain <= plain(up, extreme, metric)
    assert certain <= plain(down, extreme, metric)


@given(paths(), prices, metrics, st.floats(0.01, 100))
def test_scaled_prices_change_no_per_cent(
    path: list[Move], extreme: float, metric: str, by: float
) -> None:
    scaled = [
        m._replace(**{n: getattr(m, n) * by for n in ("open", "low", "high", "close")})
        for m in path
    ]
    ours = values(scaled, extreme * by, metric)[-1]
    assert ours == pytest.approx(values(path, extreme, metric)[-1], rel=1e-9, abs=1e-8)
