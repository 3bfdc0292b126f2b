"""What becomes of deliveries, step by step (ALERTS.md rules 13 and 14). Pure.

A trigger is routed when its first delivery is looked at: then it gets a delivery for each channel
of its owner's. Deliveries that are begun together are one message from then on: they share a
group, and so the identity of every retry. What rings later is not of that group.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.errors import DeliveryError
from services.figures import day
from services.notify.quiet import quiet_until
from services.store.triggers import Delivery, Trigger
from services.store.users import EMAIL, User
from services.texts import N_
from services.texts import gettext as _

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
RETRIES_BEFORE_ANOTHER = RETRIES[:2]
"""Where another channel can take over, it is not kept waiting for hours."""
JITTER = 0.2
LONGEST_ASKED = timedelta(hours=1)
"""So long we wait where a server asks us to, at most."""
MAX_ERROR = 300
GONE_ACCOUNT = N_("The account does not exist any more.")


def chosen(trigger: Trigger, user: User) -> tuple[str, ...]:
    """The channels by which a trigger is told: its alert's, or its owner's; never none."""
    wanted = user.channels if trigger.channels is None else trigger.channels
    return tuple(name for name in wanted if user.has(name)) or (EMAIL,)


def routed(trigger: Trigger, user: User | None) -> Trigger:
    """With a delivery for each channel, where it has none yet."""
    if trigger.deliveries:
        return trigger
    due = Delivery(due_at=trigger.due_at or trigger.noticed_at)
    for name in chosen(trigger, user) if user else (EMAIL,):
        trigger = trigger.with_delivery(name, due)
    return trigger


def is_due(trigger: Trigger, channel: str, now: datetime) -> bool:
    delivery = trigger.deliveries.get(channel)
    return delivery is not None and delivery.due_at is not None and delivery.due_at <= now


def is_fresh(delivery: Delivery) -> bool:
    """Whether it was never tried, so that it may share a message with others."""
    return delivery.attempts == 0 and delivery.group is None


def belong_together(one: Delivery, other: Delivery) -> bool:
    if one.group is not None:
        return one.group == other.group
    return is_fresh(one) and is_fresh(other)


def may_join(one: Delivery | None, first: Delivery | None) -> bool:
    """Whether it may be in a message with `first`; None is of a trigger that is to be routed."""
    new = [each for each in (one, first) if each is None or is_fresh(each)]
    return len(new) == 2 or bool(one and first and belong_together(first, one))


def group_of(triggers: Sequence[Trigger], channel: str) -> str | None:
    """The name of the triggers that share a message; None for one, which has its own."""
    if len(triggers) == 1:
        return None
    names = " ".join(sorted(identity(trigger, channel) for trigger in triggers))
    return hashlib.sha256(names.encode()).hexdigest()[:32]


def identity(trigger: Trigger, channel: str) -> str:
    """What names the message of one trigger, the same for every retry."""
    delivery = trigger.deliveries.get(channel)
    return f"{trigger.id}.{delivery.round}" if delivery and delivery.round else trigger.id


def due_for(user: User, trigger: Trigger, now: datetime) -> datetime:
    """When a delivery that is due may be sent: now, or when the quiet hours end."""
    if trigger.urgent:
        return now
    return quiet_until(user.quiet_hours, user.time_zone, now) or now


def no_mail_because(user: User) -> str | None:
    """Why a person gets no mails but those about the account, in plain words; None if they do."""
    if user.mail_stopped_at is not None:
        return _(
            "You stopped all mail on %(day)s. Your account page starts it.",
            day=day(user.mail_stopped_at),
        )
    if user.mail_refused_at is not None:
        return _(
            "Not tried: %(email)s was refused on %(day)s."
            " Confirm the address again on your account page.",
            email=user.email,
            day=day(user.mail_refused_at),
        )
    return None


def held(now: datetime) -> Delivery:
    """Until the address is confirmed."""
    return Delivery(state="held", due_at=now + LOOK_AGAIN)


def never_ended(delivery: Delivery) -> str | None:
    """Why a delivery is given up whose workers all died over it; None for any other."""
    if delivery.attempts <= len(RETRIES):
        return None
    return _("Sending was begun %(count)s times and never ended.", count=delivery.attempts)


def waiting(delivery: Delivery, until: datetime) -> Delivery:
    """Held by quiet hours."""
    if not is_fresh(delivery):
        return delivery.model_copy(update={"due_at": until})
    return delivery.model_copy(update={"state": "pending", "due_at": until, "error": None})


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


def settled(trigger: Trigger, channel: str, outcome: Delivery) -> Trigger:
    """The trigger with what became of a message that it was part of, in its own round."""
    round_ = trigger.deliveries[channel].round
    return trigger.with_delivery(channel, outcome.model_copy(update={"round": round_}))


def sent(delivery: Delivery, now: datetime, reached: tuple[str, ...] = ()) -> Delivery:
    return delivery.model_copy(
        update={
            "state": "sent",
            "due_at": None,
            "sent_at": now,
            "error": None,
            "reached": reached,
        }
    )


def failed(delivery: Delivery, reason: str) -> Delivery:
    return delivery.model_copy(
        update={"state": "failed", "due_at": None, "error": reason[:MAX_ERROR]}
    )


def after_failure(
    delivery: Delivery,
    error: DeliveryError,
    now: datetime,
    luck: float,
    *,
    another: bool = False,
) -> Delivery:
    """The delivery after an attempt that failed; `luck` in [0, 1) spreads the retries.

    `another`: a different channel would take over. What reached one of several receivers is sent
    in the end, whatever became of the others.
    """
    retries = RETRIES_BEFORE_ANOTHER if another else RETRIES
    reached = tuple(dict.fromkeys((*delivery.reached, *error.reached)))
    delivery = delivery.model_copy(update={"reached": reached})
    if error.permanent or delivery.attempts > len(retries):
        return over(delivery, str(error), now)
    asked = min(error.retry_after or timedelta(), LONGEST_ASKED)
    wait = max(RETRIES[delivery.attempts - 1], asked) * (1 + JITTER * luck)
    return delivery.model_copy(
        update={
            "state": "retry",
            "due_at": now + wait,
            "error": str(error)[:MAX_ERROR],
        }
    )


def over(delivery: Delivery, reason: str, now: datetime) -> Delivery:
    """Nothing more is tried: what reached one of several receivers is sent, the rest has failed."""
    if not delivery.reached:
        return failed(delivery, reason)
    ended = sent(delivery, now, delivery.reached)
    return ended.model_copy(update={"error": reason[:MAX_ERROR]})


def postponed(delivery: Delivery, until: datetime, reason: str) -> Delivery:
    """Due again at `until`, with no attempt counted: its channel sends nothing for now."""
    return delivery.model_copy(
        update={
            "state": "retry",
            "due_at": until,
            "error": (delivery.error if delivery.attempts else None) or reason,
        }
    )


def put_back(delivery: Delivery, until: datetime, reason: str) -> Delivery:
    """One that was begun, as if it had not been."""
    before = delivery.model_copy(update={"attempts": delivery.attempts - 1})
    return postponed(before, until, reason)


def is_outdated(present: Delivery | None, begun: Delivery, outcome: Delivery) -> bool:
    """Whether what became of an attempt counts no more: the lease had ended, and another worker
    went on. That the channel took the message counts even then, and ends it."""
    if present == begun:
        return False
    return (
        outcome.state != "sent"
        or present is None
        or present.state not in ("sending", "retry", "failed")
        or (present.group, present.round) != (begun.group, begun.round)
    )


def another(trigger: Trigger, user: User | None) -> str | None:
    """The channel that is tried next, should none of the present ones take the trigger."""
    names = user.fallback if user else ()
    return next((n for n in names if user and user.has(n) and n not in trigger.deliveries), None)


def successor(trigger: Trigger, name: str, user: User | None) -> str | None:
    """The channel that may take over should `name` fail: None where one has the trigger already,
    or holds it until an address is confirmed."""
    others = [delivery for other, delivery in trigger.deliveries.items() if other != name]
    if any(delivery.state in ("sent", "held") for delivery in others):
        return None
    return another(trigger, user)


def passed_on(trigger: Trigger, user: User | None, now: datetime) -> Trigger:
    """With a delivery by the next channel, where all that there were have failed for good."""
    name = another(trigger, user)
    if name is None or any(one.state != "failed" for one in trigger.deliveries.values()):
        return trigger
    return trigger.with_delivery(name, Delivery(due_at=now))


def snoozed(trigger: Trigger, round_: int, until: datetime) -> Trigger:
    """The trigger told once more at `until`, by every channel that took it in that round.

    Once a round: asked again, nothing changes.
    """
    for name, delivery in trigger.deliveries.items():
        if delivery.state == "sent" and delivery.round == round_:
            again = Delivery(due_at=until, round=round_ + 1)
            trigger = trigger.with_delivery(name, again)
    return trigger
