"""RQ's worker, each of whose jobs is seen: in the log, and in the metrics."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

from redis import Redis, RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job

from services.logs.context import of_job
from services.metrics import JOBS
from services.metrics.memory import note_memory
from services.tracing import span
from workers.queues import TRACE

RETRY_SECONDS = 2
log = logging.getLogger(__name__)


def work(queues: Sequence[str], redis: Redis) -> None:
    """Work until asked to stop. RQ's worker gives up when Redis breaks off in a job; another one
    then goes on in this process."""
    with suppress(StopRequested):  # a signal between two workers
        while not _asked_to_stop(queues, redis):
            time.sleep(RETRY_SECONDS)


def _asked_to_stop(queues: Sequence[str], redis: Redis) -> bool:
    """Work until a worker ends; whether it was asked to."""
    worker = None
    try:
        worker = SeenWorker(queues, connection=redis)
        worker.work(logging_level=None)
    except RedisError as error:
        log.warning("The worker goes on when Redis is back: %s", error)
    return worker is not None and worker.is_asked_to_stop


class SeenWorker(SimpleWorker):
    is_asked_to_stop = False

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.is_asked_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def perform_job(self, job: Job, *args: Any, **options: Any) -> bool:
        """Whether it ended well; what it logs says which job it was."""
        begun = time.perf_counter()
        name = (job.func_name or "").rpartition(".")[2]
        with of_job(job.id), span("job", job.meta.get(TRACE)) as tell:
            is_done = super().perform_job(job, *args, **options)
            tell(name, {"messaging.destination.name": job.origin}, is_error=not is_done)
        outcome = "done" if is_done else "failed"
        JOBS.labels(name, outcome).observe(time.perf_counter() - begun)
        note_memory("worker")
        return is_done
