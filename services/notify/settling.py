"""The transaction that writes what became of a message."""

from collections.abc import Sequence
from datetime import datetime

from services.notify import deliveries
from services.notify.channel import Channel
from services.notify.documents import read_triggers, read_user, stored
from services.store.contract import Transaction, Update, Write
from services.store.triggers import Delivery, Trigger, trigger_path
from services.store.users import User


class Settling:
    """`triggers` as they were leased by the channel `name`, for `user` as of then. After `work`,
    `passed_on` tells whether another channel takes over, and `off` whether this one is off."""

    def __init__(
        self,
        triggers: Sequence[Trigger],
        name: str,
        outcome: Delivery,
        user: User | None,
        now: datetime,
        gone: Channel | None,
    ) -> None:
        self._before = {trigger.id: trigger.deliveries[name] for trigger in triggers}
        self._paths = [trigger_path(trigger.uid, trigger.id) for trigger in triggers]
        self._uid = triggers[0].uid
        self._name = name
        self._outcome = outcome
        self._user = user
        self._now = now
        self._gone = gone
        self.passed_on = False
        self.off = False

    def work(self, transaction: Transaction) -> None:
        person = read_user(transaction, self._uid) if self._gone else None
        settled = [
            deliveries.settled(trigger, self._name, self._outcome)
            for trigger in read_triggers(transaction, self._paths)
            if self._counts(trigger)
        ]
        after = [deliveries.passed_on(trigger, self._user, self._now) for trigger in settled]
        off = self._switched_off(person) if person else []
        self.passed_on, self.off = after != settled, bool(off)
        if after or off:
            transaction.write(*(stored(trigger) for trigger in after), *off)

    def _counts(self, trigger: Trigger) -> bool:
        present, begun = trigger.deliveries.get(self._name), self._before[trigger.id]
        return not deliveries.is_outdated(present, begun, self._outcome)

    def _switched_off(self, person: User) -> list[Write]:
        """An address or destination that was changed meanwhile is not what was refused."""
        if not self._gone or not self._user or not _is_same_place(person, self._user, self._name):
            return []
        reason = self._outcome.error or ""
        changes = self._gone.switched_off(person, self._name, reason, self._now)
        fields = person.replace(**changes).fields()
        return [Update(f"users/{person.uid}", fields)] if changes else []


def _is_same_place(one: User, other: User, name: str) -> bool:
    """Whether a channel still leads to where it led."""
    here, there = one.destination(name), other.destination(name)
    return one.email == other.email and (here and here.url) == (there and there.url)
