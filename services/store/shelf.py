"""Pages of documents in Redis, each good until the next write to its collection begins.

A collection is a hash with the `generation` under which its pages were read: whoever would put a
page has looked up the generation before reading the store, and puts nothing once it has changed.
A writer announces itself before its commit, which drops the generation and all pages, and takes
its leave afterwards. While one is announced there is no generation, so nothing is put or found.

A writer that dies in between, or does not learn whether its commit was applied, stays announced
until ANNOUNCED has passed. One that cannot reach Redis is made good by its process' next success:
until then, or for KEPT at most should the process die as well, pages can be older than its write.
A Redis that was started anew, or took over for another, begins without pages.
Nothing here raises when Redis is away; the store is then asked each time.
"""

import logging
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from redis import Redis, RedisError

KEPT = timedelta(days=1)
ANNOUNCED = timedelta(minutes=1)
"""Longer than any commit takes, with all its repetitions."""
MAX_BYTES = 128 * 1024

# What a Redis held when it was saved, or a replica before it took over, can be of long ago: a
# generation ends with the run of the server under which it began.
_LOOK = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local found = {}
for i, key in ipairs(KEYS) do
    local held = redis.call('HGET', key, 'generation')
    if held and string.sub(held, #ARGV[1] + 1) ~= run then redis.call('DEL', key) end
    if redis.call('EXISTS', key) == 0 then
        redis.call('HSET', key, 'generation', ARGV[1] .. run)
        redis.call('EXPIRE', key, ARGV[2])
    end
    found[i] = redis.call('HMGET', key, 'generation', ARGV[i + 2])
end
return found
"""
_PUT = """
if redis.call('HGET', KEYS[1], 'generation') == ARGV[1] then
    redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
end
return 1
"""
_BEGIN = """
for _, key in ipairs(KEYS) do
    if redis.call('HEXISTS', key, 'generation') == 1 then redis.call('DEL', key) end
    redis.call('HSET', key, ARGV[1], '')
    redis.call('EXPIRE', key, ARGV[2])
end
return 1
"""
# Where Redis was emptied meanwhile, there can be pages from before the commit again.
_END = """
for _, key in ipairs(KEYS) do
    if redis.call('HEXISTS', key, 'generation') == 1 then redis.call('DEL', key) end
    redis.call('HDEL', key, ARGV[1])
end
return 1
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies on the shelf; without a `generation` nothing can be put there now."""

    generation: bytes | None = None
    page: bytes | None = None


class Shelf:
    """The pages of all collections."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._look = redis.register_script(_LOOK)
        self._put = redis.register_script(_PUT)
        self._begin = redis.register_script(_BEGIN)
        self._end = redis.register_script(_END)
        self._owed: set[str] = set()

    def look(self, collection: str, page: str) -> Found:
        """The page of that name, and the generation to put one under."""
        return self.look_all([(collection, page)])[0]

    def look_all(self, asked: Sequence[tuple[str, str]]) -> list[Found]:
        """The same of several collections and pages, in one round trip."""
        collections, pages = [one[0] for one in asked], [one[1] for one in asked]
        drawn, kept = secrets.token_hex(8), int(KEPT.total_seconds())
        found = self._run(self._look, collections, drawn, kept, *pages) if asked else []
        return [Found()] * len(asked) if found is None else [Found(*one) for one in found]

    def put(self, collection: str, generation: bytes, page: str, content: bytes) -> None:
        """Keep a page that was read after `generation` was found, unless it is too large."""
        if len(content) <= MAX_BYTES:
            self._run(self._put, [collection], generation, page, content)

    def writer(self) -> "Writer":
        return Writer(self)

    def begin(self, collections: Collection[str], writer: str) -> None:
        self._settle(self._begin, collections, writer, int(ANNOUNCED.total_seconds()))

    def end(self, collections: Collection[str], writer: str) -> None:
        self._settle(self._end, collections, writer)

    def clear(self) -> None:
        """Forget every page: the store was changed by others than its writers."""
        try:
            for key in self._redis.scan_iter("kept:*", count=1_000):
                self._redis.delete(key)
        except RedisError as error:
            log.info("Pages of before may be shown for %s, for Redis is away: %s", KEPT, error)

    def _settle(self, script: Any, collections: Collection[str], *arguments: object) -> None:
        """Run `script` on these collections, and on those whose writes Redis did not hear of."""
        owed, self._owed = self._owed, set()
        concerned = owed.union(collections)
        if not self._run(script, list(concerned), *arguments):
            self._owed |= concerned

    def _run(self, script: Any, collections: list[str], *arguments: object) -> Any:
        """What `script` returns, None where Redis is away."""
        try:
            return script(keys=[f"kept:{name}" for name in collections], args=arguments)
        except RedisError as error:
            log.warning("Pages are read from the store, for Redis is away: %s", error)
            return None


@dataclass
class Writer:
    """One who may announce himself several times before he takes his leave."""

    shelf: Shelf
    name: str = field(default_factory=lambda: f"writer:{secrets.token_hex(8)}")
    collections: set[str] = field(default_factory=set)

    def begin(self, collections: Collection[str]) -> None:
        """Before a commit that changes these."""
        if collections:
            self.collections.update(collections)
            self.shelf.begin(collections, self.name)

    def end(self) -> None:
        """Once the commit is acknowledged."""
        if self.collections:
            self.shelf.end(self.collections, self.name)
