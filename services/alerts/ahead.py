"""Commands sent to Redis before the answers of those before, so that it works while we do."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from redis import Redis

SENT_AHEAD: Final = 4
"""Commands without an answer yet, at most; more would only wait in memory."""


def answers(redis: "Redis", commands: Iterable[Sequence[str | bytes | int]]) -> Iterator[Any]:
    """The answer to each command, in order: while Redis works on one, `commands` makes the next
    and the caller looks at an answer before. May raise RedisError; what was sent may be done."""
    pool = redis.connection_pool
    connection: Any = pool.get_connection()
    unanswered = 0
    try:
        for command in commands:
            if unanswered == SENT_AHEAD:
                unanswered -= 1
                yield connection.read_response()
            connection.send_command(*command, check_health=not unanswered)
            unanswered += 1
        while unanswered:
            unanswered -= 1
            yield connection.read_response()
    finally:
        if unanswered:
            connection.disconnect()
        pool.release(connection)
