"""Which market moment belongs to which of ours, and the kept beginning."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.errors import MarketError
from services.market.replay_clock import ReplayClock, replay_origin
from services.store.sqlite import SqliteStore

ORIGIN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SESSIONS = [date(2000, 3, 31), date(2000, 4, 3), date(2000, 4, 4)]
START = date(2000, 6, 1)


def clock(start: date = SESSIONS[0], day_seconds: float = 60) -> ReplayClock:
    return ReplayClock(SESSIONS, start, ORIGIN, day_seconds)


def after(seconds: float) -> datetime:
    return ORIGIN + timedelta(seconds=seconds)


def test_a_session_runs_from_half_past_nine_to_four_in_new_york() -> None:
    assert clock().moment(ORIGIN).time == datetime(2000, 3, 31, 14, 30, tzinfo=UTC)
    assert clock().moment(after(59.999999)).time == pytest.approx(
        datetime(2000, 3, 31, 21, 0, tzinfo=UTC), abs=timedelta(seconds=1)
    )


def test_new_york_opens_an_hour_earlier_by_utc_once_summer_time_has_begun() -> None:
    assert clock().moment(after(60)).time == datetime(2000, 4, 3, 13, 30, tzinfo=UTC)


def test_the_first_day_is_the_first_session_at_or_after_the_start() -> None:
    assert clock(start=date(2000, 4, 1)).moment(ORIGIN).session == date(2000, 4, 3)


def test_after_the_last_session_it_stays_at_its_close() -> None:
    for seconds in (180, 181, 1e9):
        moment = clock().moment(after(seconds))
        assert (moment.session, moment.done, moment.over) == (SESSIONS[-1], 1.0, True)


def test_before_its_origin_the_replay_waits_at_the_first_open() -> None:
    moment = clock().moment(after(-5))
    assert (moment.session, moment.done, moment.over) == (SESSIONS[0], 0.0, False)


def test_a_start_after_the_last_session_is_refused_with_the_remedy() -> None:
    with pytest.raises(MarketError, match=r"prices end on 2000-04-04.*REPLAY_START"):
        clock(start=date(2000, 4, 5))


def test_a_fraction_of_a_second_may_be_a_day() -> None:
    assert clock(day_seconds=0.25).moment(after(0.5)).session == SESSIONS[2]


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    store = SqliteStore(tmp_path / "documents.db")
    store.ping()
    return store


def test_the_first_to_ask_begins_the_replay(store: SqliteStore) -> None:
    assert replay_origin(store, START, 60, ORIGIN) == ORIGIN


def test_a_restart_goes_on_with_the_replay(store: SqliteStore) -> None:
    replay_origin(store, START, 60, ORIGIN)
    assert replay_origin(store, START, 60.0, after(3600)) == ORIGIN


@pytest.mark.parametrize(("start", "day_seconds"), [(date(2000, 6, 2), 60), (START, 30)])
def test_another_start_or_pace_begins_anew(
    store: SqliteStore, start: date, day_seconds: float
) -> None:
    replay_origin(store, START, 60, ORIGIN)
    assert replay_origin(store, start, day_seconds, after(9)) == after(9)
    assert replay_origin(store, start, day_seconds, after(99)) == after(9)


def test_processes_that_start_together_agree_on_one_origin(store: SqliteStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        origins = list(pool.map(lambda i: replay_origin(store, START, 60, after(i)), range(8)))
    assert len(set(origins)) == 1
