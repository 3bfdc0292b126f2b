"""Somebody with all that pages can show: 50 symbols, alerts in every state, triggers, channels.

The companies exist; every price is invented, drawn from the symbol's name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from redis import Redis

from services.alerts.conditions import AverageCondition, Condition, PriceCondition, PriceKind
from services.alerts.finder import Finder
from services.market.models import Bar, Match
from services.market.news import NewsCache, NewsItem
from services.store.contract import Update
from services.store.devices import Device, device_id
from services.store.triggers import Delivery, trigger_path
from services.store.watchlists import Entry, Watchlist
from tests.support.web import PASSWORD, Site

EMAIL = "ada@example.com"
LONG_PAST = "AAPL"
"""The symbol that has ten years and a day of minutes behind it."""
WITHOUT_QUOTES = "GONE"
_YEARS, _SESSIONS, _MINUTES = 2_520, 60, 380
OF_NEW_YORK = """
AAPL|Apple Inc.|228.40
MSFT|Microsoft Corporation|421.10
NVDA|NVIDIA Corporation|139.90
GOOGL|Alphabet Inc.|175.30
AMZN|Amazon.com, Inc.|205.70
META|Meta Platforms, Inc.|563.10
TSLA|Tesla, Inc.|339.60
BRK-A|Berkshire Hathaway Inc.|715930.00
JPM|JPMorgan Chase & Co.|244.80
V|Visa Inc.|308.40
UNH|UnitedHealth Group Incorporated|598.50
XOM|Exxon Mobil Corporation|121.80
JNJ|Johnson & Johnson|155.40
PG|The Procter & Gamble Company|172.90
HD|The Home Depot, Inc.|407.60
KO|The Coca-Cola Company|63.80
PEP|PepsiCo, Inc.|158.20
COST|Costco Wholesale Corporation|963.40
WMT|Walmart Inc.|90.40
MCD|McDonald's Corporation|291.40
DIS|The Walt Disney Company|115.10
NFLX|Netflix, Inc.|897.50
ADBE|Adobe Inc.|512.20
CRM|Salesforce, Inc.|342.40
ORCL|Oracle Corporation|192.30
IBM|International Business Machines Corporation|223.40
INTC|Intel Corporation|24.50
AMD|Advanced Micro Devices, Inc.|138.40
T|AT&T Inc.|23.10
BA|The Boeing Company|149.30
GE|GE Aerospace|178.20
F|Ford Motor Company|11.20
GM|General Motors Company|58.50
UBER|Uber Technologies, Inc.|71.50
ABNB|Airbnb, Inc.|135.10
GS|The Goldman Sachs Group, Inc.|602.10
"""
_EUROPE = {"currency": "EUR", "timezone": "Europe/Berlin"}
ELSEWHERE: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("SAP.DE", "SAP SE", 223.55, _EUROPE | {"exchange": "XETRA"}),
    ("SIE.DE", "Siemens Aktiengesellschaft", 182.9, _EUROPE | {"exchange": "XETRA"}),
    ("MC.PA", "LVMH Moët Hennessy - Louis Vuitton", 581.2, _EUROPE | {"exchange": "Paris"}),
    ("ASML.AS", "ASML Holding N.V.", 632.4, _EUROPE | {"exchange": "Amsterdam"}),
    ("NESN.SW", "Nestlé S.A.", 76.62, _EUROPE | {"currency": "CHF", "exchange": "Swiss"}),
    (
        "OCDO.L",
        "Ocado Group plc",
        298.7,
        {"currency": "GBp", "exchange": "LSE", "timezone": "Europe/London"},
    ),
    (
        "7203.T",
        "Toyota Motor Corporation",
        2_669.5,
        {"currency": "JPY", "exchange": "Tokyo", "timezone": "Asia/Tokyo"},
    ),
    ("^GSPC", "S&P 500", 5_969.34, {"exchange": "SNP", "volume": None}),
    ("BTC-USD", "Bitcoin USD", 98_254.2, {"exchange": "CCC", "timezone": "UTC"}),
    ("PEPE-USD", "Pepe USD", 0.00002091, {"exchange": "CCC", "timezone": "UTC"}),
    ("TINY", "\u202eאבג <b>markup</b> " + "and a long name " * 4, 0.00000123, {}),
    ("EURUSD=X", "EUR/USD", 1.0418, {"exchange": "CCY", "timezone": "UTC", "volume": None}),
    ("SHUT", "Of yesterday, plc", 12.5, {"market_state": "closed", "previous_close": None}),
)


@dataclass(frozen=True)
class Flock:
    """What was made; alerts by their state."""

    uid: str
    list_id: str
    alerts: dict[str, str]
    triggers: list[str]
    destination: str


def settle(site: Site, email: str = EMAIL) -> Flock:
    """Make it all in `site`, at its time; prices do not move afterwards."""
    uid = site.services.accounts.create_confirmed(email, PASSWORD, site.at)
    symbols = [*quote_all(site), WITHOUT_QUOTES]
    _make_list(site, uid, "default", "Watchlist", symbols)
    _make_list(site, uid, "second", "Dividends", symbols[15:18])
    _make_list(site, uid, "empty", "Ideas <i>of mine</i> " * 2, ())
    _tell_news(site.services.redis, site.at)
    place = site.services.destinations.add(
        uid, "webhook", "My <b>robot</b>", "https://example.com/hook", site.at
    )
    _add_device(site, uid)
    return Flock(uid, "default", _set_alerts(site, uid), _ring(site, uid), place.id)


def quote_all(site: Site) -> list[str]:
    """Let the market quote all symbols, each with its past; returns them in order."""
    market, symbols = site.market, []
    for symbol, name, price, fields in (*_of_new_york(), *ELSEWHERE):
        days = course(symbol, price, site.at, _YEARS if symbol == LONG_PAST else _SESSIONS)
        last, before = days[-1], days[-2]
        market.bars_of[symbol, "1d"] = days
        market.closes_of[symbol] = [(bar.session, bar.close) for bar in days]
        of_day = {"day_low": last.low, "day_high": last.high, "volume": last.volume}
        found = {"name": name, "previous_close": before.close, **of_day, **fields}
        market.set(symbol, last.close, site.at, **found)
        symbols.append(symbol)
    minutes = course(LONG_PAST, market.quotes_of[LONG_PAST].price, site.at, _MINUTES, minutes=True)
    market.bars_of[LONG_PAST, "1m"] = minutes
    market.earnings_of[LONG_PAST] = site.at.date() + timedelta(days=40)
    market.matches_of["apple"] = [
        Match(symbol="AAPL", name="Apple Inc.", exchange="NASDAQ", kind="equity")
    ]
    return symbols


def course(
    symbol: str, price: float, now: datetime, count: int, minutes: bool = False
) -> list[Bar]:
    """Bars that end at `now` with `price`, always the same for a symbol."""
    random, closes = Random(symbol), [price]
    spread = 0.0006 if minutes else 0.014
    span = timedelta(minutes=1) if minutes else timedelta(days=1)
    begin = now.replace(second=0, microsecond=0)
    begin = begin if minutes else begin.replace(hour=5, minute=0)
    for _ in range(count):
        closes.append(closes[-1] / (1 + random.gauss(spread / 25, spread)))
    closes.reverse()
    return [
        _bar(begin - (count - 1 - n) * span, before, close, spread, random)
        for n, (before, close) in enumerate(pairwise(closes))
    ]


def _bar(start: datetime, before: float, close: float, spread: float, random: Random) -> Bar:
    opened = before * (1 + random.gauss(0, spread / 4))
    digits = 2 if close > 2 else 8
    return Bar(
        start=start,
        session=start.date(),
        open=round(opened, digits),
        high=round(max(opened, close) * (1 + abs(random.gauss(0, spread / 3))), digits),
        low=round(min(opened, close) * (1 - abs(random.gauss(0, spread / 3))), digits),
        close=round(close, digits),
        volume=int(random.lognormvariate(17 if spread > 0.001 else 11, 0.3)),
    )


def _of_new_york() -> Iterator[tuple[str, str, float, dict[str, Any]]]:
    for line in OF_NEW_YORK.split("\n"):
        if line:
            symbol, name, price = line.split("|")
            yield symbol, name, float(price), {}


def _make_list(site: Site, uid: str, list_id: str, name: str, symbols: Sequence[str]) -> None:
    entries = tuple(
        Entry(symbol=s, added_at=site.at, note="Why? " * 9 if s == "MSFT" else "") for s in symbols
    )
    site.services.watchlists.create(
        Watchlist(uid=uid, id=list_id, name=name, position=0, created_at=site.at, entries=entries)
    )


def _set_alerts(site: Site, uid: str) -> dict[str, str]:
    """Several kinds of alerts, and of those on the price one in each state that can be set."""
    quotes = site.market.quotes_of
    price = quotes[LONG_PAST].price
    for symbol in list(quotes)[1:36:5]:
        _on_price(site, uid, "price_rises_to", 1.03 * quotes[symbol].price, symbol)
    ids = {
        "armed": _on_price(site, uid, "price_falls_to", 0.95 * price),
        "waiting": _on_price(site, uid, "price_rises_to", 0.98 * price, if_true="wait"),
        "paused": _on_price(site, uid, "price_rises_to", 1.2 * price),
        "average": _set(
            site, uid, AverageCondition(kind="crosses_average", days=50, direction="up")
        ),
    }
    site.services.arming.pause(uid, ids["paused"], site.at, "No data for 5 trading days.")
    return ids


def _on_price(
    site: Site, uid: str, kind: PriceKind, level: float, symbol: str = LONG_PAST, **more: Any
) -> str:
    return _set(site, uid, PriceCondition(kind=kind, level=round(level, 2)), symbol, **more)


def _set(site: Site, uid: str, condition: Condition, symbol: str = LONG_PAST, **more: Any) -> str:
    services = site.services
    facts = Finder(services.lookup, services.desk).to_arm(symbol, condition, site.at)
    more = {"if_true": "wait", "note": "Below it I sell half. " * 3} | more
    return services.arming.create(uid, facts, condition, site.at, **more).id


def _ring(site: Site, uid: str) -> list[str]:
    """Triggers that were sent, that failed, and that are on their way."""
    sent = Delivery(state="sent", attempts=1, sent_at=site.at)
    failed = Delivery(state="failed", attempts=5, error="The mailbox is full " + "mailbox" * 12)
    told: list[dict[str, Delivery]] = [{"email": sent}, {"email": failed}, {}]
    symbols = (LONG_PAST, "NVDA", "OCDO.L")
    return [
        _rung(site, uid, symbol, deliveries)
        for symbol, deliveries in zip(symbols, told, strict=True)
    ]


def _rung(site: Site, uid: str, symbol: str, deliveries: dict[str, Delivery]) -> str:
    level = 0.99 * site.market.quotes_of[symbol].price
    alert_id = _on_price(site, uid, "price_rises_to", level, symbol, if_true="fire_now")
    trigger_id = f"{alert_id}-1"
    site.services.store.write(
        Update(
            trigger_path(uid, trigger_id),
            {
                "deliveries": {name: one.model_dump() for name, one in deliveries.items()},
                "trouble": "failed" if "failed" in (d.state for d in deliveries.values()) else None,
            },
        )
    )
    return trigger_id


def _tell_news(redis: Redis, now: datetime) -> None:
    items = [
        NewsItem(
            title=title,
            link=f"https://example.com/{number}",
            source="The Paper",
            published_at=now - timedelta(hours=7 * number),
        )
        for number, title in enumerate(
            (
                "Apple tells its dates",
                "What a <b>phone</b> costs " * 7,
                "A quiet week in Cupertino",
            ),
            1,
        )
    ]
    NewsCache(redis).put(LONG_PAST, items, now + timedelta(days=1))


def _add_device(site: Site, uid: str) -> None:
    endpoint = "https://push.example.com/abc"
    device = Device(
        uid=uid,
        id=device_id("webpush", endpoint),
        kind="webpush",
        endpoint=endpoint,
        p256dh="a" * 87,
        auth="b" * 22,
        name="Chromium on Linux",
        created_at=site.at,
        last_seen_at=site.at,
    )
    site.services.devices.create(device)
