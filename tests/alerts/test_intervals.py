import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.intervals import (
    MAX_STEPS,
    Reading,
    bars_wanted,
    certain,
    confirmed,
    dated,
    fault,
    hidden,
    may_have_split,
    needs_second_look,
    possible,
)
from services.alerts.paths import Track, from_daily_bars, from_minute_bars, from_readings, unsplit
from services.market.models import Bar, Split
from tests.support.market import MONDAY, make_quote


def reading(price: float, high: float, low: float, minutes: float = 0, **fields: Any) -> Reading:
    as_of = MONDAY + timedelta(minutes=minutes)
    fields = {"fetched_at": as_of + timedelta(hours=1), **fields}
    return Reading.of(make_quote(price=price, day_high=high, day_low=low, as_of=as_of, **fields))


def bar(minutes: float, low: float, high: float, days: int = 0) -> Bar:
    start = MONDAY + timedelta(minutes=minutes, days=days)
    return Bar(
        start=start, session=start.date(), open=low, high=high, low=low, close=high, volume=1
    )


def test_the_interval_covers_both_prices() -> None:
    interval = from_readings(reading(100, 105, 95), reading(102, 105, 95, 5)).of_price()
    assert (interval.low, interval.high) == (100, 102)


def test_a_day_high_that_is_new_since_the_last_reading_lies_inside() -> None:
    interval = from_readings(reading(100, 105, 95), reading(102, 110, 95, 5)).of_price()
    assert (interval.low, interval.high) == (100, 110)


def test_a_day_high_made_before_the_last_reading_is_no_evidence() -> None:
    seen = certain(reading(100, 110, 95), reading(102, 110, 95, 5))
    assert seen.high == 102


def test_a_level_between_the_price_and_an_old_day_high_is_hidden() -> None:
    before, after = reading(100, 110, 95), reading(102, 110, 95, 5)
    seen, unseen = certain(before, after), possible(before, after)
    assert hidden(105, seen, unseen)
    assert not hidden(102, seen, unseen)
    assert not hidden(111, seen, unseen)
    assert hidden(96, seen, unseen)


def test_all_of_a_new_day_lies_after_the_last_reading() -> None:
    interval = from_readings(reading(100, 105, 95), reading(101, 103, 90, 24 * 60)).of_price()
    assert (interval.low, interval.high) == (90, 103)


def test_a_gap_between_sessions_hides_everything() -> None:
    unseen = possible(reading(100, 105, 95), reading(101, 103, 99, 3 * 24 * 60))
    assert hidden(1e9, certain(reading(100, 105, 95), reading(101, 103, 99, 60 * 72)), unseen)


def test_over_a_gap_even_what_is_sure_to_have_happened_needs_bars_for_its_time() -> None:
    before, after = reading(100, 105, 95), reading(120, 121, 119, 3 * 24 * 60)
    assert hidden(110, dated(before, after), possible(before, after))
    overnight = before.model_copy(update={"session_over": True})
    after = after.model_copy(update={"previous_close": 100.0})
    assert hidden(110, dated(overnight, after), possible(overnight, after)), "days lie between"
    after = after.model_copy(update={"session": before.session + timedelta(days=1)})
    assert not hidden(110, dated(overnight, after), possible(overnight, after))


def test_a_close_that_happens_to_equal_ours_proves_nothing_over_a_day_of_trading() -> None:
    monday = reading(100, 105, 95, market_state="closed")
    wednesday = reading(101, 103, 99, 2 * 24 * 60, previous_close=100.0)
    assert possible(monday, wednesday).high == math.inf
    friday = monday.model_copy(update={"session": monday.session - timedelta(days=3)})
    assert friday.followed_by(reading(101, 103, 99, previous_close=100.0)), "only a weekend"


def test_a_new_date_alone_makes_no_extreme_new() -> None:
    """A future's trading day goes on over midnight."""
    evening, night = reading(78, 81, 77), reading(78.5, 81, 77, 24 * 60)
    assert certain(evening, night).high == 78.5
    assert hidden(80, dated(evening, night), possible(evening, night))


