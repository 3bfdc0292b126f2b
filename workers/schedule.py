"""What runs when. Each entry has a fixed id, so that a second clock changes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rq.exceptions import NoSuchJobError
from rq_scheduler import Scheduler

from config import Settings
from workers.queues import CHECKS

SWEEP_SECONDS = 60
EXPIRE_SECONDS = 900
DIGESTS_SECONDS = 60
"""So that those whose turn did not come in a minute come in the next."""
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Entry:
    """A job of workers/jobs.py, how many seconds lie between its runs, and after how many the
    first is due."""

    job: str
    seconds: int
    first_after: int = 0

    @property
    def id(self) -> str:
        return f"schedule-{self.job}"


def entries(settings: Settings) -> tuple[Entry, ...]:
    return (
        Entry("check_alerts", settings.check_interval_seconds),
        Entry("sweep", min(SWEEP_SECONDS, settings.check_interval_seconds)),
        Entry("expire_alerts", EXPIRE_SECONDS),
        Entry("send_digests", DIGESTS_SECONDS),
        Entry("reconcile_index", DAY_SECONDS, first_after=DAY_SECONDS),
    )


def register(scheduler: Scheduler, settings: Settings, now: datetime) -> None:
    """Put every entry on the schedule that is not there with its present interval."""
    for entry in entries(settings):
        if not _stands(scheduler, entry):
            scheduler.schedule(
                scheduled_time=now.replace(tzinfo=None) + timedelta(seconds=entry.first_after),
                func=f"workers.jobs.{entry.job}",
                interval=entry.seconds,
                id=entry.id,
                queue_name=CHECKS,
                result_ttl=-1,
                timeout=600,
            )


def _stands(scheduler: Scheduler, entry: Entry) -> bool:
    if entry.id not in scheduler:
        return False
    try:
        job = scheduler.job_class.fetch(entry.id, connection=scheduler.connection)
    except NoSuchJobError:
        return False
    return bool(job.meta.get("interval") == entry.seconds)
