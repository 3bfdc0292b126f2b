"""Quotes, matches and the market's state in Redis: written by workers, read by the web.

| key | holds | kept |
|---|---|---|
| `quote:{symbol}` | the last quote and until when it is fresh | a day |
| `missing:{symbol}` | a mark: the source has no such symbol or no price for it | 5 minutes |
| `search:{sha256 of the text}` | the matches of a text and until when they are fresh | a day |
| `pending:{quote or search}:...` | a mark: a worker is asked for it | at most 30 s |
| `market:status` | which source, since when delayed, the market's time | until rewritten |
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.live.quotes import QUOTES, Item, quotes_message, seen_again, shown
from services.market.models import Match, Quote

KEPT = timedelta(days=1)
MISSING_KEPT = timedelta(minutes=5)
PENDING_KEPT = timedelta(seconds=30)
MAX_SEARCH_TEXT = 60
HELD = 2_000
"""Quotes that a process holds decoded; each is compared with its bytes, so none is too old."""
_NO_AGE = timedelta(0)
_STATUS = "market:status"

# Keeps the newer reading, by our clock and the exchange's. An exchange's time that goes back
# by a day or more is no late answer but another market: a replay that began anew.
# Answers for each what was there before, if anything, or `late`.
_PUT = """
local before = {}
for i, key in ipairs(KEYS) do
  local new, text, held = cjson.decode(ARGV[i + 1]), redis.call('GET', key)
  if text then held = cjson.decode(text) end
  local late = held and held.fetched and held.traded and (new.fetched < held.fetched
    or (new.traded < held.traded and held.traded - new.traded < 86400))
  if not late then redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end
  before[i] = late and 'late' or text or ''
