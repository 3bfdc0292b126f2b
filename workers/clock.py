"""The clock process: `python -m workers.clock`. Any number may run; one at a time ticks."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Any

from redis import RedisError
from rq.job import Job
from rq.scheduler import RQScheduler
from rq_scheduler import Scheduler

from config import Settings, SettingsError, load_settings
from services.doctor.start import everything_wrong, require_ready
from services.metrics.memory import note_memory
from services.metrics.shared import share_metrics
from services.operator import watch_over
from services.redis_client import open_redis
from services.reporting import start_reporting
from workers.queues import QUEUES
from workers.schedule import next_at, register

TICK_SECONDS = 1
log = logging.getLogger(__name__)


@contextmanager
def _outliving() -> Iterator[None]:
    """Go on when Redis refuses or stalls."""
    try:
        yield
    except RedisError as error:
        log.warning("Redis does not answer, the clock goes on: %s", error)


class Clock(Scheduler):  # type: ignore[misc]  # rq-scheduler has no types
    """rq-scheduler that puts its entries back when Redis was emptied, and outlives an outage; jobs
    that are to be tried again are enqueued by it, too."""

    settings: Settings

    @cached_property
    def _retries(self) -> RQScheduler:
        """RQ's own scheduler, of jobs that are to be tried again. A worker would run it in a child
        process that holds the worker's connection open: once the worker was killed, Redis went on
        giving jobs to it, which nobody did."""
        retries = RQScheduler(QUEUES, self.connection, logging_level=log.getEffectiveLevel())
        retries.prepare_registries(QUEUES)
        return retries

    def heartbeat(self) -> None:
        with _outliving():
            super().heartbeat()

    def acquire_lock(self) -> bool:
        with _outliving():
            return bool(super().acquire_lock())
        return False

    def remove_lock(self) -> None:
        """One that could not be removed ends by itself."""
        with _outliving():
            super().remove_lock()

    def enqueue_job(self, job: Job) -> None:
        """Skip a job that still waits in its queue, so that an outage piles nothing up."""
        queue = self.get_queue_for_job(job)
        if queue.get_job_position(job.id) is None:
            super().enqueue_job(job)
        next_run = _next_run(job, datetime.now(UTC))
        self.connection.zadd(self.scheduled_jobs_key, {job.id: int(next_run.timestamp())})

    def enqueue_jobs(self) -> list[Any]:
        note_memory("clock")
        enqueued = []
        with _outliving():
            register(self, self.settings, datetime.now(UTC))
            enqueued = list(super().enqueue_jobs())
            self._enqueue_retries()
        return enqueued

    def _enqueue_retries(self) -> None:
        """Checks go on where RQ cannot read one of these jobs: another version wrote it, say."""
        try:
            self._retries.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]
        except RedisError:
            raise
        except Exception:
            log.exception("Jobs that are to be tried again cannot be enqueued")


def _next_run(job: Job, now: datetime) -> datetime:
    """One at a time of day keeps to it, however late it ran today."""
    if at := job.meta.get("at"):
        return next_at(time.fromisoformat(at), now)
    return now + timedelta(seconds=job.meta["interval"])


def main() -> None:
    try:
        settings = load_settings()
        require_ready(settings)
    except SettingsError as error:
        print(everything_wrong(error), file=sys.stderr)  # noqa: T201 - the reason why nothing starts
        sys.exit(2)
    start_reporting(settings)
    clock = Clock(connection=open_redis(settings.redis_url), interval=TICK_SECONDS)
    clock.settings = settings
    share_metrics(settings.data / "metrics")
    watch_over(clock.connection, settings, lambda: datetime.now(UTC), speaks_alone=True)
    clock.run()


if __name__ == "__main__":
    main()
