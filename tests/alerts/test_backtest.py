"""When an alert would have rung: the rules over bars, and a plain oracle written otherwise."""

import math
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerts.backtest import Rings, backtest
from services.alerts.conditions import (
    AverageCondition,
    Condition,
    CrossCondition,
    DayChangeCondition,
    EarningsCondition,
    ExtremeCondition,
    MoveCondition,
    PriceCondition,
    RsiCondition,
    TrailingCondition,
    VolumeCondition,
)
from services.market.models import Bar
from services.store.alerts import Frequency

FIRST = date(2024, 1, 1)
MINUTE = timedelta(minutes=1)
OPEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
Prices = tuple[float, float, float, float]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def bar(number: int, prices: Prices, volume: int = 100) -> Bar:
    """Day `number` with its open, low, high and close."""
    session = day(number)
    start = datetime(session.year, session.month, session.day, 5, tzinfo=UTC)
    first, low, high, last = prices
    return Bar(
        start=start, session=session, open=first, low=low, high=high, close=last, volume=volume
    )


def days(*prices: Prices | float, volumes: Sequence[int] = ()) -> list[Bar]:
    """Days with their open, low, high and close, or with one price all day."""
    bars = []
    for number, one in enumerate(prices):
        whole = one if isinstance(one, tuple) else (one, one, one, one)
        bars.append(bar(number, whole, volumes[number] if volumes else 100))
    return bars


def minutes(*prices: float, session: int = 0) -> list[Bar]:
    """Minutes with one price each, on the session so many days after the first."""
    start = OPEN + timedelta(days=session)
    return [
        Bar(
            start=start + n * MINUTE,
            session=start.date(),
            open=price,
            low=price,
            high=price,
            close=price,
            volume=100,
        )
        for n, price in enumerate(prices)
    ]


def above(level: float) -> PriceCondition:
    return PriceCondition(kind="price_rises_to", level=level)


def below(level: float) -> PriceCondition:
    return PriceCondition(kind="price_falls_to", level=level)


def rang_on(rings: Rings) -> list[int]:
    """The numbers of the days on which it rang."""
    return [(ring.session - FIRST).days for ring in rings.rings]


ANY_KIND: list[Condition] = [
    above(105.0),
    below(95.0),
    DayChangeCondition(kind="day_change_falls_to", level=-2.0),
    MoveCondition(kind="moves_by", percent=4.0, window="1d"),
    MoveCondition(kind="moves_by", percent=6.0, window="3d", direction="down"),
    TrailingCondition(kind="falls_from_peak", percent=5.0),
    TrailingCondition(kind="rises_from_trough", percent=5.0),
    ExtremeCondition(kind="new_high", span="5d"),
    ExtremeCondition(kind="new_low", span="1w"),
    AverageCondition(kind="crosses_average", days=5, direction="up"),
    AverageCondition(kind="crosses_average", average="ema", days=5, direction="down"),
    CrossCondition(kind="averages_cross", fast=2, slow=5, direction="up"),
    RsiCondition(kind="rsi_rises_to", days=3, level=60.0),
    VolumeCondition(kind="volume_reaches", ratio=1.2),
]


# Rules


def test_touching_is_enough_and_the_evidence_is_of_that_day() -> None:
    rings = backtest(above(105), days(100, (101, 100, 105, 102), 103))
    assert [(ring.session, ring.value, ring.price) for ring in rings.rings] == [(day(1), 105, 105)]
    assert (rings.since, rings.until) == (bar(0, (1, 1, 1, 1)).start, bar(2, (1, 1, 1, 1)).start)


def test_what_is_true_at_the_start_waits_for_the_other_side() -> None:
    assert rang_on(backtest(above(105), days(110, 111, 104, 106))) == [3]


def test_a_day_that_leaves_the_level_and_closes_beyond_it_again_rings() -> None:
    assert rang_on(backtest(above(105), days(110, (107, 104, 110, 106)))) == [1]


def test_a_day_whose_order_is_unknown_arms_and_does_not_ring() -> None:
    assert rang_on(backtest(above(105), days(110, (107, 103, 110, 104), 104))) == []