end
return before
"""


class _Stored(BaseModel):
    """A quote in Redis; `traded` and `fetched` repeat its times for the script that compares."""

    model_config = ConfigDict(frozen=True)

    quote: Quote
    fresh_until: datetime
    traded: float
    fetched: float


class Found(BaseModel):
    """What a search found, best first, and until when it needs no new search."""

    model_config = ConfigDict(frozen=True)

    matches: tuple[Match, ...]
    fresh_until: datetime


class MarketStatus(BaseModel):
    """What the workers last saw of the source.

    `source` is empty until a worker has reached it or failed to. `delayed_since` is the first
    failure since the last success, `reason` says what failed; `market_time` is the source's
    time at its last answer (a replay's day), all UTC.
    """

    model_config = ConfigDict(frozen=True)

    source: str = ""
    market_time: datetime | None = None
    delayed_since: datetime | None = None
    reason: str = ""


class CachedQuote(NamedTuple):
    """A quote, how long ago it was fetched, and whether it should be newer than that."""

    quote: Quote
    stale: bool
    age: timedelta


@dataclass(frozen=True, slots=True)
class _Held:
    """A quote, and the text that it was read from."""

    text: bytes
    quote: Quote
    fresh_until: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the cache knows of one symbol. `pending`: a worker is asked for it."""

    cached: CachedQuote | None
    missing: bool
    pending: bool

    @property
    def cold(self) -> bool:
        """There is nothing to show yet."""
        return self.cached is None and not self.missing

    @property
    def wanted(self) -> bool:
        """A worker should fetch it."""
        return (self.cached is None or self.cached.stale) and not self.missing


class QuoteCache:
    """The cache itself. Raises only what the Redis client raises."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._put = redis.register_script(_PUT)
        self._held: dict[str, _Held] = {}

    def put(
        self, quotes: Mapping[str, Quote], asked: Iterable[str], fresh_for: timedelta, now: datetime
    ) -> None:
        """Keep `quotes`; of the `asked` symbols the others are missing at the source.

        An older reading never replaces a newer one. Whoever waits for an asked symbol is released,
        and pages that are open are told.
        """
        asked = dict.fromkeys([*asked, *quotes])
        news = self._keep(quotes, now + fresh_for) if quotes else []
        news += [{"symbol": symbol, "missing": True} for symbol in asked if symbol not in quotes]
        with self._redis.pipeline(transaction=True) as batch:
            for symbol in asked:
                if symbol in quotes:
                    batch.delete(f"missing:{symbol}")
                else:
                    batch.set(f"missing:{symbol}", 1, ex=MISSING_KEPT)
                batch.delete(f"pending:quote:{symbol}")
            if news:
                batch.publish(QUOTES, quotes_message(news))
            batch.execute()

    def _keep(self, quotes: Mapping[str, Quote], fresh_until: datetime) -> list[Item]:
        """Returns what there is to tell of those that are no late answers."""
        entries = [_stored(quote, fresh_until) for quote in quotes.values()]
        keys = [f"quote:{symbol}" for symbol in quotes]
        before: list[bytes] = self._put(keys=keys, args=[_seconds(KEPT), *entries])
        pairs = zip(quotes.values(), before, strict=True)
        return [_news(quote, text) for quote, text in pairs if text != b"late"]

    def read(self, symbols: Sequence[str], now: datetime) -> dict[str, Reading]:
        """What is known of each symbol, in one round trip."""
        kinds = ("quote", "missing", "pending:quote")
        keys = [f"{kind}:{symbol}" for kind in kinds for symbol in symbols]
        values = self._mget(keys)
        count = len(symbols)
        return {
            symbol: Reading(
                cached=self._cached(symbol, values[i], now),
                missing=values[count + i] is not None,
                pending=values[2 * count + i] is not None,
            )
            for i, symbol in enumerate(symbols)
        }

    def fresh(
        self, symbols: Sequence[str], now: datetime
    ) -> tuple[dict[str, CachedQuote], MarketStatus]:
        """The quotes that need not be newer, by symbol, and the status; in one round trip."""
        *values, status = self._mget([*(f"quote:{symbol}" for symbol in symbols), _STATUS])
        fresh = {
            symbol: cached
            for symbol, text in zip(symbols, values, strict=True)
            if (cached := self._cached(symbol, text, now)) and not cached.stale
        }
        return fresh, _status(status)

    def claim(self, symbols: Sequence[str]) -> list[str]:
        """Those of `symbols` that nobody has asked a worker for yet; the caller must."""
        return self._claim("quote", symbols)

    def release(self, symbols: Iterable[str]) -> None:
        """Nobody is fetching these symbols any more."""
        self._release("quote", symbols)

    def put_found(self, text: str, found: Found) -> None:
        """Keep what a search for `text` found, and release whoever waits for it."""
        name = _digest(text)
        self._redis.set(f"search:{name}", found.model_dump_json(), ex=KEPT)
        self._release("search", [name])

    def read_found(self, text: str) -> tuple[Found | None, bool]:
        """(what a search for `text` found if it is kept, whether a worker is asked for it)."""
        name = _digest(text)
        found, pending = self._mget([f"search:{name}", f"pending:search:{name}"])
        return _found(found), pending is not None

    def claim_search(self, text: str) -> bool:
        """Whether nobody has asked a worker for this search yet; then the caller must."""
        return bool(self._claim("search", [_digest(text)]))

    def release_search(self, text: str) -> None:
        """Nobody is searching for `text` any more."""
        self._release("search", [_digest(text)])

    def status(self) -> MarketStatus:
        """What the workers last saw of the source."""
        return _status(self._mget([_STATUS])[0])

    def answered(self, source: str, market_time: datetime) -> None:
        """Note that the source answered."""
        self._write(MarketStatus(source=source, market_time=market_time))

    def failed(self, source: str, reason: str, now: datetime) -> None:
        """Note that the source failed at `now`; the first failure in a row gives the time."""
        before = self.status()
        self._write(
            MarketStatus(
                source=source,
                market_time=before.market_time,
                delayed_since=before.delayed_since or now,
                reason=reason,
            )
        )

    def _cached(self, symbol: str, text: bytes | None, now: datetime) -> CachedQuote | None:
        if text is None:
            return None
        held = self._held.get(symbol)
        if held is None or held.text != text:
            held = _decoded(text)
            if held is None:
                return None
            if len(self._held) >= HELD:
                self._held.clear()
            self._held[symbol] = held
        fetched_at = held.quote.fetched_at
        age = now - fetched_at if fetched_at < now else _NO_AGE
        return CachedQuote(held.quote, now >= held.fresh_until, age)

    def _write(self, status: MarketStatus) -> None:
        self._redis.set(_STATUS, status.model_dump_json())

    def _claim(self, kind: str, names: Sequence[str]) -> list[str]:
        with self._redis.pipeline(transaction=False) as batch:
            for name in names:
                batch.set(f"pending:{kind}:{name}", 1, nx=True, ex=PENDING_KEPT)
            return [name for name, won in zip(names, batch.execute(), strict=True) if won]

    def _release(self, kind: str, names: Iterable[str]) -> None:
        if keys := [f"pending:{kind}:{name}" for name in names]:
            self._redis.delete(*keys)

    def _mget(self, keys: list[str]) -> list[bytes | None]:
        return cast(list[bytes | None], self._redis.mget(keys)) if keys else []


def normal_search(text: str) -> str:
    """`text` as searches are kept: one case, single spaces, at most 60 characters."""
    return " ".join(text.casefold().split())[:MAX_SEARCH_TEXT].strip()


def _digest(text: str) -> str:
    return hashlib.sha256(normal_search(text).encode()).hexdigest()


def _stored(quote: Quote, fresh_until: datetime) -> str:
    return _Stored(
        quote=quote,
        fresh_until=fresh_until,
        traded=quote.as_of.timestamp(),
        fetched=quote.fetched_at.timestamp(),
    ).model_dump_json()


def _news(quote: Quote, before: bytes) -> Item:
    """All of a quote that has changed, of another only when it was looked at."""
    held = _decoded(before)
    was = held.quote.model_copy(update={"fetched_at": quote.fetched_at}) if held else None
    return seen_again(quote) if quote == was else shown(quote)


def _decoded(text: bytes) -> _Held | None:
    try:
        stored = _Stored.model_validate_json(text)
    except ValidationError:  # written by another version; it will be fetched again
        return None
    quote = stored.quote
    times = {"as_of": _utc(quote.as_of), "fetched_at": _utc(quote.fetched_at)}
    return _Held(text, quote.model_copy(update=times), _utc(stored.fresh_until))


def _utc(moment: datetime) -> datetime:
    """In Python's own UTC: comparisons in Pydantic's take five times as long."""
    return moment.astimezone(UTC)


@lru_cache(10)
def _status(value: bytes | None) -> MarketStatus:
    try:
        return MarketStatus.model_validate_json(value) if value else MarketStatus()
    except ValidationError:  # written by another version
        return MarketStatus()


def _found(value: bytes | None) -> Found | None:
    if value is None:
        return None
    try:
        return Found.model_validate_json(value)
    except ValidationError:  # written by another version; it will be searched again
        return None


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
