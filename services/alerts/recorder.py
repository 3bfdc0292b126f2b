"""From the stream of fired alerts to triggers in the store, once per alert and epoch.

Many alerts are recorded in one transaction. An entry is acknowledged only after the triggers of
all its alerts exist, or after the store has shown that an alert is not armed at that epoch any
more. What a dead worker left is taken over by `sweep`: recording twice changes nothing.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from redis import Redis, ResponseError

from services.alerts.catching_up import catch_up
from services.alerts.evidence import Evidence
from services.alerts.index import FIRED, ArmedIndex, Member
from services.alerts.ringing import rung, trigger_of
from services.errors import AlreadyExists, BadDocument, BellwetherError, StoreUnavailable
from services.jobs import Jobs
from services.live.triggers import tell_of_triggers
from services.metrics import TRIGGERS
from services.redis_client import text_of
from services.store.alerts import Alert, alert_path
from services.store.contract import Create, Document, Fields, Store, Transaction, Update, Write
from services.store.triggers import Trigger, trigger_path

Entry: TypeAlias = tuple[object, Mapping[object, object]]
GROUP, CONSUMER = "recorders", "recorder"
BATCH = 50
"""Entries read at once; each may hold 100 alerts."""
TOGETHER = 100
"""Alerts in one transaction, at most; each needs two writes."""
LEFT_BEHIND = timedelta(minutes=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """One alert of an entry, and what made it true."""

    entry: str
    member: Member
    evidence: Evidence

    @classmethod
    def parse(cls, entry: str, raw: Mapping[object, object]) -> "list[Claim]":
        """An entry has a line of alerts for each line of evidence. Raises ValueError or KeyError
        for one of another version's shape."""
        fields = {text_of(name): text_of(value) for name, value in raw.items()}
        alerts = fields["alerts"] if "alerts" in fields else fields["alert"]
        lines = zip(alerts.split("\n"), fields["evidence"].split("\n"), strict=True)
        return [
            cls(entry, member, evidence)
            for names, text in lines
            if (members := [Member.parse(name) for name in names.split()])
            for evidence in [Evidence.model_validate_json(text)]
            for member in members
        ]

    @property
    def path(self) -> str:
        return alert_path(self.member.uid, self.member.alert_id)

    @property
    def trigger_path(self) -> str:
        return trigger_path(self.member.uid, f"{self.member.alert_id}-{self.member.epoch}")

    def concerns(self, alert: Alert) -> bool:
        """Whether the alert is still at the arming that was claimed."""
        return alert.state == "armed" and alert.epoch == self.member.epoch


@dataclass(slots=True)
class Outcome:
    """What recording some claims gave: `alerts` as they are now, by path; `left` are entries
    that must stay in the stream."""

    triggers: list[Trigger] = field(default_factory=list)
    alerts: dict[str, Alert] = field(default_factory=dict)
    rung: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def add(self, more: "Outcome") -> "Outcome":
        self.triggers += more.triggers
        self.alerts |= more.alerts
        self.rung |= more.rung
        self.left |= more.left
        return self


