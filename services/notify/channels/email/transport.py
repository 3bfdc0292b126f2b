"""Sends mails over SMTP, through sessions that stay open from one mail to the next."""

import re
import smtplib
from datetime import datetime
from email.message import EmailMessage

from services.errors import DeliveryError
from services.notify.channels.email.idle import IdleSessions
from services.notify.channels.email.mime import mime_of
from services.notify.channels.email.session import Server, Session
from services.notify.message import Message
from services.texts import N_
from services.texts import gettext as _

TIMEOUT_SECONDS = 10
"""For every answer of the server."""
IDLE_SECONDS = 30
_CLOSING = 421
_ENHANCED = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})")
_GONE = frozenset({"1.0", "1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
"""No such address, or disabled (RFC 3463, 7505); not policy, nor a mailbox that is full."""
_FULL = "2.2"
_GONE_PLAIN = frozenset({550, 551, 553, 556})
_FULL_PLAIN = 552


class SmtpTransport:
    """Sends through the server at `url`, as `session.Server` takes it. For any number of threads.

    A session is kept for the next mail for `idle` seconds; `timeout` is what each answer may take.
    """

    def __init__(
        self,
        url: str,
        mail_from: str,
        reply_to: str = "",
        *,
        timeout: float = TIMEOUT_SECONDS,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._server = Server(url, timeout)
        self._idle = IdleSessions(idle)
        self._from = mail_from
        self._reply_to = reply_to

    def send(self, message: Message, now: datetime) -> None:
        """Hand the message to the server. Raises DeliveryError: permanent for a 5xx answer to the
        recipient or the message; unreachable where the server answers nobody. Where the
        connection ends after DATA nobody knows whether the server has it; it is not sent again."""
        try:
            mime = mime_of(message, self._from, self._reply_to, now)
        except ValueError as error:
            raise DeliveryError(
                _("This is no mail: %(reason)s", reason=error), permanent=True
            ) from None
        try:
            self._hand_over(mime, message.to)
        except smtplib.SMTPNotSupportedError:
            reason = _("The mail server takes no addresses with letters beyond A to Z.")
            raise DeliveryError(reason, permanent=True) from None
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _refused(code, said, of_mailbox=True) from None
        except smtplib.SMTPDataError as error:
            raise _refused(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error, to_us=True) from None
        except OSError as error:  # SMTPException is one
            reason = _("The mail server ended the conversation: %(reason)s", reason=error)
            raise DeliveryError(reason, unreachable=True) from None

    def _hand_over(self, mime: EmailMessage, to: str) -> None:
        """Through a session that is open, or a new one: also where that one turns out to be dead
        before the mail was begun."""
        kept = self._idle.take()
        if kept is not None and kept.is_alive():
            try:
                self._send(kept, mime, to)
                return
            except OSError as error:
                if kept.begun or not _is_lost(error):
                    raise
        elif kept is not None:
            kept.close()
        self._send(self._server.open(), mime, to)

    def _send(self, session: Session, mime: EmailMessage, to: str) -> None:
        try:
            session.send(mime, to)
        finally:
            self._idle.keep(session)


def _is_lost(error: OSError) -> bool:
    """Whether the server is gone, and not of another mind."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            return any(code == _CLOSING for code, _said in recipients.values())
        case smtplib.SMTPResponseException(smtp_code=code):
            return code == _CLOSING
        case smtplib.SMTPServerDisconnected():
            return True
    return not isinstance(error, smtplib.SMTPException)


def _refused(
    code: int, said: bytes | str, *, of_mailbox: bool = False, to_us: bool = False
) -> DeliveryError:
    """`of_mailbox`: an answer to the recipient. `to_us`: to the sender, a wrong one say, which is
    the operator's to mend."""
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    permanent = 500 <= code < 600 and not to_us
    gone = of_mailbox and permanent and _is_gone(code, words)
    message = N_("The mail server answered %(code)s: %(said)s")
    if gone:
        message = N_("There is no such mailbox. The mail server answered %(code)s: %(said)s")
    elif _is_full(code, words):
        message = N_("The mailbox is full. The mail server answered %(code)s: %(said)s")
    reason = _(message, code=code, said=words[:200])
    return DeliveryError(reason, permanent=permanent, gone=gone, unreachable=code == _CLOSING)


def _is_gone(code: int, words: str) -> bool:
    """Whether a 5xx answer to a recipient concerns the mailbox, and not us or its size: by the
    code of RFC 3463 where there is one."""
    found = _ENHANCED.match(words)
    return found[1] in _GONE if found else code in _GONE_PLAIN


def _is_full(code: int, words: str) -> bool:
    found = _ENHANCED.match(words)
    return found[1] == _FULL if found else code == _FULL_PLAIN
