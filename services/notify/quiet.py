"""Quiet hours: the part of a person's day in which no delivery may arrive (ALERTS.md rule 14).

They hold deliveries, never checks. Pure; the clock is the person's own.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from services.texts import N_

LONGEST = timedelta(hours=22)
"""Longer ones could leave no time for mail on the day on which an hour is missing."""
TOO_LONG = N_("Quiet hours last 22 hours at most.")
_DAY = timedelta(days=1)
_ANY_DAY = date(2000, 1, 1)
ClockTime: TypeAlias = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Such as 07:30, to the minute."""


class QuietHours(BaseModel):
    """From `start` until `end`, over midnight where `end` is the earlier; equal means none.

    Raises ValueError where they are longer than LONGEST.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: ClockTime
    end: ClockTime

    @model_validator(mode="after")
    def _leaves_time_for_mail(self) -> Self:
        if self.span > LONGEST:
            raise ValueError(TOO_LONG)
        return self

    @property
    def span(self) -> timedelta:
        """How long they last on a day like any other."""
        starts, ends = (
            datetime.combine(_ANY_DAY, time.fromisoformat(text)) for text in (self.start, self.end)
        )
        return (ends - starts) % _DAY


def quiet_until(hours: QuietHours | None, time_zone: str, now: datetime) -> datetime | None:
    """When the quiet hours end in which `now` lies, UTC; None when it is not quiet.

    A time of day that a clock change leaves out counts as the moment of the change, one that
    comes twice as the first of both. Raises ZoneInfoNotFoundError for an unknown IANA zone.
    """
    if hours is None or hours.start == hours.end:
        return None
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    ends = now
    # One may end as the next begins, where a whole day is left out: Samoa, 30 December 2011.
    for days in (-1, 0, 1, 2):
        begin, end = _night(hours, today + timedelta(days=days), zone)
        if begin <= ends < end:
            ends = end
    return None if ends == now else ends.astimezone(UTC)


def _night(hours: QuietHours, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The quiet hours that begin on that day, UTC."""
    last = day + _DAY if hours.end < hours.start else day
    return moment_of(day, hours.start, zone), moment_of(last, hours.end, zone)


def moment_of(day: date, text: ClockTime, zone: ZoneInfo) -> datetime:
    """When a clock of that zone shows that time on that day, UTC; see quiet_until for the days
    on which it does so never or twice."""
    wall = datetime.combine(day, time.fromisoformat(text), zone)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    return _change(wall.replace(fold=1).astimezone(UTC), moment, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between both at which the clock was put forward."""
    offset = after.astimezone(zone).utcoffset()
    seconds = range(int((after - before).total_seconds()))
    return before + timedelta(
        seconds=bisect_left(
            seconds,
            True,
            key=lambda s: (before + timedelta(seconds=s)).astimezone(zone).utcoffset() == offset,
        )
    )