class Recorder:
    def __init__(self, redis: Redis, index: ArmedIndex, store: Store, jobs: Jobs) -> None:
        self._redis = redis
        self._index = index
        self._store = store
        self._jobs = jobs

    def drain(self) -> int:
        """Record every new entry of the stream; returns how many triggers were created.

        What cannot be recorded now stays in the stream for the next sweep.
        """
        self._make_group()
        return self._record_batches(self._new())

    def sweep(self) -> int:
        """Record what was claimed and left for a minute by a worker that died, and what is new."""
        self._make_group()
        return self._record_batches(self._left_behind()) + self.drain()

    def unrecorded(self) -> set[str]:
        """Symbols of claims that are in the stream still: should Redis lose them now, only
        another look at their prices finds them again."""
        entries: Any = self._redis.xrange(FIRED)
        return {claim.evidence.symbol for claims in _readable(entries) for claim in claims}

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

    def _record_batches(self, batches: Iterable[list[Entry]]) -> int:
        """Nothing is sent before all is recorded: what rang together is one mail. The deliveries
        of a worker that dies before are due all the same, and found by a sweep."""
        created: list[Trigger] = []
        try:
            for batch in batches:
                for group in _grouped(_readable(batch)):
                    created += self._record_group(group)
        except StoreUnavailable:  # every further attempt would wait for it as long
            log.exception("What is not recorded stays in the stream for the next sweep")
        finally:
            if created:
                self._jobs.dispatch(list(dict.fromkeys(trigger.uid for trigger in created)))
        return len(created)

    def _record_group(self, group: Sequence[Claim]) -> list[Trigger]:
        """Returns what was created."""
        outcome = self._record_together(group)
        for trigger in outcome.triggers:
            TRIGGERS.labels(trigger.condition.kind).inc()
        tell_of_triggers(self._redis, outcome.triggers)
        self._follow(outcome)
        self._acknowledge(*({claim.entry for claim in group} - outcome.left))
        return outcome.triggers

    def _record_together(self, claims: Sequence[Claim]) -> Outcome:
        """In as few transactions as can be: one bad or contended alert stops no others.

        Raises StoreUnavailable.
        """
        try:
            return self._record(claims)
        except StoreUnavailable:
            raise
        except BellwetherError:
            if len(claims) == 1:
                log.exception("Entry %s stays in the stream for the next sweep", claims[0].entry)
                return Outcome(left={claims[0].entry})
        half = len(claims) // 2
        first, second = claims[:half], claims[half:]
        return self._record_together(first).add(self._record_together(second))

    def _record(self, claims: Sequence[Claim]) -> Outcome:
        """Create the triggers and move their alerts on, in one transaction."""
        try:
            return self._store.transact(lambda t: _rings(t, claims, look_for_triggers=False))
        except AlreadyExists:  # restored from a backup that has the trigger and the alert before it
            return self._store.transact(lambda t: _rings(t, claims, look_for_triggers=True))

    def _follow(self, outcome: Outcome) -> None:
        """Let the index hold what waits for something now; what is done it held no more.

        A claim that gave no trigger may be one that was recorded by a worker which died before
        this step, or may not have reached the level.
        """
        self._index.follow_rung(outcome.alerts[path] for path in outcome.rung)
        for path, alert in outcome.alerts.items():
            if path not in outcome.rung and alert.state in ("armed", "waiting"):
                catch_up(self._index, self._store, alert.uid, alert.id)

    def _acknowledge(self, *entries: str) -> None:
        if not entries:
            return
        with self._redis.pipeline() as pipe:
            pipe.xack(FIRED, GROUP, *entries)
            pipe.xdel(FIRED, *entries)
            pipe.execute()


def _rings(
    transaction: Transaction, claims: Sequence[Claim], *, look_for_triggers: bool
) -> Outcome:
    """The claims held against the store, and what follows from them written.

    A trigger that is there already is no second one: only its alert moves on.
    """
    paths = list(dict.fromkeys(claim.path for claim in claims))
    looked_for = [claim.trigger_path for claim in claims] if look_for_triggers else []
    documents = dict(
        zip([*paths, *looked_for], transaction.get_all([*paths, *looked_for]), strict=True)
    )
    outcome = Outcome(alerts=_alerts(documents[path] for path in paths))
    creations: list[Write] = []
    for claim in claims:
        alert = outcome.alerts.get(claim.path)
        if alert is None:
            if documents[claim.path] is not None:
                outcome.left.add(claim.entry)
            continue
        trigger = trigger_of(alert, claim.evidence) if claim.concerns(alert) else None
        if trigger is None:
            continue
        outcome.alerts[claim.path] = rung(alert, trigger, claim.evidence.present)
        outcome.rung.add(claim.path)
        if documents.get(claim.trigger_path) is None:
            creations.append(Create(claim.trigger_path, trigger.fields()))
            outcome.triggers.append(trigger)
    updates = [
        Update(path, _news(documents[path], outcome.alerts[path])) for path in sorted(outcome.rung)
    ]
    if updates:
        transaction.write(*creations, *updates)
    return outcome


def _news(document: Document | None, alert: Alert) -> Fields:
    """The fields in which the alert differs from its document."""
    before: Fields = document.fields if document else {}
    return {
        name: value
        for name, value in alert.fields().items()
        if name not in before or before[name] != value
    }


def _alerts(documents: Iterable[Document | None]) -> dict[str, Alert]:
    """Those that are there and can be read, by path."""
    alerts = {}
    for document in documents:
        try:
            if document is not None:
                alerts[document.path] = Alert.from_document(document)
        except BadDocument:
            log.exception("A claim stays in the stream: its alert cannot be read")
    return alerts


def _readable(entries: Iterable[Entry]) -> Iterator[list[Claim]]:
    for entry_id, raw in entries:
        name = text_of(entry_id)
        try:
            yield Claim.parse(name, raw)
        except (ValueError, KeyError):
            log.exception("Entry %s cannot be read and stays in the stream", name)


def _grouped(entries: Iterable[list[Claim]]) -> Iterator[list[Claim]]:
    """Whole entries, as many as fit into one transaction."""
    group: list[Claim] = []
    for claims in entries:
        if group and len(group) + len(claims) > TOGETHER:
            yield group
            group = []
        group += claims
    if group:
        yield group
