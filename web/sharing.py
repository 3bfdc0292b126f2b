"""gunicorn's worker with threads, which leaves connections for the other processes."""

import time
from socket import socket

from gunicorn.workers.gthread import ThreadWorker

MOMENT_SECONDS = 0.001


class SharingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """The process that wakes first would take a burst of connections whole, and then answer all
    of them while the others rest: browsers and proxies keep theirs."""

    def accept(self, listener: socket) -> None:
        super().accept(listener)
        if self.cfg.workers > 1:
            time.sleep(MOMENT_SECONDS)
