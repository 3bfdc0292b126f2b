"""The steps of an alert: armed on the present facts, rung by evidence, armed anew. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

from services.alerts.conditions import TrailingCondition
from services.alerts.evidence import Evidence
from services.alerts.facts import Facts
from services.alerts.intervals import Interval, Reading, Step
from services.errors import AlreadyTrue
from services.store.alerts import Alert
from services.store.triggers import Trigger

IfTrue: TypeAlias = Literal["fire_now", "wait"]


def armed(alert: Alert, facts: Facts, now: datetime, if_true: IfTrue | None) -> Alert:
    """`alert` armed on the present facts, or waiting for the metric to be on the other side.

    Raises AlreadyTrue when the condition is true now and `if_true` does not say what to do;
    *fire now* gives the armed alert, whose trigger `immediate_trigger` then makes. A metric
    without a value, for want of history, is not true yet.
    """
    target = alert.condition.target
    value = facts.value(target.metric)
    reached = value is not None and target.reached_by(value)
    if reached and value is not None and if_true is None:
        raise AlreadyTrue(value)
    waits = reached and if_true == "wait"
    return alert.replace(
        state="waiting" if waits else "armed",
        epoch=alert.epoch + 1,
        armed_at=None if waits else now,
        updated_at=now,
        baseline=Reading.of(facts.quote),
        rearm_at=None,
        rests_after=None,
        paused_because=None,
    )


def immediate_trigger(alert: Alert, facts: Facts, now: datetime) -> Trigger | None:
    """The trigger of an armed alert whose level is reached already, else None."""
    metric = alert.condition.target.metric
    value = facts.value(metric)
    if alert.state != "armed" or value is None:
        return None
    present = Reading.of(facts.quote)
    step = Step(at=present.as_of, value=value)
    interval = Interval(since=step.at, until=step.at, rises=(step,), falls=(step,))
    return trigger_of(
        alert,
        Evidence(
            symbol=alert.symbol, metric=metric, interval=interval, present=present, noticed_at=now
        ),
    )


def armed_or_rung(
    alert: Alert, facts: Facts, now: datetime, if_true: IfTrue | None
) -> tuple[Alert, Trigger | None]:
    """`alert` armed as above, or rung at once, with its trigger. Raises AlreadyTrue."""
    after = armed(alert, facts, now, if_true)
    trigger = immediate_trigger(after, facts, now)
    return (rung(after, trigger, Reading.of(facts.quote)) if trigger else after), trigger


def trigger_of(alert: Alert, evidence: Evidence) -> Trigger | None:
    """The trigger that `evidence` gives an armed alert; None when it does not reach the level.

    Whatever made the claim, evidence from before the alert was armed, in another currency or of
    another market counts for nothing, nor does what came after the alert's expiry (rule 6) or in
    a session in which a daily one has rung already (rule 5). The level is taken in the shares of
    the evidence's day.
    """
    if not _counts_for(alert, evidence):
        return None
    interval, condition = evidence.interval, alert.condition_on(evidence.present.session)
    target = condition.target
    touch = interval.touch(target.direction, target.level)
    if touch is None or _came_too_late(alert, touch):
        return None
    return Trigger(
        uid=alert.uid,
        id=f"{alert.id}-{alert.epoch}",
        alert_id=alert.id,
        epoch=alert.epoch,
        symbol=alert.symbol,
        condition=condition,
        note=alert.note,
        urgent=alert.urgent,
        channels=alert.channels,
        value=touch.value,
        price=evidence.present.price,
        low=interval.low,
        high=interval.high,
        peak=evidence.peak,
        currency=evidence.present.currency,
        occurred_at=touch.at,
        noticed_at=evidence.noticed_at,
        source=evidence.present.source,
        open=True,
        due_at=evidence.noticed_at,
        unread=True,
    )


def rung(alert: Alert, trigger: Trigger, present: Reading) -> Alert:
    """The alert after its trigger, by its frequency (rule 5); `present` is the evidence's reading.

    A trailing alert starts anew from the present price: it has gone back by definition.
    """
    after: dict[str, object] = {
        "updated_at": trigger.noticed_at,
        "last_trigger": trigger.id,
        "rearm_at": None,
    }
    if alert.frequency == "once":
        return _changed(alert, after | {"state": "triggered", "baseline": None})
    after |= {"epoch": alert.epoch + 1, "baseline": present}
    if alert.frequency == "daily":
        after["rests_after"] = present.session
    elif not isinstance(alert.condition, TrailingCondition):
        level = alert.condition.target.rearm_level(alert.rearm_margin)
        waiting = {"state": "waiting", "armed_at": None, "rearm_at": level}
        return _changed(alert, after | waiting)
    return _changed(alert, after | {"state": "armed", "armed_at": trigger.noticed_at})


def _changed(alert: Alert, changes: Mapping[str, object]) -> Alert:
    """Not validated anew, which would take most of the time of a ring."""
    return alert.model_copy(update=changes)


def _counts_for(alert: Alert, evidence: Evidence) -> bool:
    baseline, present = alert.baseline, evidence.present
    return (
        baseline is not None
        and alert.condition.target.metric == evidence.metric
        and baseline.as_of <= evidence.interval.since
        and (baseline.currency, baseline.source) == (present.currency, present.source)
        and (alert.rests_after is None or alert.rests_after < present.session)
    )


def _came_too_late(alert: Alert, touch: Step) -> bool:
    return alert.expires_at is not None and touch.at > alert.expires_at
