"""Whether markets are open, and until when, in the reader's time and language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask_babel import lazy_gettext as _l

from services.figures import day_of_year
from services.market.cache import CachedQuote
from services.market.models import MarketState
from services.market.timetable import Standing, believed, planned
from services.texts import gettext as _
from services.texts import language
from web.context import me, now, services
from web.market import market

_THIS_WEEK = timedelta(days=6)
_NAMES = {"CCC": _l("Crypto"), "CCY": _l("Currencies"), "SNP": "S&P"}


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """How an exchange stands, and that in words. Quotes that tell the same share one."""

    exchange: str
    standing: Standing
    said: str


@dataclass(frozen=True, slots=True)
class Place:
    """Markets that open and close together: their names, and how they stand in words."""

    names: str
    state: MarketState
    text: str
    until: datetime | None


def market_now() -> datetime:
    """The time of the market that is shown: ours, except in a replay. UTC."""
    status = market().status
    if status.source == "replay" and status.market_time:
        return status.market_time
    return now()


def stands(cached: Sequence[CachedQuote]) -> dict[str, Stand]:
    """How the exchange of each quote stands now, by symbol."""
    moment = market_now()
    tables = services().timetables.of({one.quote.exchange for one in cached}, moment)
    plans = {exchange: planned(table, moment) for exchange, table in tables.items()}

    @cache
    def stand(exchange: str, told: MarketState, age: timedelta) -> Stand:
        standing = believed(exchange, plans.get(exchange), told, moment - age)
        return Stand(exchange, standing, said(standing))

    return {
        quote.symbol: stand(quote.exchange, quote.market_state, age)
        for quote, _stale, age in cached
    }


def said(found: Standing) -> str:
    """`open until 22:00`, `closed, opens Mon 15:30`, in the reader's time zone."""
    if found.always:
        return _("open around the clock")
    if found.until is None:
        return {
            "open": _("open"),
            "pre": _("pre-market"),
            "post": _("after hours"),
        }.get(found.state, _("closed"))
    at = time_of(found.until)
    if found.state == "open":
        return _("open until %(time)s", time=at)
    if found.state == "pre":
        return _("pre-market, opens %(time)s", time=at)
    if found.state == "post":
        return _("after hours, opens %(time)s", time=at)
    return _("closed, opens %(time)s", time=at)


def time_of(moment: datetime) -> str:
    """`22:00` if that is today, `Mon 15:30` this week, else `4 Jan, 15:30`; in the market's days
    and the reader's zone."""
    zone = ZoneInfo(me().time_zone)
    local, today = moment.astimezone(zone), market_now().astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if local.date() - today.date() <= _THIS_WEEK:
        return f"{format_date(local, 'EEE', language())} {local:%H:%M}"
    return f"{day_of_year(local)}, {local:%H:%M}"


def places(found: Iterable[Stand]) -> list[Place]:
    """The markets, together where they stand alike, open ones first."""
    groups: dict[tuple[MarketState, datetime | None, bool], dict[str, None]] = {}
    for stand in dict.fromkeys(found):
        standing = stand.standing
        names = groups.setdefault((standing.state, standing.until, standing.always), {})
        if name := _name_of(stand.exchange):
            names[name] = None
    told = [
        Place(", ".join(names), state, said(Standing(state, until, always=always)), until)
        for (state, until, always), names in groups.items()
        if names
    ]
    return sorted(told, key=lambda place: place.state != "open")


def _name_of(exchange: str) -> str:
    return str(_NAMES.get(exchange, exchange))
