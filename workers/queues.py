"""The queues, and services.jobs.Jobs on RQ. The web imports this, so it names jobs by text."""

from collections.abc import Sequence

from redis import Redis
from rq import Queue, Retry

from services.jobs import AccountMail

FAST, CHECKS, MAIL = "fast", "checks", "mail"
QUEUES = (FAST, CHECKS, MAIL)
"""In the order in which a worker empties them."""
_FORGOTTEN_AFTER = 60
_MAIL_RETRIES = Retry(max=5, interval=[30, 120, 600, 3_600, 21_600])


class RqJobs:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def fetch_quotes(self, symbols: Sequence[str]) -> None:
        self._enqueue(FAST, "fetch_quotes", list(symbols))

    def search_symbols(self, text: str) -> None:
        self._enqueue(FAST, "search_symbols", text)

    def deliver(self, uid: str, trigger_id: str) -> None:
        """Once in the queue is enough, however often a sweep finds it due meanwhile."""
        name = f"deliver-{trigger_id}"
        if Queue(MAIL, connection=self._redis).get_job_position(name) is None:
            self._enqueue(MAIL, "deliver", uid, trigger_id, name=name)

    def send_account_mail(self, kind: AccountMail, uid: str) -> None:
        self._enqueue(MAIL, "send_account_mail", kind, uid, retry=_MAIL_RETRIES)

    def release_held(self, uid: str) -> None:
        self._enqueue(MAIL, "release_held", uid, retry=_MAIL_RETRIES)

    def _enqueue(
        self,
        queue: str,
        job: str,
        *args: object,
        name: str | None = None,
        retry: Retry | None = None,
    ) -> None:
        Queue(queue, connection=self._redis).enqueue(
            f"workers.jobs.{job}",
            args=args,
            job_id=name,
            retry=retry,
            result_ttl=0,
            failure_ttl=86_400,
            ttl=_FORGOTTEN_AFTER if queue == FAST else None,
        )
