"""Quotes that people look at are kept fresh; what nobody looks at costs nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from services.market import looked_at as module
from services.market.cache import QuoteCache
from services.market.hours import Hours
from services.market.looked_at import LookedAt
from services.market.refreshing import refresh
from tests.support.market import MONDAY, FixedProvider

LATER = MONDAY + timedelta(minutes=10)


def refreshed(provider: FixedProvider, redis: Redis, now: datetime) -> int:
    return refresh(provider, QuoteCache(redis), LookedAt(redis), Hours(), now)


def test_what_was_looked_at_is_fetched_in_one_request(redis: Redis) -> None:
    provider = FixedProvider()
    for symbol in ("AAPL", "MSFT"):
        provider.set(symbol, 100.0)
    LookedAt(redis).note(["AAPL", "MSFT"], MONDAY)
    assert refreshed(provider, redis, LATER) == 2
    assert [what for what, _ in provider.asked] == ["quotes"]


def test_what_is_fresh_is_not_fetched_again(redis: Redis) -> None:
    provider = FixedProvider()
    provider.set("AAPL", 100.0)
    LookedAt(redis).note(["AAPL"], MONDAY)
    refreshed(provider, redis, LATER)
    assert refreshed(provider, redis, LATER + timedelta(minutes=1)) == 0


def test_a_closed_exchange_is_not_asked(redis: Redis) -> None:
    provider, sunday = FixedProvider(), datetime(2026, 3, 8, 12, 0, tzinfo=UTC)
    friday = datetime(2026, 3, 6, 23, 0, tzinfo=UTC)
    quote = provider.set("AAPL", 100.0, friday)
    cache = QuoteCache(redis)
    cache.put({"AAPL": quote}, ["AAPL"], timedelta(minutes=5), sunday - timedelta(hours=1))
    LookedAt(redis).note(["AAPL"], sunday)
    assert refreshed(provider, redis, sunday) == 0


def test_what_nobody_looked_at_for_a_day_is_forgotten(redis: Redis) -> None:
    LookedAt(redis).note(["AAPL"], MONDAY)
    LookedAt(redis).note(["MSFT"], MONDAY + timedelta(hours=2))
    assert LookedAt(redis).lately(MONDAY + timedelta(hours=25)) == ["MSFT"]


def test_of_too_many_the_last_ones_are_kept_fresh(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    for number, symbol in enumerate(["A", "B", "C"]):
        LookedAt(redis).note([symbol], MONDAY + timedelta(minutes=number))
    assert LookedAt(redis).lately(LATER) == ["C", "B"]


def test_many_looks_are_noted_once(redis: Redis) -> None:
    looked_at = LookedAt(redis)
    looked_at.note(["AAPL"], MONDAY)
    redis.flushall()
    looked_at.note(["AAPL"], LATER)
    assert redis.exists(module.KEY) == 0
    looked_at.note(["AAPL"], MONDAY + module.NOTED_EVERY)
    assert redis.zcard(module.KEY) == 1
