"""News of a symbol: the shape of an item, the sources' protocol, and the cache.

| key | holds | kept |
|---|---|---|
| `news:{symbol}` | up to MOST items, newest first, and until when they are fresh | a day |
| `pending:news:{symbol}` | a mark: a worker is asked for it | at most 30 s |

Whatever comes from a source is a stranger's text: bounded here, escaped where it is shown.
"""

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, cast, runtime_checkable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.errors import MarketError
from services.market.absent import Absent
from services.market.pending import Pending

MOST = 8
LONGEST_TITLE, LONGEST_SOURCE, LONGEST_LINK = 200, 60, 2_000
FRESH = timedelta(minutes=30)
RETRY = timedelta(minutes=5)
"""After a failure the source is left alone for so long."""
KEPT = timedelta(days=1)
_OLDEST = timedelta(days=60)


class NewsItem(BaseModel):
    """A headline; `published_at` is UTC, `link` http or https."""

    model_config = ConfigDict(frozen=True)

    title: str
    link: str
    source: str
    published_at: datetime


@runtime_checkable
class NewsSource(Protocol):
    def news(self, symbol: str, name: str, now: datetime) -> list[NewsItem]:
        """What is told of a symbol, or of the company `name`, in any order.

        Raises RateLimited or SourceUnavailable.
        """


class NoNews:
    """The source of a replayed market: nobody wrote about it today."""

    def news(self, symbol: str, name: str, now: datetime) -> list[NewsItem]:  # noqa: ARG002
        return []


class _Held(BaseModel):
    """What is kept of a symbol."""

    items: tuple[NewsItem, ...] = ()
    fresh_until: datetime


class NewsCache:
    """The cache itself; `pending` holds marks by symbol. Raises what the Redis client raises."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.pending = Pending(redis, "news")

    def get(self, symbol: str) -> tuple[tuple[NewsItem, ...], datetime] | None:
        """The items and until when they are fresh."""
        packed = cast(bytes | None, self._redis.get(_key(symbol)))
        try:
            held = _Held.model_validate_json(packed) if packed else None
        except ValidationError:  # written by another version; it will be fetched again
            return None
        return (held.items, held.fresh_until) if held else None

    def put(self, symbol: str, items: Iterable[NewsItem], fresh_until: datetime) -> None:
        held = _Held(items=tuple(items), fresh_until=fresh_until)
        self._redis.set(_key(symbol), held.model_dump_json(), ex=KEPT)


def news_into_cache(
    source: NewsSource, redis: Redis, symbol: str, name: str, now: datetime
) -> MarketError | None:
    """Fetch and cache what is told of a symbol; where the source fails, keep what there was.

    Returns the error then. Whoever waits is released in any case.
    """
    cache = NewsCache(redis)
    try:
        found = source.news(symbol, name, now)
    except MarketError as error:
        held = cache.get(symbol)
        cache.put(symbol, held[0] if held else (), now + RETRY)
        return error
    finally:
        cache.pending.release(symbol)
    cache.put(symbol, chosen(found, now), now + FRESH)
    return None


class NewsJobs(Protocol):
    def fetch_news(self, symbol: str, name: str) -> None:
        """Fetch what is told of a symbol into the cache, soon."""


class NewsDesk:
    """Where the web asks for news; a worker fetches them, and no page waits."""

    def __init__(self, redis: Redis, jobs: NewsJobs) -> None:
        self._cache = NewsCache(redis)
        self._jobs = jobs

    def of(self, symbol: str, name: str, now: datetime) -> tuple[NewsItem, ...] | Absent:
        """What is known now, newest first; PENDING only while a worker fetches the first ones."""
        held = self._cache.get(symbol)
        if (held is None or now >= held[1]) and self._cache.pending.claim(symbol):
            self._jobs.fetch_news(symbol, name)
            held = self._cache.get(symbol)
        if held is None:
            return Absent.PENDING
        return held[0]


def chosen(items: Iterable[NewsItem], now: datetime) -> list[NewsItem]:
    """The newest MOST, each title and each link once, none of the future or older than 60 days."""
    seen: set[str] = set()
    kept: list[NewsItem] = []
    for item in sorted(items, key=lambda item: item.published_at, reverse=True):
        names = {item.title.casefold(), item.link}
        if names & seen or not now - _OLDEST < item.published_at <= now:
            continue
        seen |= names
        kept.append(item)
    return kept[:MOST]


def item_of(
    title: object, link: object, source: object, published_at: datetime | None
) -> NewsItem | None:
    """A headline of a stranger's answer; None for one that cannot be shown."""
    shown, where = _line(title, LONGEST_TITLE), _web_address(link)
    if not shown or where is None or published_at is None or published_at.tzinfo is None:
        return None
    name = _line(source, LONGEST_SOURCE) or urlsplit(where).hostname or ""
    return NewsItem(title=shown, link=where, source=name, published_at=published_at)


def _line(value: object, most: int) -> str:
    """One line without control characters, cut at a word where it is too long."""
    if not isinstance(value, str):
        return ""
    visible = (c if unicodedata.category(c) not in _UNSEEN else " " for c in value[: 10 * most])
    text = " ".join("".join(visible).split())
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:-") + "…"


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control and direction characters among them."""


def _web_address(value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_LINK:
        return None
    if any(c.isspace() or unicodedata.category(c) in _UNSEEN for c in value):
        return None
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    except ValueError:
        return None
    return value if sound else None


def _key(symbol: str) -> str:
    return f"news:{symbol}"
