"""Logging, and error reports where they are wanted; every process begins with it."""

import logging
from typing import Any

import sentry_sdk

from config import Settings


def start_reporting(settings: Settings) -> None:
    """Log to standard error from `log_level` on; report errors to `sentry_dsn` if it is set."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("rq.worker", "rq_scheduler.scheduler", "rq.scheduler"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.root.level))
    if settings.sentry_dsn:
        sentry_sdk.init(
            settings.sentry_dsn, send_default_pii=False, before_breadcrumb=_without_addresses
        )


def _without_addresses(crumb: dict[str, Any], _: dict[str, Any]) -> dict[str, Any] | None:
    """Nothing about requests: the paths of webhooks and chats are secrets."""
    return None if crumb.get("category") == "httplib" else crumb
