"""Setting, changing, pausing and deleting alerts.

Every change goes to the store first and to the armed index after it, between a mark and its
removal, so that a crash in between leaves work for the next check and never a lost alert.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Literal, TypeAlias

from redis import Redis, RedisError

from services.alerts.conditions import Condition
from services.alerts.index import ArmedIndex, Evidence, Member
from services.alerts.intervals import Reading, from_readings
from services.alerts.readings import Readings
from services.alerts.recorder import fired, trigger_of
from services.errors import AlreadyTrue, InvalidInput, LimitReached, NotFound
from services.ids import new_id
from services.jobs import Jobs
from services.market.models import Quote, Split
from services.store.alerts import MAX_NOTE, Adjustment, Alert, Alerts, Frequency, read_alert
from services.store.contract import Create, Delete, Store, Transaction, Update, Write
from services.store.triggers import Trigger, trigger_path

MAX_ALERTS = 1_000
IfTrue: TypeAlias = Literal["fire_now", "wait"]
log = logging.getLogger(__name__)


def check_condition(symbol: str, condition: Condition) -> None:
    """Raises InvalidInput for a level that this symbol's price cannot reach."""
    if condition.level <= 0 and not symbol.endswith("=F"):
        raise InvalidInput(
            "condition.level", "The level must be more than 0 (only futures trade below)."
        )


def armed(alert: Alert, quote: Quote, now: datetime, if_true: IfTrue | None) -> Alert:
    """`alert` armed on the present quote, or waiting for the price to be on the other side.

    Raises AlreadyTrue when the condition is true now and `if_true` does not say what to do;
    *fire now* gives the armed alert, whose trigger `immediate_trigger` then makes.
    """
    reached = alert.condition.reached_by(quote.price)
    if reached and if_true is None:
        raise AlreadyTrue(quote.price)
    common = {"updated_at": now, "baseline": Reading.of(quote), "paused_because": None}
    if reached and if_true == "wait":
        return alert.replace(state="waiting", armed_at=None, **common)
    return alert.replace(state="armed", epoch=alert.epoch + 1, armed_at=now, **common)


def immediate_trigger(alert: Alert, quote: Quote, now: datetime) -> Trigger | None:
    """The trigger of an armed alert that the present price has reached already, else None."""
    if alert.state != "armed":
        return None
    reading = Reading.of(quote)
    price_alone = reading.model_copy(update={"day_high": quote.price, "day_low": quote.price})
    return trigger_of(
        alert,
        Evidence(
            symbol=alert.symbol,
            currency=quote.currency,
            source=quote.source,
            noticed_at=now,
            interval=from_readings(price_alone, price_alone),
        ),
    )


