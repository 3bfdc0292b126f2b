"""RQ's worker, each of whose jobs is seen: in the log, and in the metrics."""

import time
from typing import Any

from rq import SimpleWorker
from rq.job import Job

from services.logs.context import of_job
from services.metrics import JOBS
from services.metrics.memory import note_memory


class SeenWorker(SimpleWorker):
    def perform_job(self, job: Job, *args: Any, **options: Any) -> bool:
        """Whether it ended well; what it logs says which job it was."""
        begun = time.perf_counter()
        with of_job(job.id):
            is_done = super().perform_job(job, *args, **options)
        outcome = "done" if is_done else "failed"
        name = (job.func_name or "").rpartition(".")[2]
        JOBS.labels(name, outcome).observe(time.perf_counter() - begun)
        note_memory("worker")
        return is_done
