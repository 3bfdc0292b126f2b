"""Every kind of condition in the running engine: armed, checked, rung, with its evidence."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

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
from services.alerts.history import History
from services.market.models import Bar, Split
from services.store.alerts import Alert
from tests.support.bell import Bell, make_bell
from tests.support.stores import SqliteStore

DAY = 24 * 60


def days_before(bell: Bell, closes: Sequence[float], volume: int = 1_000) -> tuple[Bar, ...]:
    """Daily bars that end on the weekday before, each with its close as the whole day."""
    day, bars = bell.at.date(), []
    for close in reversed(closes):
        day -= timedelta(days=3 if day.weekday() == 0 else 1)
        start = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
        bars.append(
            Bar(
                start=start,
                session=day,
                open=close,
                high=close,
                low=close,
                close=close,
                volume=volume,
            )
        )
    return tuple(reversed(bars))


def set_on(bell: Bell, condition: Condition, closes: Sequence[float] = (), **options: Any) -> Alert:
    """An alert set on a symbol with these closes before today."""
    bars = days_before(bell, closes)
    bell.market.bars_of["AAPL", "1d"] = list(bars)
    facts = bell.facts(history=History(bars) if bars else None)
    return bell.alert_on(condition, facts=facts, **options)


def rang(bell: Bell) -> list[tuple[float, float]]:
    """Level and value of every trigger, the oldest first, rounded for the eye."""
    return [(round(t.level, 4), round(t.value, 4)) for t in reversed(bell.triggers())]


def test_a_change_of_the_day_rings_at_its_per_cent_of_the_previous_close(bell: Bell) -> None:
    bell.price(100, previous_close=100)
    bell.alert_on(DayChangeCondition(kind="day_change_falls_to", level=-7))
    bell.check_at(94, previous_close=100, day_low=94)
    assert rang(bell) == []
    bell.check_at(93, previous_close=100, day_low=93)
    assert rang(bell) == [(-7, -7)]
    assert bell.triggers()[0].price == 93


def test_a_change_between_two_checks_rings_though_the_price_is_back(bell: Bell) -> None:
    bell.price(100, previous_close=100)
    bell.alert_on(DayChangeCondition(kind="day_change_rises_to", level=5))
    bell.check_at(101, previous_close=100)
    bell.check_at(101, previous_close=100, day_high=106)
    assert rang(bell) == [(5, 6)]


def test_a_new_day_has_a_new_base(bell: Bell) -> None:
    """Up 4 % yesterday and 3 % today is not 5 % today."""
    bell.price(104, previous_close=100, day_high=104)
    bell.alert_on(DayChangeCondition(kind="day_change_rises_to", level=5))
    bell.check_at(104, previous_close=100, day_high=104)
    bell.check_at(107.12, DAY, previous_close=104, day_high=107.12, day_low=104)
    assert rang(bell) == []
    bell.check_at(109.2, previous_close=104, day_high=109.2, day_low=104)
    assert rang(bell) == [(5, 5)]


def test_a_change_of_a_day_that_no_check_saw_is_reckoned_from_the_close_before_it(
    bell: Bell,
) -> None:
    """Down 6 % on Tuesday, while nobody looked; back on Wednesday."""
    bell.price(100, previous_close=100)
    bell.alert_on(DayChangeCondition(kind="day_change_falls_to", level=-5))
    bell.check_at(100, previous_close=100)
    tuesday = bell.at + timedelta(days=1)
    bell.later(2 * DAY)
    bell.market.bars_of["AAPL", "1d"] = list(days_before(bell, [100, 100, 97]))
    bar = days_before(bell, [97])[0].model_copy(update={"start": tuesday, "low": 94.0})
    bell.market.bars_of["AAPL", "1m"] = [bar]
    bell.price(98, previous_close=97, day_low=97, day_high=98)
    bell.check()
    assert rang(bell) == [(-5, -6)]
    assert bell.triggers()[0].occurred_at == tuesday


def test_a_new_high_must_be_higher_than_every_one_of_its_span(bell: Bell) -> None:
    bell.price(104)
    set_on(bell, ExtremeCondition(kind="new_high", span="3d"), [120, 103, 105, 104])
    bell.check_at(105, day_high=105)
    assert rang(bell) == []
    bell.check_at(105.01, day_high=105.01)
    assert len(rang(bell)) == 1
    assert bell.triggers()[0].price == 105.01


def test_a_price_crosses_the_average_of_the_completed_days(bell: Bell) -> None:
    bell.price(99)
    up = AverageCondition(kind="crosses_average", days=5, direction="up")
    set_on(bell, up, [96, 98, 100, 102, 104])
    bell.check_at(99.99, day_high=99.99)
    assert rang(bell) == []
    bell.check_at(100, day_high=100)
    assert rang(bell) == [(1, 1)]


def test_the_average_itself_may_come_to_the_price(bell: Bell, redis: Redis) -> None:
    """The price stays at 99; overnight the average of five falls from 100 to 98.6."""
    bell.price(99)
    up = AverageCondition(kind="crosses_average", days=5, direction="up")
    set_on(bell, up, [96, 98, 100, 102, 104])
    bell.check_at(99)
    bell.later(DAY)
    bell.market.bars_of["AAPL", "1d"] = list(days_before(bell, [96, 98, 100, 100, 99]))
    bell.price(99, previous_close=99, day_high=99, day_low=99)
    bell.check()
    assert len(rang(bell)) == 1


def test_rsi_counts_the_running_day(bell: Bell) -> None:
    bell.price(100)
    closes = [100.0 + (i % 2) for i in range(40)] + [100.0]
    set_on(bell, RsiCondition(kind="rsi_rises_to", level=70), closes)
    bell.check_at(101, day_high=101)
    assert rang(bell) == []
    bell.check_at(112, day_high=112, previous_close=100)
    [(level, value)] = rang(bell)
    assert level == 70
    assert 70 <= value < 100


def test_the_averages_cross_when_the_days_say_so(bell: Bell) -> None:
    cross = CrossCondition(kind="averages_cross", fast=2, slow=4, direction="up")
    bell.price(100)
    set_on(bell, cross, [110, 108, 104, 102, 100])
    bell.check_at(130, day_high=130)
    assert rang(bell) == [], "today's price is no close yet"
    bell.later(DAY)
    bell.market.bars_of["AAPL", "1d"] = list(days_before(bell, [108, 104, 102, 100, 130]))
    bell.price(130, previous_close=130, day_high=131, day_low=129)
    bell.check()
    assert len(rang(bell)) == 1


def test_a_final_close_counts_for_the_averages_on_its_own_evening(bell: Bell) -> None:
    cross = CrossCondition(kind="averages_cross", fast=2, slow=4, direction="up")
    bell.price(100)
    set_on(bell, cross, [110, 108, 104, 102, 100])
    bell.check_at(130, day_high=130)
    closed = bell.at
    bell.later(60)
    bell.price(130, day_high=130, as_of=closed, fetched_at=bell.at, market_state="closed")
    bell.check()
    assert len(rang(bell)) == 1


def test_volume_rings_at_its_multiple_of_the_thirty_days_before(bell: Bell) -> None:
    bell.price(100, volume=100)
    set_on(bell, VolumeCondition(kind="volume_reaches", ratio=3), [100] * 30)
    bell.check_at(100, volume=2_999)
    assert rang(bell) == []
    bell.check_at(100, volume=3_000)
    assert rang(bell) == [(3, 3)]


def test_the_volume_of_a_day_that_no_check_saw_counts(bell: Bell) -> None:
    bell.price(100, volume=100)
    set_on(bell, VolumeCondition(kind="volume_reaches", ratio=3), [100] * 30)
    bell.check_at(100, volume=200)
    bell.later(2 * DAY)
    days = list(days_before(bell, [100] * 32))
    days[-1] = days[-1].model_copy(update={"volume": 5_000})
    bell.market.bars_of["AAPL", "1d"] = days
    bell.price(100, volume=10, previous_close=100)
    bell.check()
    assert [value > 3 for _, value in rang(bell)] == [True]


def test_earnings_ring_so_many_days_before(bell: Bell) -> None:
    bell.market.earnings_of["AAPL"] = date(2026, 3, 6)
    facts = bell.facts(earnings=date(2026, 3, 6))
    bell.alert_on(EarningsCondition(kind="earnings_within", days=3), facts=facts)
    bell.check_at(100)
    assert rang(bell) == []
    bell.check_at(100, DAY, previous_close=100)
    assert rang(bell) == [(3, 3)]


def test_a_fall_from_the_peak_follows_the_peak(bell: Bell) -> None:
    bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=10))
    bell.check_at(110, day_high=110)
    bell.check_at(120, day_high=120)
    bell.check_at(108.01, day_high=120)
    assert rang(bell) == []
    bell.check_at(108, day_high=120)
    assert rang(bell) == [(10, 10)]
    assert bell.triggers()[0].peak == 120


def test_a_rise_from_the_trough_follows_the_trough(bell: Bell) -> None:
    bell.alert_on(TrailingCondition(kind="rises_from_trough", percent=10))
    bell.check_at(90, day_low=90)
    bell.check_at(80, day_low=80)
    bell.check_at(87.9, day_low=80)
    assert rang(bell) == []
    bell.check_at(88, day_low=80)
    assert rang(bell) == [(10, 10)]


def test_a_high_and_a_low_between_two_checks_are_put_in_order_by_the_minutes(bell: Bell) -> None:
    """Down to 95, then up to 112, now 111: never 10 % below a peak that came before."""
    bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=10))
    bell.check_at(100)
    bell.later()
    bell.minute_bar(3, 95, 100)
    bell.minute_bar(2, 100, 112)
    bell.price(111, day_low=95, day_high=112)
    bell.check()
    assert rang(bell) == []
    bell.check_at(100.8, day_low=95, day_high=112)
    assert rang(bell) == [(10, 10)]


def test_a_split_moves_the_peak_and_rings_nothing(bell: Bell) -> None:
    bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=20))
    bell.check_at(120, day_high=120)
    bell.later(DAY)
    bell.market.splits_of["AAPL"] = [Split(symbol="AAPL", session=bell.at.date(), ratio=4)]
    bell.price(30, previous_close=30, day_high=30, day_low=30)
    bell.check()
    assert rang(bell) == []
    bell.check_at(24, day_high=30, day_low=24)
    assert rang(bell) == [(20, 20)]
    assert bell.triggers()[0].peak == 30


def test_a_peak_survives_the_loss_of_redis(bell: Bell, redis: Redis) -> None:
    bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=10))
    bell.later()
    bell.minute_bar(1, 100, 120)
    bell.price(118, day_high=120)
    bell.check()
    redis.flushall()
    bell.check_at(115, day_high=120)
    assert rang(bell) == []
    bell.check_at(108, day_high=120)
    assert rang(bell) == [(10, 10)]


def test_a_move_within_minutes_is_seen_in_the_minutes(bell: Bell) -> None:
    bell.alert_on(MoveCondition(kind="moves_by", percent=5, window="15m", direction="up"))
    bell.check_at(100)
    bell.later()
    bell.minute_bar(3, 97, 98)
    bell.minute_bar(1, 101, 103)
    bell.price(103, day_low=97, day_high=103)
    bell.check()
    assert [level for level, _ in rang(bell)] == [5]


def test_a_slow_drift_is_no_move_within_minutes(bell: Bell) -> None:
    bell.alert_on(MoveCondition(kind="moves_by", percent=5, window="15m"))
    price = 100.0
    for _ in range(12):
        price += 1
        bell.later()
        bell.minute_bar(1, price, price)
        bell.price(price, day_low=100, day_high=price)
        bell.check()
    assert rang(bell) == []


def test_a_quiet_day_asks_for_no_minutes(bell: Bell) -> None:
    bell.alert_on(MoveCondition(kind="moves_by", percent=5, window="1h"))
    for step in range(5):
        bell.check_at(100 + step / 2, day_high=102, day_low=99)
    assert bell.upstream("bars") == []


@pytest.mark.parametrize("window", ["2d", "5d"])
def test_a_move_within_days_counts_the_sessions_before(bell: Bell, window: str) -> None:
    bell.price(100)
    move = MoveCondition(kind="moves_by", percent=8, window=window, direction="down")
    set_on(bell, move, [90, 104])
    bell.check_at(96, day_low=96)
    assert rang(bell) == []
    bell.check_at(95.6, day_low=95.6)
    assert [level for level, _ in rang(bell)] == [8]


def test_pre_market_prices_ring_only_those_who_ask(bell: Bell) -> None:
    bell.alert_on(PriceCondition(kind="price_rises_to", level=110))
    asked = bell.alert_on(PriceCondition(kind="price_rises_to", level=110, extended=True))
    closed = bell.at
    bell.check_at(100)
    bell.later(90)
    bell.price(
        100,
        as_of=closed + timedelta(minutes=5),
        market_state="post",
        extended_price=111.0,
        extended_at=bell.at,
    )
    bell.check()
    assert [trigger.alert_id for trigger in bell.triggers()] == [asked.id]


def test_a_jump_after_hours_that_a_second_look_does_not_confirm_rings_nothing(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert_on(PriceCondition(kind="price_falls_to", level=60, extended=True))
    bell.check_at(100)
    closed = bell.at
    bell.later(90)
    late = {"as_of": closed, "market_state": "post", "extended_at": bell.at}
    bell.price(100, **late, extended_price=50.0)
    real = bell.market.quotes

    def corrected(symbols: Sequence[str], now: datetime) -> Any:
        answer = real(symbols, now)
        bell.price(100, **late, extended_price=99.0)
        return answer

    monkeypatch.setattr(bell.market, "quotes", corrected)
    assert "second look" in bell.check().unchecked["AAPL"]
    assert rang(bell) == []


# How often


def test_an_alert_for_every_time_rings_again_after_the_margin(bell: Bell) -> None:
    bell.alert("price_rises_to", 110, frequency="every")
    for price in (111, 109.9, 110.1, 109.46, 111):
        bell.check_at(price, day_high=111, day_low=100)
    assert len(rang(bell)) == 1, "109.46 is not half a per cent below 110"
    bell.check_at(109.4, day_high=111, day_low=100)
    bell.check_at(110, day_high=111, day_low=100)
    assert len(rang(bell)) == 2
    assert sorted(trigger.epoch for trigger in bell.triggers()) == [1, 2]


def test_an_alert_for_once_a_day_rings_on_each_day_at_most_once(bell: Bell) -> None:
    bell.alert("price_rises_to", 110, frequency="daily")
    for price in (111, 105, 112):
        bell.check_at(price, day_high=max(111, price))
    assert len(rang(bell)) == 1
    bell.check_at(112, DAY, previous_close=112, day_high=112, day_low=112)
    assert len(rang(bell)) == 2
    bell.check_at(113, 2 * DAY, previous_close=105, day_high=113, day_low=104)
    assert len(rang(bell)) == 3


def test_a_trailing_alert_for_every_time_begins_a_new_peak(bell: Bell) -> None:
    bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=10), frequency="every")
    bell.check_at(90, day_low=90)
    bell.check_at(85, day_low=85)
    assert rang(bell) == [(10, 10)]
    bell.check_at(81, day_low=81)
    assert rang(bell) == [(10, 10), (10, 10)]


def test_what_comes_after_the_expiry_rings_nothing(bell: Bell) -> None:
    ends = bell.at + timedelta(minutes=12)
    alert = bell.alert("price_rises_to", 110, expires_at=ends)
    bell.check_at(100)
    bell.check_at(100)
    bell.check_at(111, day_high=111)
    assert rang(bell) == []
    bell.check_at(111, 30, day_high=111)
    assert bell.parts.expiry.run(bell.later()) == 1
    assert bell.now_of(alert).state == "expired"


# Little history, no history


def test_an_average_counts_once_there_are_enough_days(bell: Bell) -> None:
    bell.price(99)
    up = AverageCondition(kind="crosses_average", days=5, direction="up")
    set_on(bell, up, [100, 101, 102])
    bell.check_at(120, day_high=120, previous_close=102)
    assert rang(bell) == []
    bell.later(DAY)
    bell.market.bars_of["AAPL", "1d"] = list(days_before(bell, [100, 101, 102, 120, 118]))
    bell.price(121, previous_close=118, day_high=121, day_low=117)
    bell.check()
    assert len(rang(bell)) == 1


def test_without_history_prices_still_ring_and_the_rest_is_told_blind(bell: Bell) -> None:
    bell.price(99)
    up = AverageCondition(kind="crosses_average", days=5, direction="up")
    set_on(bell, up, [96, 98, 100, 102, 104])
    bell.alert("price_rises_to", 101)
    bell.check_at(99)
    bell.later(DAY)
    bell.price(101.5, previous_close=99, day_high=101.5, day_low=99)
    failing = bell.market.chart
    bell.market.chart = _no_chart  # type: ignore[method-assign]
    report = bell.check()
    assert "AAPL" in report.unchecked
    assert [trigger.level for trigger in bell.triggers()] == [101]
    bell.market.chart = failing  # type: ignore[method-assign]
    bell.market.bars_of["AAPL", "1d"] = list(days_before(bell, [98, 100, 102, 104, 99]))
    bell.check_at(101.5, previous_close=99, day_high=101.5, day_low=99)
    assert sorted(trigger.level for trigger in bell.triggers()) == [1, 101]


def _no_chart(*_: object) -> None:
    from services.errors import SourceUnavailable

    raise SourceUnavailable("Yahoo did not answer.")


# Dead symbols


def test_a_symbol_without_prices_for_five_trading_days_is_paused(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.price(50, "MSFT")
    bell.alert("price_rises_to", 90, "MSFT")
    del bell.market.quotes_of["AAPL"]
    for _ in range(4):
        bell.later(DAY)
        bell.price(50, "MSFT")
        bell.check()
    assert bell.now_of(alert).state == "armed"
    for _ in range(3):
        bell.later(DAY)
        bell.price(50, "MSFT")
        bell.check()
    after = bell.now_of(alert)
    assert after.state == "paused"
    assert after.paused_because


# Shards


def test_shards_check_all_symbols_and_each_remembers_its_own_time(
    sqlite_store: SqliteStore, redis: Redis
) -> None:
    from services.store.system import Shard

    bell = make_bell(sqlite_store, redis)
    symbols = [f"S{number}" for number in range(20)]
    for symbol in symbols:
        bell.price(100, symbol)
        bell.alert("price_rises_to", 110, symbol)
    bell.later()
    for symbol in symbols:
        bell.price(111, symbol)
    checker = bell.parts.checker
    checker.prepare(bell.at, 3)
    reports = [checker.run_shard(Shard(number, 3), bell.at) for number in range(3)]
    assert [report.symbols > 0 for report in reports] == [True, True, True]
    assert sum(report.symbols for report in reports) == 20
    assert len({trigger.symbol for trigger in bell.triggers()}) == 20


def test_a_new_division_goes_on_where_the_old_one_was(
    sqlite_store: SqliteStore, redis: Redis
) -> None:
    from services.store.system import Shard

    bell = make_bell(sqlite_store, redis)
    bell.price(100)
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.later()
    bell.minute_bar(2, 100, 111)
    bell.price(101, day_high=111)
    redis.flushall()
    checker = bell.parts.checker
    checker.prepare(bell.at, 2)
    for number in range(2):
        checker.run_shard(Shard(number, 2), bell.at)
    assert [trigger.level for trigger in bell.triggers()] == [110]


# Sleep


def test_a_closed_exchange_is_not_asked_for_a_symbol_until_it_opens(bell: Bell) -> None:
    """Monday evening in New York; the close has been seen."""
    closed = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    bell.alert("price_rises_to", 110)
    bell.at = closed
    bell.check_at(100, 50, as_of=closed, market_state="closed", exchange="NMS")
    bell.market.asked.clear()
    for _ in range(3):
        bell.later(60)
        report = bell.check()
    assert report.asleep == 1
    assert bell.upstream("quotes") == []
    bell.at = datetime(2026, 3, 3, 14, 45, tzinfo=UTC)
    bell.price(111, previous_close=100, day_high=111, day_low=100, exchange="NMS")
    bell.check()
    assert rang(bell) == [(110, 111)]


def test_a_window_of_days_reaches_back_from_a_day_that_no_check_saw(bell: Bell) -> None:
    """96 on the Friday before, 101 on Tuesday while nobody looked: 5.2 % within three sessions."""
    bell.price(100)
    move = MoveCondition(kind="moves_by", percent=5, window="3d", direction="up")
    set_on(bell, move, [100, 96])
    bell.check_at(100)
    bell.market.bars_of["AAPL", "1m"] = [
        bar.model_copy(update={"start": bell.at + timedelta(days=days), "session": session})
        for days, session, bar in (
            (1, date(2026, 3, 3), days_before(bell, [101])[0]),
            (2, date(2026, 3, 4), days_before(bell, [100])[0]),
        )
    ]
    bell.later(2 * DAY)
    bell.market.bars_of["AAPL", "1d"] = list(days_before(bell, [100, 96, 100, 101]))
    bell.price(100, previous_close=101, day_high=100, day_low=100)
    bell.check()
    assert [level for level, _ in rang(bell)] == [5]


def test_a_window_of_two_days_holds_none_of_the_days_that_no_check_saw(bell: Bell) -> None:
    """100 on Monday, 106 on Friday, and never more than 2 % within two days."""
    bell.price(100)
    move = MoveCondition(kind="moves_by", percent=5, window="2d", direction="up")
    set_on(bell, move, [100])
    bell.check_at(100)
    bell.later(4 * DAY)
    days = list(days_before(bell, [100, 101.5, 103, 104.5]))
    bell.market.bars_of |= {("AAPL", "1d"): days, ("AAPL", "1m"): days[1:]}
    bell.price(106, previous_close=104.5, day_high=106, day_low=104.5)
    bell.check()
    assert rang(bell) == []


def test_a_window_of_days_begins_with_a_whole_day_whatever_others_asked_for(bell: Bell) -> None:
    """At 90 on Monday morning, at 100 from then on: on Tuesday that is up 11 % in two days still,
    though the other alert needs no minutes but those of Monday afternoon and later."""
    bell.minute_bar(60, 90, 90)
    bell.alert("price_rises_to", 99, if_true="wait")
    bell.later(DAY)
    bell.price(100, previous_close=100)
    [monday] = days_before(bell, [100])
    history = (monday.model_copy(update={"low": 90.0}),)
    bell.market.bars_of["AAPL", "1d"] = list(history)
    move = MoveCondition(kind="moves_by", percent=8, window="2d", direction="up")
    facts = bell.facts(history=History(history))
    waiting = bell.alert_on(move, facts=facts, if_true="wait")
    assert waiting.state == "waiting"
    bell.later()
    bell.minute_bar(DAY, 100, 100)
    bell.minute_bar(3, 100, 100)
    bell.price(100, previous_close=100)
    bell.check()
    assert bell.now_of(waiting).state == "waiting"


def test_a_volume_that_begins_anew_and_reaches_its_level_in_one_check_rings(bell: Bell) -> None:
    bell.price(100, volume=4_000)
    volume = VolumeCondition(kind="volume_reaches", ratio=3)
    set_on(bell, volume, [100] * 30, if_true="wait")
    bell.check_at(100, volume=4_100)
    bell.later(DAY)
    bell.market.bars_of["AAPL", "1d"] = list(days_before(bell, [100] * 31))
    bell.price(100, volume=3_500, previous_close=100)
    bell.check()
    assert [level for level, _ in rang(bell)] == [3]


def test_a_trailing_alert_of_once_a_day_rests_for_the_day_and_keeps_its_peak(bell: Bell) -> None:
    """It rings at 90; the rest of the day rings nothing, and tomorrow counts from today's 95."""
    alert = TrailingCondition(kind="falls_from_peak", percent=10)
    bell.alert_on(alert, frequency="daily")
    bell.check_at(90, day_low=90)
    assert rang(bell) == [(10, 10)]
    monday = bell.at
    bell.check_at(80, day_low=80)
    bell.check_at(95, day_low=80, day_high=101)
    bell.later(DAY)
    minutes = [(5, 80.0), (10, 95.0)]
    bell.market.bars_of["AAPL", "1m"] = [
        days_before(bell, [price])[0].model_copy(
            update={"start": monday + timedelta(minutes=after), "session": monday.date()}
        )
        for after, price in minutes
    ]
    bell.price(88, previous_close=95, day_high=88, day_low=88)
    bell.check()
    assert len(rang(bell)) == 1
    bell.check_at(85.5, previous_close=95, day_high=88, day_low=85.5)
    assert rang(bell) == [(10, 10), (10, 10)]
    assert bell.triggers()[0].peak == 95


