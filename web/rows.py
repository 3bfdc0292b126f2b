"""The rows of a watchlist: what each shows, and its HTML, kept while that stays the same."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from flask import current_app, url_for
from markupsafe import Markup

from services import texts
from services.alerts import phrases
from services.alerts.conditions import Condition
from services.alerts.facts import Facts, needs
from services.alerts.units import number
from services.market.cache import CachedQuote
from services.market.desk import Absent, Answer
from services.market.models import Quote
from services.market.timetable import Standing
from services.store.alerts import Alert, State
from services.store.watchlists import Entry
from services.texts import gettext as _
from web import hours, sparks, words
from web.context import now, services

KEPT_ROWS = 4_000
LEVELS_SHOWN = 2
NEAR = 0.01
"""An alert is near when its level is this share of the price away."""
WORTH_SAYING = timedelta(minutes=1)
"""How late a quote is before a row says so; a fast replay's are stale after a second."""


@dataclass(frozen=True, slots=True)
class Level:
    """An alert as a row shows it; `away` is its distance as a share, None while unknown."""

    alert_id: str
    state: State
    condition: Condition
    to_go: str
    away: float | None

    @property
    def is_near(self) -> bool:
        return self.state == "armed" and self.away is not None and self.away <= NEAR


@dataclass(frozen=True, slots=True)
class Row:
    """All that a row shows of a symbol; `quote` is None while there is none. `hours` tell until
    when its market is open. Levels are those that are nearest."""

    symbol: str
    note: str
    quote: Quote | None
    stale: bool
    pending: bool
    age: str
    levels: tuple[Level, ...]
    more_levels: int
    closes: tuple[float, ...]
    market: str
    hours: str

    @property
    def place_in_range(self) -> float | None:
        """Where the price stands between the day's low (0) and high (100)."""
        quote = self.quote
        if not quote or not quote.day_low or not quote.day_high or quote.day_high <= quote.day_low:
            return None
        share = (quote.price - quote.day_low) / (quote.day_high - quote.day_low)
        return round(100 * min(1.0, max(0.0, share)), 1)

    @property
    def spark(self) -> sparks.Spark | None:
        quote = self.quote
        return sparks.spark(self.closes, quote.price, quote.previous_close) if quote else None

    @property
    def trend(self) -> str:
        return words.trend(self.quote.change_percent if self.quote else None)

    def told_of(self, drawn: sparks.Spark) -> str:
        """The drawing in words."""
        return _(
            "Last 30 sessions: %(change)s, from %(low)s to %(high)s",
            change=words.percent(drawn.change),
            low=number(drawn.low),
            high=number(drawn.high),
        )

    @property
    def nearest(self) -> float | None:
        """How far the nearest armed alert is, as a share."""
        armed = [one.away for one in self.levels if one.away is not None and one.state == "armed"]
        return min(armed, default=None)


@dataclass(frozen=True, slots=True)
class Board:
    """The rows of a list, and how their markets stand."""

    rows: list[Row]
    places: list[hours.Place]


def board_of(entries: Sequence[Entry], alerts: Sequence[Alert]) -> Board:
    """The rows of a list in its order; all quotes are asked for at once, and so are sparks."""
    answers = services().desk.get([entry.symbol for entry in entries], now())
    cached = [one for one in answers.values() if isinstance(one, CachedQuote)]
    closes = services().sparks.of([one.quote for one in cached], now())
    stands = hours.standings(cached)
    by_symbol = _by_symbol(alerts)
    told = {stand: hours.said(stand) for stand in set(stands.values())}
    rows = [
        _row(
            entry,
            answers[entry.symbol],
            by_symbol.get(entry.symbol, ()),
            closes[entry.symbol].closes if entry.symbol in closes else (),
            stands.get(entry.symbol),
            told,
        )
        for entry in entries
    ]
    return Board(rows, hours.places(cached, stands))


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


def html_of(row: Row) -> Markup:
    """The row of the table in the reader's language. It holds nothing of a session, so that it
    can be kept."""
    return _html_in(row, texts.language())


def symbol_path(symbol: str) -> str:
    """The page of a symbol."""
    if "symbols.show" in current_app.view_functions:
        return url_for("symbols.show", symbol=symbol)
    return url_for("alerts.new", symbol=symbol)


@lru_cache(KEPT_ROWS)
def _html_in(row: Row, _language: str) -> Markup:
    module = current_app.jinja_env.get_template("watchlists/row.html").module
    html = module.row(row, row.spark, symbol_path(row.symbol))  # type: ignore[attr-defined]
    return Markup(html)  # noqa: S704 - an escaped template


def _by_symbol(alerts: Sequence[Alert]) -> Mapping[str, Sequence[Alert]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.state in ("armed", "waiting"):
            found[alert.symbol].append(alert)
    return found


def _row(
    entry: Entry,
    answer: Answer,
    alerts: Sequence[Alert],
    closes: tuple[float, ...],
    stand: Standing | None,
    told: Mapping[Standing, str],
) -> Row:
    cached = answer if isinstance(answer, CachedQuote) else None
    levels = sorted((_level(alert, cached) for alert in alerts), key=_nearest_first)
    return Row(
        symbol=entry.symbol,
        note=entry.note,
        quote=cached.quote if cached else None,
        stale=cached is not None and cached.stale and cached.age >= WORTH_SAYING,
        pending=answer is Absent.PENDING,
        age=words.age(cached.age) if cached else "",
        levels=tuple(levels[:LEVELS_SHOWN]),
        more_levels=len(levels[LEVELS_SHOWN:]),
        closes=closes,
        market=words.market_state(stand.state) if stand else "",
        hours=told[stand] if stand else "",
    )


def _level(alert: Alert, cached: CachedQuote | None) -> Level:
    condition, quote = alert.condition, cached.quote if cached else None
    value = value_at_hand(condition.target.metric, quote) if quote else None
    to_go = "" if value is None else phrases.to_go(condition, value)
    return Level(alert.id, alert.state, condition, to_go, _away(condition, value))


def _away(condition: Condition, value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    level = condition.target.level
    return abs(level - value) / (max(abs(value), abs(level)) or 1.0)


def _nearest_first(level: Level) -> tuple[bool, float]:
    return level.state != "armed", math.inf if level.away is None else level.away
