import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.paths import Move, Point
from services.alerts.windows import bound, moves

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
NO_PRICES = [math.nan, math.inf, -math.inf, 0.0, -5.0]
prices = st.floats(0.5, 1_000)
metrics = st.builds(
    "{}:{}".format,
    st.sampled_from(["move-up", "move-down", "move"]),
    st.sampled_from(["15m", "30m", "1h", "1d", "2d", "3d"]),
)


def move(minute: float, opened: float, low: float, high: float, close: float, day: int = 0) -> Move:
    at = START + timedelta(days=day, minutes=minute)
    return Move(at, DAY + timedelta(days=day), opened, low, high, close)


def point(minute: float, price: float, day: int = 0) -> Move:
    return move(minute, price, price, price, price, day)


def covered(
    path: Sequence[Move], metric: str, since: datetime = START
) -> list[tuple[float, float]]:
    return [(found.low, found.high) for found in moves(path, metric, since)]


@st.composite
def paths(draw: st.DrawFn) -> list[Move]:
    """Up to 25 moves over some days, minutes apart."""
    path, minute, day = [], 0, 0
    for _ in range(draw(st.integers(1, 25))):
        minute += draw(st.integers(1, 20))
        day += draw(st.sampled_from([0, 0, 0, 1, 3]))
        four = draw(st.tuples(prices, prices, prices, prices))
        path.append(move(minute, four[0], min(four), max(four), four[1], day))
    return path


def window_of(path: Sequence[Move], end: int, window: str) -> list[Move]:
    """The moves before path[end] that its window holds, written plainly."""
    length, unit = int(window[:-1]), window[-1]
    earlier = path[:end]
    if unit == "d":
        held = sorted({m.session for m in path[: end + 1]})[-length:]
        return [m for m in earlier if m.session in held]
    span = timedelta(minutes=length) if unit == "m" else timedelta(hours=length)
    return [m for m in earlier if path[end].at - m.at <= span]


def rise(price: float, lows: Sequence[float]) -> float:
    return max(round(100 * (price - low) / low, 9) for low in lows)


def fall(price: float, highs: Sequence[float]) -> float:
    return max(round(100 * (high - price) / high, 9) for high in highs)


def plain(path: Sequence[Move], end: int, metric: str) -> tuple[float, float]:
    """The lowest and highest certain value in one move, each price held against each before it."""
    way, window = metric.split(":")
    now = path[end]
    past = window_of(path, end, window)
    lows, highs = [m.low for m in past], [m.high for m in past]
    up = max(
        rise(now.high, [*lows, now.open]),
        rise(now.close, [*lows, now.low, now.close]),
    )
    down = max(
        fall(now.low, [*highs, now.open]),
        fall(now.close, [*highs, now.high, now.close]),
    )
    if way == "move-up":
        return rise(now.low, [*lows, now.low]), up
    if way == "move-down":
        return fall(now.high, [*highs, now.high]), down
    at_open = max(rise(now.open, [*lows, now.open]), fall(now.open, [*highs, now.open]))
    at_close = max(rise(now.close, [*lows, now.low]), fall(now.close, [*highs, now.high]))
    return min(at_open, at_close), max(up, down)


def test_a_rise_is_told_in_per_cent_of_the_low() -> None:
    path = [point(0, 100), point(5, 93), point(10, 102.3)]
    assert covered(path, "move-up:15m") == [(0, 0), (0, 0), (10, 10)]


def test_a_fall_is_told_in_per_cent_of_the_high() -> None:
    path = [point(0, 100), point(5, 110), point(10, 99)]
    assert covered(path, "move-down:15m") == [(0, 0), (0, 0), (10, 10)]


def test_a_move_either_way_is_the_greater_of_both() -> None:
    path = [point(0, 100), point(5, 93), point(10, 93)]
    assert covered(path, "move:15m") == [(0, 0), (7, 7), (7, 7)]


def test_a_window_of_minutes_ends_with_the_moment_so_long_ago() -> None:
    path = [point(0, 50), point(15, 100), point(15.5, 100)]
    assert covered(path, "move-up:15m") == [(0, 0), (100, 100), (0, 0)]


