"""From triggers to a message that its channel accepted (ALERTS.md rules 12 to 14).

A delivery is pending, then held by one worker (`sending`, with a lease that ends at `due_at`),
then sent, due again later, or failed for good. All of it stands in the triggers' documents, so
whoever finds a delivery due may go on with it. What one transaction leases together is one mail,
and stays one: a retry carries the same triggers and the same Message-ID.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from services.errors import DeliveryError
from services.jobs import Jobs
from services.notify import deliveries
from services.notify.compose import Composer
from services.notify.deliveries import CHANNEL, TOGETHER
from services.notify.message import Message
from services.store.contract import Store, Transaction, Update, Write
from services.store.record import readable
from services.store.triggers import Delivery, Trigger, Triggers, trigger_path
from services.store.users import User, Users

log = logging.getLogger(__name__)


class Transport(Protocol):
    def send(self, message: Message, now: datetime) -> None:
        """Raises DeliveryError."""


@dataclass(frozen=True, slots=True)
class Leased:
    """Triggers of one person whose deliveries are one mail, all in the same state."""

    user: User
    triggers: Sequence[Trigger]

    @property
    def delivery(self) -> Delivery:
        return self.triggers[0].deliveries[CHANNEL]


class Outbox:
    """`changed` is told of a profile that a refusal has changed."""

    def __init__(
        self,
        store: Store,
        composer: Composer,
        transport: Transport,
        jobs: Jobs,
        luck: Callable[[], float],
        changed: Callable[[User], object] | None = None,
    ) -> None:
        self._store = store
        self._users = Users(store)
        self._triggers = Triggers(store)
        self._composer = composer
        self._transport = transport
        self._jobs = jobs
        self._luck = luck
        self._changed = changed

    def deliver(self, uid: str, trigger_id: str, now: datetime) -> None:
        """Send what is due of a trigger, in one mail with all of its owner's that are due, too;
        does nothing when another worker is at it."""
        leased = self._lease(uid, trigger_id, now)
        if leased is not None:
            self._attempt(leased, now)

    def sweep(self, now: datetime) -> int:
        """Enqueue every delivery that is due; returns how many triggers have one."""
        due = self._triggers.due(now)
        self._jobs.deliver_all([(trigger.uid, trigger.id) for trigger in due])
        return len(due)

    def release(self, uid: str, now: datetime) -> int:
        """Make due what was held until the address was confirmed; returns the number."""
        released = 0
        while held := self._triggers.held(uid):
            for trigger in held:
                self._settle([trigger], Delivery(state="pending", due_at=now))
            self._jobs.deliver_all([(uid, trigger.id) for trigger in held])
            released += len(held)
        return released

    def _lease(self, uid: str, trigger_id: str, now: datetime) -> Leased | None:
        due = self._triggers.due_of(uid, now, limit=TOGETHER)
        first = next((trigger for trigger in due if trigger.id == trigger_id), None)
        if first is None and len(due) == TOGETHER:
            first = self._triggers.find(uid, trigger_id)
        if first is None or not deliveries.is_due(first, now):
            return None
        ids = [first.id, *(other.id for other in self._others(first, due))]
        paths = [trigger_path(uid, id_) for id_ in dict.fromkeys(ids)][:TOGETHER]
        return self._store.transact(partial(_begin, first=first, paths=paths, now=now))

    def _others(self, first: Trigger, due: list[Trigger]) -> list[Trigger]:
        """What may share a mail with `first`, as far as can be told before the transaction."""
        delivery = first.deliveries[CHANNEL]
        if delivery.group is not None:
            return self._triggers.of_group(first.uid, delivery.group)
        return due if deliveries.is_fresh(delivery) else []

    def _attempt(self, leased: Leased, now: datetime) -> None:
        user, delivery = leased.user, leased.delivery
        try:
            self._transport.send(
                self._composer.triggers(leased.triggers, user, delivery.group, now), now
            )
        except DeliveryError as error:
            names = ", ".join(trigger.id for trigger in leased.triggers)
            log.warning("Attempt %d of %s: %s", delivery.attempts, names, error)
            after = deliveries.after_failure(delivery, error, now, self._luck())
            if not error.gone:
                self._settle(leased.triggers, after)
                return
            self._settle(leased.triggers, after, partial(_refused, user, now))
            if self._changed and (present := self._users.get(user.uid)):
                self._changed(present)
            return
        self._settle(leased.triggers, deliveries.sent(delivery, now))

    def _settle(
        self,
        triggers: Sequence[Trigger],
        outcome: Delivery,
        more: Callable[[Transaction], Sequence[Write]] | None = None,
    ) -> None:
        """Write the outcome, and `more`, unless the lease had ended and somebody else went on."""

        def work(transaction: Transaction) -> None:
            extra = more(transaction) if more else ()
            writes = [*extra, *_outcomes(transaction, triggers, outcome)]
            if writes:
                transaction.write(*writes)

        self._store.transact(work)


def _begin(
    transaction: Transaction, first: Trigger, paths: Sequence[str], now: datetime
) -> Leased | None:
    """Lease `first` and what shares its mail, or write what becomes of them without one."""
    user = _user(transaction, first.uid)
    found = _read(transaction, paths)
    delivery = first.deliveries[CHANNEL]
    if not any(t.id == first.id and t.deliveries[CHANNEL] == delivery for t in found):
        return None
    shared = [
        trigger
        for trigger in found
        if trigger.id == first.id
        or (
            deliveries.is_due(trigger, now)
            and deliveries.belong_together(delivery, trigger.deliveries[CHANNEL])
        )
    ]
    without = deliveries.outcome_without_mail(user, delivery, now)
    if without is not None or user is None:
        transaction.write(*(_write(trigger, without or delivery) for trigger in shared))
        return None
    return _begin_or_wait(transaction, user, shared, now)


def _begin_or_wait(
    transaction: Transaction, user: User, shared: Sequence[Trigger], now: datetime
) -> Leased | None:
    """What was tried together waits together, until the first of it may be sent."""
    delivery = shared[0].deliveries[CHANNEL]
    due = {trigger.id: deliveries.due_for(user, trigger, now) for trigger in shared}
    if not deliveries.is_fresh(delivery):
        due = dict.fromkeys(due, min(due.values()))
    ready = [trigger for trigger in shared if due[trigger.id] <= now]
    waiting = [
        trigger.with_delivery(
            CHANNEL,
            trigger.deliveries[CHANNEL].model_copy(update={"due_at": due[trigger.id]}),
        )
        for trigger in shared
        if due[trigger.id] > now
    ]
    group = (
        deliveries.group_of(ready) if ready and deliveries.is_fresh(delivery) else delivery.group
    )
    sending = deliveries.begun(delivery, group, now)
    leased = [trigger.with_delivery(CHANNEL, sending) for trigger in ready]
    transaction.write(*(_stored(trigger) for trigger in (*leased, *waiting)))
    return Leased(user, leased) if leased else None


def _outcomes(
    transaction: Transaction, triggers: Sequence[Trigger], outcome: Delivery
) -> list[Write]:
    """`outcome` for each whose delivery still is as `triggers` has it: each lease ends at a time
    of its own, so that a late worker is told from its successor."""
    before = {trigger.id: trigger.deliveries[CHANNEL] for trigger in triggers}
    paths = [trigger_path(trigger.uid, trigger.id) for trigger in triggers]
    return [
        _write(present, outcome)
        for present in _read(transaction, paths)
        if present.deliveries[CHANNEL] == before[present.id]
    ]


def _refused(user: User, now: datetime, transaction: Transaction) -> Sequence[Write]:
    """Switch off the address that was tried, if it still is the person's."""
    present = _user(transaction, user.uid)
    if present is None or present.email != user.email:
        return ()
    return (Update(f"users/{user.uid}", {"mail_refused_at": now}),)


def _user(transaction: Transaction, uid: str) -> User | None:
    document = transaction.get(f"users/{uid}")
    return User.from_document(document) if document else None


def _read(transaction: Transaction, paths: Sequence[str]) -> list[Trigger]:
    documents = (document for document in transaction.get_all(paths) if document is not None)
    return [trigger for trigger in readable(Trigger, documents) if CHANNEL in trigger.deliveries]


def _write(trigger: Trigger, outcome: Delivery) -> Update:
    return _stored(trigger.with_delivery(CHANNEL, outcome))


def _stored(trigger: Trigger) -> Update:
    return Update(trigger_path(trigger.uid, trigger.id), trigger.fields())