def test_a_day_that_began_anew_under_one_date_hides_how_the_last_one_ended() -> None:
    before, after = reading(79, 80, 77), reading(74, 75, 74, 5)
    assert hidden(82, dated(before, after), possible(before, after))


def test_before_the_open_the_last_session_is_over() -> None:
    assert reading(100, 105, 95, market_state="pre").session_over


def test_a_delayed_quote_right_after_the_close_is_not_the_last_of_its_session() -> None:
    soon = MONDAY + timedelta(minutes=15)
    assert not reading(100, 105, 95, market_state="post", fetched_at=soon).session_over


def test_nothing_is_hidden_when_the_next_session_names_our_last_price_as_its_close() -> None:
    before = reading(100, 105, 95, market_state="closed")
    after = reading(101, 103, 99, 24 * 60, previous_close=100.0)
    assert possible(before, after) == certain(before, after)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"price": float("nan")}, "no price"),
        ({"price": float("inf")}, "no price"),
        ({"price": 0.0}, "no price"),
        ({"as_of": MONDAY - timedelta(seconds=1)}, "older"),
        ({"as_of": MONDAY + timedelta(hours=2)}, "from the future"),
        ({"currency": "GBP"}, "currency changed"),
    ],
)
def test_nothing_fires_on_bad_data(fields: dict[str, Any], why: str) -> None:
    assert fault(reading(100, 105, 95), make_quote(**fields), MONDAY) == why


def test_a_quote_of_over_20_minutes_is_stale_in_an_open_market_only() -> None:
    late = MONDAY + timedelta(minutes=21)
    assert fault(None, make_quote(), late) == "stale"
    assert fault(None, make_quote(market_state="closed"), late) is None
    assert fault(None, make_quote(), MONDAY + timedelta(minutes=20)) is None


def test_negative_prices_are_legal() -> None:
    assert fault(None, make_quote("CL=F", -37.63, day_low=-40.32), MONDAY) is None


def test_a_move_of_more_than_a_quarter_needs_a_second_look() -> None:
    before = reading(100, 105, 95)
    assert needs_second_look(before, reading(126, 126, 95, 5))
    assert needs_second_look(before, reading(100, 131, 95, 5))
    assert not needs_second_look(before, reading(125, 125, 95, 5))
    assert needs_second_look(None, reading(100, 100, 100, 5)), "there is nothing to compare with"


def test_a_second_look_confirms_a_jump_only_if_it_sees_it_too() -> None:
    jump = reading(50, 105, 50, 5)
    assert confirmed(jump, reading(51, 105, 50, 5))
    assert not confirmed(jump, reading(100, 105, 95, 5))


def test_a_split_is_asked_for_after_a_leap_between_sessions_only() -> None:
    before = reading(100, 105, 95)
    assert may_have_split(before, reading(50, 51, 49, 24 * 60))
    assert not may_have_split(before, reading(50, 105, 49, 5))
    assert not may_have_split(before, reading(95, 96, 94, 24 * 60))
    assert may_have_split(None, reading(100, 105, 95))
    assert may_have_split(before, reading(100, 105, 95, 8 * 24 * 60)), "a rise may hide it"


def test_minute_bars_tell_when_a_level_was_first_touched_and_how_far_it_went() -> None:
    before, after = reading(100, 110, 95), reading(101, 110, 95, 5)
    bars = [bar(1, 99, 104), bar(2, 100, 108), bar(3, 100, 103)]
    interval = from_minute_bars(MONDAY, before, Track.of(bars), after).of_price()
    touch = interval.touch("rise", 104)
    assert touch is not None
    assert (touch.at, touch.value) == (MONDAY + timedelta(minutes=1), 108)
    assert interval.touch("rise", 108.01) is None


def test_the_minute_in_which_the_last_reading_was_made_counts() -> None:
    since = MONDAY + timedelta(seconds=30)
    before = reading(100, 110, 95, 0.5)
    interval = from_minute_bars(
        since, before, Track.of([bar(0, 99, 107)]), reading(101, 110, 95, 5)
    ).of_price()
    assert interval.high == 107


