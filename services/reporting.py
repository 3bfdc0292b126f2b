"""Log lines, and error reports where they are wanted; every process begins with it."""

from typing import Any, cast

from config import Settings
from services.logs import start_logging
from services.logs.redaction import redaction_of
from services.scrubbing import Scrubbing


def start_reporting(settings: Settings) -> None:
    """Log from `log_level` on; report errors to `sentry_dsn` if it is set."""
    start_logging(settings)
    if not settings.sentry_dsn:
        return
    import sentry_sdk  # 5 MB, only where it is used

    scrubbing = Scrubbing(redaction_of(settings))
    sentry_sdk.init(
        settings.sentry_dsn,
        before_send=cast(Any, scrubbing.event),
        before_breadcrumb=cast(Any, scrubbing.crumb),
        include_local_variables=False,
        max_request_body_size="never",
        send_default_pii=False,
        auto_session_tracking=False,
        send_client_reports=False,
    )
