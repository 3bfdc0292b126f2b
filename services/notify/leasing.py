"""The transaction that begins a message, or writes what becomes of it without being sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from services.notify import deliveries
from services.notify.channel import Channels, Letter
from services.notify.documents import read_triggers, read_user, stored
from services.notify.pace import Rest
from services.store.contract import Transaction
from services.store.triggers import Delivery, Trigger, trigger_path
from services.store.users import User
from services.texts import N_, speaking
from services.texts import gettext as _

NO_SUCH_CHANNEL = N_("There is no such channel here any more.")
_Become: TypeAlias = tuple[Sequence[Trigger], Letter | None]
"""Triggers as they are to be written, and the letter that they are, if they may be sent."""


def _due_at(trigger: Trigger, name: str) -> datetime:
    delivery = trigger.deliveries.get(name)
    due_at = delivery.due_at if delivery else trigger.due_at
    return due_at or trigger.noticed_at


class Leasing:
    """`due` are triggers of one person that may be one message by the channel `name`, which sends
    nothing now while it rests. After `work`, `letter` is what is to be sent, `passed_on` tells
    whether another channel takes over, and `may_be_more` whether anything was due."""

    def __init__(
        self,
        channels: Channels,
        uid: str,
        name: str,
        due: Sequence[Trigger],
        now: datetime,
        rest: Rest | None,
    ) -> None:
        self._channels = channels
        self._uid = uid
        self._name = name
        self._due = due
        self._now = now
        self._rest = rest
        self.letter: Letter | None = None
        self.passed_on = False
        self.may_be_more = False

    @property
    def due_since(self) -> datetime:
        """Since when the first of it is due."""
        return min(_due_at(trigger, self._name) for trigger in self._due)

    def work(self, transaction: Transaction) -> None:
        """Lease the triggers of one message. A lease that another worker holds is not due."""
        user = read_user(transaction, self._uid)
        with speaking(user.language if user else None):
            self._decide(transaction, user)

    def _decide(self, transaction: Transaction, user: User | None) -> None:
        paths = [trigger_path(self._uid, trigger.id) for trigger in self._due]
        found = read_triggers(transaction, paths)
        routed = [deliveries.routed(trigger, user) for trigger in found]
        writes = {new.id: new for new, old in zip(routed, found, strict=True) if new != old}
        self.letter, self.passed_on = None, False
        due = [t for t in routed if deliveries.is_due(t, self._name, self._now)]
        if due:
            written, self.letter = self._become(user, self._shared(user, due))
            writes |= {trigger.id: trigger for trigger in written}
        # What was only routed, to other channels, may have hidden more.
        self.may_be_more = bool(writes)
        if writes:
            transaction.write(*map(stored, writes.values()))

    def _shared(self, user: User | None, due: Sequence[Trigger]) -> Sequence[Trigger]:
        """Those that are one message with the first."""
        first = due[0].deliveries[self._name]
        if not deliveries.is_fresh(first):
            shared = [t for t in due if deliveries.belong_together(first, t.deliveries[self._name])]
            return shared or due[:1]
        fresh = [t for t in due if deliveries.is_fresh(t.deliveries[self._name])]
        channel = self._channels.find(user, self._name) if user else None
        return fresh[: channel.together(len(fresh))] if channel else fresh

    def _become(self, user: User | None, shared: Sequence[Trigger]) -> _Become:
        delivery = shared[0].deliveries[self._name]
        if user is None:
            return self._all(shared, deliveries.failed(delivery, deliveries.GONE_ACCOUNT)), None
        channel = self._channels.find(user, self._name)
        absent = channel.absent_because(user, self._name) if channel else _(NO_SUCH_CHANNEL)
        if absent is None and channel and channel.is_held(user):
            return self._all(shared, deliveries.held(self._now)), None
        reason = absent or deliveries.never_ended(delivery) or self._given_up(user, shared)
        if reason is None:
            return self._begin_or_wait(user, shared)
        ended = self._all(shared, deliveries.over(delivery, reason, self._now))
        after = [deliveries.passed_on(trigger, user, self._now) for trigger in ended]
        self.passed_on = after != ended
        return after, None

    def _given_up(self, user: User, shared: Sequence[Trigger]) -> str | None:
        """Why nothing is tried where another channel can take over; None where it is."""
        if self._rest is None or not self._rest.given_up:
            return None
        can = any(deliveries.successor(trigger, self._name, user) for trigger in shared)
        return self._rest.reason if can else None

    def _begin_or_wait(self, user: User, shared: Sequence[Trigger]) -> _Become:
        """What was tried together waits together, until the first of it may be sent."""
        due = {trigger.id: deliveries.due_for(user, trigger, self._now) for trigger in shared}
        if not deliveries.is_fresh(shared[0].deliveries[self._name]):
            due = dict.fromkeys(due, min(due.values()))
        ready = [trigger for trigger in shared if due[trigger.id] <= self._now]
        waiting = [
            self._with(trigger, deliveries.waiting(self._of(trigger), due[trigger.id]))
            for trigger in shared
            if due[trigger.id] > self._now
        ]
        if self._rest is not None:
            return [*(self._postponed(trigger, self._rest) for trigger in ready), *waiting], None
        leased = self._begun(ready)
        return [*leased, *waiting], Letter(user, self._name, leased) if leased else None

    def _begun(self, ready: Sequence[Trigger]) -> list[Trigger]:
        if not ready:
            return []
        first = self._of(ready[0])
        is_new = deliveries.is_fresh(first)
        group = deliveries.group_of(ready, self._name) if is_new else first.group
        return [
            self._with(trigger, deliveries.begun(self._of(trigger), group, self._now))
            for trigger in ready
        ]

    def _postponed(self, trigger: Trigger, rest: Rest) -> Trigger:
        later = deliveries.postponed(self._of(trigger), rest.until, rest.reason)
        return self._with(trigger, later)

    def _of(self, trigger: Trigger) -> Delivery:
        return trigger.deliveries[self._name]

    def _with(self, trigger: Trigger, delivery: Delivery) -> Trigger:
        return trigger.with_delivery(self._name, delivery)

    def _all(self, triggers: Sequence[Trigger], outcome: Delivery) -> list[Trigger]:
        return [deliveries.settled(trigger, self._name, outcome) for trigger in triggers]