def test_the_minute_in_which_an_alert_was_set_is_no_evidence_for_it() -> None:
    since = MONDAY + timedelta(seconds=30)
    before = reading(100, 110, 95, 0.5)
    interval = from_minute_bars(
        since, before, Track.of([bar(0, 99, 107)]), reading(101, 110, 95, 5), only_after=True
    ).of_price()
    assert interval.high == 101


def at_100(day: Bar) -> Bar:
    """The day's bar with its close at 100."""
    return day.model_copy(update={"close": 100.0})


def test_of_the_day_of_the_last_reading_only_a_new_extreme_counts() -> None:
    before, after = reading(100, 105, 95), reading(101, 102, 99, 10 * 24 * 60)
    same_day = from_daily_bars(
        MONDAY, before, Track.of([at_100(bar(-600, 95, 105))]).moves, after
    ).of_price()
    assert (same_day.low, same_day.high) == (99, 102)
    beyond = from_daily_bars(
        MONDAY, before, Track.of([at_100(bar(-600, 90, 106))]).moves, after
    ).of_price()
    assert (beyond.low, beyond.high) == (90, 106)


def test_days_between_two_readings_count_whole() -> None:
    before, after = reading(100, 105, 95), reading(101, 102, 99, 10 * 24 * 60)
    interval = from_daily_bars(
        MONDAY, before, Track.of([bar(0, 80, 130, days=2)]).moves, after
    ).of_price()
    assert (interval.low, interval.high) == (80, 130)
    touch = interval.touch("fall", 85)
    assert touch is not None
    assert touch.at == MONDAY + timedelta(days=2)


def test_bars_from_before_a_split_are_told_in_new_shares() -> None:
    split = Split(symbol="AAPL", session=MONDAY.date(), ratio=4.0)
    old, new = unsplit([bar(0, 400, 440, days=-1), bar(0, 100, 110)], [split])
    assert (old.low, old.high, new.high) == (100, 110, 110)


def test_minute_bars_are_asked_for_up_to_seven_days_back() -> None:
    assert bars_wanted(MONDAY, MONDAY + timedelta(days=7)) == "1m"
    assert bars_wanted(MONDAY, MONDAY + timedelta(days=7, seconds=1)) == "1d"


prices = st.floats(1, 1_000, allow_nan=False)


@given(st.lists(prices, min_size=1, max_size=600))
def test_a_path_keeps_its_extremes_however_long(path: list[float]) -> None:
    before = reading(path[0], max(path), min(path))
    bars = [bar(i + 1, price, price) for i, price in enumerate(path)]
    after = reading(path[-1], max(path), min(path), len(path) + 1)
    interval = from_minute_bars(MONDAY, before, Track.of(bars), after).of_price()
    assert (interval.low, interval.high) == (min(path), max(path))
    assert len(interval.rises) <= MAX_STEPS + 1
    for direction, level in (("rise", max(path)), ("fall", min(path))):
        assert interval.touch(direction, level) is not None  # type: ignore[arg-type]


@given(st.lists(prices, min_size=3, max_size=40), st.data())
def test_splitting_an_interval_in_two_changes_nothing(path: list[float], data: Any) -> None:
    """The union of what two checks see is what one check sees."""
    cut = data.draw(st.integers(1, len(path) - 2))

    def at(i: int) -> Reading:
        return reading(path[i], max(path[: i + 1]), min(path[: i + 1]), i)

    def seen(start: int, end: int) -> tuple[float, float]:
        bars = [bar(i, path[i], path[i]) for i in range(start, end + 1)]
        interval = from_minute_bars(
            MONDAY + timedelta(minutes=start), at(start), Track.of(bars), at(end)
        ).of_price()
        return interval.low, interval.high

    first, second, whole = seen(0, cut), seen(cut, len(path) - 1), seen(0, len(path) - 1)
    assert (min(first[0], second[0]), max(first[1], second[1])) == whole
