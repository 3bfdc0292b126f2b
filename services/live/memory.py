"""What Redis knows for pages that are open or open now. Every method may raise redis.RedisError."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from redis import Redis

from services.accounts.profiles import Profile, Profiles
from services.live.quotes import Item, shown
from services.live.reader import Reader, Told
from services.live.triggers import KEPT_OF_EACH, stream_of
from services.market.absent import Absent
from services.market.cache import CachedQuote
from services.market.desk import QuoteDesk
from services.redis_client import text_of

_TOGETHER = 500
"""Symbols asked for in one round trip."""


class Memory:
    """`clock` gives the present time, UTC; `session_prefix` stands before a session's id."""

    def __init__(
        self,
        redis: Redis,
        desk: QuoteDesk,
        profiles: Profiles,
        clock: Callable[[], datetime],
        session_prefix: str,
    ) -> None:
        self._redis = redis
        self._desk = desk
        self._profiles = profiles
        self._clock = clock
        self._session_prefix = session_prefix

    def for_page(self, reader: Reader) -> Told:
        """What a page is told when it opens. A worker is asked for quotes that are old."""
        triggers = self._triggers(reader.uid, reader.last_id)
        newest = triggers[-1][0] if triggers else "0-0"
        return Told(
            quotes=self._quotes(sorted(reader.symbols)),
            triggers=tuple(triggers) if reader.last_id else (),
            last_id=newest,
        )

    def ask(self, symbols: Collection[str]) -> bool:
        """Let a worker fetch what is old of these; returns whether the market is a fast replay."""
        for some in _portions(sorted(symbols)):
            self._desk.get(some, self._clock(), wait=0)
        return self._desk.status().source == "replay"

    def ended(self, readers: Sequence[Reader]) -> list[Reader]:
        """Those whose session is over: signed out, or ended by a new password."""
        if not readers:
            return []
        keys = [self._session_prefix + reader.session for reader in readers]
        sessions: list[Any] = self._redis.mget(keys)
        profiles = self._profiles.cached({reader.uid for reader in readers})
        return [
            reader
            for reader, session in zip(readers, sessions, strict=True)
            if session is None or not _is_of(profiles.get(reader.uid), reader)
        ]

    def _quotes(self, symbols: Sequence[str]) -> dict[str, Item]:
        answers = self._desk.get(symbols, self._clock(), wait=0)
        items: dict[str, Item] = {}
        for symbol, answer in answers.items():
            if isinstance(answer, CachedQuote):
                items[symbol] = shown(answer.quote, stale=answer.stale)
            elif answer is Absent.MISSING:
                items[symbol] = {"symbol": symbol, "missing": True}
        return items

    def _triggers(self, uid: str, after: str) -> list[tuple[str, bytes]]:
        """Oldest first: those behind `after`, or the newest one alone."""
        least, count = (f"({after}", KEPT_OF_EACH) if after else ("-", 1)
        entries: Any = self._redis.xrevrange(stream_of(uid), "+", least, count=count)
        return [(text_of(name), fields[b"trigger"]) for name, fields in reversed(entries)]


def _is_of(profile: Profile | None, reader: Reader) -> bool:
    """Whether no new password has come since; one that is not cached has not just changed."""
    return profile is None or profile.auth_epoch == reader.auth_epoch


def _portions(symbols: Sequence[str]) -> Iterator[list[str]]:
    left = iter(symbols)
    while some := list(islice(left, _TOGETHER)):
        yield some
