"""When exchanges trade, by `exchange_calendars`. For workers only: it costs the memory of pandas.

An exchange is named as a quote does it (`NasdaqGS`) or by Yahoo's code (`NMS`).
"""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from services.market.exchanges import CALENDARS, EVERY_DAY, EXTENDED

LATE_PRICES = timedelta(minutes=45)
"""After the close: the closing auction, and Yahoo's delay of up to 20 minutes."""
EARLY_PRICES = timedelta(minutes=15)
PRE_MARKET = timedelta(hours=5, minutes=30)
POST_MARKET = timedelta(hours=4)
_FIRST, _LAST = "1999-01-01", "2040-12-31"
_UNIX_EPOCH = date(1970, 1, 1).toordinal()


class Hours:
    """The sessions of all exchanges. Calendars are made when first needed and kept.

    Outside a calendar's years every weekday is a session. Raises nothing.
    """

    def sessions_between(self, exchange: str, first: date, last: date) -> int:
        """Trading days after `first`, up to and including `last`: Friday to Monday is one.

        For exchanges without a known calendar weekdays count, for crypto all days.
        """
        begin, end = first.toordinal(), max(first, last).toordinal()
        if exchange in EVERY_DAY:
            return end - begin
        schedule = _schedule_of(exchange)
        if schedule and schedule.covers(begin, end):
            return schedule.sessions_up_to(end) - schedule.sessions_up_to(begin)
        return _weekdays_up_to(end) - _weekdays_up_to(begin)

    def session_before(self, exchange: str, day: date) -> date:
        """The last trading day before `day`."""
        before = day - timedelta(days=1)
        while not self.sessions_between(exchange, before - timedelta(days=1), before):
            before -= timedelta(days=1)
        return before

    def sessions_within(
        self, calendar: str, begin: datetime, end: datetime
    ) -> list[tuple[int, int]]:
        """Opens and closes, in seconds since 1970, of the sessions that touch the span; of a
        calendar by its name. Empty where it is not known, or not for these years."""
        schedule = _schedule(calendar)
        return schedule.within(begin.timestamp(), end.timestamp()) if schedule else []

    def has_traded_since(
        self, exchange: str, since: datetime, now: datetime, *, extended: bool = False
    ) -> bool:
        """Whether a price may have been made, or come in late, between `since` and `now`.

        Of regular hours, and with `extended` of pre- and post-market ones. True whenever the
        exchange's hours are not known. Lunch breaks count as open.
        """
        schedule = _schedule_of(exchange)
        if schedule is None:
            return True
        outside = extended and CALENDARS[exchange] == EXTENDED
        before = PRE_MARKET if outside else EARLY_PRICES
        after = LATE_PRICES + (POST_MARKET if outside else timedelta(0))
        return schedule.is_open_within((since - after).timestamp(), (now + before).timestamp())


@dataclass(frozen=True, slots=True)
class _Schedule:
    """Sessions as ordinals of their days, their opens and closes in seconds since 1970."""

    sessions: "array[int]"
    opens: "array[int]"
    closes: "array[int]"

    def covers(self, begin: int, end: int) -> bool:
        return self.sessions[0] <= begin and end <= self.sessions[-1]

    def sessions_up_to(self, day: int) -> int:
        return bisect_right(self.sessions, day)

    def within(self, begin: float, end: float) -> list[tuple[int, int]]:
        if begin < self.opens[0] or end > self.closes[-1]:
            return []
        first, beyond = bisect_left(self.closes, begin), bisect_right(self.opens, end)
        return list(zip(self.opens[first:beyond], self.closes[first:beyond], strict=True))

    def is_open_within(self, begin: float, end: float) -> bool:
        if begin < self.opens[0] or max(begin, end) > self.closes[-1]:
            return True
        return self.opens[bisect_left(self.closes, begin)] <= end


def _schedule_of(exchange: str) -> _Schedule | None:
    calendar = CALENDARS.get(exchange)
    return _schedule(calendar) if calendar else None


@cache
def _schedule(name: str) -> _Schedule | None:
    """The calendar's sessions, in some 0.1 s (Korea 1.5 s); pandas is let go afterwards."""
    from exchange_calendars import get_calendar  # only where hours are asked for: it is slow
    from exchange_calendars.errors import CalendarError

    try:
        calendar = get_calendar(name, start=_FIRST, end=_LAST)
    except ValueError:  # its holidays are known for fewer years
        try:
            calendar = get_calendar(name)
        except (ValueError, CalendarError):
            return None
    table = calendar.schedule
    days = table.index.to_numpy().astype("datetime64[D]").astype("int64") + _UNIX_EPOCH
    opens, closes = (
        table[column].to_numpy(dtype="datetime64[ns]").astype("datetime64[s]").astype("int64")
        for column in ("open", "close")
    )
    return _Schedule(array("q", days), array("q", opens), array("q", closes))


def _weekdays_up_to(day: int) -> int:
    """Weekdays from day 1, a Monday, on."""
    weeks, rest = divmod(day, 7)
    return weeks * 5 + min(rest, 5)
