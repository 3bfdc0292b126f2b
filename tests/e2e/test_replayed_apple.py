"""AAPL from 2000-06-19 to 2000-10-02: a split that must not ring, and a crash that must, once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from redis import Redis

from services.alerts.conditions import PriceKind
from services.store.contract import Store
from tests.support.bell import Bell, make_bell
from tests.support.market import MONDAY, make_replay
from tests.support.thorough import times

pytestmark = pytest.mark.slow

DAY = 60.0
FIRST_DAY = date(2000, 6, 19)
"""98 dollars at the open."""


@pytest.fixture
def replayed(store: Store, redis: Redis) -> Bell:
    return make_bell(store, redis, make_replay(FIRST_DAY, DAY, MONDAY), at=MONDAY)


def replay_until(bell: Bell, last: date, check_every_seconds: float) -> None:
    """Run checks until one has seen the replayed market past `last`."""
    while bell.check() and bell.provider.market_time(bell.at).date() <= last:
        bell.at += timedelta(seconds=check_every_seconds)


@pytest.mark.parametrize(
    "seconds", [times(7, 23), 60, pytest.param(300, id="five sessions a check"), 1_300]
)
def test_the_split_rings_nothing_and_the_crash_rings_once(replayed: Bell, seconds: float) -> None:
    alert = replayed.alert("price_falls_to", 80, "AAPL")
    replay_until(replayed, date(2000, 6, 28), seconds)
    after = replayed.now_of(alert)
    assert replayed.triggers() == []
    assert (after.state, after.condition.level, after.epoch) == ("armed", 40, 1)

    replay_until(replayed, date(2000, 10, 2), seconds)
    (trigger,) = replayed.triggers()
    assert trigger.level == 40
    assert trigger.occurred_at.date() == date(2000, 9, 29)
    assert trigger.low <= 40
    assert trigger.source == "replay"


def test_the_evidence_of_a_day_seen_whole_is_its_low(replayed: Bell) -> None:
    replayed.at = MONDAY + timedelta(seconds=DAY * 70)
    assert replayed.provider.market_time(replayed.at).date() == date(2000, 9, 27)
    replayed.alert("price_falls_to", 40, "AAPL")
    replayed.at = MONDAY + timedelta(seconds=DAY * 72 + 59.99)
    replayed.check()
    (trigger,) = replayed.triggers()
    assert (trigger.low, trigger.value) == (25.37, 25.37)
    assert trigger.occurred_at.astimezone(UTC) > datetime(2000, 9, 29, 13, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "level"), [("price_rises_to", 58.0), ("price_rises_to", 64.13), ("price_falls_to", 45)]
)
def test_any_pace_of_checks_finds_the_same_trigger(
    store: Store, redis: Redis, kind: PriceKind, level: float
) -> None:
    """From 2000-06-22 (after the split) to 2000-10-02, at paces of seconds to weeks."""
    found = []
    for seconds in (times(11, 37), 97, 601):
        redis.flushall()
        bell = make_bell(
            store,
            redis,
            make_replay(date(2000, 6, 22), DAY, MONDAY),
            at=MONDAY,
            email=f"pace-{seconds}@example.com",
        )
        bell.alert(kind, level, "AAPL")
        replay_until(bell, date(2000, 10, 2), seconds)
        found.append([trigger.occurred_at.date() for trigger in bell.triggers()])
    assert found[0] == found[1] == found[2], found
    assert len(found[0]) <= 1
