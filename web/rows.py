"""The rows of a watchlist: what each shows, and its HTML, kept while that stays the same."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
from services.market.models import MarketState, Quote
from services.store.alerts import Alert, State
from services.store.watchlists import Entry
from services.texts import gettext as _
from web import hours, sparks, words
from web.context import now, services
from web.market import market_is

KEPT_ROWS = 2_000
KEPT_FLOCKS = 200
LEVELS_SHOWN = 2
_A_MINUTE = timedelta(minutes=1)
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


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """All that a row shows of a symbol; `quote` is None while there is none. `hours` tell until
    when its market is open. Levels are those that are nearest. Rows that are the same are one
    object, as long as they are kept."""

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
    answers, status = services().desk.look([entry.symbol for entry in entries], now())
    market_is(status)
    cached = [one for one in answers.values() if isinstance(one, CachedQuote)]
    closes = services().sparks.of([one.quote for one in cached], now())
    stands = hours.standings(cached)
    by_symbol = _by_symbol(tuple(alerts))
    told = {stand: hours.said(stand) for stand in set(stands.values())}
    language, ages = texts.language(), _Ages()
    rows = []
    for entry in entries:
        symbol = entry.symbol
        stand, spark = stands.get(symbol), closes.get(symbol)
        rows.append(
            _row(
                symbol,
                entry.note,
                *_seen(answers[symbol], ages),
                by_symbol.get(symbol, ()),
                spark.closes if spark else (),
                stand.state if stand else None,
                told[stand] if stand else "",
                language,
            )
        )
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


def html_of(rows: Iterable[Row]) -> Markup:
    """The rows of the table in the reader's language. They hold nothing of a session, so that
    they can be kept."""
    language = texts.language()
    html = "\n".join(_html_in(row, language) for row in rows)
    return Markup(html)  # noqa: S704 - escaped templates


def symbol_path(symbol: str) -> str:
    """The page of a symbol."""
    if "symbols.show" in current_app.view_functions:
        return url_for("symbols.show", symbol=symbol)
    return url_for("alerts.new", symbol=symbol)


@lru_cache(KEPT_ROWS)
def _html_in(row: Row, _language: str) -> str:
    module = current_app.jinja_env.get_template("watchlists/row.html").module
    return str(module.row(row, row.spark, symbol_path(row.symbol)))  # type: ignore[attr-defined]


@lru_cache(KEPT_FLOCKS)
def _by_symbol(alerts: tuple[Alert, ...]) -> Mapping[str, tuple[Alert, ...]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.state in ("armed", "waiting"):
            found[alert.symbol].append(alert)
    return {symbol: tuple(some) for symbol, some in found.items()}


class _Ages(dict[int, str]):
    """By whole minutes, ages in words: the quotes of a list have few different ones."""

    def __missing__(self, minutes: int) -> str:
        return self.setdefault(minutes, words.age(timedelta(minutes=minutes)))


def _seen(answer: Answer, ages: _Ages) -> tuple[Quote | None, bool, bool, str]:
    """The quote, whether it is late, whether it is still to come, and its age in words."""
    if isinstance(answer, Absent):
        return None, False, answer is Absent.PENDING, ""
    late = answer.stale and answer.age >= WORTH_SAYING
    return answer.quote, late, False, ages[answer.age // _A_MINUTE]


@lru_cache(KEPT_ROWS)
def _row(
    symbol: str,
    note: str,
    quote: Quote | None,
    stale: bool,
    pending: bool,
    age: str,
    alerts: tuple[Alert, ...],
    closes: tuple[float, ...],
    market: MarketState | None,
    said: str,
    _language: str,
) -> Row:
    levels = sorted((_level(alert, quote) for alert in alerts), key=_nearest_first)
    return Row(
        symbol=symbol,
        note=note,
        quote=quote,
        stale=stale,
        pending=pending,
        age=age,
        levels=tuple(levels[:LEVELS_SHOWN]),
        more_levels=len(levels[LEVELS_SHOWN:]),
        closes=closes,
        market=words.market_state(market) if market else "",
        hours=said,
    )


def _level(alert: Alert, quote: Quote | None) -> Level:
    condition = alert.condition
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
