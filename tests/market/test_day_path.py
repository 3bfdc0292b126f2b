"""The way of a replayed price through its day."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.market.day_path import MINUTES, DayPath

RISING = DayPath(open=10.0, high=12.0, low=9.0, close=11.0, volume=3_900)
FALLING = DayPath(open=11.0, high=12.0, low=9.0, close=10.0, volume=3_900)
PRICES = st.integers(1, 100_000_000).map(lambda price: price / 10_000)
"""Some recorded days have prices between two cents."""


@st.composite
def days(draw: st.DrawFn) -> DayPath:
    low, *inner, high = sorted(draw(st.lists(PRICES, min_size=4, max_size=4)))
    opened, close = draw(st.permutations(inner))
    return DayPath(opened, high, low, close, draw(st.integers(0, 10**10)))


def test_a_day_that_closes_higher_visits_its_low_first() -> None:
    assert [RISING.price(third / 3) for third in range(4)] == [10.0, 9.0, 12.0, 11.0]


def test_a_day_that_closes_lower_visits_its_high_first() -> None:
    assert [FALLING.price(third / 3) for third in range(4)] == [11.0, 12.0, 9.0, 10.0]


def test_between_two_corners_the_price_moves_in_a_straight_line() -> None:
    assert RISING.price(1 / 6) == 9.5
    assert RISING.price(1 / 2) == 10.5


def test_the_day_so_far_knows_no_extreme_that_is_still_to_come() -> None:
    morning, noon = RISING.so_far(1 / 6), RISING.so_far(1 / 2)
    assert (morning.high, morning.low, morning.close) == (10.0, 9.5, 9.5)
    assert (noon.high, noon.low, noon.close, noon.volume) == (10.5, 9.0, 10.5, 1_950)


@given(days())
def test_a_whole_day_has_exactly_its_four_prices_and_volume(day: DayPath) -> None:
    whole = day.so_far(1.0)
    assert (whole.open, whole.high, whole.low, whole.close, whole.volume) == (
        day.open, day.high, day.low, day.close, day.volume,
    )  # fmt: skip


@given(days())
def test_the_minutes_of_a_day_join_up_and_make_the_day(day: DayPath) -> None:
    minutes = [stretch for _, stretch in day.minutes(1.0)]
    assert len(minutes) == MINUTES
    assert all(a.close == b.open for a, b in pairwise(minutes))
    assert minutes[0].open == day.open
    assert minutes[-1].close == day.close
    assert max(minute.high for minute in minutes) == day.high
    assert min(minute.low for minute in minutes) == day.low
    assert sum(minute.volume for minute in minutes) == day.volume


@given(days(), st.floats(0, 1))
def test_minutes_up_to_a_moment_agree_with_the_day_so_far(day: DayPath, done: float) -> None:
    so_far, minutes = day.so_far(done), [stretch for _, stretch in day.minutes(done)]
    assert minutes[-1].close == so_far.close
    assert max(minute.high for minute in minutes) == so_far.high
    assert min(minute.low for minute in minutes) == so_far.low


def test_at_the_first_moment_the_running_minute_holds_the_open() -> None:
    ((minute, stretch),) = RISING.minutes(0.0)
    assert (minute, stretch.open, stretch.close, stretch.volume) == (0, 10.0, 10.0, 0)
