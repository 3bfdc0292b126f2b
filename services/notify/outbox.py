"""From triggers to messages that their channels accepted (ALERTS.md rules 12 to 14).

A trigger is routed to channels when the first of its deliveries is looked at. A delivery is
pending, then held by one worker (`sending`, with a lease that ends at `due_at`), then sent, due
again later, or failed for good; where all have failed, the next channel takes over. All of it
stands in the triggers' documents, so whoever finds a delivery due may go on with it. What one
transaction leases together is one message, and stays one: a retry carries the same triggers and
the same identity.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from services.errors import DeliveryError
from services.jobs import Jobs
from services.notify import deliveries
from services.notify.channel import Channel, Channels, Letter
from services.notify.leasing import Leasing
from services.notify.ledger import Ledger, NoLedger
from services.notify.pace import SPREAD, Pace, Rest, Unpaced
from services.notify.settling import Settling
from services.pulse import Outcome
from services.store.contract import Store
from services.store.triggers import Delivery, Trigger, Triggers
from services.store.users import User, Users
from services.texts import gettext as _
from services.texts import speaking

AT_ONCE = 100
"""Triggers that one transaction looks at; no group is larger."""
log = logging.getLogger(__name__)


class Outbox:
    """`changed` is told of a profile that a channel's end has changed; `pace` says when a channel
    may send; `ledger` keeps the numbers."""

    def __init__(
        self,
        store: Store,
        channels: Channels,
        jobs: Jobs,
        luck: Callable[[], float],
        changed: Callable[[User], object] | None = None,
        pace: Pace | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._store = store
        self._users = Users(store)
        self._triggers = Triggers(store)
        self._channels = channels
        self._jobs = jobs
        self._luck = luck
        self._changed = changed
        self._pace = pace or Unpaced()
        self._ledger = ledger or NoLedger()

    def sweep(self, now: datetime) -> int:
        """Have every delivery that is due seen to; returns how many triggers have one."""
        due = Counter(trigger.uid for trigger in self._triggers.each_due(now))
        self._jobs.dispatch(list(due))
        return due.total()

    def dispatch(self, uid: str, now: datetime) -> None:
        """Enqueue a job for each channel by which something of a person is due."""
        due = list(self._triggers.each_due_of(uid, now))
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
            began = time.monotonic()
            outcome = self._attempt(leasing.letter, now)
            took = now - leasing.due_since + timedelta(seconds=time.monotonic() - began)
            self._ledger.note(leasing.letter, outcome, took, now)
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

    def _lease(self, uid: str, name: str, now: datetime) -> Leasing:
        due = self._longest_due(uid, name, now)
        rest = self._pace.rest(name, now) if due else None
        spread = self._spread(rest) if rest else None
        leasing = Leasing(self._channels, uid, name, due, now, spread)
        if due:
            self._store.transact(leasing.work)
        return leasing

    def _longest_due(self, uid: str, name: str, now: datetime) -> list[Trigger]:
        """What waits longest, with all of its group, or else with what may become one."""
        due = (
            trigger
            for trigger in self._triggers.each_due_of(uid, now)
            if not trigger.deliveries or deliveries.is_due(trigger, name, now)
        )
        first = next(due, None)
        if first is None:
            return []
        one = first.deliveries.get(name)
        is_new = one is None or deliveries.is_fresh(one)
        if one and not is_new and one.group is None:
            return [first]
        others = (other for other in due if deliveries.may_join(other.deliveries.get(name), one))
        return [first, *islice(others, AT_ONCE - 1)]

    def _spread(self, rest: Rest) -> Rest:
        return replace(rest, until=rest.until + SPREAD * self._luck())

    def _attempt(self, letter: Letter, now: datetime) -> Outcome:
        channel, delivery = self._channels.find(letter.user, letter.name), letter.delivery
        try:
            with speaking(letter.user.language), self._pace.turn(letter.name, now) as rest:
                if channel is None:
                    gone = _("This channel does not exist any more.")
                    raise DeliveryError(gone, permanent=True)
                reached = () if rest else channel.send(letter, now)
        except DeliveryError as error:
            return self._failed(letter, channel, error, now)
        if rest:
            spread = self._spread(rest)
            outcome = deliveries.put_back(delivery, spread.until, spread.reason)
        else:
            outcome = deliveries.sent(delivery, now, (*delivery.reached, *reached))
        self._settle(letter.triggers, letter.name, outcome, letter.user, now)
        return "held_back" if rest else "sent"

    def _failed(
        self, letter: Letter, channel: Channel | None, error: DeliveryError, now: datetime
    ) -> Outcome:
        user, name = letter.user, letter.name
        ids = ", ".join(trigger.id for trigger in letter.triggers)
        log.warning("Attempt %d of %s by %s: %s", letter.delivery.attempts, ids, name, error)
        another = any(deliveries.successor(trigger, name, user) for trigger in letter.triggers)
        after = deliveries.after_failure(letter.delivery, error, now, self._luck(), another=another)
        gone = channel if error.gone else None
        self._settle(letter.triggers, name, after, user, now, gone)
        return "retry" if after.state == "retry" else "sent" if after.state == "sent" else "failed"

    def _settle(
        self,
        triggers: Sequence[Trigger],
        name: str,
        outcome: Delivery,
        user: User | None,
        now: datetime,
        gone: Channel | None = None,
    ) -> None:
        """Write the outcome, unless it counts no more, and have the next channel take over; with
        `gone`, switch that channel off in the profile."""
        uid = triggers[0].uid
        settling = Settling(triggers, name, outcome, user, now, gone)
        self._store.transact(settling.work)
        if settling.passed_on:
            self._jobs.dispatch([uid])
        if settling.off and user:
            place = user.destination(name)
            self._jobs.send_channel_notice(uid, place.name if place else name, outcome.error or "")
        if settling.off and self._changed and (present := self._users.get(uid)):
            self._changed(present)
