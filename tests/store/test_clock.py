"""A machine whose clock is wrong is told so at start."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.errors import ClockSkew
from services.store.clock import check_clock, clock_skew
from services.store.contract import Store
from services.store.firestore import open_firestore
from services.store.sqlite import SqliteStore
from tests.support.redis_server import free_port

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def clock_off_by(skew: timedelta) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + skew


@pytest.mark.parametrize(
    "skew", [timedelta(hours=-1), timedelta(minutes=-2), timedelta(minutes=2), timedelta(days=900)]
)
def test_the_difference_is_measured_in_both_directions(store: Store, skew: timedelta) -> None:
    measured = clock_skew(store, clock_off_by(skew))
    assert abs(measured - skew) < timedelta(seconds=20)
    assert (measured > timedelta(0)) == (skew > timedelta(0))


def test_clocks_that_agree_have_no_difference(store: Store) -> None:
    assert abs(clock_skew(store, clock_off_by(timedelta(0)))) <= timedelta(milliseconds=2)


def test_a_slow_answer_is_no_difference(sqlite_store: SqliteStore) -> None:
    times = iter([START, START + timedelta(minutes=10)])
    sqlite_store._clock = lambda: START + timedelta(minutes=4)
    assert clock_skew(sqlite_store, lambda: next(times)) == timedelta(0)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_five_minutes_apart_stop_the_start_with_the_remedy(store: Store, minutes: int) -> None:
    side = "ahead of" if minutes > 0 else "behind"
    with pytest.raises(ClockSkew, match=f"seconds {side} the store's. Set this machine's clock"):
        check_clock(store, clock_off_by(timedelta(minutes=minutes)))


@pytest.mark.parametrize("seconds", [-90, 90])
def test_half_a_minute_apart_is_a_warning(
    store: Store, seconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    check_clock(store, clock_off_by(timedelta(seconds=seconds)))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "Set this machine's clock" in record.getMessage()


@pytest.mark.parametrize(
    ("seconds", "words"), [(29, 0), (30, 1), (299, 1), (-29, 0), (-30, 1), (-299, 1)]
)
def test_the_bounds_are_exact(
    sqlite_store: SqliteStore, seconds: int, words: int, caplog: pytest.LogCaptureFixture
) -> None:
    sqlite_store._clock = lambda: START
    check_clock(sqlite_store, lambda: START + timedelta(seconds=seconds))
    assert len(caplog.records) == words


def test_a_right_clock_says_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    check_clock(store, clock_off_by(timedelta(0)))
    assert caplog.records == []


def test_a_store_that_is_away_does_not_keep_a_worker_from_starting(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.firestore_calls.DEADLINE_SECONDS", 0.3)
    store = open_firestore("bellwether", "", f"127.0.0.1:{free_port()}")
    check_clock(store, clock_off_by(timedelta(0)))
    assert "could not be compared" in caplog.text
    store.close()
