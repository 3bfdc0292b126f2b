"""What is shown of an alert before it is set: where its symbol stands, whether it is true already,
and when it would have rung in the past year."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from limits import parse_many

from services.alerts import phrases, units
from services.alerts.backtest import Ring, Rings
from services.alerts.conditions import Condition, DayChangeCondition, TrailingCondition
from services.alerts.facts import Facts, needs
from services.alerts.preview import DeskPast, over_minutes, over_years
from services.alerts.terms import check_condition
from services.errors import InvalidInput, NoQuote, UnknownSymbol
from services.market.absent import Absent
from services.market.cache import CachedQuote
from services.market.histories import YEARS
from services.market.models import Bar, Quote, normal_symbol
from services.store.alerts import Frequency
from services.texts import gettext as _
from services.texts import ngettext
from web import words
from web.context import me, now, services
from web.limits import limiter
from web.picture import Picture, picture_of
from web.setting import Wish, facts_at_hand

LIMITS = parse_many("40 per minute; 600 per hour")
"""Of a person's looks into the past: each reads and computes a year."""
A_YEAR = timedelta(days=366)
SHORT = timedelta(days=14)
"""By how much the past is shorter than a year before that is said."""
SHOWN_RINGS = 60
GLANCE = 0.3
"""Seconds for which a page that can do without a drawing waits for it."""
State = Literal["", "pending", "unknown", "busy", "short", "known"]


@dataclass(frozen=True, slots=True)
class Past:
    """The year behind a symbol, and in it the rings of an alert, the latest first."""

    state: State = ""
    told: str = ""
    notes: tuple[str, ...] = ()
    rings: tuple[Ring, ...] = ()
    picture: Picture | None = None
    level: float | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """`already` says where a metric stands that has reached its level, `to_go` how far it is, and
    `too_little` from when on there will be one."""

    cached: CachedQuote | None = None
    state: State = ""
    unknown: UnknownSymbol | None = None
    fault: InvalidInput | None = None
    too_little: str = ""
    standing: str = ""
    already: str = ""
    to_go: str = ""
    rings_at: float | None = None
    past: Past = Past()

    @property
    def pending(self) -> bool:
        """Whether more is known in a moment."""
        return "pending" in (self.state, self.past.state)


def look_at(
    symbol: str, wish: Wish | None, wait: float, past_wait: float, is_as_set: bool = False
) -> Look:
    """What is known of a symbol as typed and of what is wished of it, waiting so many seconds
    for its quote and its past. What stands as it was set is not held against the present."""
    look = _quoted(symbol, wait)
    if look.cached is None:
        return look
    quote = look.cached.quote
    look, wish = _checked(look, quote, wish)
    if wish:
        look = _standing(look, quote, wish.condition, is_as_set)
    return replace(look, past=_past(quote, wish, look, past_wait))


def year_of(
    quote: Quote, condition: Condition, rings: Sequence[tuple[date, float]]
) -> Picture | None:
    """The year behind a symbol as far as it is at hand, the condition's level and rings in it."""
    bars = services().desk.daily(quote.symbol, now(), GLANCE)
    if isinstance(bars, Absent):
        return None
    facts = facts_at_hand(quote, condition)
    value = facts.value(condition.target.metric) if facts else None
    level = price_now(condition, facts, value) if facts and value is not None else None
    since = quote.session - A_YEAR
    return picture_of([bar for bar in bars if bar.session >= since], level, rings)


def _quoted(text: str, wait: float) -> Look:
    try:
        symbol = normal_symbol(text)
    except ValueError:
        return Look()
    answer = services().desk.get([symbol], now(), wait)[symbol]
    if answer is Absent.MISSING:
        return _meant(text)
    return Look(cached=answer) if isinstance(answer, CachedQuote) else Look(state="pending")


def _meant(text: str) -> Look:
    """A symbol spelt in another way, or what may have been meant."""
    try:
        quote = services().lookup.find(text, now())
    except UnknownSymbol as error:
        return Look(state="unknown", unknown=error)
    except NoQuote:
        return Look(state="pending")
    answer = services().desk.get([quote.symbol], now())[quote.symbol]
    return Look(cached=answer) if isinstance(answer, CachedQuote) else Look(state="pending")


def _checked(look: Look, quote: Quote, wish: Wish | None) -> tuple[Look, Wish | None]:
    """Without a wish that this symbol's price can never make true, but with why."""
    try:
        if wish:
            check_condition(quote.symbol, wish.condition, quote.price)
    except InvalidInput as error:
        return replace(look, fault=error), None
    return look, wish


def _standing(look: Look, quote: Quote, condition: Condition, is_as_set: bool) -> Look:
    metric, unit = condition.target.metric, words.unit(quote.currency)
    facts = facts_at_hand(quote, condition)
    value = facts.value(metric) if facts else None
    if facts is None:
        return look
    if value is None:
        return replace(look, too_little=phrases.too_little(condition))
    is_there = condition.target.reached_by(value) and not is_as_set
    is_said = metric not in units.PRICES and metric not in ("drawdown", "run-up")
    present = phrases.present(condition, value, unit)
    return replace(
        look,
        standing=present if is_said else "",
        already=present if is_there else "",
        to_go=phrases.to_go(condition, value),
        rings_at=price_now(condition, facts, value),
    )


