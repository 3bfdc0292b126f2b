"""The daily clean-up. It goes through the people in rounds, a bounded number each day, so that
its cost is bounded, too; what one day leaves, a later one takes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from config import Settings
from services.store.contract import MAX_BATCH, Cursor, Delete, Store
from services.store.devices import Device, Devices
from services.store.keeping import Keeping
from services.store.record import readable
from services.store.triggers import Triggers, trigger_path
from services.store.users import User

A_DAY = 250
"""People a day, at least."""
ROUND_DAYS = 28
"""Everybody is visited at least once in so many days."""
_AT_ONCE = 50
T = TypeVar("T")


@dataclass(slots=True)
class Cleaned:
    """How many people were looked at, and what was let go of."""

    people: int = 0
    triggers: int = 0
    alerts: int = 0
    devices: int = 0
    accounts: int = 0


class Cleaning:
    """`close` ends an account that is not confirmed, if it still is not; and says so."""

    def __init__(
        self, store: Store, settings: Settings, close: Callable[[str, datetime], bool]
    ) -> None:
        self._store = store
        self._settings = settings
        self._close = close
        self._keeping = Keeping(store)
        self._devices = Devices(store)
        self._triggers = Triggers(store)

    def run(self, now: datetime) -> Cleaned:
        """Clean up after the next people of the round. Raises StoreError."""
        cleaned = Cleaned()
        most = max(A_DAY, -(-self._keeping.count_people() // ROUND_DAYS))
        after = self._keeping.round().after
        while cleaned.people < most:
            page = self._keeping.people(after, _AT_ONCE)
            for user in readable(User, page):
                self._clean(user, now, cleaned)
            cleaned.people += len(page)
            after = page[-1].path if len(page) == _AT_ONCE else None
            self._keeping.save_round(after)
            if after is None:  # the round is over, the next one begins tomorrow
                break
        return cleaned

    def _clean(self, user: User, now: datetime, cleaned: Cleaned) -> None:
        settings = self._settings
        if self._is_unused(user, now) and self._close(user.uid, now):
            cleaned.accounts += 1
            return
        if days := settings.triggers_kept_days:
            until = now - timedelta(days=days)
            cleaned.triggers += self._delete(self._old_triggers(user.uid, until))
            cleaned.alerts += self._delete(self._old_alerts(user.uid, until))
        if days := settings.devices_kept_days:
            dead = self._dead_devices(user.uid, now - timedelta(days=days))
            cleaned.devices += self._delete(f"users/{user.uid}/devices/{one.id}" for one in dead)

    def _is_unused(self, user: User, now: datetime) -> bool:
        days = self._settings.unconfirmed_kept_days
        if not days or user.confirmed_at is not None:
            return False
        old = now - user.created_at >= timedelta(days=days)
        return old and self._keeping.is_unused(user.uid)

    def _old_triggers(self, uid: str, until: datetime) -> Iterator[str]:
        """One that is still to be delivered stays."""
        found = _all_pages(lambda after: self._keeping.old_triggers(uid, until, after))
        return (trigger_path(uid, one.id) for one in found if not one.open)

    def _old_alerts(self, uid: str, until: datetime) -> Iterator[str]:
        """Only those that have expired: they are in no index, and nothing arms them by itself."""
        found = _all_pages(lambda after: self._keeping.old_alerts(uid, until, after))
        return (one.path for one in found if one.state == "expired")

    def _dead_devices(self, uid: str, until: datetime) -> list[Device]:
        """Those whose owner was not seen on them, and that none of the latest messages reached:
        one that only ever takes pushes is alive."""
        silent = [one for one in self._devices.of(uid) if one.last_seen_at <= until]
        if not silent:
            return []
        latest, _ = self._triggers.page(uid)
        reached = {id_ for trigger in latest for sent in trigger.deliveries.values()
                   for id_ in sent.reached if trigger.noticed_at > until}  # fmt: skip
        return [one for one in silent if one.id not in reached]

    def _delete(self, paths: Iterable[str]) -> int:
        left, deleted = iter(paths), 0
        while batch := list(islice(left, MAX_BATCH)):
            self._store.write(*map(Delete, batch))
            deleted += len(batch)
        return deleted


def _all_pages(page: Callable[[Cursor | None], tuple[list[T], Cursor | None]]) -> Iterator[T]:
    after: Cursor | None = None
    while True:
        found, after = page(after)
        yield from found
        if after is None:
            return
