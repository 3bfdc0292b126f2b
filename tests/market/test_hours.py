"""When exchanges trade: holidays, half days, and the time after the close."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.market.exchanges import CALENDARS
from services.market.hours import Hours

HOURS = Hours()
UNKNOWN = "Exchange of Atlantis"


def utc(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def sessions(exchange: str, first: tuple[int, int], last: tuple[int, int]) -> int:
    return HOURS.sessions_between(exchange, date(2026, *first), date(2026, *last))


@pytest.mark.parametrize("exchange", ["NMS", "NasdaqGS", "NYSE", "NASDAQ", "OTC Markets OTCPK"])
def test_thanksgiving_and_christmas_are_no_sessions_in_america(exchange: str) -> None:
    assert sessions(exchange, (11, 25), (11, 26)) == 0
    assert sessions(exchange, (11, 25), (11, 27)) == 1
    assert sessions(exchange, (12, 24), (12, 25)) == 0
    assert sessions(exchange, (12, 24), (12, 28)) == 1


def test_londons_substitute_for_boxing_day_is_no_session() -> None:
    assert sessions("LSE", (12, 24), (12, 28)) == 0
    assert sessions("LSE", (12, 24), (12, 29)) == 1


def test_from_friday_to_monday_is_one_session_and_from_a_day_to_itself_none() -> None:
    assert sessions("NMS", (11, 20), (11, 23)) == 1
    assert sessions("NMS", (11, 20), (11, 20)) == 0
    assert sessions("NMS", (11, 23), (11, 20)) == 0


def test_crypto_has_a_session_every_day_and_the_unknown_every_weekday() -> None:
    assert sessions("CCC", (12, 24), (12, 31)) == 7
    assert sessions(UNKNOWN, (12, 24), (12, 31)) == 5
    assert sessions("", (12, 25), (12, 26)) == 0


@pytest.mark.parametrize("year", [1, 1950, 2300])
def test_outside_a_calendars_years_weekdays_count(year: int) -> None:
    first = date(year, 12, 20)
    assert HOURS.sessions_between("NMS", first, first + timedelta(days=7)) == 5
    assert HOURS.has_traded_since("NMS", utc(12, 25, year=year), utc(12, 25, 1, year=year))


def test_the_session_before_skips_weekends_and_holidays() -> None:
    assert HOURS.session_before("LSE", date(2026, 12, 29)) == date(2026, 12, 24)
    assert HOURS.session_before("NMS", date(2026, 11, 27)) == date(2026, 11, 25)
    assert HOURS.session_before("CCC", date(2026, 12, 26)) == date(2026, 12, 25)
    assert HOURS.session_before(UNKNOWN, date(2026, 12, 28)) == date(2026, 12, 25)


def test_an_exchange_that_was_closed_the_whole_time_has_not_traded() -> None:
    assert not HOURS.has_traded_since("NYQ", utc(11, 21, 0), utc(11, 22, 23))
    assert not HOURS.has_traded_since("NYQ", utc(11, 26, 0), utc(11, 27, 14, 10))
    assert not HOURS.has_traded_since("LSE", utc(12, 24, 14), utc(12, 29, 7, 40))
    assert not HOURS.has_traded_since("JPX", utc(11, 20, 8), utc(11, 20, 23))


def test_an_exchange_that_was_open_for_a_moment_has_traded() -> None:
    assert HOURS.has_traded_since("NYQ", utc(11, 20, 20, 59), utc(11, 22))
    assert HOURS.has_traded_since("NYQ", utc(11, 21), utc(11, 23, 14, 31))
    assert HOURS.has_traded_since("NYQ", utc(11, 20, 17), utc(11, 20, 17, 5))
    assert HOURS.has_traded_since("LSE", utc(12, 1), utc(12, 31))


@pytest.mark.parametrize(
    ("closes", "exchange"), [(utc(11, 25, 21), "NMS"), (utc(11, 27, 18), "NMS"),
                             (utc(12, 24, 12, 30), "LSE"), (utc(11, 25, 16, 30), "LSE")]
)  # fmt: skip
def test_the_last_price_may_come_45_minutes_after_the_close(
    closes: datetime, exchange: str
) -> None:
    late, later = closes + timedelta(minutes=44), closes + timedelta(minutes=46)
    assert HOURS.has_traded_since(exchange, late, late + timedelta(minutes=5))
    assert not HOURS.has_traded_since(exchange, later, later + timedelta(minutes=5))


def test_extended_hours_count_where_they_are_wanted() -> None:
    for since in (utc(11, 25, 9, 31), utc(11, 25, 23, 30)):
        until = since + timedelta(minutes=5)
        assert not HOURS.has_traded_since("NMS", since, until)
        assert HOURS.has_traded_since("NMS", since, until, extended=True)
    night = utc(11, 26, 4)
    assert not HOURS.has_traded_since("NMS", night, night + timedelta(hours=1), extended=True)
    evening = utc(11, 25, 20)
    assert not HOURS.has_traded_since("LSE", evening, evening, extended=True)


@pytest.mark.parametrize("exchange", ["CCC", "CCY", "CMX", "COMEX", UNKNOWN, "", "Nasdaq funds"])
def test_what_has_no_known_hours_may_always_have_traded(exchange: str) -> None:
    sunday = utc(12, 27, 3)
    assert HOURS.has_traded_since(exchange, sunday, sunday + timedelta(minutes=5))


def test_daylight_saving_moves_the_open_in_utc() -> None:
    winter, summer = utc(1, 6, 13, 20), utc(7, 7, 13, 20)
    minute = timedelta(minutes=1)
    assert not HOURS.has_traded_since("NMS", winter - 9 * minute, winter)
    assert HOURS.has_traded_since("NMS", summer - 9 * minute, summer)


def test_a_clock_that_went_back_is_no_fault() -> None:
    assert HOURS.has_traded_since("NMS", utc(1, 1, year=2300), utc(11, 20))
    assert not HOURS.has_traded_since("NMS", utc(11, 22, 12), utc(11, 22, 11))


@pytest.mark.slow
def test_every_calendar_can_be_made() -> None:
    for exchange in {calendar: name for name, calendar in CALENDARS.items()}.values():
        assert sessions(exchange, (3, 1), (3, 31)) in range(15, 24), exchange
        assert not HOURS.has_traded_since(exchange, utc(3, 7, 22), utc(3, 8, 4)), exchange
