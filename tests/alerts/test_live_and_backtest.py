"""Whenever it checks, the live engine rings what the backtest finds in the same bars."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from services.alerts.backtest import backtest
from services.alerts.conditions import (
    AverageCondition,
    Condition,
    CrossCondition,
    DayChangeCondition,
    ExtremeCondition,
    MoveCondition,
    PriceCondition,
    RsiCondition,
    TrailingCondition,
    VolumeCondition,
)
from services.alerts.history import History
from services.market.models import Bar, BarInterval, Quote
from services.store.alerts import Alert
from services.store.sqlite import SqliteStore
from tests.support.bell import Bell, make_bell
from tests.support.market import FixedProvider, make_quote
from tests.support.thorough import times

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OPENS = [datetime(2026, 3, day, 14, 30, tzinfo=UTC) for day in (2, 3, 4)]
START, END = OPENS[0] + MINUTE, OPENS[-1] + timedelta(hours=12)
FLAT = 100.0
PAST = [
    Bar(
        start=OPENS[0].replace(hour=5, minute=0) - ago * DAY,
        session=OPENS[0].date() - ago * DAY,
        open=FLAT,
        high=103.0 + ago % 3,
        low=97.0 - ago % 2,
        close=FLAT + (-1) ** ago * (ago % 4) / 2,
        volume=1_000,
    )
    for ago in range(40, 2, -1)
]
"""Daily bars up to the Friday before the first session."""

PLAIN: list[Condition] = [
    *(PriceCondition(kind="price_rises_to", level=level) for level in (95.0, 103.0, 112.0)),
    *(PriceCondition(kind="price_falls_to", level=level) for level in (92.0, 97.0, 105.0)),
    DayChangeCondition(kind="day_change_rises_to", level=5.0),
    DayChangeCondition(kind="day_change_falls_to", level=-4.0),
    *(ExtremeCondition(kind="new_high", span=span) for span in ("5d", "2w")),
    ExtremeCondition(kind="new_low", span="3d"),
    AverageCondition(kind="crosses_average", days=5, direction="up"),
    AverageCondition(kind="crosses_average", average="ema", days=8, direction="down"),
    RsiCondition(kind="rsi_rises_to", days=5, level=70.0),
    RsiCondition(kind="rsi_falls_to", days=5, level=35.0),
]
"""A touch decides them, whatever the order of prices."""

OTHERS: list[Condition] = [
    *(MoveCondition(kind="moves_by", percent=5.0, window=w) for w in ("15m", "1d", "3d")),
    MoveCondition(kind="moves_by", percent=7.0, window="2d", direction="up"),
    MoveCondition(kind="moves_by", percent=3.0, window="15m", direction="down"),
    *(TrailingCondition(kind="falls_from_peak", percent=percent) for percent in (3.0, 8.0)),
    *(TrailingCondition(kind="rises_from_trough", percent=percent) for percent in (3.0, 8.0)),
    CrossCondition(kind="averages_cross", fast=2, slow=5, direction="up"),
    CrossCondition(kind="averages_cross", fast=2, slow=5, direction="down"),
    *(VolumeCondition(kind="volume_reaches", ratio=ratio) for ratio in (0.5, 1.2)),
]


@dataclass
class CourseProvider(FixedProvider):
    """Quotes and bars as they follow from minutes; quotes come `delay` late."""

    minutes: Sequence[Bar] = ()
    delay: timedelta = timedelta(0)

    def quotes(self, symbols: Any, now: datetime) -> dict[str, Quote]:
        self._answer("quotes", list(symbols))
        return {symbol: self._quote(now) for symbol in symbols}

    def _quote(self, now: datetime) -> Quote:
        seen = [bar for bar in self.minutes if bar.start + MINUTE <= now - self.delay]
        today = [bar for bar in seen if bar.session == seen[-1].session]
        last = today[-1]
        closes = max(bar.start for bar in self.minutes if bar.session == last.session) + MINUTE
        return make_quote(
            price=last.close,
            day_high=max(bar.high for bar in today),
            day_low=min(bar.low for bar in today),
            volume=sum(bar.volume for bar in today),
            previous_close=self.days(last.session)[-1].close,
            as_of=last.start + MINUTE,
            fetched_at=now,
            market_state="open" if now < closes else "closed",
        )

    def days(self, before: date) -> list[Bar]:
        """Completed sessions before that one."""
        sessions = sorted({bar.session for bar in self.minutes if bar.session < before})
        return [*PAST, *(_day([b for b in self.minutes if b.session == s]) for s in sessions)]

    def bars(
        self,
        symbol: str,
        interval: BarInterval,
        since: datetime,
        now: datetime,
        *,
        extended: bool = False,
    ) -> list[Bar]:
        self._answer("bars", symbol)
        if interval == "1d":
            over = self._quote(now).session
            return [bar for bar in self.days(over) if bar.start + DAY > since]
        until = now - self.delay
        return [
            bar
            for bar in self.minutes
            if bar.start + MINUTE > since and bar.start + MINUTE <= until
        ]


def _day(minutes: Sequence[Bar]) -> Bar:
    first = minutes[0]
    return Bar(
        start=first.start.replace(hour=5, minute=0),
        session=first.session,
        open=first.open,
        high=max(bar.high for bar in minutes),
        low=min(bar.low for bar in minutes),
        close=minutes[-1].close,
        volume=sum(bar.volume for bar in minutes),
    )


@dataclass(frozen=True)
class Life:
    """What the market did, and when somebody looked: minutes after an open, of some session."""

    minutes: list[Bar]
    delay: timedelta
    wicks: bool
    checks: list[datetime] = field(default_factory=list)
    more_checks: list[datetime] = field(default_factory=list)


def _minute(start: datetime, low: float, high: float, close: float, volume: int) -> Bar:
    return Bar(
        start=start,
        session=start.date(),
        open=close,
        high=high,
        low=low,
        close=close,
        volume=volume,
    )


_looks = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([1, 2, 3, 4, 5, 7, 9, 20, 45, 90])), max_size=9
).map(lambda found: sorted({OPENS[day] + minutes * MINUTE for day, minutes in found}))


@st.composite
def lives(draw: st.DrawFn) -> Life:
    wicks = draw(st.booleans())
    length = draw(st.integers(2, 8))
    price, bars = FLAT, []
    for opens in OPENS:
        for minute in range(length):
            if bars:
                price += draw(st.integers(-3, 3) if minute else st.sampled_from([0, 0, -6, 4, 9]))
            wick = draw(st.sampled_from([0, 0, 2])) if wicks and bars else 0
            volume = draw(st.sampled_from([20, 100, 400])) if bars else 10
            start = opens + minute * MINUTE
            bars.append(_minute(start, price - wick, price + wick, price, volume))
    delay = draw(st.sampled_from([0, 0, 2])) * MINUTE
    return Life(bars, delay, wicks, draw(_looks), draw(_looks))


@contextmanager
def _bell(redis: Redis, life: Life) -> Iterator[Bell]:
    redis.flushall()
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.sqlite3")
        provider = CourseProvider(minutes=life.minutes, delay=life.delay)
        bell = make_bell(store, redis, provider, at=START + life.delay)
        bell.market = provider
        yield bell
        store.close()


def _set_alerts(bell: Bell, life: Life) -> list[Alert]:
    history = History(tuple(bell.market.days(OPENS[0].date())))
    facts = bell.facts(history=history, minutes=tuple(life.minutes[:1]))
    alerts = []
    for condition in PLAIN if life.wicks else [*PLAIN, *OTHERS]:
        value = facts.value(condition.target.metric)
        true = value is not None and condition.target.reached_by(value)
        if not (true and life.wicks):
            options = {"if_true": "wait"} if true else {}
            alerts.append(bell.alert_on(condition, facts=facts, **options))
    return alerts


def _live(redis: Redis, life: Life, checks: Sequence[datetime], times: int = 1) -> dict[str, bool]:
    """Which conditions rang, by their names."""
    with _bell(redis, life) as bell:
        alerts = _set_alerts(bell, life)
        for at in [*(at for at in checks if at >= bell.at), END, END + 5 * MINUTE]:
            bell.at = at
            for _ in range(times):
                report = bell.check()
                assert report.unchecked == {}
        rang = [trigger.alert_id for trigger in bell.triggers()]
        assert len(set(rang)) == len(rang), "once is once"
        return {str(alert.condition): alert.id in rang for alert in alerts}


def _looking_back(life: Life, names: Sequence[str]) -> dict[str, bool]:
    days = CourseProvider(minutes=life.minutes).days(END.date() + DAY)
    return {
        str(one): bool(
            backtest(one, life.minutes, frequency="once", interval="1m", daily=days).rings
        )
        for one in [*PLAIN, *OTHERS]
        if str(one) in names
    }


def _property(examples: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def test_averages_that_part_and_cross_while_nobody_looks_ring(redis: Redis) -> None:
    prices = iter([100.0, 100.0, 100.0, 100.0, 100.0, 99.0])
    bars = [
        _minute(opens + minute * MINUTE, price, price, price, 20)
        for opens in OPENS
        for minute, price in ((0, next(prices)), (1, next(prices)))
    ]
    rang = _live(redis, Life(bars, timedelta(0), wicks=False), [])
    assert rang[str(CrossCondition(kind="averages_cross", fast=2, slow=5, direction="down"))]


@pytest.mark.parametrize("examples", [15, pytest.param(times(250, 60), marks=pytest.mark.slow)])
def test_the_live_engine_rings_what_the_backtest_finds(redis: Redis, examples: int) -> None:
    @_property(examples)
    @given(life=lives())
    def agree(life: Life) -> None:
        live = _live(redis, life, life.checks)
        assert live == _looking_back(life, list(live))

    agree()


@pytest.mark.parametrize("examples", [5, pytest.param(times(60, 20), marks=pytest.mark.slow)])
def test_checking_twice_changes_nothing(redis: Redis, examples: int) -> None:
    @_property(examples)
    @given(life=lives())
    def agree(life: Life) -> None:
        assert _live(redis, life, life.checks, times=2) == _live(redis, life, life.checks)

    agree()


@pytest.mark.parametrize("examples", [5, pytest.param(times(60, 20), marks=pytest.mark.slow)])
def test_splitting_an_interval_in_two_changes_nothing(redis: Redis, examples: int) -> None:
    @_property(examples)
    @given(life=lives())
    def agree(life: Life) -> None:
        more = sorted({*life.checks, *life.more_checks})
        assert _live(redis, life, more) == _live(redis, life, life.checks)

    agree()
