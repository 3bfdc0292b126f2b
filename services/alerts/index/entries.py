"""What the armed index is asked, and what it tells: its alerts, probes and verdicts. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from services.alerts.conditions import Direction
from services.alerts.intervals import IsoDate, Reading, Span
from services.store.alerts import Alert

DIRECTIONS: tuple[Direction, ...] = ("rise", "fall")
Role = Literal["armed", "waiting"]
ROLES: tuple[Role, ...] = ("armed", "waiting")


def role_of(alert: Alert) -> Role:
    return "armed" if alert.state == "armed" else "waiting"


@dataclass(frozen=True, slots=True)
class Member:
    """An alert at one of its armings, as the index names it."""

    uid: str
    alert_id: str
    epoch: int

    @classmethod
    def of(cls, alert: Alert) -> "Member":
        return cls(alert.uid, alert.id, alert.epoch)

    @classmethod
    def parse(cls, text: str) -> "Member":
        uid, alert_id, epoch = text.split("/")
        return cls(uid, alert_id, int(epoch))

    def __str__(self) -> str:
        return f"{self.uid}/{self.alert_id}/{self.epoch}"


class Fresh(BaseModel):
    """An alert set since the last check; only what came after `baseline` is evidence for it."""

    model_config = ConfigDict(frozen=True)

    role: Role
    metric: str
    direction: Direction
    level: float
    baseline: Reading
    rests_after: IsoDate | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, alert: Alert) -> "Fresh":
        """Of an alert that has a baseline."""
        assert alert.baseline is not None
        target = alert.condition.target
        return cls(
            role=role_of(alert),
            metric=target.metric,
            direction=target.direction,
            level=alert.watched_level,
            baseline=alert.baseline,
            rests_after=alert.rests_after,
            expires_at=alert.expires_at,
        )


class Probe(NamedTuple):
    """What a metric has certainly covered since the last check, and what it may have."""

    symbol: str
    metric: str
    seen: Span
    possible: Span

    @property
    def is_doubtful(self) -> bool:
        return self.possible is not self.seen and self.possible != self.seen


class Verdict(NamedTuple):
    """Whether a probe reached an armed level, was on the other side of a waiting one, or leaves
    open whether a level was touched unseen, or left unseen."""

    reached: bool
    crossed: bool
    undecided: bool


QUIET: Final = Verdict(reached=False, crossed=False, undecided=False)


class Standing(NamedTuple):
    """A settled alert and the level at which it stands."""

    member: Member
    direction: Direction
    level: float


class Held(NamedTuple):
    """An alert in the index, settled or fresh, and what it waits for there."""

    member: Member
    metric: str
    role: Role
    direction: Direction
    level: float

    @classmethod
    def of(cls, alert: Alert) -> "Held":
        target = alert.condition.target
        member = Member.of(alert)
        return cls(member, target.metric, role_of(alert), target.direction, alert.watched_level)


def fresh_text(alert: Alert) -> str:
    """An alert that has a baseline, as the index keeps it while it is fresh."""
    return Fresh.of(alert).model_dump_json()
