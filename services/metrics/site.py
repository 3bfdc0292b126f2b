"""What is true of the whole site, read from Redis when somebody asks for the metrics.

Every machine tells the same of it: queries take the maximum, not the sum.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis, RedisError

from services.jobs import Jobs
from services.market.cache import QuoteCache
from services.pulse import Pulse

log = logging.getLogger(__name__)
GAUGES = {
    "bellwether_redis_up": "Whether Redis answers.",
    "bellwether_redis_memory_bytes": "Memory of Redis: used, and its limit where there is one.",
    "bellwether_queue_jobs": "Jobs that wait, by queue.",
    "bellwether_queue_age_seconds": "How long the oldest job of a queue waits.",
    "bellwether_check_lag_seconds": "Time since the last completed check.",
    "bellwether_check_symbols": "Symbols of the last check: watched, and unseen by it.",
    "bellwether_armed_alerts": "Alerts that the last check watched.",
    "bellwether_quotes_delayed_seconds": "How long the source of prices has failed.",
    "bellwether_backup_age_seconds": "Time since the last verified backup.",
}
_LABELS = {
    "bellwether_redis_memory_bytes": ("kind",),
    "bellwether_queue_jobs": ("queue",),
    "bellwether_queue_age_seconds": ("queue",),
    "bellwether_check_symbols": ("kind",),
    "bellwether_quotes_delayed_seconds": ("source",),
}


class SiteMetrics(Collector):
    """Without Redis it says that alone. `clock` tells our time, UTC."""

    def __init__(
        self,
        redis: Redis,
        jobs: Jobs,
        clock: Callable[[], datetime],
    ) -> None:
        self._redis = redis
        self._jobs = jobs
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        try:
            metrics = list(self._all(self._clock()))
        except RedisError as error:
            log.warning("Metrics of the site are missing: %s", error)
            metrics = [_gauge("bellwether_redis_up", ((), 0))]
        yield from metrics

    def _all(self, now: datetime) -> Iterator[Metric]:
        yield from self._of_redis()
        yield from self._of_queues(now)
        yield from self._of_checks(now)
        status = QuoteCache(self._redis).status()
        if status.source:
            since = status.delayed_since
            age = (now - since).total_seconds() if since else 0
            yield _gauge("bellwether_quotes_delayed_seconds", ((status.source,), age))
        if ended_at := Pulse(self._redis).last_backup():
            yield _gauge("bellwether_backup_age_seconds", ((), (now - ended_at).total_seconds()))

    def _of_redis(self) -> Iterator[Metric]:
        memory: Any = self._redis.info("memory")
        yield _gauge("bellwether_redis_up", ((), 1))
        limit = memory.get("maxmemory") or memory.get("total_system_memory", 0)
        yield _gauge(
            "bellwether_redis_memory_bytes",
            (("used",), memory["used_memory"]),
            (("limit",), limit),
        )

    def _of_queues(self, now: datetime) -> Iterator[Metric]:
        queues = self._jobs.waiting(now)
        yield _gauge("bellwether_queue_jobs", *(((q,), one.jobs) for q, one in queues.items()))
        ages = (((q,), one.oldest.total_seconds()) for q, one in queues.items())
        yield _gauge("bellwether_queue_age_seconds", *ages)

    def _of_checks(self, now: datetime) -> Iterator[Metric]:
        last = Pulse(self._redis).last_check()
        if last is None:
            return
        lag = (now - last.completed_at).total_seconds()
        yield _gauge("bellwether_check_lag_seconds", ((), lag))
        yield _gauge(
            "bellwether_check_symbols", (("watched",), last.symbols), (("unseen",), last.unseen)
        )
        if last.armed is not None:
            yield _gauge("bellwether_armed_alerts", ((), last.armed))


def _gauge(name: str, *samples: tuple[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(name, GAUGES[name], labels=_LABELS.get(name, ()))
    for labels, value in samples:
        family.add_metric(labels, value)
    return family
