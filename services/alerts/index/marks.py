"""The alerts that are about to change in the store."""

from datetime import datetime, timedelta

from services.alerts.index.keys import MARKED
from services.alerts.index.scripts import Scripted
from services.redis_client import text_of

MARK_HOLDS = timedelta(minutes=10)


class Marks(Scripted):
    """What writers set before they write the store, and take away after the index followed."""

    def mark(self, uid: str, alert_id: str, now: datetime) -> None:
        """Say that this alert is about to change in the store."""
        self._redis.zadd(MARKED, {f"{uid}/{alert_id}": now.timestamp()})

    def marked(self) -> list[tuple[str, str]]:
        """(uid, alert id) of alerts that the index may not have followed."""
        pairs = (text_of(entry).split("/") for entry in self._redis.zrange(MARKED, 0, -1))
        return [(uid, alert_id) for uid, alert_id in pairs]

    def unmark(self, uid: str, alert_id: str) -> None:
        self._redis.zrem(MARKED, f"{uid}/{alert_id}")

    def unmark_before(self, now: datetime) -> None:
        """Drop marks so old that their writer is done or dead."""
        self._redis.zremrangebyscore(MARKED, "-inf", (now - MARK_HOLDS).timestamp())
