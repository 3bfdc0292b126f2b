"""What a check leaves for pages, metrics and the watchdog."""

from datetime import datetime

from services.alerts.checker import Report
from services.alerts.index import ArmedIndex
from services.container import Services
from services.metrics import CHECKS
from services.pulse import CheckDone, Pulse
from services.store.system import Shard


def note_check(
    services: Services, shard: Shard, report: Report, begun: datetime, ended: datetime
) -> None:
    """One that could see nothing does not count as completed."""
    seconds = (ended - begun).total_seconds()
    CHECKS.labels("completed" if report.completed else "blind").observe(seconds)
    if report.completed:
        done = CheckDone(
            completed_at=begun,
            seconds=seconds,
            symbols=report.symbols,
            unseen=len(report.unchecked),
            asleep=report.asleep,
            triggers=report.recorded,
            armed=_armed(services) if shard.number == 0 else None,
        )
        Pulse(services.redis).note_check(shard, done)


def _armed(services: Services) -> int:
    settled, fresh = ArmedIndex(services.redis).sizes()
    return settled.total() + fresh.total()
