"""When an alert ends, as people say it. Pure; days and times are those of the person's zone."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""The last instant that has a local time in every zone, with a day to spare."""

_DAY = timedelta(days=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def end_of(day: date) -> datetime:
    """The midnight that ends `day`. Raises OverflowError on the last day of the calendar."""
    return datetime.combine(day, time.min) + _DAY


def next_weekday(name: str, today: date) -> date:
    """The first such day after today."""
    wanted = _WEEKDAYS.index(name[:3].lower())
    return today + _DAY * ((wanted - today.weekday() - 1) % 7 + 1)


def month_number(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def to_utc(local: datetime, time_zone: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def written(ends: datetime, time_zone: str) -> str:
    """`ends` for a sentence: `2027-01-01`, that day included, or `2027-01-01 15:00`."""
    local = min(ends, LATEST).astimezone(ZoneInfo(time_zone))
    last_day = (local - timedelta(microseconds=1)).date()
    if to_utc(end_of(last_day), time_zone) == ends:
        return last_day.isoformat()
    return f"{local:%Y-%m-%d %H:%M}"
