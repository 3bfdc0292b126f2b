"""From the stream of fired alerts to triggers in the store, once per alert and epoch.

An entry is acknowledged only after its trigger exists, or after the store has shown that the
alert is not armed at that epoch any more. What a dead worker left is taken over by `sweep`.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from redis import Redis, ResponseError

from services.alerts.evidence import Evidence
from services.alerts.index import FIRED, ArmedIndex, Member
from services.errors import BellwetherError
from services.jobs import Jobs
from services.redis_client import text_of
from services.store.alerts import Alert, read_alert
from services.store.contract import Create, Store, Transaction, Update
from services.store.triggers import Delivery, Trigger, trigger_path

Entry: TypeAlias = tuple[object, Mapping[object, object]]
GROUP, CONSUMER = "recorders", "recorder"
BATCH = 500
LEFT_BEHIND = timedelta(minutes=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fired:
    """One entry of the stream: an alert found true, with its evidence."""

    member: Member
    evidence: Evidence

    @classmethod
    def parse(cls, raw: Mapping[object, object]) -> "Fired":
        """Raises ValueError or KeyError for an entry of another version's shape."""
        fields = {text_of(name): text_of(value) for name, value in raw.items()}
        return cls(
            member=Member.parse(fields["alert"]),
            evidence=Evidence.model_validate_json(fields["evidence"]),
        )


def trigger_of(alert: Alert, evidence: Evidence) -> Trigger | None:
    """The trigger that `evidence` gives an armed alert; None when it does not reach the level.

    Whatever made the claim, evidence from before the alert was armed, in another currency or of
    another market counts for nothing, and the level is taken in the shares of its day.
    """
    if not _counts_for(alert, evidence):
        return None
    interval, condition = evidence.interval, alert.condition_on(evidence.present.session)
    target = condition.target
    touch = interval.touch(target.direction, target.level)
    if touch is None:
        return None
    return Trigger(
        uid=alert.uid,
        id=f"{alert.id}-{alert.epoch}",
        alert_id=alert.id,
        epoch=alert.epoch,
        symbol=alert.symbol,
        condition=condition,
        note=alert.note,
        value=touch.value,
        price=evidence.present.price,
        low=interval.low,
        high=interval.high,
        peak=evidence.peak,
        currency=evidence.present.currency,
        occurred_at=touch.at,
        noticed_at=evidence.noticed_at,
        source=evidence.present.source,
        deliveries={"email": Delivery(due_at=evidence.noticed_at)},
        open=True,
        due_at=evidence.noticed_at,
    )


def _counts_for(alert: Alert, evidence: Evidence) -> bool:
    baseline, present = alert.baseline, evidence.present
    return (
        baseline is not None
        and alert.condition.target.metric == evidence.metric
        and baseline.as_of <= evidence.interval.since
        and (baseline.currency, baseline.source) == (present.currency, present.source)
    )


def fired(alert: Alert, trigger: Trigger) -> Alert:
    """The alert after its trigger."""
    return alert.replace(
        state="triggered", updated_at=trigger.noticed_at, last_trigger=trigger.id, baseline=None
    )


class Recorder:
    def __init__(self, redis: Redis, index: ArmedIndex, store: Store, jobs: Jobs) -> None:
        self._redis = redis
        self._index = index
        self._store = store
        self._jobs = jobs

    def drain(self) -> int:
        """Record every new entry of the stream; returns how many triggers were created."""
        self._make_group()
        return sum(self._record_all(batch) for batch in self._new())

    def sweep(self) -> int:
        """Record what was claimed and left for a minute by a worker that died, and what is new."""
        self._make_group()
        return sum(self._record_all(batch) for batch in self._left_behind()) + self.drain()

    def unrecorded(self) -> set[str]:
        """Symbols of claims that are in the stream still: should Redis lose them now, only
        another look at their prices finds them again."""
        symbols = set()
        entries: Any = self._redis.xrange(FIRED)
        for entry_id, raw in entries:
            try:
                symbols.add(Fired.parse(raw).evidence.symbol)
            except (ValueError, KeyError):
                log.warning("Entry %s cannot be read", text_of(entry_id))
        return symbols

    def _make_group(self) -> None:
        try:
            self._redis.xgroup_create(FIRED, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _new(self) -> Iterator[list[Entry]]:
        while answer := self._redis.xreadgroup(GROUP, CONSUMER, {FIRED: ">"}, count=BATCH):
            streams: Any = answer
            yield [entry for _, entries in streams for entry in entries]

    def _left_behind(self) -> Iterator[list[Entry]]:
        start = "0-0"
        idle = int(LEFT_BEHIND.total_seconds() * 1000)
        while True:
            answer = self._redis.xautoclaim(
                FIRED, GROUP, CONSUMER, min_idle_time=idle, start_id=start, count=BATCH
            )
            yield [entry for entry in answer[1] if entry[1]]
            start = text_of(answer[0])
            if start == "0-0":
                return

    def _record_all(self, batch: list[Entry]) -> int:
        created = 0
        for entry_id, raw in batch:
            try:
                trigger = self._record(Fired.parse(raw))
            except (BellwetherError, ValueError, KeyError):
                log.exception("Entry %s stays in the stream for the next sweep", text_of(entry_id))
                continue
            self._acknowledge(text_of(entry_id))
            if trigger is not None:
                created += 1
                self._jobs.deliver(trigger.uid, trigger.id)
        return created

    def _record(self, entry: Fired) -> Trigger | None:
        """The trigger, created; None when this arming of the alert is over or was not reached."""
        member = entry.member

        def work(transaction: Transaction) -> tuple[Alert | None, Trigger | None]:
            alert = read_alert(transaction, member.uid, member.alert_id)
            if alert is None or alert.state != "armed" or alert.epoch != member.epoch:
                return None, None
            trigger = trigger_of(alert, entry.evidence)
            if trigger is not None:
                transaction.write(
                    Create(trigger_path(trigger.uid, trigger.id), trigger.fields()),
                    Update(alert.path, fired(alert, trigger).fields()),
                )
            return alert, trigger

        alert, trigger = self._store.transact(work)
        if alert is not None and trigger is None:
            self._index.follow(alert)
        return trigger

    def _acknowledge(self, entry_id: str) -> None:
        with self._redis.pipeline() as pipe:
            pipe.xack(FIRED, GROUP, entry_id)
            pipe.xdel(FIRED, entry_id)
            pipe.execute()
