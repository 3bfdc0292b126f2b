"""Looking anew at what quiet hours hold, once the hours or the person's time zone are others."""

from datetime import datetime
from functools import partial

from services.jobs import Jobs
from services.notify.deliveries import CHANNEL
from services.store.contract import Store, Transaction, Update
from services.store.triggers import Trigger, Triggers, trigger_path


def wake(store: Store, jobs: Jobs, uid: str, now: datetime) -> int:
    """Make due what was never tried and waits; returns the number.

    Where it is still quiet, the outbox holds it until the end that holds now. Raises StoreError.
    """
    waiting = [
        trigger
        for trigger in Triggers(store).pending(uid)
        if trigger.due_at is not None and trigger.due_at > now
    ]
    for trigger in waiting:
        store.transact(partial(_make_due, trigger=trigger, now=now))
    jobs.deliver_all([(uid, trigger.id) for trigger in waiting])
    return len(waiting)


def _make_due(transaction: Transaction, trigger: Trigger, now: datetime) -> None:
    """Unless a worker has begun it meanwhile."""
    path = trigger_path(trigger.uid, trigger.id)
    document = transaction.get(path)
    present = Trigger.from_document(document) if document else None
    delivery = trigger.deliveries[CHANNEL]
    if present is None or present.deliveries[CHANNEL] != delivery:
        return
    due = present.with_delivery(CHANNEL, delivery.model_copy(update={"due_at": now}))
    transaction.write(Update(path, due.fields()))
