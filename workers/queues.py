"""The queues, and services.jobs.Jobs on RQ. The web imports this, so it names jobs by text."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_hex
from typing import Literal, TypeAlias

from redis import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus
from rq.utils import str_to_date

from services.jobs import AccountMail, Notice, Waiting
from services.market.models import BarInterval
from services.store import users
from services.tracing import traceparent
from workers.waiting import waiting

FAST, CHECKS, PUSH, HOOKS, MAIL = "fast", "checks", "push", "hooks", "mail"
DIGESTS, UPKEEP = "digests", "upkeep"
QUEUES = (FAST, PUSH, CHECKS, HOOKS, MAIL, DIGESTS, UPKEEP)
"""In the order in which a worker empties them: digests of a whole time zone hold up no bell."""
TRACE = "traceparent"
"""In the meta of a job: the span that enqueued it."""
_FORGOTTEN_AFTER = 60
_TRIAL_KEPT = 600
_FAILURES_KEPT = 86_400
_TOGETHER = 500
"""Jobs enqueued in one go."""
_PEOPLE = 25
"""Whom one job sees to: a job costs as much as a person does."""
_BELIEVED_FOR = timedelta(minutes=2)
_Standing: TypeAlias = Literal["absent", "waits", "runs"]
_MAIL_RETRIES = Retry(max=5, interval=[30, 120, 600, 3_600, 21_600])


class RqJobs:
    def __init__(
        self, redis: Redis, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._redis = redis
        self._clock = clock

    def waiting(self, now: datetime) -> Mapping[str, Waiting]:
        return waiting(self._redis, QUEUES, now)

    def fetch_quotes(self, symbols: Sequence[str]) -> None:
        self._enqueue(FAST, "fetch_quotes", list(symbols))

    def search_symbols(self, text: str) -> None:
        self._enqueue(FAST, "search_symbols", text)

    def fetch_bars(self, symbol: str, interval: BarInterval, years: int = 4) -> None:
        self._enqueue(FAST, "fetch_bars", symbol, interval, years)

    def fetch_earnings(self, symbol: str) -> None:
        self._enqueue(FAST, "fetch_earnings", symbol)

    def fetch_news(self, symbol: str, name: str) -> None:
        self._enqueue(FAST, "fetch_news", symbol, name)

    def fetch_sparks(self, symbols: Sequence[str]) -> None:
        self._enqueue(FAST, "fetch_sparks", list(symbols))

    def fetch_hours(self, calendars: Sequence[str]) -> None:
        self._enqueue(FAST, "fetch_hours", list(calendars))

    def check_shard(self, number: int, of: int) -> None:
        """Each has a name of its own: the end of one that runs would erase another of its name."""
        name = f"check-{number}-of-{of}-"
        waiting = Queue(CHECKS, connection=self._redis).job_ids
        if not any(job.startswith(name) for job in waiting):
            self._enqueue(CHECKS, "check_shard", number, of, name=f"{name}{token_hex(4)}")

    def dispatch(self, uids: Sequence[str]) -> None:
        """Once in the queue is enough, however often a sweep finds it due meanwhile."""
        parts = [list(uids[at : at + _PEOPLE]) for at in range(0, len(uids), _PEOPLE)]
        self._enqueue_once(PUSH, "dispatch", {_dispatch_name(part): (part,) for part in parts})

    def deliver(self, uid: str, channel: str) -> None:
        named = {f"deliver-{uid}-{channel}": (uid, channel)}
        self._enqueue_once(_queue_of(channel), "deliver", named)

    def _enqueue_once(self, queue: str, job: str, named: Mapping[str, tuple[object, ...]]) -> None:
        """Enqueue what does not wait already. One that runs may not see what is new: then there
        is a second, under a name of its own, for the end of the first erases the name's data."""
        standing = self._standing(list(named))
        wanted = [name for name, stands in standing.items() if stands != "waits"]
        for start in range(0, len(wanted), _TOGETHER):
            jobs = [
                Queue.prepare_data(
                    f"workers.jobs.{job}",
                    args=named[name],
                    job_id=f"{name}-{token_hex(4)}" if standing[name] == "runs" else name,
                    result_ttl=0,
                    failure_ttl=_FAILURES_KEPT,
                    meta=_meta(),
                )
                for name in wanted[start : start + _TOGETHER]
            ]
            Queue(queue, connection=self._redis).enqueue_many(jobs)

    def _standing(self, names: Sequence[str]) -> dict[str, _Standing]:
        """How jobs stand, as they themselves say: to look for them in a long queue takes as long
        as it is. One that a worker took and died with says that it waits, too, which is why it is
        believed for some minutes only."""
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(Job.key_for(name), "status", "enqueued_at")
            told = pipe.execute()
        since = self._clock() - _BELIEVED_FOR
        return {
            name: _stands(status, at, since) for name, (status, at) in zip(names, told, strict=True)
        }

    def send_notice(self, kind: Notice, uid: str, alert_ids: Sequence[str]) -> None:
        self._enqueue(MAIL, "send_notice", kind, uid, list(alert_ids), retry=_MAIL_RETRIES)

    def send_channel_notice(self, uid: str, channel: str, reason: str) -> None:
        self._enqueue(MAIL, "send_channel_notice", uid, channel, reason, retry=_MAIL_RETRIES)

    def send_digests(self, uids: Sequence[str]) -> None:
        self._enqueue_once(DIGESTS, "send_digest", {f"digest-{uid}": (uid,) for uid in uids})

    def send_account_mail(self, kind: AccountMail, uid: str) -> None:
        self._enqueue(MAIL, "send_account_mail", kind, uid, retry=_MAIL_RETRIES)

    def try_channel(self, uid: str, channel: str, trial: str) -> None:
        queue = _queue_of(channel)
        self._enqueue(queue, "try_channel", uid, channel, trial, forgotten_after=_TRIAL_KEPT)

    def erase_account(self, uid: str) -> None:
        self._enqueue_once(MAIL, "erase_account", {f"erase-{uid}": (uid,)})

    def forget(self, uid: str) -> None:
        """What many share, such as a dispatch, stays: it does nothing for who is not there."""
        for name in QUEUES:
            queue = Queue(name, connection=self._redis)
            held = (queue, queue.scheduled_job_registry, queue.failed_job_registry)
            for ids in (place.get_job_ids() for place in held):
                for start in range(0, len(ids), _TOGETHER):
                    jobs = Job.fetch_many(ids[start : start + _TOGETHER], self._redis)
                    for job in jobs:
                        if job is not None and _is_of(uid, job):
                            job.delete()

    def release_held(self, uid: str) -> None:
        self._enqueue(MAIL, "release_held", uid, retry=_MAIL_RETRIES)

    def _enqueue(
        self,
        queue: str,
        job: str,
        *args: object,
        name: str | None = None,
        retry: Retry | None = None,
        forgotten_after: int | None = None,
    ) -> None:
        Queue(queue, connection=self._redis).enqueue(
            f"workers.jobs.{job}",
            args=args,
            job_id=name,
            retry=retry,
            result_ttl=0,
            failure_ttl=_FAILURES_KEPT,
            ttl=_FORGOTTEN_AFTER if queue == FAST else forgotten_after,
            meta=_meta(),
        )


def _meta() -> dict[str, str] | None:
    here = traceparent()
    return {TRACE: here} if here else None


def _queue_of(channel: str) -> str:
    return {users.EMAIL: MAIL, users.PUSH: PUSH}.get(channel, HOOKS)


def _is_of(uid: str, job: Job) -> bool:
    return uid in job.args or job.args == ([uid],)


def _dispatch_name(uids: Sequence[str]) -> str:
    """The same for the same people."""
    if len(uids) == 1:
        return f"dispatch-{uids[0]}"
    return f"dispatch-{sha256(' '.join(uids).encode()).hexdigest()[:26]}"


def _stands(status: bytes | None, enqueued_at: bytes | None, since: datetime) -> _Standing:
    if status == JobStatus.QUEUED.value.encode():
        return "waits" if _time_of(enqueued_at) > since else "absent"
    return "runs" if status == JobStatus.STARTED.value.encode() else "absent"


def _time_of(text: bytes | None) -> datetime:
    return str_to_date(text) if text else datetime.min.replace(tzinfo=UTC)
