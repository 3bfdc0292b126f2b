"""Sends a mail over SMTP, with TLS where the server offers it."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.policy import Policy
from email.utils import format_datetime
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from services.errors import DeliveryError
from services.notify.message import Message

TIMEOUT_SECONDS = 20
_ENHANCED = re.compile(r"5\.\d{1,3}\.\d{1,3}")
_GONE = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""No such address, or disabled (RFC 3463, 7505); not policy, nor a mailbox that is full."""
_GONE_PLAIN = frozenset({550, 551, 553, 556})


class _WholeHeader(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]  # typeshed
    """A header that is never folded: an address broken in two or encoded is none."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _WholeHeader)
_POLICY = POLICY.clone(header_factory=_HEADERS)


class SmtpTransport:
    """Sends through `url`: smtp://user:password@host:port (STARTTLS where offered) or smtps://."""

    def __init__(self, url: str, mail_from: str) -> None:
        self._url = urlsplit(url)
        self._from = mail_from

    def send(self, message: Message, now: datetime) -> None:
        """Hand the message to the server. Raises DeliveryError, permanent for a 5xx answer to the
        recipient or the message; one to us (a wrong password, say) is the operator's to mend."""
        try:
            with self._session() as smtp:
                smtp.send_message(_mime(message, self._from, now))
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            permanent = 500 <= code < 600
            gone = permanent and _is_gone(code, reason)
            raise _refused(code, reason, permanent=permanent, gone=gone) from None
        except smtplib.SMTPDataError as error:
            permanent = 500 <= error.smtp_code < 600
            raise _refused(error.smtp_code, error.smtp_error, permanent=permanent) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(
                f"The mail server cannot be reached: {error}", unreachable=True
            ) from None

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        host, port = self._url.hostname or "localhost", self._url.port
        context = ssl.create_default_context()
        if self._url.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port or 465, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            smtp = smtplib.SMTP(host, port or 587, timeout=TIMEOUT_SECONDS)
        with closing(smtp):
            encrypted = self._url.scheme == "smtps" or _upgrade(smtp, context)
            if self._url.username:
                if not encrypted and not _is_loopback(host):
                    raise DeliveryError("The mail server offers no TLS; no password is sent to it.")
                smtp.login(unquote(self._url.username), unquote(self._url.password or ""))
            yield smtp
            with suppress(smtplib.SMTPException, OSError):  # the message is accepted already
                smtp.quit()


def _upgrade(smtp: smtplib.SMTP, context: ssl.SSLContext) -> bool:
    smtp.ehlo()
    if not smtp.has_extn("starttls"):
        return False
    smtp.starttls(context=context)
    smtp.ehlo()
    return True


def _mime(message: Message, mail_from: str, now: datetime) -> EmailMessage:
    mime = EmailMessage(policy=_POLICY)
    mime["From"] = mail_from
    mime["To"] = message.to
    mime["Subject"] = message.subject
    mime["Date"] = format_datetime(now)
    mime["Message-ID"] = f"<{message.message_id}>"
    mime["Auto-Submitted"] = "auto-generated"
    if message.stop_link is not None:
        mime["List-Unsubscribe"] = f"<{message.stop_link}>"
        mime["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mime.set_content(message.text)
    mime.add_alternative(message.html, subtype="html")
    return mime


def _refused(
    code: int, reason: bytes | str, *, permanent: bool = False, gone: bool = False
) -> DeliveryError:
    said = f"The mail server answered {code}: {_words(reason)[:200]}"
    return DeliveryError(
        f"There is no such mailbox. {said}" if gone else said, permanent=permanent, gone=gone
    )


def _is_gone(code: int, reason: bytes | str) -> bool:
    """Whether a 5xx answer to a recipient concerns the mailbox, and not us or its size: by the
    code of RFC 3463 where there is one."""
    found = _ENHANCED.match(_words(reason))
    return found[0] in _GONE if found else code in _GONE_PLAIN


def _words(reason: bytes | str) -> str:
    return reason.decode(errors="replace") if isinstance(reason, bytes) else reason


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(socket.gethostbyname(host)).is_loopback
    except (OSError, ValueError):
        return False