def test_a_day_that_left_the_level_and_touched_it_is_no_crossing_after_weeks(
    bell: Bell, redis: Redis
) -> None:
    """Known as one bar only, a day does not tell that its high came after its low."""
    bell.price(120, day_high=120)
    bell.alert("price_rises_to", 110, if_true="wait")
    bell.check_at(120, day_high=120)
    since = bell.at
    bell.later(14 * DAY)
    crash = since + timedelta(days=9)
    day = days_before(bell, [100])[0].model_copy(
        update={"start": crash.replace(hour=5), "session": crash.date(), "high": 119.0}
    )
    bell.market.bars_of["AAPL", "1d"] = [day]
    bell.market.bars_of["AAPL", "1m"] = [
        day.model_copy(update={"start": crash.replace(hour=14, minute=30), "low": 119.0})
    ]
    bell.price(100, previous_close=100, day_high=100, day_low=100)
    bell.check()
    assert rang(bell) == []
    bell.check_at(111, previous_close=100, day_high=111, day_low=100)
    assert len(rang(bell)) == 1


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        (TrailingCondition(kind="falls_from_peak", percent=15), 20),
        (MoveCondition(kind="moves_by", percent=9, window="15m", direction="down"), 100 / 9),
        (PriceCondition(kind="price_falls_to", level=85), 80),
    ],
)
def test_after_weeks_the_last_days_are_known_to_the_minute(
    bell: Bell, condition: Condition, value: float
) -> None:
    """The day of the crash is within reach of minutes, the day before it not any more."""
    bell.alert_on(condition)
    bell.check_at(100)
    bell.later(14 * DAY)
    crash = bell.at - timedelta(days=3)
    bars = days_before(bell, [100] * 12)
    for bar, days in zip(bars, range(13, 1, -1), strict=True):
        start = (bell.at - timedelta(days=days)).replace(hour=5, minute=0)
        bar = bar.model_copy(update={"start": start, "session": start.date()})
        if bar.session == crash.date():
            bar = bar.model_copy(update={"low": 80.0})
        bell.market.bars_of.setdefault(("AAPL", "1d"), []).append(bar)
    for after, price in [(-60, 100.0), (0, 90.0), (5, 80.0), (10, 100.0)]:
        minute = crash + timedelta(minutes=after)
        bell.market.bars_of.setdefault(("AAPL", "1m"), []).append(
            days_before(bell, [price])[0].model_copy(
                update={"start": minute, "session": minute.date()}
            )
        )
    bell.price(100, previous_close=100, day_high=100, day_low=100)
    bell.check()
    [trigger] = bell.triggers()
    assert trigger.occurred_at == crash + timedelta(minutes=5)
    assert trigger.value == pytest.approx(value)
