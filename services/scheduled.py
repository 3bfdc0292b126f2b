"""What stands on the schedule, as an operator is shown it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Scheduled:
    """`rhythm` in words; times are UTC. `next_run` is None where no clock has put it there,
    `ended_at` where it never ran; `error` is of the last run, empty when that went well."""

    job: str
    rhythm: str
    says: str
    next_run: datetime | None
    ended_at: datetime | None
    error: str = ""
