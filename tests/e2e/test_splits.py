"""Real splits: levels move, and no alert of any kind rings because of one."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis

from services.alerts.conditions import (
    AverageCondition,
    Condition,
    DayChangeCondition,
    ExtremeCondition,
    MoveCondition,
    PriceCondition,
    TrailingCondition,
    VolumeCondition,
)
from services.alerts.facts import Facts
from services.alerts.history import History
from services.market.histories import Histories
from services.market.models import Bar
from services.market.yahoo_answers import read_bars, read_splits
from services.store.alerts import Alert
from services.store.contract import Store
from tests.support.bell import Bell, make_bell
from tests.support.market import MONDAY, RECORDED_YAHOO, make_replay

pytestmark = pytest.mark.slow

DAY = 60.0
RECORDED = RECORDED_YAHOO.parent / "recorded"
NVDA = "historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json"
AAPL = "chart-AAPL-2020-08-31-to-2020-11-07.json"
recorded_only = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are absent")


def waiting_for_a_fall(price: float) -> list[Condition]:
    """What a split of a half or more would ring, were it taken for a fall."""
    return [
        PriceCondition(kind="price_falls_to", level=round(price * 0.7, 2)),
        DayChangeCondition(kind="day_change_falls_to", level=-20),
        TrailingCondition(kind="falls_from_peak", percent=30),
        MoveCondition(kind="moves_by", percent=25, window="5d", direction="down"),
        MoveCondition(kind="moves_by", percent=25, window="1h"),
        ExtremeCondition(kind="new_low", span="60d"),
        AverageCondition(kind="crosses_average", days=50, direction="down"),
        VolumeCondition(kind="volume_reaches", ratio=30),
    ]


def arm_all(bell: Bell, symbol: str) -> list[Alert]:
    quote = bell.provider.quotes([symbol], bell.at)[symbol]
    bars = Histories(bell.provider, bell.services.redis).daily(symbol, quote.session, bell.at)
    facts = Facts(quote, History(bars))
    conditions = [
        condition
        for condition in waiting_for_a_fall(quote.price)
        if not condition.target.reached_by(facts.value(condition.target.metric) or 0.0)
    ]
    return [bell.alert_on(condition, symbol, facts) for condition in conditions]


@pytest.mark.parametrize(
    ("symbol", "first", "split"),
    [
        ("AAPL", date(2000, 6, 15), date(2000, 6, 21)),
        ("MSFT", date(2003, 2, 12), date(2003, 2, 18)),
        ("AAPL", date(2005, 2, 23), date(2005, 2, 28)),
    ],
)
@pytest.mark.parametrize("seconds", [13, 100])
def test_a_replayed_split_moves_the_level_and_rings_nothing(
    store: Store, redis: Redis, symbol: str, first: date, split: date, seconds: int
) -> None:
    bell = make_bell(store, redis, make_replay(first, DAY, MONDAY), at=MONDAY)
    alerts = arm_all(bell, symbol)
    assert len(alerts) >= 6
    while bell.check() and bell.provider.market_time(bell.at).date() <= split + timedelta(days=1):
        bell.at += timedelta(seconds=seconds)
    assert [(t.condition.kind, t.value) for t in bell.triggers()] == []
    level = alerts[0].condition.target.level
    assert bell.now_of(alerts[0]).condition.target.level == pytest.approx(level / 2)


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text())["json"]


def trade_through(bell: Bell, symbol: str, days: Sequence[Bar], answer: Any) -> None:
    """Three checks on each day: after the open, at noon, and after the close."""
    for before, day in pairwise(days):
        morning = day.start.replace(hour=14)
        splits = read_splits(answer, symbol, days[0].start, morning)
        bell.market.splits_of[symbol] = splits
        ratio = next((split.ratio for split in splits if split.session == day.session), 1.0)
        close = before.close / ratio
        bell.market.bars_of[symbol, "1d"] = [bar for bar in days if bar.session < day.session]
        for hours, price, low, high in (
            (0, day.open, day.open, day.open),
            (3, (day.low + day.high) / 2, day.low, day.high),
            (7, day.close, day.low, day.high),
        ):
            bell.at = morning + timedelta(hours=hours)
            bell.price(
                price,
                symbol,
                day_low=low,
                day_high=high,
                previous_close=close,
                volume=day.volume if hours else 1_000,
                market_state="closed" if hours == 7 else "open",
                as_of=bell.at - timedelta(minutes=40 if hours == 7 else 1),
            )
            assert bell.check().unchecked == {}


@recorded_only
def test_nvidia_s_split_of_2021_moves_the_level_and_rings_nothing(
    store: Store, redis: Redis
) -> None:
    answer = recorded(NVDA)
    days = read_bars(answer, "1d", datetime(2021, 2, 1, tzinfo=UTC))
    start = next(i for i, bar in enumerate(days) if bar.session == date(2021, 7, 15))
    bell = make_bell(store, redis, at=days[start].start.replace(hour=20))
    bell.market.bars_of["NVDA", "1d"] = days[:start]
    bell.price(days[start].close, "NVDA", previous_close=days[start - 1].close)
    alerts = arm_all(bell, "NVDA")
    trade_through(bell, "NVDA", days[start : start + 8], answer)
    assert [(t.condition.kind, t.value) for t in bell.triggers()] == []
    level = alerts[0].condition.target.level
    assert bell.now_of(alerts[0]).condition.target.level == pytest.approx(level / 4)


@recorded_only
def test_apple_s_split_of_2020_moves_the_level_and_rings_nothing(
    store: Store, redis: Redis
) -> None:
    """The recording begins on the day of the split: the Friday before closed at 499.23."""
    answer = recorded(AAPL)
    days = read_bars(answer, "1d", datetime(2020, 8, 30, tzinfo=UTC))
    friday = days[0].model_copy(
        update={
            "start": days[0].start - timedelta(days=3),
            "session": date(2020, 8, 28),
            **dict.fromkeys(("open", "high", "low", "close"), 499.23),
        }
    )
    bell = make_bell(store, redis, at=friday.start.replace(hour=20))
    bell.price(499.23, "AAPL", previous_close=500.04)
    alert = bell.alert_on(PriceCondition(kind="price_falls_to", level=400), "AAPL")
    for condition in waiting_for_a_fall(499.23)[1:5]:
        bell.alert_on(condition, "AAPL")
    trade_through(bell, "AAPL", [friday, *days[:3]], answer)
    assert [(t.condition.kind, t.value) for t in bell.triggers()] == []
    assert bell.now_of(alert).condition.target.level == 100
