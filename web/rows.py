"""The rows of a watchlist: what each shows, and its HTML, kept while that stays the same."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from flask import current_app, url_for

from services import texts
from services.alerts import phrases
from services.alerts.conditions import Condition
from services.alerts.facts import Facts, needs
from services.alerts.units import number
from services.market.cache import CachedQuote
from services.market.desk import Absent, Answer
from services.market.models import Quote
from services.market.sparks import Spark
from services.store.alerts import Alert, State
from services.store.watchlists import Entry
from services.texts import gettext as _
from web import hours, sparks, words
from web.context import now, services
from web.market import market_is

KEPT_ROWS = 2_000
LEVELS_SHOWN = 2
ROWS_HERE = b"<!--rows-->"
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


@dataclass(frozen=True, eq=False)
class Row:
    """All that a row shows of a symbol; `quote` is None while there is none. `hours` tell until
    when its market is open. Rows that are made of the same are one object, as long as they are
    kept."""

    symbol: str
    note: str
    quote: Quote | None
    stale: bool
    pending: bool
    age: str
    alerts: tuple[Alert, ...]
    closes: tuple[float, ...]
    market: str
    hours: str

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """Those that are nearest."""
        levels = sorted((_level(one, self.quote) for one in self.alerts), key=_nearest_first)
        return tuple(levels[:LEVELS_SHOWN])

    @property
    def more_levels(self) -> int:
        return max(0, len(self.alerts) - LEVELS_SHOWN)

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

    @cached_property
    def html(self) -> bytes:
        """It holds nothing of a session, so that it can be kept."""
        module = current_app.jinja_env.get_template("watchlists/row.html").module
        row = module.row(self, self.spark, symbol_path(self.symbol))  # type: ignore[attr-defined]
        return str(row).encode()


@dataclass(frozen=True, slots=True)
class Board:
    """The rows of a list, and how their markets stand."""

    rows: list[Row]
    places: list[hours.Place]


def board_of(entries: Sequence[Entry], alerts: Sequence[Alert]) -> Board:
    """The rows of a list in its order; all quotes are asked for at once, and so are sparks."""
    symbols = [entry.symbol for entry in entries]
    answers, status = services().desk.look(symbols, now())
    market_is(status)
    cached = [one for one in answers.values() if isinstance(one, CachedQuote)]
    closes = services().sparks.of([one.quote for one in cached], now())
    stands = hours.stands(cached)
    by_symbol = _by_symbol(alerts)
    language, ages = texts.language(), _Ages()
    rows = [
        _row(
            symbol,
            entry,
            answers[symbol],
            ages,
            by_symbol.get(symbol, ()),
            closes.get(symbol),
            stands.get(symbol),
            language,
        )
        for symbol, entry in zip(symbols, entries, strict=True)
    ]
    return Board(rows, hours.places(stands.values()))


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


def with_rows(page: str, rows: Iterable[Row]) -> bytes:
    """A page with the rows of its table where it says ROWS_HERE, which no escaped text can.

    Bytes are put together at once; as text, a hundred kilobytes would be widened, copied and
    encoded for each page.
    """
    return page.encode().replace(ROWS_HERE, b"\n".join([row.html for row in rows]), 1)


def symbol_path(symbol: str) -> str:
    """The page of a symbol."""
    if "symbols.show" in current_app.view_functions:
        return url_for("symbols.show", symbol=symbol)
    return url_for("alerts.new", symbol=symbol)


def _by_symbol(alerts: Iterable[Alert]) -> Mapping[str, list[Alert]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.state in ("armed", "waiting"):
            found[alert.symbol].append(alert)
    return found


class _Ages(dict[int, str]):
    """By whole minutes, ages in words: the quotes of a list have few different ones."""

    def __missing__(self, minutes: int) -> str:
        return self.setdefault(minutes, words.age(timedelta(minutes=minutes)))


_rows: dict[tuple[Hashable, ...], Row] = {}


def _row(
    symbol: str,
    entry: Entry,
    answer: Answer,
    ages: _Ages,
    alerts: Sequence[Alert],
    spark: Spark | None,
    stand: hours.Stand | None,
    language: str,
) -> Row:
    """The row that is kept of the same objects, which it keeps alive, or a new one."""
    quote, late, pending, age = None, False, False, ""
    if isinstance(answer, CachedQuote):
        quote, stale, length = answer
        late = stale and length >= WORTH_SAYING
        age = ages[length.days * 1440 + length.seconds // 60]
    else:
        pending = answer is Absent.PENDING
    closes = spark.closes if spark else ()
    state, said = (stand.standing.state, stand.said) if stand else (None, "")
    alike = (symbol, entry.note, late, pending, age, state, said, language)
    key = (*alike, id(quote), id(closes), *map(id, alerts))
    row = _rows.get(key)
    if row is None:
        if len(_rows) >= KEPT_ROWS:
            _rows.clear()
        row = _rows[key] = Row(
            symbol=symbol,
            note=entry.note,
            quote=quote,
            stale=late,
            pending=pending,
            age=age,
            alerts=tuple(alerts),
            closes=closes,
            market=words.market_state(state) if state else "",
            hours=said,
        )
    return row


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
