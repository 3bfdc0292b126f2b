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

from services.alerts.conditions import Condition, PriceCondition
from services.alerts.evidence import Evidence
from services.alerts.index import ArmedIndex, Member
from services.alerts.intervals import Reading
from services.alerts.paths import from_readings
from services.alerts.recorder import fired, trigger_of
from services.errors import AlreadyTrue, BadDocument, InvalidInput, LimitReached, NotFound
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
    if not isinstance(condition, PriceCondition):
        return
    if condition.level <= 0 and not symbol.endswith("=F"):
        raise InvalidInput(
            "condition.level", "The level must be more than 0 (only futures trade below)."
        )


def armed(alert: Alert, quote: Quote, now: datetime, if_true: IfTrue | None) -> Alert:
    """`alert` armed on the present quote, or waiting for the price to be on the other side.

    Raises AlreadyTrue when the condition is true now and `if_true` does not say what to do;
    *fire now* gives the armed alert, whose trigger `immediate_trigger` then makes.
    """
    reached = alert.condition.target.reached_by(quote.price)
    if reached and if_true is None:
        raise AlreadyTrue(quote.price)
    waits = reached and if_true == "wait"
    return alert.replace(
        state="waiting" if waits else "armed",
        epoch=alert.epoch + 1,
        armed_at=None if waits else now,
        updated_at=now,
        baseline=Reading.of(quote),
        paused_because=None,
    )


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
            metric=alert.condition.target.metric,
            interval=from_readings(price_alone, price_alone).of_price(),
            present=price_alone,
            noticed_at=now,
        ),
    )


class Arming:
    """What a person can do with alerts. Every method may raise redis.RedisError and StoreError."""

    def __init__(self, store: Store, redis: Redis, jobs: Jobs) -> None:
        self._store = store
        self._alerts = Alerts(store)
        self._index = ArmedIndex(redis)
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

    def arm_waiting(
        self, member: Member, baseline: Reading, since: datetime, now: datetime
    ) -> bool:
        """Arm an alert whose other side the price has been on since then (market time).

        It keeps the epoch that it took when it began to wait. One that waits no more, or did
        not yet wait then, stays as it is; False if it is not at that epoch any more.
        """

        def change(alert: Alert) -> tuple[Alert, None]:
            waits = alert.state == "waiting" and alert.epoch == member.epoch
            if not waits or alert.baseline is None or alert.baseline.as_of > since:
                return alert, None
            changes = {"armed_at": now, "updated_at": now, "baseline": baseline}
            return alert.replace(state="armed", **changes), None

        try:
            return self._change(member.uid, member.alert_id, now, change).epoch == member.epoch
        except NotFound:
            return False

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
            try:
                alert = read_alert(self._store, uid, alert_id)
            except BadDocument:
                log.exception("The index cannot follow an alert")
                continue
            if alert is not None:
                self._index.ensure(alert)
        self._index.unmark_before(now)
        return len(marked)

    def adjust_for_split(self, split: Split) -> int:
        """Move the levels of everybody's alerts that were set before a split (rule 9).

        Idempotent, and makes good what died in the middle; returns how many alerts are moved now.
        """
        moved = 0
        for found in self._alerts.of_symbol(split.symbol, ("armed", "waiting", "paused")):
            alert = self._store.transact(partial(_split, found=found, split=split))
            if alert is not None:
                self._index.relevel(alert)
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
        before, after, trigger = self._store.transact(work)
        self._after(after, before, trigger)
        return after

    def _after(self, after: Alert, before: Alert | None, trigger: Trigger | None) -> None:
        try:
            self._index.follow(after, before)
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


def _split(transaction: Transaction, found: Alert, split: Split) -> Alert | None:
    """The alert with its level moved; None where the split does not concern it.

    Its baseline stays as it was read, in the shares of its session.
    """
    alert = read_alert(transaction, found.uid, found.id)
    if alert is None or alert.baseline is None or alert.baseline.session >= split.session:
        return None
    if any(done.session == split.session for done in alert.adjustments):
        return alert
    condition = alert.condition.scaled(split.ratio)
    adjustment = Adjustment(
        session=split.session,
        ratio=split.ratio,
        level_before=alert.condition.target.level,
        level_after=condition.target.level,
    )
    after = alert.replace(condition=condition, adjustments=(*alert.adjustments, adjustment))
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
