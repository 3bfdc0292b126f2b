"""What is at hand when an alert is set, and what it says of any metric now. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from services.alerts import windows
from services.alerts.history import History, days_to
from services.alerts.intervals import Reading
from services.alerts.paths import Move
from services.market.models import Bar, Quote

Need: TypeAlias = Literal["history", "minutes", "earnings"]
_OF_HISTORY = frozenset({"sma", "ema", "high", "low", "rsi", "cross", "volume"})
_MOVES = frozenset({"move-up", "move-down", "move"})
_TRAILING = frozenset({"drawdown", "run-up"})


def needs(metric: str) -> frozenset[Need]:
    """What must be fetched beside the quote to know the metric now."""
    family, _, window = metric.partition(":")
    if family in _OF_HISTORY:
        return frozenset({"history"})
    if family in _MOVES:
        if window == "1d":
            return frozenset()
        return frozenset({"history" if window.endswith("d") else "minutes"})
    return frozenset({"earnings"}) if family == "earnings" else frozenset()


@dataclass(frozen=True)
class Facts:
    """A quote, and what `needs` asks for: completed daily bars before the quote's session in
    its shares, the minute bars of the window that ends now, the next earnings date."""

    quote: Quote
    history: History | None = None
    minutes: tuple[Bar, ...] = ()
    earnings: date | None = None

    def value(self, metric: str) -> float | None:
        """The metric now, in its unit.

        None where it has none: too little history, no earnings date ahead, a quote without
        a price. A trailing metric starts at 0.
        """
        value = self._value(metric)
        return value if value is not None and math.isfinite(value) else None

    def _value(self, metric: str) -> float | None:
        family, _, window = metric.partition(":")
        if family in _TRAILING:
            return 0.0
        if family in _MOVES:
            return self._move(metric, window)
        if family == "earnings":
            return days_to(self.earnings, self._today()) if self.earnings else None
        return self._gauged(metric)

    def _gauged(self, metric: str) -> float | None:
        history = self.history or History(())
        session = self.quote.session
        if metric.startswith("cross:") and Reading.of(self.quote).session_over:
            fast, slow = map(int, metric.split(":")[1:])
            return history.and_close(self._day()).cross(fast, slow, session)
        gauge = history.gauge(metric, session, self.quote.previous_close)
        reading = self._reading_of(metric)
        return gauge(reading) if gauge and reading is not None else None

    def _reading_of(self, metric: str) -> float | None:
        """The number of the quote that the metric's gauge takes."""
        quote = self.quote
        if metric == "volume":
            return quote.volume
        if metric == "price+extended" and quote.extended_price and quote.extended_at:
            return quote.extended_price if quote.extended_at > quote.as_of else quote.price
        return quote.price

    def _today(self) -> date:
        """The exchange's date when the quote was fetched, be it a trading day or not."""
        return self.quote.fetched_at.astimezone(ZoneInfo(self.quote.timezone)).date()

    def _move(self, metric: str, window: str) -> float | None:
        path = self._days() if window.endswith("d") else self._minutes()
        now = Move.point(self.quote.as_of, self.quote.session, self.quote.price)
        points = windows.moves([*path, now], metric, now.at) if windows.is_sound(now) else []
        return points[-1].high if points else None

    def _minutes(self) -> Sequence[Move]:
        return [Move.of_bar(bar) for bar in self.minutes if bar.start <= self.quote.as_of]

    def _days(self) -> Sequence[Move]:
        """All sessions as one move each: the last price is held against their extremes."""
        past = self.history.before(self.quote.session) if self.history else ()
        return [Move.of_bar(bar) for bar in (*past, self._day())]

    def _day(self) -> Bar:
        """The quote's session up to now; its open is not known, and not asked for."""
        reading = Reading.of(self.quote)
        return Bar(
            start=reading.as_of,
            session=reading.session,
            open=reading.price,
            high=reading.day_high,
            low=reading.day_low,
            close=reading.price,
            volume=reading.volume or 0,
        )
