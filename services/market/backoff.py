"""Leaving a source alone after it asked us to slow down; one memory for all processes."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from pydantic import BaseModel, ConfigDict
from redis import Redis
from redis.client import Pipeline

from services.errors import RateLimited

SHORTEST = timedelta(seconds=30)
LONGEST = timedelta(minutes=15)
_FORGOTTEN_AFTER = timedelta(days=1)


class _Silence(BaseModel):
    """`failures` in a row since `since`; nothing is asked until `until` (UTC)."""

    model_config = ConfigDict(frozen=True)

    failures: int
    since: datetime
    until: datetime


class Backoff:
    """Waits 30 s to 15 min after a refusal, longer after each further one, drawn at random.

    After the n-th refusal in a row the wait is uniform between 30 s and 30 s x 2^n (at most
    15 min), so that many processes do not come back at once. `draw(low, high)` is in seconds.
    """

    def __init__(
        self,
        redis: Redis,
        name: str = "yahoo",
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._redis = redis
        self._name = name
        self._key = f"backoff:{name}"
        self._draw = draw

    def check(self, now: datetime) -> None:
        """Raises RateLimited while the source is to be left alone."""
        silence = self._silence()
        if silence and now < silence.until:
            raise RateLimited(
                f"{self._name.capitalize()} asked us to slow down;"
                f" it is asked again after {silence.until:%H:%M:%S} UTC."
            )

    def failed(self, now: datetime) -> None:
        """The source refused at `now`. Refusals while it is left alone anyway count once."""

        def prolong(pipe: Pipeline) -> None:
            before = _read(cast(bytes | None, pipe.get(self._key)))
            if before and now < before.until:
                return
            pipe.multi()
            pipe.set(self._key, self._next(before, now).model_dump_json(), ex=_FORGOTTEN_AFTER)

        self._redis.transaction(prolong, self._key)

    def succeeded(self, now: datetime) -> None:
        """The source answered at `now`: what was before is forgotten."""
        silence = self._silence()
        if silence and now >= silence.until:
            self._redis.delete(self._key)

    def delayed_since(self) -> datetime | None:
        """The first refusal since the last answer, if any."""
        silence = self._silence()
        return silence.since if silence else None

    def _silence(self) -> _Silence | None:
        return _read(cast(bytes | None, self._redis.get(self._key)))

    def _next(self, before: _Silence | None, now: datetime) -> _Silence:
        failures = before.failures + 1 if before else 1
        ceiling = min(SHORTEST * 2 ** min(failures, 10), LONGEST)
        wait = self._draw(SHORTEST.total_seconds(), ceiling.total_seconds())
        since = before.since if before else now
        return _Silence(failures=failures, since=since, until=now + timedelta(seconds=wait))


def _read(value: bytes | None) -> _Silence | None:
    return _Silence.model_validate_json(value) if value else None
