"""What runs when. Each entry has a fixed id, so that a second clock changes nothing."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from rq.exceptions import NoSuchJobError
from rq_scheduler import Scheduler

from config import Settings
from services.redis_client import text_of
from workers.queues import CHECKS, UPKEEP

SWEEP_SECONDS = 60
EXPIRE_SECONDS = 900
REFRESH_SECONDS = 600
DIGESTS_SECONDS = 60
"""So that those whose turn did not come in a minute come in the next."""
DAY_SECONDS = 86_400
PREFIX = "schedule-"
BACKUP_AT, CLEAN_AT = time(2, 0), time(3, 0)
"""UTC."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A job of workers/jobs.py, how many seconds lie between its runs, and after how many the
    first is due; or `at` what time of each day (UTC) it runs. It may take `limit` seconds."""

    job: str
    says: str
    seconds: int = DAY_SECONDS
    first_after: int = 0
    at: time | None = None
    queue: str = CHECKS
    limit: int = 600

    @property
    def id(self) -> str:
        return f"{PREFIX}{self.job}"

    @property
    def rhythm(self) -> str:
        if self.at:
            return f"daily at {self.at:%H:%M} UTC"
        for unit, name in ((DAY_SECONDS, "d"), (3_600, "h"), (60, "min")):
            if self.seconds % unit == 0:
                return f"every {self.seconds // unit} {name}"
        return f"every {self.seconds} s"

    def first_run(self, now: datetime) -> datetime:
        return next_at(self.at, now) if self.at else now + timedelta(seconds=self.first_after)


def entries(settings: Settings) -> tuple[Entry, ...]:
    check = settings.check_interval_seconds
    backup = Entry(
        "back_up", "make a backup and prove it", at=BACKUP_AT, queue=UPKEEP, limit=21_600
    )
    return (
        Entry("check_alerts", "hold armed alerts against the market", check),
        Entry("sweep", "deliver what is due; take over from the dead", min(SWEEP_SECONDS, check)),
        Entry("expire_alerts", "end alerts whose time is over", EXPIRE_SECONDS),
        Entry("send_digests", "send the digests that are due", DIGESTS_SECONDS),
        Entry("erase_accounts", "finish erasing closed accounts", EXPIRE_SECONDS),
        Entry("refresh_watchlists", "fetch quotes that people look at", REFRESH_SECONDS),
        Entry("reconcile_index", "compare the armed index with the store", first_after=DAY_SECONDS),
        *([backup] if settings.backup_nightly else []),
        Entry("clean_up", "delete what is kept no longer", at=CLEAN_AT, queue=UPKEEP, limit=3_600),
    )


def next_at(at: time, now: datetime) -> datetime:
    """The next moment behind `now` (UTC) at that time of day."""
    today = datetime.combine(now.date(), at, now.tzinfo)
    return today if today > now else today + timedelta(days=1)


def register(scheduler: Scheduler, settings: Settings, now: datetime) -> None:
    """Put every entry on the schedule that is not there with its present rhythm, and take off
    what is no entry any more."""
    wanted = entries(settings)
    for id_ in _scheduled(scheduler).difference(entry.id for entry in wanted):
        scheduler.cancel(id_)
    for entry in wanted:
        if not _stands(scheduler, entry):
            scheduler.schedule(
                scheduled_time=entry.first_run(now).replace(tzinfo=None),
                func=f"workers.jobs.{entry.job}",
                interval=entry.seconds,
                id=entry.id,
                queue_name=entry.queue,
                result_ttl=-1,
                timeout=entry.limit,
                meta={"at": entry.at.isoformat()} if entry.at else None,
            )


def _scheduled(scheduler: Scheduler) -> set[str]:
    raw = scheduler.connection.zrange(scheduler.scheduled_jobs_key, 0, -1)
    return {name for name in map(text_of, raw) if name.startswith(PREFIX)}


def _stands(scheduler: Scheduler, entry: Entry) -> bool:
    if entry.id not in scheduler:
        return False
    try:
        job = scheduler.job_class.fetch(entry.id, connection=scheduler.connection)
    except NoSuchJobError:
        return False
    at = entry.at.isoformat() if entry.at else None
    same_rhythm = (job.meta.get("interval"), job.meta.get("at")) == (entry.seconds, at)
    return bool(same_rhythm and job.origin == entry.queue)
