"""The market as pages show it: its state, and the rows of a watchlist."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import g

from services.market.cache import CachedQuote, MarketStatus
from services.market.desk import Absent, Answer
from services.market.models import Quote
from services.store.alerts import Alert
from services.store.watchlists import Entry
from web import words
from web.context import now, services

REFRESH_SECONDS, REPLAY_REFRESH_SECONDS = 30, 5
NEW_YORK = "America/New_York"


@dataclass(frozen=True, slots=True)
class Market:
    """What the banner on every page says."""

    status: MarketStatus

    @property
    def replayed_day(self) -> str | None:
        """The day whose prices are shown, in a replay."""
        if self.status.source != "replay" or self.status.market_time is None:
            return None
        return words.day(self.status.market_time, NEW_YORK)

    @property
    def replayed(self) -> bool:
        return self.status.source == "replay"

    @property
    def refresh_seconds(self) -> int:
        return REPLAY_REFRESH_SECONDS if self.replayed else REFRESH_SECONDS


def market() -> Market:
    """The market's state, read once per request."""
    if "market" not in g:
        g.market = Market(services().desk.status())
    found: Market = g.market
    return found


@dataclass(frozen=True, slots=True)
class Level:
    """An alert as a row shows it."""

    alert: Alert
    to_go: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A symbol of a watchlist with what is known of it."""

    entry: Entry
    answer: Answer
    levels: tuple[Level, ...] = ()

    @property
    def symbol(self) -> str:
        return self.entry.symbol

    @property
    def cached(self) -> CachedQuote | None:
        return self.answer if isinstance(self.answer, CachedQuote) else None

    @property
    def quote(self) -> Quote | None:
        return self.cached.quote if self.cached else None

    @property
    def pending(self) -> bool:
        return self.answer is Absent.PENDING

    @property
    def age(self) -> timedelta:
        return self.cached.age if self.cached else timedelta(0)

    @property
    def place_in_range(self) -> float | None:
        """Where the price stands between the day's low (0) and high (100)."""
        quote = self.quote
        if not quote or not quote.day_low or not quote.day_high or quote.day_high <= quote.day_low:
            return None
        share = (quote.price - quote.day_low) / (quote.day_high - quote.day_low)
        return round(100 * min(1.0, max(0.0, share)), 1)


def rows_of(entries: Sequence[Entry], alerts: Sequence[Alert]) -> list[Row]:
    """The rows of a list, with all quotes asked for at once."""
    answers = services().desk.get([entry.symbol for entry in entries], now())
    return [
        Row(e, answers[e.symbol], _levels(e.symbol, answers[e.symbol], alerts)) for e in entries
    ]


def _levels(symbol: str, answer: Answer, alerts: Sequence[Alert]) -> tuple[Level, ...]:
    mine = [a for a in alerts if a.symbol == symbol and a.state in ("armed", "waiting")]
    mine.sort(key=lambda alert: alert.condition.level)
    return tuple(Level(alert, distance(alert, answer)) for alert in mine)


def distance(alert: Alert, answer: Answer | None) -> float | None:
    """How far the price is from an alert's level, in per cent of the price."""
    if not isinstance(answer, CachedQuote):
        return None
    return words.to_go(alert.condition, answer.quote.price)
