"""From what a person typed to the facts on which an alert is armed."""

from datetime import date, datetime
from typing import TypeVar

from services.alerts.conditions import Condition
from services.alerts.facts import Facts, needs
from services.alerts.history import History, years_needed
from services.errors import NoQuote
from services.market.absent import Absent
from services.market.desk import WAIT, QuoteDesk
from services.market.lookup import Lookup
from services.market.models import Bar

T = TypeVar("T")
YEARS = 4
"""Of daily bars, unless a span needs more; as many as pages and checks keep."""


class Finder:
    def __init__(self, lookup: Lookup, desk: QuoteDesk) -> None:
        self._lookup = lookup
        self._desk = desk

    def to_arm(self, text: str, condition: Condition, now: datetime) -> Facts:
        """A quote read just now of the symbol that `text` spells, and what else tells whether
        `condition` is true already.

        Raises InvalidInput, UnknownSymbol, or NoQuote where something cannot be had in time. A
        source that has no bars or no earnings date of the symbol is no reason to refuse: the
        metric then has no value yet.
        """
        quote = self._lookup.find_to_arm(text, now)
        symbol, wanted = quote.symbol, needs(condition.target.metric)
        bars: tuple[Bar, ...] | None = None
        minutes: tuple[Bar, ...] | None = None
        earnings: date | None = None
        if "history" in wanted:
            years = max(YEARS, years_needed(condition.target.metric))
            bars = _had(symbol, self._desk.daily(symbol, now, WAIT, years))
        if "minutes" in wanted:
            minutes = _had(symbol, self._desk.minutes(symbol, now, WAIT))
        if "earnings" in wanted:
            earnings = _had(symbol, self._desk.earnings(symbol, now, WAIT))
        return Facts(quote, History(bars) if bars else None, minutes or (), earnings)


def _had(symbol: str, answer: T | Absent) -> T | None:
    """The answer, None if the source has none. Raises NoQuote if none came in time."""
    if answer is Absent.PENDING:
        raise NoQuote(symbol, known_missing=False)
    return None if isinstance(answer, Absent) else answer
