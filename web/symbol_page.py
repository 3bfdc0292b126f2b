"""What the page of a symbol shows, gathered: quote, chart, figures, alerts, what rang, news."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.alerts import phrases, units
from services.alerts.conditions import PriceCondition
from services.alerts.key_figures import KeyFigures, key_figures
from services.figures import short_day
from services.market.absent import Absent
from services.market.cache import CachedQuote
from services.market.models import Bar, Quote, Split
from services.market.news import NewsItem
from services.market.ranges import Course, RangeName
from services.store.alerts import Alert
from services.store.triggers import Trigger
from services.store.watchlists import Watchlist
from services.texts import gettext as _
from web import words
from web.context import me, now, services
from web.courses import course_of, days_at_hand, minutes_at_hand
from web.outline import Outline, outline

WAIT = 1.0
"""Seconds that a page waits for bars nobody has asked for yet, at most."""
ALERTS_READ = 200
TRIGGERS_SHOWN = 20
ROWS = 12
_LEEWAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ring:
    """A trigger as the page of its symbol tells it; prices before a split are told in old
    shares, and `ratio` says how many there are now for each."""

    trigger: Trigger
    ratio: float

    @property
    def price_now(self) -> float:
        """The price at the ring, in shares of now."""
        return self.trigger.price / self.ratio


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart of a range. `course` has no bars where the source has none; `pending` while a
    worker fetches them."""

    range: RangeName
    course: Course | None
    outline: Outline | None

    @property
    def pending(self) -> bool:
        return self.course is None

    @property
    def bars(self) -> Sequence[Bar]:
        return self.course.bars if self.course else ()

    @property
    def last_bars(self) -> Sequence[Bar]:
        """The last bars, the newest first, as the table shows them."""
        return self.bars[-ROWS:][::-1]

    @property
    def of_minutes(self) -> bool:
        return bool(self.course) and self.course.interval.endswith("m")  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class SymbolPage:
    """All of a symbol's page but what its templates ask for themselves."""

    cached: CachedQuote
    chart: Chart
    figures: KeyFigures
    waits_for_days: bool
    earnings: date | None
    alerts: Sequence[Alert]
    rings: Sequence[Ring]
    news: tuple[NewsItem, ...] | None
    lists: Sequence[Watchlist]

    @property
    def quote(self) -> Quote:
        return self.cached.quote

    @property
    def on(self) -> list[Watchlist]:
        """The lists that hold the symbol."""
        return [found for found in self.lists if self.quote.symbol in found.symbols]

    @property
    def not_on(self) -> list[Watchlist]:
        return [found for found in self.lists if self.quote.symbol not in found.symbols]

    @property
    def incomplete(self) -> bool:
        """Whether workers still fetch some of it."""
        return self.chart.pending or self.waits_for_days or self.news is None

    def levels(self) -> list[dict[str, object]]:
        """The levels of live price alerts, for the script that draws them."""
        return [
            {
                "id": alert.id,
                "price": alert.condition.level,
                "label": said(alert, self.quote.currency),
                "state": alert.state,
            }
            for alert in self.alerts
            if alert.state in ("armed", "waiting") and isinstance(alert.condition, PriceCondition)
        ]

    def markers(self) -> list[dict[str, object]]:
        """Where alerts rang, for the script that draws them; not those of another market."""
        quote = self.quote
        return [
            {
                "id": ring.trigger.id,
                "time": _at(ring.trigger.occurred_at, quote, self.chart).isoformat(),
                "price": ring.price_now,
                "label": _label(ring.trigger),
                "text": _told(ring),
            }
            for ring in self.rings
            if _is_of(ring.trigger, quote)
        ]


def gathered(cached: CachedQuote, name: RangeName) -> SymbolPage:
    """The page of a symbol that has a quote."""
    quote, person = cached.quote, me()
    minutes, _first = minutes_at_hand(quote.symbol), days_at_hand(quote.symbol)  # both are asked
    found, _more = services().alerts.page(person.uid, limit=ALERTS_READ)
    mine = [alert for alert in found if alert.symbol == quote.symbol]
    chart = _chart(quote, name, mine)
    daily = days_at_hand(quote.symbol)
    triggers, _more = services().triggers.page(
        person.uid, limit=TRIGGERS_SHOWN, symbol=quote.symbol
    )
    splits = services().desk.splits(quote.symbol)
    news = services().news.of(quote.symbol, quote.name, now())
    return SymbolPage(
        cached=cached,
        chart=chart,
        figures=key_figures(quote, daily, minutes),
        waits_for_days=daily is None,
        earnings=_earnings(quote),
        alerts=mine,
        rings=[Ring(trigger, _ratio(trigger, quote, splits)) for trigger in triggers],
        news=None if isinstance(news, Absent) else news,
        lists=services().watchlists.of(person.uid),
    )


