"""From the calendars into Redis: what workers do when pages want an exchange's hours."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from redis import Redis

from services.market.hours import Hours
from services.market.timetable import AHEAD, Timetable, keep_timetable

_BACK = timedelta(days=5)
_SPAN = AHEAD + timedelta(days=30)


def hours_into_cache(redis: Redis, calendars: Iterable[str], moment: datetime) -> None:
    """Keep the sessions around `moment` (the market's time, UTC) of calendars, by their names in
    services/market/exchanges.py. Raises only what the Redis client raises."""
    begin, end = moment - _BACK, moment + _SPAN
    for calendar in calendars:
        sessions = Hours().sessions_within(calendar, begin, end)
        table = Timetable(
            begin=int(begin.timestamp()),
            end=int(end.timestamp()),
            opens=tuple(opens for opens, _ in sessions),
            closes=tuple(closes for _, closes in sessions),
        )
        keep_timetable(redis, calendar, table)
