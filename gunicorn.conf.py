"""How gunicorn serves app:app. WEB_CONCURRENCY says how many processes."""

import gc
import sys
from datetime import UTC, datetime
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from gunicorn.workers.base import Worker

from config import SettingsError, load_settings
from services.doctor.start import everything_wrong, require_ready
from services.errors import StoreUnavailable
from services.logs import start_logging
from services.migrations.schema import require_known_schema
from services.operator import watch_over
from services.store import require_usable

try:
    settings = load_settings()
except SettingsError as error:
    print(everything_wrong(error), file=sys.stderr)  # noqa: T201  the reason why nothing starts
    raise SystemExit(2) from None

start_logging(settings)
logger_class = "services.logs.gunicorn.GunicornLogger"
bind = f"{'127.0.0.1' if settings.bellwether_local else '0.0.0.0'}:{settings.port}"  # noqa: S104  a server's port is public
worker_class = "web.sharing.SharingWorker"
threads = 8
timeout = 30
# Platforms kill 30 s after SIGTERM, `make run` after 5.
graceful_timeout = 2 if settings.bellwether_local else 20
# Longer than the idle time of the usual load balancers, so that they are first to hang up.
keepalive = 5 if settings.bellwether_local else 75
# Heartbeats must not wait for a container's disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True
loglevel = settings.log_level.lower()


def on_starting(_arbiter: Arbiter) -> None:
    """Ask once, before any process serves, whether all is there that production needs."""
    try:
        require_ready(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def post_worker_init(worker: Worker) -> None:
    """Look at the store before the first request; gunicorn prints the sentence and ends."""
    from web.pages.health import ENDING  # not into gunicorn's first process

    store = worker.wsgi.extensions["bellwether"].store
    try:
        require_usable(store)
        require_known_schema(store)
    except StoreUnavailable as error:
        raise AppImportError(str(error)) from error
    worker.wsgi.extensions[ENDING] = lambda: not worker.alive
    redis = worker.wsgi.extensions["bellwether"].redis
    watch_over(redis, settings, lambda: datetime.now(UTC))
    gc.collect()
    gc.freeze()  # what was imported stays: looking through it cost a tenth of each page
