"""Until when exchanges are open, and when they open next: half days, holidays, other zones."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from services.market.fetch_hours import hours_into_cache
from services.market.models import MarketState
from services.market.timetable import Standing, Timetable, TimetableDesk, believed, planned
from tests.support.market import MONDAY, RecordingJobs


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stand(
    redis: Redis, exchange: str, moment: str, told: MarketState, told_at: str | None = None
) -> Standing:
    """How an exchange stands, with workers that answer at once."""
    jobs = RecordingJobs(_hours=lambda names: hours_into_cache(redis, names, at(moment)))
    desk = TimetableDesk(redis, jobs)
    desk.of([exchange], at(moment))
    table = desk.of([exchange], at(moment)).get(exchange)
    return believed(exchange, planned(table, at(moment)), told, at(told_at or moment))


@pytest.mark.parametrize(
    ("exchange", "moment", "told", "state", "until"),
    [
        ("NasdaqGS", "2026-03-02 15:00", "open", "open", "2026-03-02 21:00"),
        ("NYSE", "2026-03-07 12:00", "closed", "closed", "2026-03-09 13:30"),  # summer time began
        ("NYSE", "2026-11-27 17:00", "open", "open", "2026-11-27 18:00"),  # after Thanksgiving
        ("NYSE", "2026-12-24 19:00", "closed", "closed", "2026-12-28 14:30"),
        ("NYSE", "2026-03-02 12:00", "pre", "pre", "2026-03-02 14:30"),
        ("NYSE", "2026-03-02 22:00", "post", "post", "2026-03-03 14:30"),
        ("LSE", "2026-12-24 12:00", "open", "open", "2026-12-24 12:30"),
        ("XETRA", "2026-03-02 15:00", "open", "open", "2026-03-02 16:30"),
        ("Tokyo", "2026-12-31 12:00", "closed", "closed", "2027-01-04 00:00"),
        ("Shanghai", "2026-02-14 12:00", "closed", "closed", "2026-02-24 01:30"),  # spring festival
    ],
)
def test_hours_are_those_of_the_exchange(
    redis: Redis, exchange: str, moment: str, told: MarketState, state: MarketState, until: str
) -> None:
    found = stand(redis, exchange, moment, told)
    assert (found.state, found.until) == (state, at(until))


def test_a_halt_that_no_calendar_knows_is_believed(redis: Redis) -> None:
    found = stand(redis, "NYSE", "2026-03-02 17:00", "closed")
    assert found == Standing("closed")


def test_a_quote_from_before_the_open_does_not_close_the_exchange(redis: Redis) -> None:
    found = stand(redis, "NYSE", "2026-03-02 14:33", "pre", "2026-03-02 14:29")
    assert found.state == "open"


def test_a_quote_of_yesterday_evening_does_not_open_the_exchange(redis: Redis) -> None:
    found = stand(redis, "NYSE", "2026-03-03 09:00", "open", "2026-03-02 20:58")
    assert (found.state, found.until) == ("closed", at("2026-03-03 14:30"))


def test_crypto_knows_no_hours(redis: Redis) -> None:
    assert stand(redis, "CCC", "2026-03-07 03:00", "open").always


@pytest.mark.parametrize("exchange", ["Moon", "", "Nasdaq funds"])
def test_of_an_unknown_exchange_only_the_quote_tells(redis: Redis, exchange: str) -> None:
    assert stand(redis, exchange, "2026-03-02 15:00", "closed") == Standing("closed")


def test_a_calendar_is_asked_for_once_and_then_kept_by_the_process(redis: Redis) -> None:
    jobs = RecordingJobs()
    jobs._hours = lambda names: hours_into_cache(redis, names, MONDAY)
    desk = TimetableDesk(redis, jobs)
    for _ in range(3):
        desk.of(["NYSE", "NasdaqGS", "LSE"], MONDAY)
    redis.flushall()
    assert set(desk.of(["NYSE"], MONDAY)) == {"NYSE"}
    assert jobs.hours_asked == [["XNYS", "XLON"]]


def test_it_is_made_anew_before_it_ends(redis: Redis) -> None:
    jobs = RecordingJobs()
    hours_into_cache(redis, ["XNYS"], MONDAY)
    desk = TimetableDesk(redis, jobs)
    desk.of(["NYSE"], MONDAY + timedelta(days=29))
    assert jobs.hours_asked == []
    desk.of(["NYSE"], MONDAY + timedelta(days=31))
    assert jobs.hours_asked == [["XNYS"]]


def test_years_without_a_calendar_ask_no_worker_again_and_again(redis: Redis) -> None:
    past = datetime(1985, 3, 4, 15, tzinfo=UTC)
    hours_into_cache(redis, ["XNYS"], past)
    jobs = RecordingJobs()
    table = TimetableDesk(redis, jobs).of(["NYSE"], past)["NYSE"]
    assert isinstance(table, Timetable)
    assert table.opens == ()
    assert jobs.hours_asked == []
    assert believed("NYSE", planned(table, past), "open", past) == Standing("open")
