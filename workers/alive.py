"""Whether this container's worker, or a clock, is alive: `python -m workers.alive worker|clock`.

A health check. While Redis is away the answer is yes: a restart would not bring it back.
"""

import argparse
import socket
import sys
from collections.abc import Sequence

from redis import Redis, RedisError
from rq import Worker
from rq_scheduler import Scheduler

from config import load_settings
from services.redis_client import open_redis


def main(arguments: Sequence[str]) -> int:
    """0 if it is alive or nobody can tell, else 1 with the reason."""
    parser = argparse.ArgumentParser(prog="python -m workers.alive")
    parser.add_argument("part", choices=("worker", "clock"))
    part = parser.parse_args(arguments).part
    redis = open_redis(load_settings().redis_url)
    try:
        alive = works_here(redis, socket.gethostname()) if part == "worker" else ticks(redis)
    except RedisError:
        return 0
    if not alive:
        print(f"No {part} has given a sign of life.", file=sys.stderr)  # noqa: T201
    return 0 if alive else 1


def works_here(redis: Redis, host: str) -> bool:
    """Whether a worker of this host has lately told Redis that it lives (RQ keeps that 8 min)."""
    return any(one.hostname == host and not one.death_date for one in Worker.all(connection=redis))


def ticks(redis: Redis) -> bool:
    """Whether any clock does: they take turns, and need not all be alive (kept 11 s)."""
    clocks = redis.scan_iter(f"{Scheduler.redis_scheduler_namespace_prefix}*")
    return any(not redis.hexists(clock, "death") for clock in clocks)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
