"""How much waits in the queues, and for how long."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from redis import Redis
from rq.job import Job
from rq.utils import str_to_date

from services.jobs import Waiting
from services.redis_client import text_of


def waiting(redis: Redis, queues: Sequence[str], now: datetime) -> Mapping[str, Waiting]:
    """By queue. Raises redis.RedisError."""
    with redis.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.llen(f"rq:queue:{queue}")
            pipe.lindex(f"rq:queue:{queue}", 0)
        found = pipe.execute()
    numbers, oldest = found[::2], found[1::2]
    with redis.pipeline(transaction=False) as pipe:
        for name in oldest:
            pipe.hget(Job.key_for(text_of(name or b"")), "enqueued_at")
        since = pipe.execute()
    return {
        queue: Waiting(number, max(timedelta(), now - str_to_date(at)) if at else timedelta())
        for queue, number, at in zip(queues, numbers, since, strict=True)
    }