class Arming:
    """What a person can do with alerts. Every method may raise redis.RedisError and StoreError."""

    def __init__(self, store: Store, redis: Redis, jobs: Jobs) -> None:
        self._store = store
        self._alerts = Alerts(store)
        self._index = ArmedIndex(redis)
        self._readings = Readings(redis)
        self._jobs = jobs

    def create(
        self,
        uid: str,
        quote: Quote,
        condition: Condition,
        now: datetime,
        *,
        frequency: Frequency = "once",
        note: str = "",
        if_true: IfTrue | None = None,
    ) -> Alert:
        """Set an alert on the symbol of `quote`, which should be seconds old.

        Raises AlreadyTrue (rule 4), InvalidInput or LimitReached.
        """
        check_condition(quote.symbol, condition)
        if self._alerts.count(uid) >= MAX_ALERTS:
            raise LimitReached(f"You can have {MAX_ALERTS} alerts at most. Delete some first.")
        draft = Alert(
            uid=uid,
            id=new_id(now),
            symbol=quote.symbol,
            condition=condition,
            frequency=frequency,
            note=check_note(note),
            state="paused",
            epoch=0,
            created_at=now,
            updated_at=now,
        )
        alert = armed(draft, quote, now, if_true)
        trigger = immediate_trigger(alert, quote, now)
        if trigger is not None:
            alert = fired(alert, trigger)
        self._index.mark(uid, alert.id, now)
        self._store.write(Create(alert.path, alert.fields()), *_creation(trigger))
        self._after(alert, None, trigger)
        return alert

    def rearm(
        self,
        uid: str,
        alert_id: str,
        quote: Quote,
        now: datetime,
        *,
        condition: Condition | None = None,
        if_true: IfTrue | None = None,
    ) -> Alert:
        """Arm an alert anew, with its next epoch: resume it, ring again, or change its condition.

        Raises NotFound, AlreadyTrue or InvalidInput.
        """

        def change(alert: Alert) -> tuple[Alert, Trigger | None]:
            if condition is not None:
                check_condition(alert.symbol, condition)
                alert = alert.replace(condition=condition, adjustments=())
            after = armed(alert, quote, now, if_true)
            trigger = immediate_trigger(after, quote, now)
            return (fired(after, trigger), trigger) if trigger else (after, None)

        return self._change(uid, alert_id, now, change)

    def pause(self, uid: str, alert_id: str, now: datetime, because: str | None = None) -> Alert:
        """Stop watching until it is armed again; one that has triggered stays so."""

        def change(alert: Alert) -> tuple[Alert, None]:
            if alert.state not in ("armed", "waiting"):
                return alert, None
            return alert.replace(state="paused", updated_at=now, paused_because=because), None

        return self._change(uid, alert_id, now, change)

    def annotate(self, uid: str, alert_id: str, note: str) -> Alert:
        """Change the note alone; nothing is armed anew."""
        note = check_note(note)

        def work(transaction: Transaction) -> Alert:
            alert = _existing(transaction, uid, alert_id)
            after = alert.replace(note=note)
            transaction.write(Update(after.path, {"note": note}))
            return after

        return self._store.transact(work)

    def arm_waiting(self, member: Member, baseline: Reading, now: datetime) -> bool:
        """Arm an alert whose other side the price has been on; False if it waits no more."""

        def change(alert: Alert) -> tuple[Alert, None]:
            if not _still_waits(alert, member):
                raise NotFound("This alert waits no more.")
            epoch = alert.epoch + 1
            changes = {"armed_at": now, "updated_at": now, "baseline": baseline}
            return alert.replace(state="armed", epoch=epoch, **changes), None

        try:
            self._change(member.uid, member.alert_id, now, change)
        except NotFound:
            return False
        return True

    def delete(self, uid: str, alert_id: str, now: datetime) -> None:
        """Remove an alert; its triggers stay as history. Raises NotFound."""
        alert = self._alerts.get(uid, alert_id)
        self._index.mark(uid, alert_id, now)
        self._store.write(Delete(alert.path))
        self._index.drop(alert.symbol, Member.of(alert))
        self._index.unmark(uid, alert_id)

    def follow_marked(self, now: datetime) -> int:
        """Let the index follow the alerts whose writers may have died; returns their number."""
        marked = self._index.marked()
        for uid, alert_id in marked:
            alert = read_alert(self._store, uid, alert_id)
            if alert is not None:
                self._index.follow(alert)
        self._index.unmark_before(now)
        return len(marked)

    def adjust_for_split(self, split: Split) -> int:
        """Move the levels of everybody's alerts that were set before a split (rule 9).

        Idempotent; returns how many alerts it moved.
        """
        moved = 0
        for found in self._alerts.of_symbol(split.symbol, ("armed", "waiting", "paused")):
            after = self._store.transact(partial(_split, found=found, split=split))
            if after is not None:
                self._index.relevel(after)
                moved += 1
        return moved

    def _change(
        self,
        uid: str,
        alert_id: str,
        now: datetime,
        how: Callable[[Alert], tuple[Alert, Trigger | None]],
    ) -> Alert:
        def work(transaction: Transaction) -> tuple[Alert, Alert, Trigger | None]:
            before = _existing(transaction, uid, alert_id)
            after, trigger = how(before)
            if after != before:
                transaction.write(Update(after.path, after.fields()), *_creation(trigger))
            return before, after, trigger

        self._index.mark(uid, alert_id, now)
        try:
            before, after, trigger = self._store.transact(work)
        except (AlreadyTrue, InvalidInput, NotFound):
            self._index.unmark(uid, alert_id)
            raise
        self._after(after, before, trigger)
        return after

    def _after(self, after: Alert, before: Alert | None, trigger: Trigger | None) -> None:
        try:
            if before is None or before != after:
                self._index.follow(after, before)
                if after.baseline is not None:
                    self._readings.begin(after.symbol, after.baseline)
            self._index.unmark(after.uid, after.id)
            if trigger is not None:
                self._jobs.deliver(trigger.uid, trigger.id)
        except RedisError:
            log.warning("Alert %s is stored; the next check will index it", after.id)


def check_note(note: str) -> str:
    """The note trimmed. Raises InvalidInput when it is too long."""
    note = note.strip()
    if len(note) > MAX_NOTE:
        raise InvalidInput("note", f"A note has {MAX_NOTE} characters at most.")
    return note


def _still_waits(alert: Alert, member: Member) -> bool:
    return alert.state == "waiting" and alert.epoch == member.epoch


def _split(transaction: Transaction, found: Alert, split: Split) -> Alert | None:
    alert = read_alert(transaction, found.uid, found.id)
    if alert is None or alert.baseline is None or alert.baseline.session >= split.session:
        return None
    if any(done.session == split.session for done in alert.adjustments):
        return None
    condition = alert.condition.scaled(split.ratio)
    adjustment = Adjustment(
        session=split.session,
        ratio=split.ratio,
        level_before=alert.condition.level,
        level_after=condition.level,
    )
    after = alert.replace(
        condition=condition,
        baseline=alert.baseline.scaled(split.ratio),
        adjustments=(*alert.adjustments, adjustment),
    )
    transaction.write(Update(after.path, after.fields()))
    return after


def _existing(transaction: Transaction, uid: str, alert_id: str) -> Alert:
    alert = read_alert(transaction, uid, alert_id)
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


def _creation(trigger: Trigger | None) -> list[Write]:
    if trigger is None:
        return []
    return [Create(trigger_path(trigger.uid, trigger.id), trigger.fields())]
