"""What Redis holds of a store, dropped once the store holds something else.

The index of armed alerts is built anew by the next check; pages and profiles are read again.
Sessions end, because one that a new password had ended could be good again.
"""

from itertools import islice

from redis import Redis

from services.alerts.index.keys import BUILT_FOR
from services.backup.state import KEY

_FAMILIES = ("kept:*", "token:*", "live:triggers:*", "session:*")
_AT_ONCE = 1_000


def forget_derived(redis: Redis) -> None:
    """Raises redis.RedisError."""
    redis.delete(BUILT_FOR, KEY)
    for pattern in _FAMILIES:
        found = redis.scan_iter(pattern, count=_AT_ONCE)
        while batch := list(islice(found, _AT_ONCE)):
            redis.unlink(*batch)
