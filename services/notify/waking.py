"""Looking anew at what quiet hours hold, once the hours or the person's time zone are others."""

from datetime import datetime
from functools import partial

from services.jobs import Jobs
from services.store.contract import Store, Transaction, Update
from services.store.triggers import Delivery, Trigger, Triggers, trigger_path


def wake(store: Store, jobs: Jobs, uid: str, now: datetime) -> int:
    """Make due what was never tried and waits; returns the number.

    Where it is still quiet, the outbox holds it until the end that holds now. Raises StoreError.
    """
    waiting = [
        trigger
        for trigger in Triggers(store).open_of(uid)
        if any(_is_waiting(delivery, now) for delivery in trigger.deliveries.values())
    ]
    for trigger in waiting:
        store.transact(partial(_make_due, trigger=trigger, now=now))
    if waiting:
        jobs.dispatch([uid])
    return len(waiting)


def _is_waiting(delivery: Delivery, now: datetime) -> bool:
    """Whether it was never tried and is not due; one of a later round waits for its hour."""
    due = delivery.due_at is not None and delivery.due_at > now
    return due and delivery.state == "pending" and delivery.round == 0


def _make_due(transaction: Transaction, trigger: Trigger, now: datetime) -> None:
    """Unless a worker has begun it meanwhile."""
    path = trigger_path(trigger.uid, trigger.id)
    document = transaction.get(path)
    if document is None:
        return
    present = woken = Trigger.from_document(document)
    for channel, delivery in trigger.deliveries.items():
        if _is_waiting(delivery, now) and present.deliveries.get(channel) == delivery:
            woken = woken.with_delivery(channel, delivery.model_copy(update={"due_at": now}))
    if woken != present:
        transaction.write(Update(path, woken.fields()))
