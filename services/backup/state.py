"""What became of the last backup, for the status page and the metrics.

In Redis under `backup:state`, and in the store at `system/backup`, should Redis be emptied.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.store.contract import Set, Store

KEY, PATH = "backup:state", "system/backup"


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
    """Raises redis.RedisError, and StoreError where Redis does not know."""
    text = redis.get(KEY)
    try:
        if text is not None:
            return BackupState.model_validate_json(text)
    except ValidationError:  # written by another version
        pass
    document = store.get(PATH)
    state = BackupState.model_validate(document.fields) if document else BackupState()
    redis.set(KEY, state.model_dump_json())
    return state


def keep_state(state: BackupState, redis: Redis, store: Store) -> None:
    store.write(Set(PATH, state.model_dump()))
    redis.set(KEY, state.model_dump_json())
