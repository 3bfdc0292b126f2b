"""From a trigger to a message that its channel accepted (ALERTS.md rules 12 and 13).

A delivery is pending, then held by one worker (`sending`, with a lease that ends at `due_at`),
then sent, due again later, or failed for good. All of it stands in the trigger's document, so
whoever finds a delivery due may go on with it, and a retry carries the same Message-ID.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from services.errors import DeliveryError
from services.jobs import Jobs
from services.notify.compose import Composer
from services.notify.message import Message
from services.store.contract import Store, Transaction, Update
from services.store.triggers import Delivery, Trigger, Triggers, trigger_path
from services.store.users import User, Users

CHANNEL = "email"
LEASE = timedelta(minutes=2)
LOOK_AGAIN = timedelta(days=1)
"""When a held delivery looks for itself whether the address is confirmed by now."""
RETRIES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
JITTER = 0.2
MAX_ERROR = 300
log = logging.getLogger(__name__)


class Transport(Protocol):
    def send(self, message: Message, now: datetime) -> None:
        """Raises DeliveryError."""


def after_failure(delivery: Delivery, error: DeliveryError, now: datetime, luck: float) -> Delivery:
    """The delivery after an attempt that failed; `luck` in [0, 1) spreads the retries."""
    reason = str(error)[:MAX_ERROR]
    if error.permanent or delivery.attempts > len(RETRIES):
        return delivery.model_copy(update={"state": "failed", "due_at": None, "error": reason})
    wait = RETRIES[delivery.attempts - 1] * (1 + JITTER * luck)
    return delivery.model_copy(update={"state": "retry", "due_at": now + wait, "error": reason})


class Outbox:
    def __init__(
        self,
        store: Store,
        composer: Composer,
        transport: Transport,
        jobs: Jobs,
        luck: Callable[[], float],
    ) -> None:
        self._store = store
        self._users = Users(store)
        self._triggers = Triggers(store)
        self._composer = composer
        self._transport = transport
        self._jobs = jobs
        self._luck = luck

    def deliver(self, uid: str, trigger_id: str, now: datetime) -> None:
        """Send what is due of a trigger; does nothing when another worker is at it."""
        leased = self._lease(uid, trigger_id, now)
        if leased is None:
            return
        user, attempts = self._users.get(uid), leased.deliveries[CHANNEL].attempts
        if user is None:
            self._give_up(leased, "The account does not exist any more.", now)
        elif attempts > len(RETRIES) + 1:
            self._give_up(leased, f"Sending was begun {attempts - 1} times and never ended.", now)
        elif user.confirmed_at is None:
            self._hold(leased, now)
        else:
            self._settle(leased, self._attempt(leased, user, now))

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
                self._settle(trigger, Delivery(state="pending", due_at=now))
                self._jobs.deliver(uid, trigger.id)
            released += len(held)
        return released

    def _lease(self, uid: str, trigger_id: str, now: datetime) -> Trigger | None:
        def work(transaction: Transaction) -> Trigger | None:
            trigger = _read(transaction, uid, trigger_id)
            delivery = trigger.deliveries[CHANNEL] if trigger else None
            if trigger is None or delivery is None or not _is_due(delivery, now):
                return None
            sending = delivery.model_copy(
                update={
                    "state": "sending",
                    "attempts": delivery.attempts + 1,
                    "due_at": now + LEASE,
                }
            )
            leased = trigger.with_delivery(CHANNEL, sending)
            _write(transaction, leased)
            return leased

        return self._store.transact(work)

    def _attempt(self, trigger: Trigger, user: User, now: datetime) -> Delivery:
        delivery = trigger.deliveries[CHANNEL]
        try:
            self._transport.send(self._composer.trigger(trigger, user), now)
        except DeliveryError as error:
            log.warning("Trigger %s, attempt %d: %s", trigger.id, delivery.attempts, error)
            return after_failure(delivery, error, now, self._luck())
        return delivery.model_copy(
            update={"state": "sent", "due_at": None, "sent_at": now, "error": None}
        )

    def _give_up(self, trigger: Trigger, reason: str, now: datetime) -> None:
        error = DeliveryError(reason, permanent=True)
        self._settle(trigger, after_failure(trigger.deliveries[CHANNEL], error, now, 0))

    def _hold(self, trigger: Trigger, now: datetime) -> None:
        """Wait for the address to be confirmed, unless that happened in this moment."""

        def work(transaction: Transaction) -> None:
            document = transaction.get(f"users/{trigger.uid}")
            confirmed = document and User.from_document(document).confirmed_at
            held = Delivery(state="held", due_at=now + LOOK_AGAIN)
            _replace(transaction, trigger, Delivery(due_at=now) if confirmed else held)

        self._store.transact(work)

    def _settle(self, trigger: Trigger, outcome: Delivery) -> None:
        """Write the outcome, unless the lease had ended and somebody else went on."""
        self._store.transact(partial(_replace, trigger=trigger, outcome=outcome))


def _is_due(delivery: Delivery, now: datetime) -> bool:
    return delivery.due_at is not None and delivery.due_at <= now


def _replace(transaction: Transaction, trigger: Trigger, outcome: Delivery) -> None:
    """Write `outcome` if the delivery still is as `trigger` has it: each lease ends at a time of
    its own, so that a late worker is told from its successor."""
    present = _read(transaction, trigger.uid, trigger.id)
    if present and present.deliveries[CHANNEL] == trigger.deliveries[CHANNEL]:
        _write(transaction, present.with_delivery(CHANNEL, outcome))


def _read(transaction: Transaction, uid: str, trigger_id: str) -> Trigger | None:
    document = transaction.get(trigger_path(uid, trigger_id))
    return Trigger.from_document(document) if document else None


def _write(transaction: Transaction, trigger: Trigger) -> None:
    transaction.write(Update(trigger_path(trigger.uid, trigger.id), trigger.fields()))
