"""What every worker process does first: logging, and error reports where they are wanted."""

import logging

import sentry_sdk

from config import Settings


def started(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("rq.worker", "rq_scheduler.scheduler", "rq.scheduler"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.root.level))
    if settings.sentry_dsn:
        sentry_sdk.init(settings.sentry_dsn, send_default_pii=False)