def said(alert: Alert, currency: str) -> str:
    """An alert in a few words: `rises to 200.00 USD`."""
    return phrases.predicate(alert.condition, words.unit(currency))


def told(trigger: Trigger) -> str:
    """What happened in a few words: `rose to 200.00 USD`."""
    return phrases.predicate(trigger.condition, words.unit(trigger.currency), past=True)


def when(chart: Chart, bar: Bar) -> str:
    """The day of a bar, or of one of minutes its time in the reader's zone."""
    if chart.of_minutes:
        return words.clock(bar.start, me().time_zone, now())
    return short_day(bar.session)


def summary(page: SymbolPage, span: str) -> str:
    """What the chart of a span (`1 year`) shows, for those who do not see it."""
    bars, currency = page.chart.bars, words.unit(page.quote.currency)
    if page.chart.pending:
        return ""
    if not bars:
        return str(_("No prices to show of %(span)s yet.", span=span))
    return str(
        _(
            "%(span)s: from %(first)s on %(begin)s to %(last)s on %(end)s;"
            " lowest %(low)s, highest %(high)s (%(currency)s).",
            span=span,
            first=units.number(bars[0].close),
            begin=when(page.chart, bars[0]),
            last=units.number(bars[-1].close),
            end=when(page.chart, bars[-1]),
            low=units.number(min(bar.low for bar in bars)),
            high=units.number(max(bar.high for bar in bars)),
            currency=currency,
        )
    )


def _chart(quote: Quote, name: RangeName, alerts: Sequence[Alert]) -> Chart:
    course = course_of(quote, name, WAIT)
    if isinstance(course, Absent):
        return Chart(name, None if course is Absent.PENDING else Course("1d", ()), None)
    levels = [
        alert.condition.level
        for alert in alerts
        if alert.state in ("armed", "waiting") and isinstance(alert.condition, PriceCondition)
    ]
    return Chart(name, course, outline(course.bars, levels))


def _earnings(quote: Quote) -> date | None:
    found = services().desk.earnings(quote.symbol, now(), 0)
    return found if isinstance(found, date) else None


def _ratio(trigger: Trigger, quote: Quote, splits: Sequence[Split]) -> float:
    """How many shares there are now for one at the ring."""
    session = trigger.occurred_at.astimezone(ZoneInfo(quote.timezone)).date()
    since = [s.ratio for s in splits if session < s.session <= quote.session]
    return math.prod(since)


def _is_of(trigger: Trigger, quote: Quote) -> bool:
    """Whether it belongs to the bars that are shown: another source or currency does not, nor
    what a replay that began anew has still before it."""
    same = trigger.source == quote.source and trigger.currency == quote.currency
    return same and trigger.occurred_at < quote.as_of + _LEEWAY


def _at(moment: datetime, quote: Quote, chart: Chart) -> datetime:
    """The moment, or among bars of days its time in the exchange's zone, which tells the day."""
    return moment if chart.of_minutes else moment.astimezone(ZoneInfo(quote.timezone))


def _label(trigger: Trigger) -> str:
    when_ = words.clock(trigger.occurred_at, me().time_zone, now())
    return str(_("Rang %(when)s: %(what)s", when=when_, what=told(trigger)))


def _told(ring: Ring) -> str:
    trigger = ring.trigger
    unit = words.unit(trigger.currency)
    lines = [
        _label(trigger),
        _("Price then: %(price)s", price=units.price(trigger.price, unit)),
        *(f"{line.label}: {line.text}" for line in phrases.evidence(trigger, unit)),
    ]
    if ring.ratio != 1:
        lines.append(
            _(
                "Before the %(ratio)s split; drawn in shares of today.",
                ratio=words.split_ratio(ring.ratio),
            )
        )
    return "\n".join(lines)
