"""From triggers to messages that their channels accepted (ALERTS.md rules 12 to 14).

A trigger is routed to channels when the first of its deliveries is looked at. A delivery is
pending, then held by one worker (`sending`, with a lease that ends at `due_at`), then sent, due
again later, or failed for good; where all have failed, the next channel takes over. All of it
stands in the triggers' documents, so whoever finds a delivery due may go on with it. What one
transaction leases together is one message, and stays one: a retry carries the same triggers and
the same identity.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from services.errors import DeliveryError
from services.jobs import Jobs
from services.notify import deliveries
from services.notify.channel import Channel, Channels, Letter
from services.store.contract import Store, Transaction, Update, Write
from services.store.record import readable
from services.store.triggers import Delivery, Trigger, Triggers, trigger_path
from services.store.users import User, Users

AT_ONCE = 100
"""Triggers that one transaction looks at."""
log = logging.getLogger(__name__)


class Outbox:
    """`changed` is told of a profile that a channel's end has changed."""

    def __init__(
        self,
        store: Store,
        channels: Channels,
        jobs: Jobs,
        luck: Callable[[], float],
        changed: Callable[[User], object] | None = None,
    ) -> None:
        self._store = store
        self._users = Users(store)
        self._triggers = Triggers(store)
        self._channels = channels
        self._jobs = jobs
        self._luck = luck
        self._changed = changed

    def sweep(self, now: datetime) -> int:
        """Have every delivery that is due seen to; returns how many triggers have one."""
        due = self._triggers.due(now)
        self._jobs.dispatch(list(dict.fromkeys(trigger.uid for trigger in due)))
        return len(due)

    def dispatch(self, uid: str, now: datetime) -> None:
        """Enqueue a job for each channel by which something of a person is due."""
        due = self._triggers.due_of(uid, now)
        user = self._users.get(uid) if any(not trigger.deliveries for trigger in due) else None
        routed = [deliveries.routed(trigger, user) for trigger in due]
        names = {
            name: None
            for trigger in routed
            for name in trigger.deliveries
            if deliveries.is_due(trigger, name, now)
        }
        for name in names:
            self._jobs.deliver(uid, name)

    def deliver(self, uid: str, name: str, now: datetime) -> bool:
        """Send one message about what is due of a person by one channel; False where nothing is
        left to send, or another worker is at it."""
        leasing = self._lease(uid, name, now)
        if leasing.passed_on:
            self._jobs.dispatch([uid])
        if leasing.letter is not None:
            self._attempt(leasing.letter, now)
        return leasing.may_be_more

    def release(self, uid: str, now: datetime) -> int:
        """Make due what was held until the address was confirmed; returns the number."""
        waiting = [
            trigger
            for trigger in self._triggers.open_of(uid)
            if any(delivery.state == "held" for delivery in trigger.deliveries.values())
        ]
        for trigger in waiting:
            for name, delivery in trigger.deliveries.items():
                if delivery.state == "held":
                    self._settle([trigger], name, Delivery(due_at=now), None, now)
        if waiting:
            self._jobs.dispatch([uid])
        return len(waiting)

    def _lease(self, uid: str, name: str, now: datetime) -> "_Leasing":
        due = [
            trigger
            for trigger in self._triggers.due_of(uid, now)
            if not trigger.deliveries or deliveries.is_due(trigger, name, now)
        ]
        leasing = _Leasing(self._channels, uid, name, due, now)
        if due:
            self._store.transact(leasing.work)
        return leasing

    def _attempt(self, letter: Letter, now: datetime) -> None:
        channel, delivery = self._channels.find(letter.user, letter.name), letter.delivery
        try:
            if channel is None:
                raise DeliveryError("This channel does not exist any more.", permanent=True)
            reached = channel.send(letter, now)
        except DeliveryError as error:
            self._failed(letter, channel, error, now)
        else:
            sent = deliveries.sent(delivery, now, (*delivery.reached, *reached))
            self._settle(letter.triggers, letter.name, sent, letter.user, now)

    def _failed(
        self, letter: Letter, channel: Channel | None, error: DeliveryError, now: datetime
    ) -> None:
        user, name = letter.user, letter.name
        ids = ", ".join(trigger.id for trigger in letter.triggers)
        log.warning("Attempt %d of %s by %s: %s", letter.delivery.attempts, ids, name, error)
        another = any(deliveries.another(trigger, user) for trigger in letter.triggers)
        after = deliveries.after_failure(letter.delivery, error, now, self._luck(), another=another)
        off = channel.switched_off(user, name, str(error), now) if channel and error.gone else {}
        self._settle(letter.triggers, name, after, user, now, off)
        if off and self._changed and (present := self._users.get(user.uid)):
            self._changed(present)

    def _settle(
        self,
        triggers: Sequence[Trigger],
        name: str,
        outcome: Delivery,
        user: User | None,
        now: datetime,
        off: dict[str, object] | None = None,
    ) -> None:
        """Write the outcome, unless the lease had ended and somebody else went on, and have the
        next channel take over; with `off`, switch this one off in the profile."""
        before = {trigger.id: trigger.deliveries[name] for trigger in triggers}
        paths = [trigger_path(trigger.uid, trigger.id) for trigger in triggers]

        def work(transaction: Transaction) -> bool:
            person = _user(transaction, triggers[0].uid) if off else None
            present = [
                trigger
                for trigger in _read(transaction, paths)
                if trigger.deliveries.get(name) == before[trigger.id]
            ]
            settled = [deliveries.settled(trigger, name, outcome) for trigger in present]
            after = [deliveries.passed_on(trigger, user, now) for trigger in settled]
            writes: list[Write] = [_stored(trigger) for trigger in after]
            # An address or destination that was changed meanwhile is not what was refused.
            if person and user and off and _is_same_place(person, user, name):
                writes.append(Update(f"users/{person.uid}", person.replace(**off).fields()))
            if writes:
                transaction.write(*writes)
            return after != settled

        if self._store.transact(work):
            self._jobs.dispatch([triggers[0].uid])


