"""One line for each event, as JSON for programs or as text for people, without secrets.

Modules log through the standard library as ever; whatever comes from it, from gunicorn and RQ too,
leaves through one handler here. `context` adds which request, job and person an event belongs to.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

from config import Settings
from services.logs.lines import as_text
from services.logs.redaction import redaction_of

ACCESS = "bellwether.access"
_CHATTY = ("rq.worker", "rq_scheduler.scheduler", "rq.scheduler")
_ORDER = ("time", "level", "logger", "event", "request", "job", "user")


def start_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Log to standard error, or to `stream`, from `log_level` on; may be called again."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(settings, is_terminal=stream.isatty()))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.root.level))
    if settings.bellwether_local and settings.log_level == "INFO":
        # The terminal of `make run` shows what to do next, not each picture of a page.
        logging.getLogger(ACCESS).setLevel(logging.WARNING)


def formatter(settings: Settings, *, is_terminal: bool = False) -> ProcessorFormatter:
    """What makes a line of a standard log record."""
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_log_level,
        add_logger_name,
        structlog.stdlib.ExtraAdder(allow=("fields",)),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    text = settings.log_format == "text" or (
        settings.log_format == "auto" and (is_terminal or settings.bellwether_local)
    )
    return ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            ProcessorFormatter.remove_processors_meta,
            _spread,
            structlog.processors.format_exc_info,
            redaction_of(settings),
            as_text if text else structlog.processors.JSONRenderer(),
        ],
    )


def _spread(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The fields of an event beside those that every one has, which come first."""
    fields = event.pop("fields", None) or {}
    first = {name: event[name] for name in _ORDER if name in event}
    return {**first, **fields, **event}
