"""The rows of a watchlist: what each shows, and its HTML, kept while that stays the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from flask import current_app
from markupsafe import Markup

from services.alerts import phrases
from services.alerts.conditions import Condition
from services.alerts.facts import Facts, needs
from services.market.cache import CachedQuote
from services.market.desk import Absent, Answer
from services.market.models import Quote
from services.store.alerts import Alert, State
from services.store.watchlists import Entry
from web import words
from web.context import now, services

KEPT_ROWS = 4_000
WORTH_SAYING = timedelta(minutes=1)
"""How late a quote is before a row says so; a fast replay's are stale after a second."""


@dataclass(frozen=True, slots=True)
class Level:
    """An alert as a row shows it."""

    alert_id: str
    state: State
    condition: Condition
    to_go: str


@dataclass(frozen=True, slots=True)
class Row:
    """All that a row shows of a symbol; `quote` is None while there is none."""

    symbol: str
    note: str
    quote: Quote | None
    stale: bool
    pending: bool
    age: str
    levels: tuple[Level, ...]

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
    return [_row(entry, answers[entry.symbol], alerts) for entry in entries]


def distance(condition: Condition, answer: Answer | None) -> str:
    """How far the price is from a level, such as `3.2 %`; empty when it is there, or unknown."""
    if not isinstance(answer, CachedQuote):
        return ""
    value = value_at_hand(condition.target.metric, answer.quote)
    return "" if value is None else phrases.to_go(condition, value)


def value_at_hand(metric: str, quote: Quote) -> float | None:
    """A metric now, where the quote alone tells it."""
    if needs(metric) or metric in ("drawdown", "run-up"):
        return None
    return Facts(quote).value(metric)


@lru_cache(KEPT_ROWS)
def html_of(row: Row) -> Markup:
    """The row of the table. It holds nothing of a session, so that it can be kept."""
    module = current_app.jinja_env.get_template("watchlists/row.html").module
    return Markup(module.row(row))  # type: ignore[attr-defined]  # noqa: S704 - an escaped template


def _row(entry: Entry, answer: Answer, alerts: Sequence[Alert]) -> Row:
    cached = answer if isinstance(answer, CachedQuote) else None
    return Row(
        symbol=entry.symbol,
        note=entry.note,
        quote=cached.quote if cached else None,
        stale=cached is not None and cached.stale and cached.age >= WORTH_SAYING,
        pending=answer is Absent.PENDING,
        age=words.age(cached.age) if cached else "",
        levels=_levels(entry.symbol, answer, alerts),
    )


def _levels(symbol: str, answer: Answer, alerts: Sequence[Alert]) -> tuple[Level, ...]:
    mine = [a for a in alerts if a.symbol == symbol and a.state in ("armed", "waiting")]
    mine.sort(key=lambda alert: alert.condition.target.level)
    return tuple(Level(a.id, a.state, a.condition, distance(a.condition, answer)) for a in mine)
