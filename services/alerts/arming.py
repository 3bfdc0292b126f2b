"""Setting, changing, pausing and deleting alerts.

Every change goes to the store first and to the armed index after it, between a mark and its
removal, so that a crash in between leaves work for the next check and never a lost alert.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from functools import partial
from typing import Final

from redis import Redis, RedisError

from services.alerts.catching_up import catch_up
from services.alerts.conditions import Condition, PriceCondition
from services.alerts.facts import Facts
from services.alerts.index import ArmedIndex, Member
from services.alerts.intervals import Reading
from services.alerts.ringing import IfTrue as IfTrue
from services.alerts.ringing import armed_or_rung
from services.alerts.terms import check_condition, check_expiry, check_margin
from services.alerts.terms import check_note as check_note
from services.errors import LimitReached, NotFound
from services.ids import new_id
from services.jobs import Jobs, Notice
from services.live.triggers import tell_of_triggers
from services.market.models import Split
from services.reasons import gone_since
from services.store.alerts import (
    Adjustment,
    Alert,
    Alerts,
    Frequency,
    State,
    pass_gate,
    read_alert,
)
from services.store.contract import Create, Delete, Store, Transaction, Update, Write
from services.store.triggers import Trigger, trigger_path

MAX_ALERTS = 1_000
log = logging.getLogger(__name__)


class Keep(Enum):
    """The type of KEEP."""

    AS_IT_IS = "as it is"


KEEP: Final = Keep.AS_IT_IS
"""Where None is a value of its own: leave it as it is."""


class Arming:
    """What a person can do with alerts, and what happens to them without one.

    Every method may raise redis.RedisError and StoreError. `max_alerts` is each person's limit.
    """

    def __init__(
        self, store: Store, redis: Redis, jobs: Jobs, max_alerts: int = MAX_ALERTS
    ) -> None:
        self._store = store
        self._alerts = Alerts(store)
        self._redis = redis
        self._index = ArmedIndex(redis)
        self._jobs = jobs
        self._max_alerts = max_alerts

    def create(
        self,
        uid: str,
        facts: Facts,
        condition: Condition,
        now: datetime,
        *,
        frequency: Frequency = "once",
        note: str = "",
        if_true: IfTrue | None = None,
        expires_at: datetime | None = None,
        rearm_margin: float = 0.5,
        urgent: bool = False,
        channels: tuple[str, ...] | None = None,
    ) -> Alert:
        """Set an alert on the symbol of `facts`, which should be seconds old.

        Raises AlreadyTrue (rule 4), InvalidInput or LimitReached.
        """
        quote = facts.quote
        check_condition(quote.symbol, condition, quote.price)
        draft = Alert(
            uid=uid,
            id=new_id(now),
            symbol=quote.symbol,
            condition=condition,
            frequency=frequency,
            urgent=urgent,
            channels=channels,
            note=check_note(note),
            state="paused",
            epoch=0,
            created_at=now,
            updated_at=now,
            expires_at=check_expiry(expires_at, now),
            rearm_margin=check_margin(rearm_margin),
        )
        alert, trigger = armed_or_rung(draft, facts, now, if_true)

        def work(transaction: Transaction) -> None:
            gate = pass_gate(self._store, transaction, uid, self._max_alerts)
            transaction.write(Create(alert.path, alert.fields()), gate, *_creation(trigger))

        self._index.mark(uid, alert.id, now)
        try:
            self._store.transact(work)
        except LimitReached:  # else checks would look for what was never stored
            self._index.unmark(uid, alert.id)
            raise
        self._after(alert, None, trigger)
        return alert

    def rearm(
        self,
        uid: str,
        alert_id: str,
        facts: Facts,
        now: datetime,
        *,
        condition: Condition | None = None,
        frequency: Frequency | None = None,
        expires_at: datetime | Keep | None = KEEP,
        rearm_margin: float | None = None,
        urgent: bool | None = None,
        channels: tuple[str, ...] | Keep | None = KEEP,
        if_true: IfTrue | None = None,
        after_epoch: int | None = None,
    ) -> Alert:
        """Arm an alert anew, with its next epoch: resume it, ring again, or change its condition.

        With `after_epoch`, one that is armed or waits, or has another epoch, stays as it is.
        Raises NotFound, AlreadyTrue or InvalidInput.
        """

        def change(alert: Alert) -> tuple[Alert, Trigger | None]:
            if after_epoch is not None and not alert.may_ring_again(after_epoch):
                return alert, None
            alert = _amended(
                alert, now, None, frequency, expires_at, rearm_margin, urgent, channels
            )
            check_expiry(alert.expires_at, now)
            if condition is not None:
                alert = alert.replace(condition=condition, adjustments=())
            check_condition(alert.symbol, alert.condition, facts.quote.price)
            return armed_or_rung(alert, facts, now, if_true)

        return self._change(uid, alert_id, now, change)

    def amend(
        self,
        uid: str,
        alert_id: str,
        now: datetime,
        *,
        note: str | None = None,
        frequency: Frequency | None = None,
        expires_at: datetime | Keep | None = KEEP,
        rearm_margin: float | None = None,
        urgent: bool | None = None,
        channels: tuple[str, ...] | Keep | None = KEEP,
    ) -> Alert:
        """Change what is given; nothing is armed anew. Raises NotFound or InvalidInput."""

        def work(transaction: Transaction) -> tuple[Alert, Alert]:
            before = _existing(transaction, uid, alert_id)
            after = _amended(
                before, now, note, frequency, expires_at, rearm_margin, urgent, channels
            )
            if after != before:
                transaction.write(Update(after.path, after.fields()))
            return before, after

        if expires_at is KEEP:  # of nothing else the index knows
            return self._store.transact(work)[1]
        self._index.mark(uid, alert_id, now)
        _, after = self._store.transact(work)
        try:
            self._index.relevel(after)
            self._index.unmark(uid, alert_id)
        except RedisError:
            log.warning("Alert %s is stored; the next check will index it", after.id)
        return after

    def pause(self, uid: str, alert_id: str, now: datetime, because: str | None = None) -> Alert:
        """Stop watching until it is armed again; one that has triggered stays so."""

        def change(alert: Alert) -> tuple[Alert, None]:
            if alert.state not in ("armed", "waiting"):
                return alert, None
            return alert.replace(state="paused", updated_at=now, paused_because=because), None

        return self._change(uid, alert_id, now, change)

    def expire(self, uid: str, alert_id: str, now: datetime) -> bool:
        """End an alert whose expiry has passed; False if it has none, or is done already.

        That every price until then was looked at, the caller knows (expiry.py). Raises NotFound.
        """
        ended = False

        def change(alert: Alert) -> tuple[Alert, None]:
            nonlocal ended
            due = alert.expires_at is not None and alert.expires_at <= now
            ended = due and alert.state in ("armed", "waiting", "paused")
            return alert.replace(state="expired", updated_at=now) if ended else alert, None

        self._change(uid, alert_id, now, change)
        return ended

    def arm_waiting(
        self, member: Member, level: float, baseline: Reading, since: datetime, now: datetime
    ) -> bool:
        """Arm an alert that the metric has been on the other side of `level` since then (market
        time).

        It keeps the epoch that it took when it began to wait. One that waits no more, waits for
        another level, or did not yet wait then, stays as it is; False if it is not at that epoch
        any more.
        """

        def change(alert: Alert) -> tuple[Alert, None]:
            waits = alert.state == "waiting" and alert.epoch == member.epoch
            waits = waits and alert.watched_level == level
            if not waits or alert.baseline is None or alert.baseline.as_of > since:
                return alert, None
            changes = {"armed_at": now, "updated_at": now, "baseline": baseline, "rearm_at": None}
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
        metric, level = alert.condition.target.metric, alert.watched_level
        self._index.drop(alert.symbol, metric, Member.of(alert), level)
        self._index.unmark(uid, alert_id)

    def follow_marked(self, now: datetime) -> int:
        """Let the index follow the alerts whose writers may have died; returns their number."""
        marked = self._index.marked()
        for uid, alert_id in marked:
            catch_up(self._index, self._store, uid, alert_id)
        self._index.unmark_before(now)
        return len(marked)

    def adjust_for_split(self, split: Split, now: datetime) -> int:
        """Move the levels of everybody's price alerts that were set before a split (rule 9), and
        tell their owners.

        Idempotent, and makes good what died in the middle; returns how many alerts are moved now.
        The marks stay for some checks: an index that is rebuilt meanwhile, of documents read
        before, is put right by the next one.
        """
        moved: dict[str, list[str]] = defaultdict(list)
        count = 0
        for found in self._alerts.of_symbol(split.symbol, ("armed", "waiting", "paused")):
            if not any(done.session == split.session for done in found.adjustments):
                self._index.mark(found.uid, found.id, now)
            before, after = self._store.transact(partial(_split, found=found, split=split))
            if after is None:
                continue
            self._index.relevel(after, before if before != after else None)
            count += 1
            if after != before:
                moved[after.uid].append(after.id)
        self._tell("split", moved)
        return count

    def pause_dead(self, symbol: str, since: date, now: datetime) -> int:
        """Pause everybody's alerts on a symbol of which there are no prices since that day, and
        tell their owners (rule 10); returns the number."""
        because = gone_since(symbol, since)
        paused: dict[str, list[str]] = defaultdict(list)
        states: tuple[State, ...] = ("armed", "waiting")
        for found in list(self._alerts.of_symbol(symbol, states)):
            try:
                alert = self.pause(found.uid, found.id, now, because)
            except NotFound:  # deleted in this moment
                continue
            if alert.paused_because == because:
                paused[alert.uid].append(alert.id)
        self._tell("paused", paused)
        return sum(len(ids) for ids in paused.values())

    def _tell(self, kind: Notice, alerts: dict[str, list[str]]) -> None:
        for uid, ids in alerts.items():
            self._jobs.send_notice(kind, uid, ids)

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
                self._jobs.dispatch([trigger.uid])
                tell_of_triggers(self._redis, [trigger])
        except RedisError:
            log.warning("Alert %s is stored; the next check will index it", after.id)


def _amended(
    alert: Alert,
    now: datetime,
    note: str | None,
    frequency: Frequency | None,
    expires_at: datetime | Keep | None,
    rearm_margin: float | None,
    urgent: bool | None,
    channels: tuple[str, ...] | Keep | None,
) -> Alert:
    changes: dict[str, object] = {}
    if note is not None:
        changes["note"] = check_note(note)
    if frequency is not None:
        changes["frequency"] = frequency
    if not isinstance(expires_at, Keep):
        changes["expires_at"] = check_expiry(expires_at, now)
    if rearm_margin is not None:
        changes["rearm_margin"] = check_margin(rearm_margin)
    if urgent is not None:
        changes["urgent"] = urgent
    if not isinstance(channels, Keep):
        changes["channels"] = channels
    return alert.replace(**changes)


def _split(
    transaction: Transaction, found: Alert, split: Split
) -> tuple[Alert | None, Alert | None]:
    """The alert before and after its level was moved; None after where the split does not
    concern it. Per cents and ratios are the same in new shares.

    Its baseline stays as it was read, in the shares of its session.
    """
    alert = read_alert(transaction, found.uid, found.id)
    if alert is None or not isinstance(alert.condition, PriceCondition):
        return alert, None
    if alert.baseline is None or alert.baseline.session >= split.session:
        return alert, None
    if any(done.session == split.session for done in alert.adjustments):
        return alert, alert
    condition = alert.condition.scaled(split.ratio)
    adjustment = Adjustment(
        session=split.session,
        ratio=split.ratio,
        level_before=alert.condition.level,
        level_after=condition.level,
    )
    after = alert.replace(
        condition=condition,
        rearm_at=None if alert.rearm_at is None else round(alert.rearm_at / split.ratio, 8),
        adjustments=(*alert.adjustments, adjustment),
    )
    transaction.write(Update(after.path, after.fields()))
    return alert, after


def _existing(transaction: Transaction, uid: str, alert_id: str) -> Alert:
    alert = read_alert(transaction, uid, alert_id)
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


def _creation(trigger: Trigger | None) -> list[Write]:
    if trigger is None:
        return []
    return [Create(trigger_path(trigger.uid, trigger.id), trigger.fields())]
