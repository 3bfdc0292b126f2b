"""Quiet hours on every kind of day, in zones whose clocks change in different ways."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notify.quiet import LONGEST, QuietHours, quiet_until

ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
NIGHT = QuietHours(start="22:00", end="07:00")
TIMES = st.times().map(lambda moment: moment.strftime("%H:%M"))


def at(text: str, zone: str, fold: int = 0) -> datetime:
    """The moment, UTC, at which the clocks of a zone show `text`."""
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return wall.astimezone(UTC)


def until(start: str, end: str, now: str, zone: str, fold: int = 0) -> str | None:
    """When it ends, as the clocks of the zone show it."""
    found = quiet_until(QuietHours(start=start, end=end), zone, at(now, zone, fold))
    return found.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M %z") if found else None


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-06-01 21:59", None),
        ("2026-06-01 22:00", "2026-06-02 07:00"),
        ("2026-06-01 23:59:59", "2026-06-02 07:00"),
        ("2026-06-02 00:00", "2026-06-02 07:00"),
        ("2026-06-02 06:59:59", "2026-06-02 07:00"),
        ("2026-06-02 07:00", None),
        ("2026-06-02 12:00", None),
    ],
)
def test_a_night_begins_before_midnight_and_ends_after_it(
    zone: str, now: str, ends: str | None
) -> None:
    assert quiet_until(NIGHT, zone, at(now, zone)) == (at(ends, zone) if ends else None)


def test_hours_of_one_day_end_on_it() -> None:
    assert until("12:00", "13:30", "2026-06-01 12:30", "Asia/Kolkata") == "06-01 13:30 +0530"
    assert until("12:00", "13:30", "2026-06-01 11:59", "Asia/Kolkata") is None


def test_equal_times_and_none_are_never_quiet() -> None:
    now = at("2026-06-01 07:00", "UTC")
    assert quiet_until(QuietHours(start="07:00", end="07:00"), "UTC", now) is None
    assert quiet_until(None, "UTC", now) is None


def test_the_end_is_in_utc() -> None:
    ends = quiet_until(NIGHT, "America/New_York", at("2026-06-01 23:00", "America/New_York"))
    assert ends == datetime(2026, 6, 2, 11, tzinfo=UTC)
    assert ends.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "night", "ends"),
    [
        ("America/New_York", "2026-03-07 23:00", "03-08 07:00 -0400"),
        ("America/New_York", "2026-10-31 23:00", "11-01 07:00 -0500"),
        ("Europe/Berlin", "2026-03-28 23:00", "03-29 07:00 +0200"),
        ("Europe/Berlin", "2026-10-24 23:00", "10-25 07:00 +0100"),
        ("Australia/Lord_Howe", "2026-10-03 23:00", "10-04 07:00 +1100"),
        ("Australia/Lord_Howe", "2026-04-04 23:00", "04-05 07:00 +1030"),
    ],
)
def test_a_night_in_which_the_clock_changes_ends_by_the_new_clock(
    zone: str, night: str, ends: str
) -> None:
    assert until("22:00", "07:00", night, zone) == ends


@pytest.mark.parametrize(
    ("zone", "now", "missing", "change"),
    [
        ("America/New_York", "2026-03-08 01:59", "02:30", "03-08 03:00 -0400"),
        ("Europe/Berlin", "2026-03-29 01:59", "02:30", "03-29 03:00 +0200"),
        ("Australia/Lord_Howe", "2026-10-04 01:59", "02:15", "10-04 02:30 +1100"),
    ],
)
def test_an_end_in_the_missing_hour_is_the_moment_of_the_change(
    zone: str, now: str, missing: str, change: str
) -> None:
    assert until("22:00", missing, now, zone) == change


def test_a_start_in_the_missing_hour_is_the_moment_of_the_change() -> None:
    zone = "America/New_York"
    assert until("02:30", "06:00", "2026-03-08 01:59", zone) is None
    assert until("02:30", "06:00", "2026-03-08 03:00", zone) == "03-08 06:00 -0400"


def test_hours_that_are_missing_wholly_hold_nothing() -> None:
    assert until("02:10", "02:50", "2026-03-08 01:59", "America/New_York") is None
    assert until("02:10", "02:50", "2026-03-08 03:00", "America/New_York") is None


def test_an_end_that_comes_twice_is_the_first_of_both() -> None:
    zone = "America/New_York"
    assert until("22:00", "01:30", "2026-11-01 01:29", zone) == "11-01 01:30 -0400"
    assert until("22:00", "01:30", "2026-11-01 01:15", zone, fold=1) is None


def test_a_start_that_comes_twice_is_the_first_of_both() -> None:
    zone = "Europe/Berlin"
    assert until("02:30", "06:00", "2026-10-25 02:29", zone) is None
    assert until("02:30", "06:00", "2026-10-25 02:45", zone) == "10-25 06:00 +0100"
    assert until("02:30", "06:00", "2026-10-25 02:15", zone, fold=1) == "10-25 06:00 +0100"


def test_nights_around_a_day_that_never_was_are_one() -> None:
    """Samoa went from 29 to 31 December 2011 at midnight."""
    zone = "Pacific/Apia"
    assert until("22:00", "07:00", "2011-12-29 23:00", zone) == "12-31 07:00 +1400"


@pytest.mark.parametrize("text", ["7:00", "24:00", "07:60", "07:00:00", "", "07:00\n", "٠٧:٠٠"])
def test_a_time_of_day_is_two_digits_and_two(text: str) -> None:
    with pytest.raises(ValidationError):
        QuietHours(start=text, end="08:00")


def test_two_hours_stay_for_mail() -> None:
    assert QuietHours(start="08:00", end="06:00").span == LONGEST
    with pytest.raises(ValidationError, match="22 hours at most"):
        QuietHours(start="08:00", end="06:01")


@given(
    start=TIMES,
    end=TIMES,
    zone=st.sampled_from(ZONES),
    now=st.integers(1_100_000_000, 2_100_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
)
def test_quiet_hours_end_within_a_day_and_then_it_is_not_quiet(
    start: str, end: str, zone: str, now: datetime
) -> None:
    try:
        hours = QuietHours(start=start, end=end)
    except ValidationError:
        assume(False)
    ends = quiet_until(hours, zone, now)
    if ends is not None:
        assert now < ends <= now + timedelta(hours=25)
        assert quiet_until(hours, zone, ends) is None


@given(
    start=TIMES,
    end=TIMES,
    day=st.sampled_from(
        [
            ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
            ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
            ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
            ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
            ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
            ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
            ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ]
    ),
    minutes=st.integers(-1500, 1500),
)
def test_so_they_do_around_every_change_of_the_clock(
    start: str, end: str, day: tuple[str, datetime], minutes: int
) -> None:
    zone, change = day
    now = change + timedelta(minutes=minutes)
    try:
        hours = QuietHours(start=start, end=end)
    except ValidationError:
        assume(False)
    ends = quiet_until(hours, zone, now)
    if ends is not None:
        assert now < ends <= now + timedelta(hours=25)
        assert quiet_until(hours, zone, ends) is None
