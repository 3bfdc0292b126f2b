"""What a digest tells: a pure record, and its collection from the store and the caches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.alerts.intervals import Reading
from services.alerts.readings import Readings, Unchecked
from services.market.cache import QuoteCache
from services.market.models import Quote
from services.notify.digest import next_due, told_since
from services.store.alerts import Alert, Alerts
from services.store.contract import Store
from services.store.triggers import Trigger, Triggers
from services.store.users import DigestEvery, User
from services.store.watchlists import Watchlists

MOVERS = 10
SHOWN = 20
LOOK_AHEAD = timedelta(hours=28)
"""So far ahead of its end an alert is found by Endings, which then looks no further back."""
BLIND_FOR = timedelta(hours=1)
"""What is not seen for a shorter time is a hiccup of the source, and not worth a line."""
SMALLEST_MOVE = 0.005
_LIVE = ("armed", "waiting", "paused")


@dataclass(frozen=True, slots=True)
class Mover:
    """How far a symbol of a watchlist went in its last session: `change` is in per cent, `as_of`
    the exchange's time, UTC."""

    symbol: str
    name: str
    price: float
    currency: str
    change: float
    as_of: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Blind:
    alert: Alert
    unchecked: Unchecked


@dataclass(frozen=True, slots=True)
class News:
    """Up to `until`, since the digest before. `rang` are the newest of `rang_in_all`; `expiring`
    end before the next digest, `next_end` is the end of the first that ends after this one."""

    until: datetime
    movers: Sequence[Mover] = ()
    rang: Sequence[Trigger] = ()
    rang_in_all: int = 0
    expiring: Sequence[Alert] = ()
    expired: Sequence[Alert] = ()
    blind: Sequence[Blind] = ()
    next_end: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.movers or self.rang or self.expiring or self.expired or self.blind)


class Newsroom:
    """Collects what a person's digest tells. It fetches no price: what neither the cache nor the
    last check knows, both of which forget what is old, is left out."""

    def __init__(self, store: Store, cache: QuoteCache, readings: Readings) -> None:
        self._watchlists = Watchlists(store)
        self._alerts = Alerts(store)
        self._triggers = Triggers(store)
        self._cache = cache
        self._readings = readings

    def collect(self, user: User, until: datetime, now: datetime) -> News:
        """Everything up to `until`; prices and blind alerts as of `now`. For who wants no digest,
        the ends of alerts alone. Raises StoreError and redis.RedisError."""
        ends = self._ends(user, until, now)
        if user.digest == "never":
            return ends
        since = told_since(user, until)
        rang, in_all = self._triggers.between(user.uid, since, until, SHOWN)
        return replace(
            ends,
            movers=self._movers(user.uid, since, now),
            rang=rang,
            rang_in_all=in_all,
            blind=self._blind(user.uid, now),
        )

    def _ends(self, user: User, until: datetime, now: datetime) -> News:
        every: DigestEvery = "week" if user.digest == "week" else "day"
        following = next_due(every, user.time_zone, user.quiet_hours, now) or until
        far = max(following, now + LOOK_AHEAD)
        ending = self._alerts.ending(user.uid, told_since(user, until), far)
        over = [alert for alert in ending if _is_over(alert, until)]
        ahead = [alert for alert in ending if _is_ahead(alert, until)]
        return News(
            until=until,
            expiring=[a for a in ahead if a.expires_at and a.expires_at <= following],
            expired=over,
            next_end=min((a.expires_at for a in ahead if a.expires_at), default=None),
        )

    def _movers(self, uid: str, since: datetime, now: datetime) -> list[Mover]:
        """A quote is forgotten within a day, so after a weekend it is the last check's reading."""
        lists = self._watchlists.of(uid)
        symbols = list(dict.fromkeys(symbol for each in lists for symbol in each.symbols))
        cached = {symbol: one.cached for symbol, one in self._cache.read(symbols, now).items()}
        read = self._readings.get([symbol for symbol in symbols if cached[symbol] is None])
        moves = [_of_quote(one.quote) for one in cached.values() if one is not None]
        moves += [_of_reading(symbol, reading) for symbol, reading in read.items()]
        return biggest(moves, since)

    def _blind(self, uid: str, now: datetime) -> list[Blind]:
        unseen = {
            symbol: note
            for symbol, note in self._readings.all_unchecked().items()
            if now - note.since >= BLIND_FOR
        }
        if not unseen:
            return []
        alerts = self._alerts.live_on(uid, list(unseen))
        return [
            Blind(alert, unseen[alert.symbol])
            for alert in alerts
            if alert.expires_at is None or alert.expires_at > now
        ]


def biggest(moves: Sequence[Mover], since: datetime) -> list[Mover]:
    """The MOVERS that went furthest in either direction, the furthest first. What was not traded
    since the last digest is not told again."""
    new = [
        move
        for move in moves
        if abs(move.change) >= SMALLEST_MOVE
        and (move.as_of > since or move.source == "replay")  # whose days are of other years
    ]
    return sorted(new, key=lambda move: (-abs(move.change), move.symbol))[:MOVERS]


def _of_quote(quote: Quote) -> Mover:
    return Mover(
        quote.symbol,
        quote.name,
        quote.price,
        quote.currency,
        _change(quote.price, quote.previous_close),
        quote.as_of,
        quote.source,
    )


def _of_reading(symbol: str, reading: Reading) -> Mover:
    change = _change(reading.price, reading.previous_close)
    return Mover(symbol, "", reading.price, reading.currency, change, reading.as_of, reading.source)


def _change(price: float, previous_close: float | None) -> float:
    """Zero where it is not known."""
    if not previous_close or not math.isfinite(previous_close) or not math.isfinite(price):
        return 0.0
    return 100 * (price / previous_close - 1)


def _is_over(alert: Alert, until: datetime) -> bool:
    """Also where its last prices are not looked at yet: nothing that happens from then on rings."""
    return alert.state != "triggered" and bool(alert.expires_at and alert.expires_at <= until)


def _is_ahead(alert: Alert, until: datetime) -> bool:
    return alert.state in _LIVE and bool(alert.expires_at and alert.expires_at > until)