def test_a_day_that_opens_on_the_other_side_rings_at_its_high() -> None:
    assert rang_on(backtest(above(105), days(110, (104, 103, 106, 104)))) == [1]


def test_once_rings_once() -> None:
    prices = days(100, 106, 100, 106)
    assert rang_on(backtest(above(105), prices, frequency="once")) == [1]
    assert rang_on(backtest(above(105), prices, frequency="every")) == [1, 3]


def test_a_price_that_dances_on_the_level_rings_once() -> None:
    prices = days(99, 100, 99.9, 100, 99.6, 100, 99.4, 100)
    assert rang_on(backtest(above(100), prices)) == [1, 7]
    assert rang_on(backtest(above(100), prices, rearm_margin=0)) == [1, 3, 5, 7]


def test_daily_rings_in_each_session_in_which_it_is_true() -> None:
    bars = [*minutes(99, 101, 99, 101), *minutes(101, 102, session=1), *minutes(99, session=2)]
    rings = backtest(above(100), bars, frequency="daily", interval="1m")
    assert [ring.at for ring in rings.rings] == [OPEN + MINUTE, OPEN + timedelta(days=1)]


def test_a_fall_is_the_mirror_image_of_a_rise() -> None:
    assert rang_on(backtest(below(95), days(100, (99, 95, 100, 99), 96, 94))) == [1, 3]


def test_days_before_the_range_are_history_only() -> None:
    prices = days(*[100] * 5, 110, 90, 110)
    condition = AverageCondition(kind="crosses_average", days=5, direction="up")
    assert rang_on(backtest(condition, prices)) == [5, 7]
    assert rang_on(backtest(condition, prices, since=day(6))) == [7]


def test_a_bar_without_a_price_rings_nothing() -> None:
    for nothing in (math.nan, 0.0, math.inf):
        assert rang_on(backtest(below(95), days(100, nothing, 100))) == []


def test_no_bars_give_no_rings_and_say_so() -> None:
    assert backtest(above(1), []) == Rings((), None, None, ("There are no prices of that time.",))


# Kinds


def test_a_change_of_the_day_counts_from_the_close_before() -> None:
    condition = DayChangeCondition(kind="day_change_falls_to", level=-5.0)
    rings = backtest(condition, days(100, (97, 95, 98, 97), 96))
    assert [(r.session, r.value, r.price) for r in rings.rings] == [(day(1), -5.0, 95.0)]


def test_a_trailing_alert_begins_anew_where_it_rang() -> None:
    condition = TrailingCondition(kind="falls_from_peak", percent=5.0)
    rings = backtest(condition, days(100, 95, 91, 90.25, 100, 96, 95))
    assert [(r.session, r.value, r.price) for r in rings.rings] == [
        (day(1), 5.0, 95.0),
        (day(3), 5.0, 90.25),
        (day(6), 5.0, 95.0),
    ]


def test_a_rise_from_the_low_begins_anew_too() -> None:
    condition = TrailingCondition(kind="rises_from_trough", percent=10.0)
    assert rang_on(backtest(condition, days(100, 90, 99, 105, 108.9))) == [2, 4]


def test_a_move_within_sessions_starts_with_each_window() -> None:
    condition = MoveCondition(kind="moves_by", percent=4.0, window="1d", direction="up")
    rising = [(100.0, 100.0, 105.0, 105.0), (105.0, 105.0, 110.0, 110.0)]
    assert rang_on(backtest(condition, days(*rising))) == [0, 1]


def test_a_move_over_sessions_sees_the_sessions_before_the_range() -> None:
    condition = MoveCondition(kind="moves_by", percent=5.0, window="2d", direction="down")
    assert rang_on(backtest(condition, days(100, 100, 96, 95), since=day(2))) == []
    assert rang_on(backtest(condition, days(100, 100, 98, 93), since=day(2))) == [3]


def test_a_window_of_minutes_needs_minute_bars() -> None:
    condition = MoveCondition(kind="moves_by", percent=2.0, window="15m")
    coarse = backtest(condition, days(100, 110))
    assert coarse.rings == ()
    assert coarse.notes == (
        "A window of 15 minutes needs 1-minute bars, which there are of the past 7 days only.",
    )
    fine = backtest(condition, minutes(100, 101, 102), interval="1m")
    assert [ring.at for ring in fine.rings] == [OPEN + 2 * MINUTE]


