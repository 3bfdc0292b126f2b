"""What a command in a terminal acts with: the parts of a worker, that waits for no other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

from services.alerts.checker import Report
from services.alerts.explain import Explainer
from services.alerts.index import ArmedIndex
from services.container import Services
from services.market.fetch import fetch_into_cache, search_into_cache
from services.market.fetch_hours import hours_into_cache
from services.market.fetch_past import bars_into_cache, earnings_into_cache
from services.market.fetch_sparks import sparks_into_cache
from services.market.histories import Histories
from services.market.hours import Hours
from services.market.models import BarInterval
from services.market.provider import Provider
from services.scheduled import Scheduled
from services.store.system import Shard, System
from workers.listing import listed, unattended
from workers.parts import Parts
from workers.queues import RqJobs

Clock: TypeAlias = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Console:
    """`services` ask the source of prices themselves, here and now. `provider` and `clock` may be
    given, as tests do."""

    def __init__(
        self, services: Services, provider: Provider | None = None, clock: Clock = _now
    ) -> None:
        self._parts = Parts(services, provider)
        self.services = replace(services, jobs=_AtOnce(self._parts, clock))

    def check(self, now: datetime) -> list[Report]:
        """Run one whole check, shard by shard. One that runs elsewhere at the same time is no
        harm: each claim is made once."""
        shards = self.services.settings.check_shards
        self._parts.checker.prepare(now, shards)
        return [self._parts.checker.run_shard(Shard(n, shards), now) for n in range(shards)]

    def schedule(self) -> list[Scheduled]:
        return listed(self.services.redis, self.services.settings)

    def unattended(self) -> tuple[str, ...]:
        return unattended(self.services.redis)

    def explainer(self) -> Explainer:
        s, provider = self.services, self._parts.provider
        return Explainer(
            provider,
            ArmedIndex(s.redis),
            s.readings,
            Histories(provider, s.redis),
            Hours(),
            s.alerts,
            System(s.store),
        )


class _AtOnce(RqJobs):
    """Fetches what is wanted of the market before it answers; the rest is for workers."""

    def __init__(self, parts: Parts, clock: Clock) -> None:
        super().__init__(parts.services.redis, clock)
        self._parts = parts

    def fetch_quotes(self, symbols: Sequence[str]) -> None:
        fetch_into_cache(self._parts.provider, self._parts.cache, symbols, self._clock())

    def search_symbols(self, text: str) -> None:
        search_into_cache(self._parts.provider, self._parts.cache, text, self._clock())

    def fetch_bars(self, symbol: str, interval: BarInterval, years: int = 4) -> None:
        redis = self._parts.services.redis
        bars_into_cache(self._parts.provider, redis, symbol, interval, years, self._clock())

    def fetch_earnings(self, symbol: str) -> None:
        redis = self._parts.services.redis
        earnings_into_cache(self._parts.provider, redis, symbol, self._clock())

    def fetch_sparks(self, symbols: Sequence[str]) -> None:
        redis = self._parts.services.redis
        sparks_into_cache(self._parts.provider, redis, symbols, self._clock())

    def fetch_hours(self, calendars: Sequence[str]) -> None:
        moment = self._parts.provider.market_time(self._clock())
        hours_into_cache(self._parts.services.redis, calendars, moment)
