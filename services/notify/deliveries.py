"""What becomes of e-mail deliveries, step by step (ALERTS.md rules 13 and 14). Pure.

Deliveries that are begun together are one mail from then on: they share a group, and so the
Message-ID of every retry. What rings later is not of that group.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.errors import DeliveryError
from services.notify.quiet import quiet_until
from services.store.triggers import Delivery, Trigger
from services.store.users import User

CHANNEL = "email"
TOGETHER = 100
"""Triggers in one mail, at most."""
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


def is_due(trigger: Trigger, now: datetime) -> bool:
    delivery = trigger.deliveries.get(CHANNEL)
    return delivery is not None and delivery.due_at is not None and delivery.due_at <= now


def is_fresh(delivery: Delivery) -> bool:
    """Whether it was never tried, so that it may share a mail with others."""
    return delivery.attempts == 0 and delivery.group is None


def belong_together(one: Delivery, other: Delivery) -> bool:
    if one.group is not None:
        return one.group == other.group
    return is_fresh(one) and is_fresh(other)


def group_of(triggers: Sequence[Trigger]) -> str | None:
    """The name of the triggers that share a mail; None for one, which has its own."""
    if len(triggers) == 1:
        return None
    names = " ".join(sorted(trigger.id for trigger in triggers))
    return hashlib.sha256(names.encode()).hexdigest()[:32]


def due_for(user: User, trigger: Trigger, now: datetime) -> datetime:
    """When a delivery that is due may be sent: now, or when the quiet hours end."""
    if trigger.urgent:
        return now
    return quiet_until(user.quiet_hours, user.time_zone, now) or now


def no_mail_because(user: User) -> str | None:
    """Why a person gets no mails but those about the account, in plain words; None if they do."""
    if user.mail_stopped_at is not None:
        return f"You stopped all mail on {_day(user.mail_stopped_at)}. Your account page starts it."
    if user.mail_refused_at is not None:
        return (
            f"Not tried: {user.email} was refused on {_day(user.mail_refused_at)}."
            " Confirm the address again on your account page."
        )
    return None


def outcome_without_mail(user: User | None, delivery: Delivery, now: datetime) -> Delivery | None:
    """What becomes of a delivery that must not be tried now; None for one that may be."""
    if user is None:
        return failed(delivery, "The account does not exist any more.")
    if because := no_mail_because(user):
        return failed(delivery, because)
    if user.confirmed_at is None:
        return Delivery(state="held", due_at=now + LOOK_AGAIN)
    if delivery.attempts > len(RETRIES):
        return failed(delivery, f"Sending was begun {delivery.attempts} times and never ended.")
    return None


def begun(delivery: Delivery, group: str | None, now: datetime) -> Delivery:
    """The delivery in the hands of a worker, until its lease ends."""
    return delivery.model_copy(
        update={
            "state": "sending",
            "attempts": delivery.attempts + 1,
            "due_at": now + LEASE,
            "group": group,
        }
    )


def sent(delivery: Delivery, now: datetime) -> Delivery:
    return delivery.model_copy(
        update={"state": "sent", "due_at": None, "sent_at": now, "error": None}
    )


def failed(delivery: Delivery, reason: str) -> Delivery:
    return delivery.model_copy(
        update={"state": "failed", "due_at": None, "error": reason[:MAX_ERROR]}
    )


def after_failure(delivery: Delivery, error: DeliveryError, now: datetime, luck: float) -> Delivery:
    """The delivery after an attempt that failed; `luck` in [0, 1) spreads the retries."""
    if error.permanent or delivery.attempts > len(RETRIES):
        return failed(delivery, str(error))
    wait = RETRIES[delivery.attempts - 1] * (1 + JITTER * luck)
    return delivery.model_copy(
        update={"state": "retry", "due_at": now + wait, "error": str(error)[:MAX_ERROR]}
    )


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
