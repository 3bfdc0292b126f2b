"""A conversation with an SMTP server, with TLS where the server offers it; good for many mails."""

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property
from ipaddress import ip_address
from time import monotonic
from urllib.parse import unquote, urlsplit

from services.errors import DeliveryError
from services.texts import gettext as _

MOST_MAILS = 100
"""Through one session: servers end longer ones, and others wait for their turn."""
PATIENCE_SECONDS = 60
"""A mail that is not begun by then is left, so that its lease lasts beyond its end."""


class _Smtp(smtplib.SMTP):
    """Knows whether the server may have the mail: from the command DATA on."""

    begun = False
    begin_until = 0.0

    def data(self, msg: object) -> tuple[int, bytes]:
        if monotonic() > self.begin_until:
            raise TimeoutError("it answers too slowly")
        self.begun = True
        return super().data(msg)  # type: ignore[arg-type]  # typeshed names the buffers


class _SmtpOverTls(_Smtp, smtplib.SMTP_SSL):
    pass


class Session:
    """One conversation, for one thread at a time."""

    def __init__(self, smtp: _Smtp) -> None:
        self._smtp = smtp
        self._mails = 0
        self._in_order = True

    @property
    def begun(self) -> bool:
        """Whether the last mail may have arrived, whatever became of the conversation."""
        return self._smtp.begun

    @property
    def is_usable(self) -> bool:
        return self._in_order and self._smtp.sock is not None and self._mails < MOST_MAILS

    def is_alive(self) -> bool:
        """Ask the server to forget the mail before, which shows whether it still listens."""
        self._smtp.begun = False
        with suppress(OSError):
            return self._smtp.rset()[0] == 250
        return False

    def send(self, mime: EmailMessage, to: str) -> None:
        """Raises what smtplib raises; an answer of the server leaves the session in order."""
        self._mails += 1
        self._in_order = False
        self._smtp.begun = False
        self._smtp.begin_until = monotonic() + PATIENCE_SECONDS
        try:
            self._smtp.send_message(mime, to_addrs=[to])
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            self._in_order = True
            raise
        self._in_order = True

    def close(self) -> None:
        """Take leave of a server that listens."""
        with suppress(OSError):
            if self._in_order and self._smtp.sock is not None:
                self._smtp.quit()
        self._smtp.close()


@dataclass(frozen=True)
class Server:
    """`url`: smtp://user:password@host:port (STARTTLS where offered) or smtps://."""

    url: str
    timeout: float

    def open(self) -> Session:
        """Connect, encrypt and sign in. Raises DeliveryError: whatever fails here concerns no
        message, but the server or our settings."""
        try:
            return Session(self._signed_in())
        except smtplib.SMTPResponseException as error:
            said = error.smtp_error
            words = said.decode(errors="replace") if isinstance(said, bytes) else said
            reason = _(
                "The mail server answered %(code)s: %(said)s",
                code=error.smtp_code,
                said=words[:200],
            )
            raise DeliveryError(reason, unreachable=True) from None
        except OSError as error:  # SMTPException is one
            reason = _("The mail server cannot be reached: %(reason)s", reason=error)
            raise DeliveryError(reason, unreachable=True) from None

    def _signed_in(self) -> _Smtp:
        url = urlsplit(self.url)
        host, port = url.hostname or "localhost", url.port
        if url.scheme == "smtps":
            smtp: _Smtp = _SmtpOverTls(
                host, port or 465, timeout=self.timeout, context=self._context
            )
        else:
            smtp = _Smtp(host, port or 587, timeout=self.timeout)
        try:
            encrypted = url.scheme == "smtps" or self._upgraded(smtp)
            if url.username:
                if not encrypted and not _is_loopback(host):
                    reason = _("The mail server offers no TLS; no password is sent to it.")
                    raise DeliveryError(reason, unreachable=True)
                smtp.login(unquote(url.username), unquote(url.password or ""))
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _upgraded(self, smtp: smtplib.SMTP) -> bool:
        smtp.ehlo()
        if not smtp.has_extn("starttls"):
            return False
        smtp.starttls(context=self._context)
        smtp.ehlo()
        return True

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # reads all authorities: once is enough


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(socket.gethostbyname(host)).is_loopback
    except (OSError, ValueError):
        return False