def price_now(condition: Condition, facts: Facts, value: float) -> float | None:
    """The price at which it would ring now, in the quote's currency; None where none tells."""
    metric, level, price = condition.target.metric, condition.target.level, facts.quote.price
    if metric in units.PRICES:
        return level
    if isinstance(condition, DayChangeCondition):
        base = facts.quote.previous_close
        return base * (1 + level / 100) if base else None
    if isinstance(condition, TrailingCondition):
        way = -1 if metric == "drawdown" else 1
        return price * (1 + way * level / 100)
    is_ratio = units.family(metric) in ("sma", "ema", "high", "low")
    return price / value if is_ratio and value > 0 else None


def _may_look() -> bool:
    return all(limiter.limiter.hit(limit, "look", me().uid) for limit in LIMITS)


def _past(quote: Quote, wish: Wish | None, look: Look, wait: float) -> Past:
    """The year without rings where nothing, or not enough, is wished."""
    if wish and not _may_look():
        return Past(state="busy")
    seen, found = _SeenPast(wait), None
    try:
        if wish:
            found = _rings(seen, quote, wish)
        else:
            seen.daily(quote, YEARS)
    except NoQuote:
        return Past(state="pending")
    bars = seen.year(quote.session)
    rings = found.rings if found else ()
    drawn = picture_of(bars, look.rings_at, [(ring.session, ring.price) for ring in rings])
    past = Past(picture=drawn, level=look.rings_at, currency=quote.currency)
    if not wish or not found:
        return past
    if look.too_little and not rings:
        return replace(past, state="known", told=look.too_little, notes=found.notes)
    return replace(
        past,
        state="known",
        told=told(found, wish.condition, quote.session, seen.bars),
        notes=found.notes if rings or _is_telling(wish.condition, seen.bars) else (),
        rings=tuple(reversed(rings[-SHOWN_RINGS:])),
    )


class _SeenPast(DeskPast):
    """The desk's past, which keeps the days that it gave."""

    def __init__(self, wait: float) -> None:
        super().__init__(services().desk, now(), wait)
        self.bars: Sequence[Bar] = ()

    def daily(self, quote: Quote, years: int) -> Sequence[Bar]:
        self.bars = super().daily(quote, years)
        return self.bars

    def year(self, session: date) -> list[Bar]:
        return [bar for bar in self.bars if bar.session >= session - A_YEAR]


def _rings(past: _SeenPast, quote: Quote, wish: Wish) -> Rings:
    frequency: Frequency = "daily" if wish.frequency == "daily" else "every"
    if is_of_minutes(wish.condition):
        return over_minutes(past, quote, wish.condition, frequency, wish.rearm_margin)
    return over_years(past, quote, wish.condition, 1, frequency, wish.rearm_margin)


def is_of_minutes(condition: Condition) -> bool:
    """Whether only minutes can tell of it."""
    return "minutes" in needs(condition.target.metric)


def _is_telling(condition: Condition, bars: Sequence[Bar]) -> bool:
    """Whether the past can tell anything of the condition."""
    return bool(bars) and units.family(condition.target.metric) != "earnings"


def told(found: Rings, condition: Condition, session: date, bars: Sequence[Bar]) -> str:
    """How often it would have rung, and when last, as one sentence."""
    if not _is_telling(condition, bars):
        return " ".join(found.notes) or _("There is no past of it to look at.")
    count = len(found.rings)
    last = day_text(found.rings[-1].session) if count else ""
    if is_of_minutes(condition):
        return _in_a_week(count, last)
    since = found.since.date() if found.since else session
    if since > session - A_YEAR + SHORT:
        return _since(count, last, day_text(since))
    return _in_a_year(count, last)


def _in_a_year(count: int, last: str) -> str:
    if not count:
        return _("It would not have rung in the past year.")
    return ngettext(
        "It would have rung once in the past year, on %(last)s.",
        "It would have rung %(num)s times in the past year, last on %(last)s.",
        count,
        last=last,
    )


def _in_a_week(count: int, last: str) -> str:
    if not count:
        return _("It would not have rung in the past 7 days.")
    return ngettext(
        "It would have rung once in the past 7 days, on %(last)s.",
        "It would have rung %(num)s times in the past 7 days, last on %(last)s.",
        count,
        last=last,
    )


def _since(count: int, last: str, since: str) -> str:
    """Of a symbol whose past is shorter than a year."""
    if not count:
        return _("It would not have rung since %(since)s, where its past begins.", since=since)
    return ngettext(
        "It would have rung once since %(since)s, where its past begins, on %(last)s.",
        "It would have rung %(num)s times since %(since)s, where its past begins,"
        " last on %(last)s.",
        count,
        last=last,
        since=since,
    )


def day_text(session: date) -> str:
    """A session's day: `4 March 2026`."""
    return words.day(datetime.combine(session, time(12), UTC), "UTC")
