"""Marks in Redis that a worker is asked for something, so that it is asked once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from redis import Redis

_KEPT = timedelta(seconds=30)
"""After that the worker is taken for dead and may be asked again."""


class Pending:
    """Marks of one `kind`: `pending:{kind}:{name}`. Raises only what the Redis client raises."""

    def __init__(self, redis: Redis, kind: str) -> None:
        self._redis = redis
        self._kind = kind

    def claim(self, name: str) -> bool:
        """Whether nobody has asked a worker for it yet; then the caller must."""
        return bool(self._redis.set(self._key(name), 1, nx=True, ex=_KEPT))

    def claim_all(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that nobody has asked a worker for yet; the caller must."""
        marks = cast(list[bytes | None], self._redis.mget(map(self._key, names)) if names else [])
        names = [name for name, mark in zip(names, marks, strict=True) if mark is None]
        if not names:
            return []
        with self._redis.pipeline(transaction=False) as batch:
            for name in names:
                batch.set(self._key(name), 1, nx=True, ex=_KEPT)
            return [name for name, won in zip(names, batch.execute(), strict=True) if won]

    def release(self, name: str) -> None:
        """Nobody is fetching it any more."""
        self._redis.delete(self._key(name))

    def release_all(self, names: Sequence[str]) -> None:
        """Nobody is fetching any of these any more."""
        if names:
            self._redis.delete(*map(self._key, names))

    def is_set(self, name: str) -> bool:
        """Whether a worker is asked for it."""
        return bool(self._redis.exists(self._key(name)))

    def _key(self, name: str) -> str:
        return f"pending:{self._kind}:{name}"
