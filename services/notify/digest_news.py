"""What a digest tells: a pure record, and its collection from the store and the caches."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.alerts.readings import Readings, Unchecked
from services.market.cache import CachedQuote, QuoteCache
from services.market.models import Quote
from services.notify.digest import next_due, told_since
from services.store.alerts import Alert, Alerts
from services.store.contract import Store
from services.store.triggers import Trigger, Triggers
from services.store.users import User
from services.store.watchlists import Watchlists

MOVERS = 10
SHOWN = 20
BLIND_FOR = timedelta(hours=1)
"""What is not seen for a shorter time is a hiccup of the source, and not worth a line."""
SMALLEST_MOVE = 0.005
_LIVE = ("armed", "waiting", "paused")


@dataclass(frozen=True, slots=True)
class Mover:
    """How far a symbol of a watchlist went in its last session, per cent."""

    quote: Quote
    change: float


@dataclass(frozen=True, slots=True)
class Blind:
    alert: Alert
    unchecked: Unchecked


@dataclass(frozen=True, slots=True)
class News:
    """Up to `until`, since the digest before. `rang` are the newest of `rang_in_all`; `expiring`
    end before the next digest."""

    until: datetime
    movers: Sequence[Mover] = ()
    rang: Sequence[Trigger] = ()
    rang_in_all: int = 0
    expiring: Sequence[Alert] = ()
    expired: Sequence[Alert] = ()
    blind: Sequence[Blind] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.movers or self.rang or self.expiring or self.expired or self.blind)


class Newsroom:
    """Collects what a person's digest tells. It fetches no price: what is not in the cache, which
    forgets what is too old to be told, is left out."""

    def __init__(self, store: Store, cache: QuoteCache, readings: Readings) -> None:
        self._watchlists = Watchlists(store)
        self._alerts = Alerts(store)
        self._triggers = Triggers(store)
        self._cache = cache
        self._readings = readings

    def collect(self, user: User, until: datetime, now: datetime) -> News:
        """Everything up to `until`; prices and blind alerts as of `now`. Raises StoreError and
        redis.RedisError."""
        since = told_since(user, until)
        following = next_due(user.digest, user.time_zone, user.quiet_hours, now) or until
        ending = [a for a in self._alerts.ending(user.uid, since, following) if _has_not_rung(a)]
        rang, in_all = self._triggers.between(user.uid, since, until, SHOWN)
        return News(
            until=until,
            movers=self._movers(user.uid, now),
            rang=rang,
            rang_in_all=in_all,
            expiring=[alert for alert in ending if _is_ahead(alert, until)],
            expired=[alert for alert in ending if not _is_ahead(alert, until)],
            blind=self._blind(user.uid, now),
        )

    def _movers(self, uid: str, now: datetime) -> list[Mover]:
        lists = self._watchlists.of(uid)
        symbols = list(dict.fromkeys(symbol for each in lists for symbol in each.symbols))
        known = self._cache.read(symbols, now)
        return biggest({s: r.cached for s, r in known.items() if r.cached is not None})

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


def biggest(quotes: Mapping[str, CachedQuote]) -> list[Mover]:
    """The MOVERS that went furthest in either direction, the furthest first."""
    moves = [Mover(one.quote, _change(one.quote)) for one in quotes.values()]
    moves = [move for move in moves if abs(move.change) >= SMALLEST_MOVE]
    return sorted(moves, key=lambda move: (-abs(move.change), move.quote.symbol))[:MOVERS]


def _change(quote: Quote) -> float:
    """Zero where it is not known."""
    change = quote.change_percent
    is_sound = change is not None and math.isfinite(change) and math.isfinite(quote.price)
    return change if change is not None and is_sound else 0.0


def _has_not_rung(alert: Alert) -> bool:
    return alert.state != "triggered"


def _is_ahead(alert: Alert, until: datetime) -> bool:
    """Whether it ends only after the digest; one that is over counts as ended, for nothing that
    happens from then on rings, even where its last prices are not looked at yet."""
    return alert.state in _LIVE and alert.expires_at is not None and alert.expires_at > until
