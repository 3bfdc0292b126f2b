"""Worker processes that begin at once: forked from a process that has imported everything."""

import os
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["workers.jobs", "services.market.yahoo", "tests.e2e.mailers"])


def begin_worker(
    environment: Mapping[str, str], queues: Sequence[str], *, burst: bool
) -> ForkServerProcess:
    """A worker on these queues, until it is killed or, with `burst`, nothing is left to do."""
    process = _CONTEXT.Process(target=_work, args=(dict(environment), tuple(queues), burst))
    process.start()
    return process


def _work(environment: dict[str, str], queues: tuple[str, ...], burst: bool) -> None:
    os.environ.update(environment)
    from rq import SimpleWorker

    from workers.parts import parts

    redis = parts().services.redis
    SimpleWorker(queues, connection=redis).work(burst=burst, logging_level="WARNING")
