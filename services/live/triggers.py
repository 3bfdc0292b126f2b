"""News of triggers for open pages, and the newest of them for pages that lost their connection.

| key or channel | holds | kept |
|---|---|---|
| channel `live:triggers` | `ID UID JSON` of each new trigger | not |
| stream `live:triggers:{uid}` | the newest twenty of a person | a day |
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from redis import Redis, RedisError

from services.live.quotes import json_of
from services.store.triggers import Trigger

TRIGGERS = "live:triggers"
KEPT_OF_EACH = 20
KEPT = timedelta(days=1)
log = logging.getLogger(__name__)

_RING = """
for i, key in ipairs(KEYS) do
  local id = redis.call('XADD', key, 'MAXLEN', ARGV[1], '*', 'trigger', ARGV[2 * i + 2])
  redis.call('EXPIRE', key, ARGV[2])
  redis.call('PUBLISH', 'live:triggers', id .. ' ' .. ARGV[2 * i + 1] .. ' ' .. ARGV[2 * i + 2])
end
"""


def stream_of(uid: str) -> str:
    return f"live:triggers:{uid}"


def tell_of_triggers(redis: Redis, triggers: Iterable[Trigger]) -> None:
    """Tell open pages of new triggers. Where Redis does not answer they are told nothing:
    the triggers are recorded, and no page is worth a failure of that."""
    triggers = list(triggers)
    if not triggers:
        return
    told = [text for trigger in triggers for text in (trigger.uid, json_of(_brief(trigger)))]
    limits = [KEPT_OF_EACH, int(KEPT.total_seconds())]
    keys = [stream_of(trigger.uid) for trigger in triggers]
    try:
        redis.eval(_RING, len(keys), *keys, *limits, *told)
    except RedisError:
        log.warning("Open pages are not told of %d triggers", len(triggers), exc_info=True)


def _brief(trigger: Trigger) -> dict[str, object]:
    return trigger.model_dump(
        mode="json",
        include={
            "id",
            "alert_id",
            "symbol",
            "value",
            "price",
            "currency",
            "occurred_at",
            "noticed_at",
        },
    ) | {"level": trigger.level}
