"""The bars of a chart as pages and programs get them: what is at hand, or what a worker fetches."""

from services.market.absent import Absent
from services.market.models import Bar, Quote
from services.market.ranges import SPANS, Course, RangeName, of_days, of_minutes, running_day
from web.context import now, services


def course_of(quote: Quote, name: RangeName, wait: float) -> Course | Absent:
    """The bars of a range; PENDING where no worker gave them within `wait` seconds."""
    span = SPANS[name]
    if span.of_minutes:
        minutes = services().desk.minutes(quote.symbol, now(), wait)
        return minutes if isinstance(minutes, Absent) else of_minutes(span, minutes)
    daily = services().desk.daily(quote.symbol, now(), wait, span.years)
    if isinstance(daily, Absent):
        return daily
    return of_days(span, daily, running_day(quote, minutes_at_hand(quote.symbol) or ()))


def minutes_at_hand(symbol: str) -> tuple[Bar, ...] | None:
    """The minutes of the last days, or None while a worker fetches them."""
    found = services().desk.minutes(symbol, now(), 0)
    return None if isinstance(found, Absent) else found


def days_at_hand(symbol: str) -> tuple[Bar, ...] | None:
    """The completed days, or None while a worker fetches them."""
    found = services().desk.daily(symbol, now(), 0)
    return None if isinstance(found, Absent) else found
