"""Daily bars, minutes and earnings for workers: asked for once, restated, never garbage."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from services.errors import MarketError, RateLimited, SourceUnavailable
from services.market.histories import Histories
from services.market.models import Bar, Split
from tests.support.market import MONDAY, FixedProvider, make_replay

TODAY = MONDAY.date()
FRIDAY = TODAY - timedelta(days=3)
NEW_YORK = ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)


def day(session: date, close: float = 100.0, **prices: float) -> Bar:
    start = datetime.combine(session, time(), NEW_YORK).astimezone(UTC)
    return bar(start, session, close, **prices)


def minute(start: datetime, close: float = 100.0) -> Bar:
    return bar(start, start.astimezone(NEW_YORK).date(), close)


def bar(start: datetime, session: date, close: float, **prices: float) -> Bar:
    fields = {"open": close, "high": close, "low": close, "close": close} | prices
    return Bar(start=start, session=session, volume=10, **fields)


class Room:
    def __init__(self, redis: Redis) -> None:
        self.provider = FixedProvider()
        self.provider.set("AAPL", 100.0)
        self.histories = Histories(self.provider, redis)

    def trade(self, *bars: Bar) -> None:
        self.provider.bars_of["AAPL", "1d"] = list(bars)

    def trade_minutes(self, *bars: Bar) -> None:
        self.provider.bars_of["AAPL", "1m"] = list(bars)

    def days(self, session: date = TODAY, now: datetime = MONDAY, years: int = 4) -> list[date]:
        return [b.session for b in self.histories.daily("AAPL", session, now, years)]

    @property
    def requests(self) -> int:
        return len(self.provider.asked)


@pytest.fixture
def room(redis: Redis) -> Room:
    return Room(redis)


def test_the_running_session_is_no_completed_day(room: Room) -> None:
    room.trade(day(FRIDAY), day(TODAY))
    assert room.days() == [FRIDAY]


def test_one_request_serves_a_whole_session(room: Room) -> None:
    room.trade(day(FRIDAY))
    for hours in range(8):
        assert room.days(now=MONDAY + timedelta(hours=hours)) == [FRIDAY]
    assert room.provider.asked == [("chart", "AAPL")]


def test_another_process_need_not_ask_again(room: Room, redis: Redis) -> None:
    room.trade(day(FRIDAY))
    room.days()
    assert len(Histories(room.provider, redis).daily("AAPL", TODAY, MONDAY)) == 1
    assert room.requests == 1


def test_the_next_session_is_asked_for_anew(room: Room) -> None:
    room.trade(day(FRIDAY), day(TODAY))
    room.days()
    tomorrow = TODAY + timedelta(days=1)
    assert room.days(tomorrow, MONDAY + timedelta(days=1)) == [FRIDAY, TODAY]
    assert room.requests == 2


def test_an_earlier_session_is_served_from_what_is_kept(room: Room) -> None:
    room.trade(day(FRIDAY - timedelta(days=1)), day(FRIDAY))
    room.days()
    assert room.days(FRIDAY) == [FRIDAY - timedelta(days=1)]
    assert room.requests == 1


def test_ten_years_are_asked_for_when_only_four_are_kept(room: Room) -> None:
    long_ago = date(2018, 3, 1)
    room.trade(day(long_ago), day(FRIDAY))
    assert room.days() == [FRIDAY]
    assert room.days(years=10) == [long_ago, FRIDAY]
    assert room.days(years=99) == [long_ago, FRIDAY]
    assert room.days() == [long_ago, FRIDAY]
    assert room.requests == 2


def test_a_late_source_is_asked_again_after_15_30_and_60_minutes(room: Room) -> None:
    thursday = FRIDAY - timedelta(days=1)
    room.trade(day(thursday))
    asked_at = []
    for minutes in range(0, 120, 5):
        before = room.requests
        assert room.days(now=MONDAY + minutes * MINUTE) == [thursday]
        asked_at += [minutes] if room.requests > before else []
    assert asked_at == [0, 15, 45, 105]
    room.trade(day(thursday), day(FRIDAY))
    assert room.days(now=MONDAY + timedelta(hours=5)) == [thursday, FRIDAY]
    assert room.days(now=MONDAY + timedelta(hours=9)) == [thursday, FRIDAY]
    assert room.requests == 5


def test_a_holiday_is_no_late_source(room: Room) -> None:
    thanksgiving = date(2026, 11, 26)
    room.trade(day(thanksgiving - timedelta(days=1)))
    for hours in (0, 1, 5):
        now = datetime(2026, 11, 27, 15, tzinfo=UTC) + timedelta(hours=hours)
        assert len(room.days(date(2026, 11, 27), now)) == 1
    assert room.requests == 1


def test_a_late_source_that_fails_meanwhile_costs_nothing(room: Room) -> None:
    room.trade(day(FRIDAY - timedelta(days=1)))
    expected = room.days()
    room.provider.error = SourceUnavailable("time out")
    assert room.days(now=MONDAY + timedelta(hours=1)) == expected
    room.provider.error = None
    room.trade()
    assert room.days(now=MONDAY + timedelta(hours=2)) == expected


@pytest.mark.parametrize("error", [RateLimited("slow down"), SourceUnavailable("time out")])
def test_a_failure_is_raised_and_not_kept(room: Room, error: MarketError) -> None:
    room.trade(day(FRIDAY))
    room.provider.error = error
    with pytest.raises(type(error)):
        room.days()
    room.provider.error = None
    assert room.days() == [FRIDAY]


def test_days_before_a_split_are_in_shares_of_the_session_asked_for(room: Room) -> None:
    room.trade(day(FRIDAY, 400.0))
    room.provider.splits_of["AAPL"] = [Split(symbol="AAPL", session=TODAY, ratio=4.0)]
    (restated,) = room.histories.daily("AAPL", TODAY, MONDAY)
    assert (restated.close, restated.volume) == (100.0, 40)


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 0.0])
def test_a_day_without_real_prices_is_left_out(room: Room, price: float) -> None:
    room.trade(day(FRIDAY - timedelta(days=1), price), day(FRIDAY))
    assert room.days() == [FRIDAY]


def test_days_out_of_order_twice_or_upside_down_are_put_right(room: Room) -> None:
    thursday = FRIDAY - timedelta(days=1)
    wednesday = day(FRIDAY - timedelta(days=2), 100.0, high=90.0)
    room.trade(day(FRIDAY, 1.0), day(thursday), wednesday, day(FRIDAY, 2.0))
    bars = room.histories.daily("AAPL", TODAY, MONDAY)
    assert [(b.session, b.close) for b in bars] == [(thursday, 100.0), (FRIDAY, 2.0)]


def test_negative_prices_are_legal(room: Room) -> None:
    room.trade(day(FRIDAY, -37.6))
    assert room.histories.daily("AAPL", TODAY, MONDAY)[0].close == -37.6


def test_a_history_in_another_currency_is_refused(room: Room) -> None:
    room.trade(day(FRIDAY))
    room.days()
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="stated in USD, its quote in GBp"):
            room.histories.daily("AAPL", TODAY, MONDAY, currency="GBp")
    assert room.histories.daily("AAPL", TODAY, MONDAY, currency="USD")


def test_a_symbol_without_a_past_has_none_and_is_not_asked_for_all_the_time(room: Room) -> None:
    assert room.days() == []
    assert room.days(now=MONDAY + 10 * MINUTE) == []
    assert room.requests == 1


def test_minutes_are_a_minute_old_at_most(room: Room) -> None:
    since, first = MONDAY - timedelta(hours=1), minute(MONDAY - 5 * MINUTE)
    room.trade_minutes(first)
    assert room.histories.minutes("AAPL", since, MONDAY) == (first,)
    second = minute(MONDAY + MINUTE)
    room.trade_minutes(first, second)
    soon = MONDAY + timedelta(seconds=59)
    assert room.histories.minutes("AAPL", since, soon) == (first,)
    assert room.histories.minutes("AAPL", since, MONDAY + MINUTE) == (first, second)
    assert room.requests == 2


def test_minutes_already_kept_are_joined_with_the_new_ones(room: Room) -> None:
    since = MONDAY - timedelta(days=4)
    old, new = minute(MONDAY - timedelta(days=3)), minute(MONDAY + 3 * MINUTE, 101.0)
    running, done = minute(MONDAY, 100.0), minute(MONDAY, 102.0)
    room.trade_minutes(old, running)
    room.histories.minutes("AAPL", since, MONDAY)
    room.trade_minutes(done, new)
    later = MONDAY + 4 * MINUTE
    assert room.histories.minutes("AAPL", since, later) == (old, done, new)
    assert room.histories.minutes("AAPL", MONDAY + 3 * MINUTE, later) == (new,)


def test_minutes_further_back_than_kept_are_asked_for(room: Room) -> None:
    old, new = minute(MONDAY - timedelta(days=3)), minute(MONDAY)
    room.trade_minutes(old, new)
    assert room.histories.minutes("AAPL", MONDAY, MONDAY) == (new,)
    assert room.histories.minutes("AAPL", MONDAY - timedelta(days=30), MONDAY) == (old, new)
    assert room.requests == 2


def test_minutes_before_a_split_are_restated(room: Room) -> None:
    room.trade_minutes(minute(MONDAY - timedelta(days=3), 400.0), minute(MONDAY, 100.0))
    room.provider.splits_of["AAPL"] = [Split(symbol="AAPL", session=TODAY, ratio=4.0)]
    bars = room.histories.minutes("AAPL", MONDAY - timedelta(days=4), MONDAY)
    assert [b.close for b in bars] == [100.0, 100.0]


def test_minutes_in_two_currencies_are_not_joined(room: Room) -> None:
    room.trade_minutes(minute(MONDAY))
    room.histories.minutes("AAPL", MONDAY - MINUTE, MONDAY)
    room.provider.set("AAPL", 1.0, currency="GBP")
    pounds = minute(MONDAY + 5 * MINUTE, 1.0)
    room.trade_minutes(pounds)
    later = MONDAY + 6 * MINUTE
    assert room.histories.minutes("AAPL", MONDAY - MINUTE, later) == (pounds,)


def test_a_replay_that_begins_anew_forgets_the_minutes_to_come(redis: Redis) -> None:
    late, early = make_replay(date(2005, 3, 1)), make_replay(date(2000, 6, 19))
    now = MONDAY + timedelta(seconds=30)
    since = datetime(1999, 1, 1, tzinfo=UTC)
    assert Histories(late, redis).minutes("AAPL", since, now)
    bars = Histories(early, redis).minutes("AAPL", since, now)
    assert bars[-1].start <= early.market_time(now)
    assert bars[-1].session == date(2000, 6, 19)


def test_replayed_days_are_in_shares_after_the_split(redis: Redis) -> None:
    replay = make_replay(date(2000, 6, 21))
    bars = Histories(replay, redis).daily("AAPL", date(2000, 6, 21), MONDAY)
    assert bars[-1].session == date(2000, 6, 20)
    assert bars[-1].close == pytest.approx(101.25 / 2)
    assert bars[0].session == date(2000, 3, 1)


def test_earnings_are_asked_for_once_also_when_there_are_none(room: Room) -> None:
    room.provider.earnings_of["AAPL"] = date(2026, 4, 30)
    for _ in range(2):
        assert room.histories.earnings("AAPL", MONDAY) == date(2026, 4, 30)
        assert room.histories.earnings("MSFT", MONDAY) is None
    assert room.provider.asked == [("earnings", "AAPL"), ("earnings", "MSFT")]


def test_earnings_that_are_over_are_asked_for_anew(room: Room) -> None:
    room.provider.earnings_of["AAPL"] = TODAY
    room.histories.earnings("AAPL", MONDAY)
    room.provider.earnings_of["AAPL"] = TODAY + timedelta(days=90)
    assert room.histories.earnings("AAPL", MONDAY + timedelta(days=1)) == TODAY
    anew = room.histories.earnings("AAPL", MONDAY + timedelta(days=2))
    assert anew == TODAY + timedelta(days=90)


def test_a_failing_source_of_earnings_is_told_and_not_kept(room: Room, redis: Redis) -> None:
    room.provider.error = SourceUnavailable("time out")
    with pytest.raises(SourceUnavailable):
        room.histories.earnings("AAPL", MONDAY)
    assert not redis.exists("earnings:AAPL")
