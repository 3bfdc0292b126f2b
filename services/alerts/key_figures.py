"""What a symbol's page says of it beside its price, from the bars at hand. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.alerts.facts import Facts
from services.alerts.history import VOLUME_SESSIONS, History
from services.alerts.indicators import per_cent, positive, sma
from services.market.models import Bar, Quote

RSI_DAYS = 14
FAST, SLOW = 50, 200
_YEAR = timedelta(weeks=52)


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Prices are in the quote's currency, in shares of its session; None where there is too
    little history, or none at all.

    `high` and `low` are of the past 52 weeks, the running session included, of as much of them
    as is known: `whole_year` tells whether that is all. `from_high` is in per cent, 0 or less.
    The averages are of the closes before the session, `volume` of the sessions before it.
    """

    open: float | None = None
    high: float | None = None
    low: float | None = None
    whole_year: bool = False
    from_high: float | None = None
    average_volume: float | None = None
    fast: float | None = None
    slow: float | None = None
    rsi: float | None = None


def key_figures(
    quote: Quote, daily: Sequence[Bar] | None, minutes: Sequence[Bar] | None
) -> KeyFigures:
    """The figures of a quote; `daily` are the completed bars before its session, `minutes` those
    of the last days, each None where they are not known yet."""
    opened = _open(quote, minutes or ())
    if daily is None:
        return KeyFigures(open=opened)
    history = History(tuple(daily))
    past = history.before(quote.session)
    year = [bar for bar in past if bar.session > quote.session - _YEAR]
    high, low = _extremes(quote, year)
    closes = [bar.close for bar in past]
    return KeyFigures(
        open=opened,
        high=high,
        low=low,
        whole_year=bool(past) and past[0].session <= quote.session - _YEAR,
        from_high=_from_high(quote.price, high),
        average_volume=_average_volume(past),
        fast=sma(closes, FAST),
        slow=sma(closes, SLOW),
        rsi=Facts(quote, history).value(f"rsi:{RSI_DAYS}"),
    )


def _open(quote: Quote, minutes: Sequence[Bar]) -> float | None:
    return next((bar.open for bar in minutes if bar.session == quote.session), None)


def _extremes(quote: Quote, year: Sequence[Bar]) -> tuple[float | None, float | None]:
    if not year:
        return None, None
    today = [price for price in (quote.price, quote.day_high, quote.day_low) if price is not None]
    high = max([*(bar.high for bar in year), *today])
    low = min([*(bar.low for bar in year), *today])
    return high, low


def _from_high(price: float, high: float | None) -> float | None:
    if high is None or not positive(price, high):
        return None
    return min(0.0, per_cent(price - high, high))


def _average_volume(past: Sequence[Bar]) -> float | None:
    mean = sma([bar.volume for bar in past], VOLUME_SESSIONS)
    return mean if mean is not None and 0 < mean < math.inf else None