def test_a_new_high_must_exceed_the_highest_of_the_span() -> None:
    condition = ExtremeCondition(kind="new_high", span="3d")
    assert rang_on(backtest(condition, days(100, 110, 100, 110, 110.5, 100))) == [4]


def test_averages_cross_when_a_day_is_over() -> None:
    condition = CrossCondition(kind="averages_cross", fast=2, slow=4, direction="up")
    assert rang_on(backtest(condition, days(104, 103, 102, 101, 101, 110, 111))) == [5]


def test_too_little_history_is_said_and_the_first_value_counts() -> None:
    condition = RsiCondition(kind="rsi_rises_to", days=3, level=60.0)
    rings = backtest(condition, days(100, 101, 102, 103, 104, 105))
    assert rang_on(rings) == [4]
    assert rings.notes == ("RSI(3): the first 4 sessions had too little history.",)


def test_history_that_never_suffices_is_said() -> None:
    rings = backtest(ExtremeCondition(kind="new_high"), days(100, 110))
    expected = "Against the 52-week high: none of the 2 sessions has enough history before it."
    assert (rings.rings, rings.notes) == ((), (expected,))


def test_volume_rings_on_every_day_that_reaches_it() -> None:
    volumes = [100] * 30 + [150, 250, 90]
    rings = backtest(
        VolumeCondition(kind="volume_reaches", ratio=1.4), days(*[100] * 33, volumes=volumes)
    )
    assert rang_on(rings) == [30, 31]


def test_the_volume_of_minutes_adds_up_over_the_day() -> None:
    condition = VolumeCondition(kind="volume_reaches", ratio=2.0)
    today = minutes(*[100.0] * 5, session=0)
    past = [
        bar((OPEN.date() - FIRST).days - back, (1, 1, 1, 1), volume=200)
        for back in range(30, 0, -1)
    ]
    rings = backtest(condition, today, interval="1m", daily=past)
    assert [(r.at, r.value) for r in rings.rings] == [(OPEN + 3 * MINUTE, 2.0)]


def test_minute_bars_are_judged_by_the_days_before_them() -> None:
    condition = DayChangeCondition(kind="day_change_rises_to", level=10.0)
    past = [bar((OPEN.date() - FIRST).days - 3, (100, 100, 100, 100))]
    rings = backtest(condition, minutes(105, 110), interval="1m", daily=past)
    assert [(r.at, r.value) for r in rings.rings] == [(OPEN + MINUTE, 10.0)]


def test_earnings_of_the_past_are_not_known_and_extended_hours_not_held() -> None:
    earnings = backtest(EarningsCondition(kind="earnings_within", days=3), days(100))
    assert (earnings.rings, len(earnings.notes)) == ((), 1)
    extended = PriceCondition(kind="price_rises_to", level=101, extended=True)
    held = backtest(extended, days(100, 102))
    assert (rang_on(held), len(held.notes)) == ([1], 1)


# Properties

_steady = settings(max_examples=60, deadline=None, database=None)
_price = st.integers(90, 110).map(float)


@st.composite
def courses(draw: st.DrawFn, most: int = 25) -> list[Bar]:
    found = []
    for number in range(draw(st.integers(1, most))):
        prices = draw(st.tuples(_price, _price))
        low = min(prices) - draw(st.sampled_from([0.0, 0.0, 3.0]))
        high = max(prices) + draw(st.sampled_from([0.0, 0.0, 3.0]))
        volume = draw(st.integers(50, 200))
        found.append(bar(number, (prices[0], low, high, prices[1]), volume))
    return found


def oracle(
    bars: Sequence[Bar], level: float, rise: bool, frequency: Frequency, margin: float
) -> list[int]:
    """Rings of a price alert, by a walk over what is certain, in prices turned so that a rise
    rings."""
    sign = 1.0 if rise else -1.0
    level = sign * level
    rearm = level - abs(level) * margin / 100
    waits_below: float | None = level if sign * bars[0].open >= level else None
    found: list[int] = []
    for number, one in enumerate(bars):
        for low, high in _certain(one, sign):
            if frequency == "once" and found:
                return found
            if frequency == "daily" and number in found:
                continue
            if waits_below is not None:
                if low < waits_below:
                    waits_below = None
            elif high >= level:
                found.append(number)
                waits_below = rearm if frequency == "every" else None
    return found


