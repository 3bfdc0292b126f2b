"""From a symbol and a condition to when it would have rung: fetches what the backtest reads."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from services.alerts.backtest import REARM_MARGIN, Rings, backtest
from services.alerts.conditions import Condition
from services.alerts.history import sessions_needed, years_needed
from services.errors import NoQuote
from services.market.absent import Absent
from services.market.desk import WAIT, QuoteDesk
from services.market.histories import MINUTES_REACH, MOST_YEARS, YEARS, Histories
from services.market.models import Bar, Quote
from services.store.alerts import Frequency

DAYS_A_YEAR = 365.25


class Past(Protocol):
    """Bars of a symbol, oldest first, in the shares of its last session: completed days, and
    minutes of up to 7 days. Empty where the source has none. Raises MarketError."""

    def daily(self, quote: Quote, years: int) -> Sequence[Bar]: ...

    def minutes(self, quote: Quote) -> Sequence[Bar]: ...


class DeskPast:
    """What workers fetch for the web. Raises NoQuote where it does not come in time."""

    def __init__(self, desk: QuoteDesk, now: datetime, wait: float = WAIT) -> None:
        self._desk = desk
        self._now = now
        self._wait = wait

    def daily(self, quote: Quote, years: int) -> Sequence[Bar]:
        return _had(quote.symbol, self._desk.daily(quote.symbol, self._now, self._wait, years))

    def minutes(self, quote: Quote) -> Sequence[Bar]:
        return _had(quote.symbol, self._desk.minutes(quote.symbol, self._now, self._wait))


class SourcePast:
    """What a worker, or a command, reads itself."""

    def __init__(self, histories: Histories, now: datetime) -> None:
        self._histories = histories
        self._now = now

    def daily(self, quote: Quote, years: int) -> Sequence[Bar]:
        return self._histories.daily(
            quote.symbol, quote.session, self._now, years, currency=quote.currency
        )

    def minutes(self, quote: Quote) -> Sequence[Bar]:
        return self._histories.minutes(quote.symbol, quote.as_of - MINUTES_REACH, self._now)


def over_years(
    past: Past,
    quote: Quote,
    condition: Condition,
    years: int,
    frequency: Frequency = "every",
    rearm_margin: float = REARM_MARGIN,
) -> Rings:
    """What rang on the completed days of so many years, 1 to 10. Raises what `past` does."""
    metric = condition.target.metric
    warming_up = years_needed(metric) if sessions_needed(metric) else 0
    bars = past.daily(quote, YEARS if years + warming_up <= YEARS else MOST_YEARS)
    return backtest(
        condition,
        bars,
        frequency=frequency,
        since=_years_before(quote.session, years),
        rearm_margin=rearm_margin,
    )


def over_minutes(
    past: Past,
    quote: Quote,
    condition: Condition,
    frequency: Frequency = "every",
    rearm_margin: float = REARM_MARGIN,
) -> Rings:
    """What rang in the minutes of the last 7 days. Raises what `past` does."""
    metric = condition.target.metric
    years = YEARS if years_needed(metric) <= YEARS else MOST_YEARS
    return backtest(
        condition,
        past.minutes(quote),
        frequency=frequency,
        rearm_margin=rearm_margin,
        interval="1m",
        daily=past.daily(quote, years),
    )


def _years_before(session: date, years: int) -> date:
    return session - timedelta(days=round(years * DAYS_A_YEAR))


def _had(symbol: str, answer: Sequence[Bar] | Absent) -> Sequence[Bar]:
    if answer is Absent.PENDING:
        raise NoQuote(symbol, known_missing=False)
    return () if isinstance(answer, Absent) else answer
