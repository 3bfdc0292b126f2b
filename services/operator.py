"""Who runs the site, and is told when it does not do its work: by mail, by a chat, or by both."""

import logging
from collections.abc import Callable
from datetime import datetime
from html import escape
from uuid import uuid4

from redis import Redis

from config import Settings
from services.errors import DeliveryError
from services.notify.message import Message
from services.watchdog import Watchdog, keep_watch, patience_of

log = logging.getLogger(__name__)


class Operator:
    """`settings.operator_email` and `operator_url`; where neither is set only the log is told."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def tell(self, subject: str, text: str, now: datetime) -> None:
        """By each way that is set. Raises DeliveryError where none of them takes it."""
        settings = self._settings
        ways: list[Callable[[str, str, datetime], None]] = []
        if settings.operator_email:
            ways.append(self._mail)
        if settings.operator_url.get_secret_value():
            ways.append(self._message)
        failed: list[DeliveryError] = []
        for way in ways:
            try:
                way(subject, text, now)
            except DeliveryError as error:
                log.error("The operator was not told: %s", error)
                failed.append(error)
        if ways and len(failed) == len(ways):
            raise failed[0]

    def _mail(self, subject: str, text: str, now: datetime) -> None:
        from services.notify.channels.email.transport import SmtpTransport

        settings = self._settings
        url = settings.smtp_url or "smtp://127.0.0.1:25"
        transport = SmtpTransport(url, settings.mail_from, settings.mail_reply_to)
        paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
        host = settings.mail_from.rpartition("@")[2].rstrip(">")
        transport.send(
            Message(
                to=settings.operator_email,
                subject=subject,
                text=text,
                html=f'<!doctype html><html lang="en"><body>{paragraphs}</body></html>',
                message_id=f"operator.{uuid4().hex}@{host}",
            ),
            now,
        )

    def _message(self, subject: str, text: str, now: datetime) -> None:
        # They cost the clock and the web 20 MB.
        from services.notify.channels.apprise.transport import AppriseTransport
        from services.notify.hosts import allowed_hosts

        transport = AppriseTransport(allowed_hosts(self._settings.private_hosts))
        transport.send(self._settings.operator_url.get_secret_value(), subject, text, now)


def watch_over(
    redis: Redis, settings: Settings, clock: Callable[[], datetime], *, speaks_alone: bool = False
) -> None:
    """Have the watchdog look from now on, beside what this process does."""
    patience = patience_of(settings.check_interval_seconds)
    operator, started = Operator(settings), clock()
    watchdog = Watchdog(redis, operator, patience, started, speaks_alone=speaks_alone)
    keep_watch(watchdog, clock)
