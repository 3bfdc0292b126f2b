"""Bars and earnings for pages: from the cache, or from a worker who is asked once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from services.errors import SourceUnavailable
from services.market.cache import QuoteCache
from services.market.desk import Absent, QuoteDesk
from services.market.fetch import fetch_into_cache
from services.market.models import Bar
from tests.support.market import MONDAY, FixedProvider, RecordingJobs

TODAY = MONDAY.date()
FRIDAY = TODAY - timedelta(days=3)
MINUTE = timedelta(minutes=1)
EARNINGS = date(2026, 4, 30)


def bar(start: datetime, session: date) -> Bar:
    return Bar(start=start, session=session, open=1, high=1, low=1, close=1, volume=1)


LAST_DAY = bar(
    datetime.combine(FRIDAY, time(), ZoneInfo("America/New_York")).astimezone(UTC), FRIDAY
)
LAST_MINUTE = bar(MONDAY - MINUTE, TODAY)


class Room:
    def __init__(self, redis: Redis) -> None:
        self.redis, self.cache = redis, QuoteCache(redis)
        self.provider, self.jobs, self.slept = FixedProvider(), RecordingJobs(), 0.0
        self.desk = QuoteDesk(redis, self.jobs, self.sleep, lambda: self.slept)
        self.provider.set("AAPL", 100.0)
        self.provider.bars_of = {("AAPL", "1d"): [LAST_DAY], ("AAPL", "1m"): [LAST_MINUTE]}
        self.provider.earnings_of["AAPL"] = EARNINGS

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def quote(self, symbol: str = "AAPL", now: datetime = MONDAY) -> None:
        fetch_into_cache(self.provider, self.cache, [symbol], now)

    def work_at_once(self, now: datetime = MONDAY) -> None:
        self.jobs.run_market(self.provider, self.cache, lambda: now, self.redis)


@pytest.fixture
def room(redis: Redis) -> Room:
    return Room(redis)


def test_cold_bars_and_earnings_are_fetched_by_one_worker(room: Room) -> None:
    room.work_at_once()
    for _ in range(2):
        assert room.desk.daily("AAPL", MONDAY) == (LAST_DAY,)
        assert room.desk.minutes("AAPL", MONDAY) == (LAST_MINUTE,)
        assert room.desk.earnings("AAPL", MONDAY) == EARNINGS
    assert room.jobs.bars_asked == [("AAPL", "1d", 4), ("AAPL", "1m", 4)]
    assert room.jobs.earnings_asked == ["AAPL"]
    assert room.slept == 0


def test_nobody_waits_longer_than_said(room: Room) -> None:
    assert room.desk.daily("AAPL", MONDAY, wait=1) is Absent.PENDING
    assert room.slept == pytest.approx(1, abs=0.1)
    assert room.desk.minutes("AAPL", MONDAY, wait=0) is Absent.PENDING
    assert room.desk.earnings("AAPL", MONDAY, wait=0) is Absent.PENDING
    assert room.slept == pytest.approx(1, abs=0.1)


def test_ten_years_are_a_request_of_their_own(room: Room) -> None:
    room.work_at_once()
    room.desk.daily("AAPL", MONDAY)
    room.desk.daily("AAPL", MONDAY, years=10)
    room.desk.daily("AAPL", MONDAY, years=4)
    assert room.jobs.bars_asked == [("AAPL", "1d", 4), ("AAPL", "1d", 10)]


def test_the_history_of_yesterdays_session_is_not_todays(room: Room) -> None:
    room.work_at_once()
    room.desk.daily("AAPL", MONDAY)
    tomorrow = MONDAY + timedelta(days=1)
    room.provider.set("AAPL", 100.0, tomorrow)
    room.quote(now=tomorrow)
    room.work_at_once(tomorrow)
    room.desk.daily("AAPL", tomorrow)
    assert len(room.jobs.bars_asked) == 2


def test_a_late_history_is_served_while_a_worker_is_asked(room: Room) -> None:
    room.provider.bars_of["AAPL", "1d"] = []
    room.work_at_once()
    assert room.desk.daily("AAPL", MONDAY) == ()
    later = MONDAY + timedelta(minutes=20)
    room.jobs = RecordingJobs()
    room.desk = QuoteDesk(room.redis, room.jobs, room.sleep, lambda: room.slept)
    assert room.desk.daily("AAPL", later) == ()
    assert (room.jobs.bars_asked, room.slept) == ([("AAPL", "1d", 4)], 0)


def test_old_minutes_are_served_for_a_quarter_of_an_hour_and_no_longer(room: Room) -> None:
    room.work_at_once()
    room.desk.minutes("AAPL", MONDAY)
    room.provider.error = SourceUnavailable("time out")
    assert room.desk.minutes("AAPL", MONDAY + 15 * MINUTE) == (LAST_MINUTE,)
    assert room.desk.minutes("AAPL", MONDAY + 16 * MINUTE) is Absent.PENDING
    assert room.slept == 0


@pytest.mark.parametrize("symbol", ["ZZZZ", "", "../../etc", "aapl", "A" * 21, "AAPL\n", "É"])
def test_unknown_and_impossible_symbols_are_missing_and_leave_no_bars(
    room: Room, symbol: str
) -> None:
    room.work_at_once()
    for _ in range(3):
        assert room.desk.daily(symbol, MONDAY) is Absent.MISSING
        assert room.desk.minutes(symbol, MONDAY) is Absent.MISSING
        assert room.desk.earnings(symbol, MONDAY) is Absent.MISSING
    assert len(room.jobs.bars_asked) + len(room.jobs.earnings_asked) <= 1
    assert not [*room.redis.scan_iter("bars:*"), *room.redis.scan_iter("earnings:*")]


def test_a_failing_source_ends_the_wait(room: Room) -> None:
    room.quote()
    room.provider.error = SourceUnavailable("time out")
    room.work_at_once()
    assert room.desk.daily("AAPL", MONDAY) is Absent.PENDING
    assert room.desk.earnings("AAPL", MONDAY) is Absent.PENDING
    assert room.slept == 0
    assert room.desk.status().reason == "time out"


def test_a_history_in_another_currency_than_the_quote_is_not_served(room: Room) -> None:
    room.work_at_once()
    room.desk.daily("AAPL", MONDAY)
    later = MONDAY + timedelta(minutes=10)
    room.provider.set("AAPL", 1.0, later, currency="GBP")
    room.quote(now=later)
    room.provider.error = SourceUnavailable("time out")
    assert room.desk.daily("AAPL", later) is Absent.PENDING


def test_earnings_that_the_quote_tells_cost_nothing(room: Room) -> None:
    room.provider.set("AAPL", 100.0, earnings=EARNINGS)
    room.quote()
    assert room.desk.earnings("AAPL", MONDAY) == EARNINGS
    assert room.jobs.earnings_asked == []


def test_that_there_are_no_earnings_is_known_for_a_day(room: Room) -> None:
    room.provider.earnings_of.clear()
    room.work_at_once()
    for _ in range(2):
        assert room.desk.earnings("AAPL", MONDAY) is None
    assert room.jobs.earnings_asked == ["AAPL"]


def test_twenty_pages_that_want_the_same_bars_make_one_request(room: Room) -> None:
    room.quote()
    room.work_at_once()
    desk = QuoteDesk(room.redis, room.jobs)
    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(lambda _: desk.daily("AAPL", MONDAY), range(20)))
    assert answers == {(LAST_DAY,)}
    assert room.jobs.bars_asked == [("AAPL", "1d", 4)]
