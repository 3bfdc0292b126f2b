"""The worker process: `python -m workers [QUEUE ...]`. Any number may run."""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from config import SettingsError, load_settings
from services.doctor.start import everything_wrong, require_ready
from services.errors import BellwetherError
from services.metrics.shared import share_metrics
from services.metrics.site import SiteMetrics
from services.migrations.schema import bring_up_to_date, require_known_schema
from services.redis_client import open_redis
from services.reporting import start_reporting
from services.store import require_usable
from services.store.clock import check_clock
from services.tracing import start_tracing
from workers.metrics import serve_metrics
from workers.parts import parts
from workers.queues import CHECKS, FAST, QUEUES, RqJobs
from workers.worker import work

log = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Work until told to stop. Jobs run in this process, which keeps its connections and
    Yahoo's crumb; a job that dies with it is taken over by the schedule or the sweep."""
    queues = chosen_queues(arguments)
    try:
        settings = load_settings()
        require_ready(settings)
        start_reporting(settings)
        start_tracing(settings, "worker")
        store = parts().services.store
        share_metrics(settings.data / "metrics")
        require_usable(store)
        require_known_schema(store)
        if not settings.in_production:
            bring_up_to_date(store, datetime.now(UTC))
        check_clock(store, lambda: datetime.now(UTC))
        if {FAST, CHECKS} & set(queues):  # others may never need the source, which is large
            log.info("Prices come from %s", parts().provider.name)
    except (SettingsError, BellwetherError) as error:
        print(everything_wrong(error), file=sys.stderr)  # noqa: T201 - the reason why nothing starts
        return 2
    redis = open_redis(settings.redis_url)
    serve_metrics(settings, SiteMetrics(redis, RqJobs(redis), _now))
    work(queues, redis)
    return 0


def _now() -> datetime:
    return datetime.now(UTC)


def chosen_queues(arguments: Sequence[str]) -> tuple[str, ...]:
    """The queues that are named, all where none is; in the order in which they are emptied."""
    parser = argparse.ArgumentParser(
        prog="python -m workers",
        description="Work on these queues; on all of them where none is named.",
    )
    parser.add_argument("queues", nargs="*", metavar="QUEUE", help=", ".join(QUEUES))
    named = parser.parse_args(arguments).queues
    if unknown := sorted(set(named).difference(QUEUES)):
        parser.error(f"there is no queue {', '.join(unknown)}; there are {', '.join(QUEUES)}")
    return tuple(queue for queue in QUEUES if queue in named) or QUEUES


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