class _Leasing:
    """One transaction that takes what is due of a person by one channel, or writes what becomes
    of it without being sent."""

    def __init__(
        self, channels: Channels, uid: str, name: str, due: Sequence[Trigger], now: datetime
    ) -> None:
        self._channels = channels
        self._uid = uid
        self._name = name
        self._due = due
        self._now = now
        self.letter: Letter | None = None
        self.passed_on = False
        self.may_be_more = False

    def work(self, transaction: Transaction) -> None:
        """Lease the triggers of one message. A lease that another worker holds is not due."""
        user = _user(transaction, self._uid)
        paths = [trigger_path(self._uid, trigger.id) for trigger in self._candidates()]
        stored = _read(transaction, paths)
        found = [deliveries.routed(trigger, user) for trigger in stored]
        self.letter, self.passed_on, self.may_be_more = None, False, False
        due = [t for t in found if deliveries.is_due(t, self._name, self._now)]
        writes = {
            new.id: new for new, old in zip(found, stored, strict=True) if new != old
        }  # routed just now
        if due:
            shared = self._shared(user, due)
            written, self.letter = self._become(user, shared)
            writes |= {trigger.id: trigger for trigger in written}
            self.may_be_more = True
        if writes:
            transaction.write(*(_stored(trigger) for trigger in writes.values()))

    def _candidates(self) -> Sequence[Trigger]:
        """The triggers to look at: a group whole, or the longest due."""
        first = self._due[0].deliveries.get(self._name)
        if first is None or deliveries.is_fresh(first):
            return self._due[:AT_ONCE]
        return [
            trigger
            for trigger in self._due
            if (one := trigger.deliveries.get(self._name))
            and deliveries.belong_together(first, one)
        ] or self._due[:1]

    def _shared(self, user: User | None, due: Sequence[Trigger]) -> Sequence[Trigger]:
        """Those that are one message with the first."""
        first = due[0].deliveries[self._name]
        if not deliveries.is_fresh(first):
            shared = [t for t in due if deliveries.belong_together(first, t.deliveries[self._name])]
            return shared or due[:1]
        fresh = [t for t in due if deliveries.is_fresh(t.deliveries[self._name])]
        channel = self._channels.find(user, self._name) if user else None
        return fresh[: channel.together(len(fresh))] if channel else fresh

    def _become(
        self, user: User | None, shared: Sequence[Trigger]
    ) -> tuple[Sequence[Trigger], Letter | None]:
        """What is written of these triggers, and the letter that they are, if they may be sent."""
        delivery = shared[0].deliveries[self._name]
        channel = self._channels.find(user, self._name) if user else None
        if user is None:
            return self._all(shared, deliveries.failed(delivery, deliveries.GONE_ACCOUNT)), None
        if channel is None:
            reason: str | None = "There is no such channel here any more."
        else:
            reason = channel.absent_because(user, self._name)
        if reason is None and channel and channel.is_held(user):
            return self._all(shared, deliveries.held(self._now)), None
        if reason := reason or deliveries.never_ended(delivery):
            failed = self._all(shared, deliveries.failed(delivery, reason))
            after = [deliveries.passed_on(trigger, user, self._now) for trigger in failed]
            self.passed_on = after != failed
            return after, None
        return self._begin_or_wait(user, shared)

    def _begin_or_wait(
        self, user: User, shared: Sequence[Trigger]
    ) -> tuple[Sequence[Trigger], Letter | None]:
        """What was tried together waits together, until the first of it may be sent."""
        name, now, delivery = self._name, self._now, shared[0].deliveries[self._name]
        due = {trigger.id: deliveries.due_for(user, trigger, now) for trigger in shared}
        if not deliveries.is_fresh(delivery):
            due = dict.fromkeys(due, min(due.values()))
        ready = [trigger for trigger in shared if due[trigger.id] <= now]
        waiting = [
            trigger.with_delivery(
                name,
                trigger.deliveries[name].model_copy(update={"due_at": due[trigger.id]}),
            )
            for trigger in shared
            if due[trigger.id] > now
        ]
        group = delivery.group
        if ready and deliveries.is_fresh(delivery):
            group = deliveries.group_of(ready, name)
        leased = [
            trigger.with_delivery(name, deliveries.begun(trigger.deliveries[name], group, now))
            for trigger in ready
        ]
        return [*leased, *waiting], Letter(user, name, leased) if leased else None

    def _all(self, triggers: Sequence[Trigger], outcome: Delivery) -> list[Trigger]:
        return [deliveries.settled(trigger, self._name, outcome) for trigger in triggers]


def _is_same_place(one: User, other: User, name: str) -> bool:
    """Whether a channel still leads to where it led."""
    here, there = one.destination(name), other.destination(name)
    return one.email == other.email and (here and here.url) == (there and there.url)


def _user(transaction: Transaction, uid: str) -> User | None:
    document = transaction.get(f"users/{uid}")
    return User.from_document(document) if document else None


def _read(transaction: Transaction, paths: Sequence[str]) -> list[Trigger]:
    documents = (document for document in transaction.get_all(paths) if document is not None)
    return list(readable(Trigger, documents))


def _stored(trigger: Trigger) -> Update:
    return Update(trigger_path(trigger.uid, trigger.id), trigger.fields())
