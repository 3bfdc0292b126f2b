"""Bars in Redis."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from services.market.bars import MOST_BARS, BarCache, Kept, in_shares_of, years_before
from services.market.models import Bar, Chart, Split
from tests.support.market import MONDAY, make_replay

FRIDAY = date(2026, 2, 27)


def bar(session: date = FRIDAY, close: float = 100.0, volume: int = 1_000) -> Bar:
    start = datetime(session.year, session.month, session.day, 5, tzinfo=UTC)
    low, high = min(close, 0.9 * close), max(close, 0.9 * close)
    return Bar(
        start=start, session=session, open=close, high=high, low=low, close=close, volume=volume
    )


def kept(*bars: Bar, splits: tuple[Split, ...] = (), currency: str = "USD") -> Kept:
    chart = Chart(bars=bars, splits=splits, currency=currency, exchange="NASDAQ")
    return Kept(MONDAY.date(), years_before(MONDAY.date(), 4), MONDAY, MONDAY, chart, tries=2)


@pytest.fixture
def cache(redis: Redis) -> BarCache:
    return BarCache(redis)


def test_what_was_never_kept_is_not_there(cache: BarCache) -> None:
    assert cache.get("AAPL", "1d") is None


def test_a_chart_comes_back_as_it_was(cache: BarCache) -> None:
    split = Split(symbol="AAPL", session=FRIDAY, ratio=1.5)
    held = kept(bar(FRIDAY - timedelta(days=1), 0.1 + 0.2), bar(), splits=(split,))
    cache.put("AAPL", "1d", held)
    assert cache.get("AAPL", "1d") == held
    assert cache.get("AAPL", "1m") is None
    assert cache.get("MSFT", "1d") is None


def test_a_chart_without_bars_is_kept_too(cache: BarCache) -> None:
    cache.put("AAPL", "1m", kept())
    assert cache.get("AAPL", "1m") == kept()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    closes=st.lists(
        st.floats(-1e15, 1e15).filter(bool), min_size=1, max_size=20
    )
)  # fmt: skip
def test_every_price_keeps_its_last_bit(redis: Redis, closes: list[float]) -> None:
    bars = [bar(FRIDAY + timedelta(days=n), close) for n, close in enumerate(closes)]
    BarCache(redis).put("CL=F", "1d", kept(*bars))
    held = BarCache(redis).get("CL=F", "1d")
    assert held is not None
    assert held.chart.bars == tuple(bars)


def test_four_years_of_days_take_less_than_20_kilobytes(cache: BarCache, redis: Redis) -> None:
    replay = make_replay(start=date(2005, 1, 3))
    chart = replay.chart("AAPL", "1d", datetime(2001, 1, 1, tzinfo=UTC), MONDAY)
    assert len(chart.bars) > 1_000
    cache.put("AAPL", "1d", Kept(date(2005, 1, 3), MONDAY, MONDAY, MONDAY, chart))
    assert redis.strlen("bars:AAPL:1d") < 20_000


def test_only_the_newest_bars_are_kept(cache: BarCache) -> None:
    many = [bar(date(2000, 1, 1) + timedelta(days=n)) for n in range(MOST_BARS["1d"] + 5)]
    cache.put("AAPL", "1d", kept(*many))
    held = cache.get("AAPL", "1d")
    assert held is not None
    assert held.chart.bars == tuple(many[5:])


def test_bars_are_forgotten_when_nobody_asks_for_them(cache: BarCache, redis: Redis) -> None:
    cache.put("AAPL", "1d", kept(bar()))
    cache.put("AAPL", "1m", kept(bar()))
    assert redis.ttl("bars:AAPL:1d") == 4 * 86_400
    assert redis.ttl("bars:AAPL:1m") == 86_400


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"x\x9c", b"x\x9cK\xcc\x04\x00"])
def test_what_another_version_wrote_is_not_there(
    cache: BarCache, redis: Redis, garbage: bytes
) -> None:
    redis.set("bars:AAPL:1d", garbage)
    assert cache.get("AAPL", "1d") is None


def test_bars_before_a_split_are_restated_in_shares_of_the_session() -> None:
    monday = FRIDAY + timedelta(days=3)
    splits = (Split(symbol="AAPL", session=monday, ratio=4.0),)
    before, after = bar(FRIDAY, 400.0, 1_000), bar(monday, 100.0, 4_000)
    assert in_shares_of([before], splits, FRIDAY) == (before,)
    (restated,) = in_shares_of([before], splits, monday)
    assert (restated.open, restated.low, restated.close) == (100.0, 90.0, 100.0)
    assert restated.volume == 4_000
    assert in_shares_of([after], splits, monday) == (after,)


def test_what_is_kept_covers_sessions_up_to_its_own_in_its_own_currency() -> None:
    held, session = kept(bar()), MONDAY.date()
    assert held.covers(session, 4)
    assert held.covers(session, 4, "USD")
    assert not held.covers(session + timedelta(days=1), 4)
    assert not held.covers(session, 10)
    assert not held.covers(session, 4, "GBp")
