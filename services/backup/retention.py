"""Which backups are kept: by days, weeks and months, and always the newest that is proved. Pure."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime

DAILY, WEEKLY, MONTHLY = 7, 4, 12


def kept(moments: Collection[datetime], newest_verified: datetime | None = None) -> set[datetime]:
    """Of backups made at these moments, those to keep.

    The newest of each of the last 7 days, 4 weeks (ISO) and 12 months, all UTC, in which there is
    one; the newest of all; and the newest that was verified.
    """
    latest = sorted(moments, reverse=True)
    rules = ((_day, DAILY), (_week, WEEKLY), (_month, MONTHLY))
    found = {one for period, most in rules for one in _newest(latest, period, most)}
    return found | {one for one in latest if one == newest_verified}


def _newest(
    latest: Collection[datetime], period: Callable[[datetime], object], most: int
) -> list[datetime]:
    first: dict[object, datetime] = {}
    for moment in latest:
        first.setdefault(period(moment.astimezone(UTC)), moment)
    return list(first.values())[:most]


def _day(moment: datetime) -> object:
    return moment.date()


def _week(moment: datetime) -> object:
    return moment.isocalendar()[:2]


def _month(moment: datetime) -> object:
    return (moment.year, moment.month)
