"""The schedule as it stands in Redis, with what became of each job's last run."""

from datetime import UTC, datetime

from redis import Redis
from rq import Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.results import Result
from rq_scheduler import Scheduler

from config import Settings
from services.scheduled import Scheduled
from workers.queues import QUEUES
from workers.schedule import Entry, entries


def listed(redis: Redis, settings: Settings) -> list[Scheduled]:
    """Every entry, in the order of the file. Raises redis.RedisError."""
    return [_listed(redis, entry) for entry in entries(settings)]


def unattended(redis: Redis) -> tuple[str, ...]:
    """The queues on which no worker works now. Raises redis.RedisError."""
    attended = {name for worker in Worker.all(connection=redis) for name in worker.queue_names()}
    return tuple(name for name in QUEUES if name not in attended)


def _listed(redis: Redis, entry: Entry) -> Scheduled:
    due = redis.zscore(Scheduler.scheduled_jobs_key, entry.id)
    last = _last(redis, entry)
    return Scheduled(
        job=entry.job,
        rhythm=entry.rhythm,
        says=entry.says,
        next_run=None if due is None else datetime.fromtimestamp(due, UTC),
        ended_at=last.created_at if last else None,
        error=_error(last),
    )


def _last(redis: Redis, entry: Entry) -> Result | None:
    try:
        return Job.fetch(entry.id, connection=redis).latest_result()
    except NoSuchJobError:
        return None


def _error(last: Result | None) -> str:
    """The last line of what was raised, empty where nothing was."""
    if last is None or last.type == Result.Type.SUCCESSFUL:
        return ""
    lines = (last.exc_string or "").strip().splitlines()
    return lines[-1] if lines else last.type.name.lower()