def _certain(one: Bar, sign: float) -> Iterator[tuple[float, float]]:
    ends = sorted([sign * one.low, sign * one.high])
    yield sign * one.open, sign * one.open
    yield ends[0], ends[1]
    yield sign * one.close, sign * one.close


@_steady
@given(
    bars=courses(),
    level=_price,
    kind=st.sampled_from(["price_rises_to", "price_falls_to"]),
    frequency=st.sampled_from(["once", "daily", "every"]),
    margin=st.sampled_from([0.0, 0.5, 4.0]),
)
def test_price_alerts_ring_as_a_plain_walk_says(
    bars: list[Bar], level: float, kind: Any, frequency: Frequency, margin: float
) -> None:
    condition = PriceCondition(kind=kind, level=level)
    rings = backtest(condition, bars, frequency=frequency, rearm_margin=margin)
    assert rang_on(rings) == oracle(bars, level, kind == "price_rises_to", frequency, margin)


@_steady
@given(bars=courses(), level=_price)
def test_a_higher_level_rings_no_earlier(bars: list[Bar], level: float) -> None:
    start = bars[0].open
    near, far = (start + 1, start + 1 + abs(level - start))
    first = [rang_on(backtest(above(one), bars, frequency="once")) for one in (near, far)]
    assert len(first[1]) <= len(first[0])
    assert not first[1] or first[0] <= first[1]


@pytest.mark.slow
@pytest.mark.parametrize("condition", ANY_KIND, ids=lambda one: one.kind)
@_steady
@given(bars=courses(), later=courses(), frequency=st.sampled_from(["once", "daily", "every"]))
def test_later_bars_never_change_earlier_rings(
    condition: Condition, bars: list[Bar], later: list[Bar], frequency: Frequency
) -> None:
    more = [
        one.model_copy(
            update={
                "start": one.start + timedelta(days=len(bars)),
                "session": one.session + timedelta(days=len(bars)),
            }
        )
        for one in later
    ]
    known = backtest(condition, bars, frequency=frequency).rings
    assert backtest(condition, [*bars, *more], frequency=frequency).rings[: len(known)] == known


@pytest.mark.slow
@pytest.mark.parametrize("condition", ANY_KIND[2:], ids=lambda one: one.kind)
@_steady
@given(bars=courses(), ratio=st.sampled_from([0.5, 2.0, 4.0]))
def test_a_split_changes_no_ratio(condition: Condition, bars: list[Bar], ratio: float) -> None:
    names = ("open", "low", "high", "close")
    divided = [
        one.model_copy(update={name: getattr(one, name) / ratio for name in names}) for one in bars
    ]
    before, after = (backtest(condition, one).rings for one in (bars, divided))
    assert [(r.at, r.value) for r in after] == [(r.at, r.value) for r in before]


@pytest.mark.slow
@pytest.mark.parametrize("condition", ANY_KIND, ids=lambda one: one.kind)
@_steady
@given(bars=courses())
def test_once_and_once_a_day_are_the_start_of_every(condition: Condition, bars: list[Bar]) -> None:
    every = rang_on(backtest(condition, bars))
    once = rang_on(backtest(condition, bars, frequency="once"))
    daily = rang_on(backtest(condition, bars, frequency="daily"))
    assert once == every[:1] == daily[:1]
    assert len(set(daily)) == len(daily)


@pytest.mark.slow
@pytest.mark.parametrize(
    "condition", [*ANY_KIND, ExtremeCondition(kind="new_high", span="1260d")], ids=str
)
def test_ten_years_take_no_more_than_a_moment(condition: Condition) -> None:
    prices = [100 + 10 * math.sin(n / 9) + 3 * math.sin(n) for n in range(2_520)]
    bars = days(*[(p, p - 1, p + 1, p + 0.5) for p in prices])
    took = []
    for _ in range(3):
        began = time.process_time()
        backtest(condition, bars)
        took.append(time.process_time() - began)
    assert min(took) < 0.5
