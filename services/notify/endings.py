"""Planning when people without a digest are told that alerts end (ALERTS.md rule 6)."""

from datetime import datetime, timedelta

from services.errors import NotFound
from services.notify.digest import planned
from services.notify.digest_news import LOOK_AHEAD
from services.store.alerts import Alerts
from services.store.contract import Store
from services.store.system import System
from services.store.users import User, Users

STEP = timedelta(hours=1)
"""Each hour of ends is looked at once; the hours that overlap LOOK_AHEAD make up for the wait."""


class Endings:
    """Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._alerts = Alerts(store)
        self._users = Users(store)
        self._system = System(store)

    def plan(self, now: datetime) -> int:
        """Have the owners of alerts that end within LOOK_AHEAD told in time; returns how many
        people there are. Planned twice is planned once."""
        horizon = now + LOOK_AHEAD
        after = self._system.ends_planned_until() or now
        if horizon - after < STEP:
            return 0
        ends: dict[str, datetime] = {}
        for alert in self._alerts.all_ending(after, horizon):
            if alert.expires_at is not None:
                ends.setdefault(alert.uid, alert.expires_at)
        for uid, first in ends.items():
            self.plan_for(uid, first, now)
        self._system.save_ends_planned(horizon)
        return len(ends)

    def plan_for(self, uid: str, ends: datetime, now: datetime) -> None:
        """Have a person told of an alert that ends, or has ended, then."""

        def change(user: User) -> User:
            return planned(user, ends, now)

        try:
            self._users.change(uid, change)
        except NotFound:  # an account that is gone
            return