def test_a_window_of_hours_goes_on_over_the_night() -> None:
    path = [point(0, 50), point(-1_320, 100, day=1)]
    assert covered(path, "move-up:2h") == [(0, 0), (100, 100)]


def test_a_window_of_days_counts_sessions_and_today_is_one() -> None:
    path = [point(0, 50), point(0, 80, day=3), point(0, 100, day=4)]
    assert covered(path, "move-up:1d")[-1] == (0, 0)
    assert covered(path, "move-up:2d")[-1] == (25, 25)
    assert covered(path, "move-up:3d")[-1] == (100, 100)


def test_the_order_within_a_move_is_not_taken_for_known() -> None:
    up = [move(0, 100, 80, 104, 101)]
    assert moves(up, "move-up:15m", START)[0].high == 26.25
    down_last = [move(0, 100, 80, 104, 80)]
    assert moves(down_last, "move-up:15m", START)[0].high == 4
    up_last = [move(0, 100, 98, 125, 125)]
    assert moves(up_last, "move-down:15m", START)[0].high == 2


def test_moves_before_count_as_the_past_of_a_window_but_are_not_told() -> None:
    path = [point(0, 100), point(5, 107)]
    assert covered(path, "move-up:15m", START + timedelta(minutes=1)) == [(7, 7)]


def test_a_minute_bar_that_began_before_the_reading_it_follows_keeps_its_place() -> None:
    path = [point(0, 100), point(15.5, 105), move(15, 105, 105, 110, 108)]
    assert covered(path, "move-up:15m")[-1] == (0, round(100 * 5 / 105, 9))


def test_a_point_tells_its_time_session_and_prices() -> None:
    path = [point(0, 100), move(5, 101, 99, 110, 104, day=0)]
    assert moves(path, "move-up:15m", START)[1] == Point(
        path[1].at, DAY, 0, 10, 99, 110, path[1].close
    )


@pytest.mark.parametrize("metric", ["move-up:15m", "move-down:1h", "move:2d"])
@pytest.mark.parametrize("broken", NO_PRICES)
def test_a_move_without_a_price_is_left_out(metric: str, broken: float) -> None:
    bad = [move(1, 100, broken, 100, 100), move(2, 100, 100, broken, 100), point(3, broken)]
    path = [point(0, 100), *bad, point(4, 101)]
    assert moves(path, metric, START) == moves([path[0], path[-1]], metric, START)
    assert moves(bad, metric, START) == []


def test_the_bound_is_the_whole_span_one_way() -> None:
    assert bound(100, 107, "move-up:1h") == 7
    assert bound(93, 100, "move-down:1h") == 7
    assert bound(80, 100, "move:1h") == 25


@pytest.mark.parametrize("broken", NO_PRICES)
def test_there_is_no_bound_where_a_price_is_none(broken: float) -> None:
    assert bound(broken, 100, "move-up:1h") is None
    assert bound(100, broken, "move-down:1h") is None


@given(paths(), metrics)
def test_each_move_is_held_against_every_one_in_its_window(path: list[Move], metric: str) -> None:
    assert covered(path, metric) == [plain(path, end, metric) for end in range(len(path))]


@given(paths(), metrics)
def test_nothing_certain_is_beyond_the_bound(path: list[Move], metric: str) -> None:
    most = bound(min(m.low for m in path), max(m.high for m in path), metric)
    assert most is not None
    for low, high in covered(path, metric):
        assert 0 <= low <= high <= most


@given(paths(), metrics, st.integers(0, 24))
def test_asking_from_later_on_gives_the_same_values(
    path: list[Move], metric: str, number: int
) -> None:
    since = path[min(number, len(path) - 1)].at
    whole = [found for found in moves(path, metric, START) if found.at >= since]
    assert moves(path, metric, since) == whole


@given(paths(), metrics, st.floats(0.01, 100))
def test_scaled_prices_change_no_per_cent(path: list[Move], metric: str, by: float) -> None:
    fields = ("open", "low", "high", "close")
    scaled = [m._replace(**{name: getattr(m, name) * by for name in fields}) for m in path]
    for one, other in zip(covered(path, metric), covered(scaled, metric), strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-8)
