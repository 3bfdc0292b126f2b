"""What became of the last backup, for the status page and the metrics.

In Redis under `backup:state`, and in the store at `system/backup`, should Redis be emptied.
"""

import logging
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis, RedisError

from services.pulse import Pulse
from services.store.contract import Set, Store

KEY, PATH = "backup:state", "system/backup"
log = logging.getLogger(__name__)


class BackupState(BaseModel):
    """`succeeded_at` is when the last backup was made and proved; `name`, `documents`, `bytes`
    and `seconds` (making and proving) are its. `failed_at` and `error` are of the last failure,
    which may be older or newer."""

    model_config = ConfigDict(frozen=True)

    succeeded_at: datetime | None = None
    name: str = ""
    documents: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failed_at: datetime | None = None
    error: str = ""


def read_state(redis: Redis, store: Store) -> BackupState:
    """Raises StoreError where Redis does not know."""
    known = _in_redis(redis)
    if known is not None:
        return known
    document = store.get(PATH)
    state = BackupState.model_validate(document.fields) if document else BackupState()
    _tell_redis(state, redis)
    return state


def keep_state(state: BackupState, redis: Redis, store: Store) -> None:
    """Raises StoreError. Without Redis, which may be down when an operator makes a backup, the
    store has it."""
    store.write(Set(PATH, state.model_dump()))
    _tell_redis(state, redis)


def _in_redis(redis: Redis) -> BackupState | None:
    try:
        text = redis.get(KEY)
        return BackupState.model_validate_json(text) if text is not None else None
    except ValidationError:  # written by another version
        return None
    except RedisError as error:
        log.info("The store is asked for the last backup, for Redis is away: %s", error)
        return None


def _tell_redis(state: BackupState, redis: Redis) -> None:
    try:
        redis.set(KEY, state.model_dump_json())
        if state.succeeded_at is not None:
            Pulse(redis).note_backup(state.succeeded_at)
    except RedisError as error:
        log.info("Redis is not told of the last backup, for it is away: %s", error)
