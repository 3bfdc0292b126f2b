"""A message as it goes over the wire (RFC 5322 and 2045)."""

from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import cast

from services.notify.message import Message


class _WholeHeader(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]  # typeshed
    """A header that is never folded: an address broken in two or encoded is none."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _WholeHeader)
# Lines of seven bits pass every server as they are, which signatures (DKIM) rely on.
_POLICY = SMTP.clone(header_factory=_HEADERS, cte_type="7bit")


def mime_of(message: Message, mail_from: str, reply_to: str, now: datetime) -> EmailMessage:
    """Text and HTML as alternatives, the HTML with its images. Raises ValueError where a header
    would be two."""
    mime = EmailMessage(policy=_POLICY)
    mime["From"] = mail_from
    mime["To"] = message.to
    if reply_to:
        mime["Reply-To"] = reply_to
    mime["Subject"] = message.subject
    mime["Date"] = format_datetime(now)
    mime["Message-ID"] = f"<{message.message_id}>"
    mime["Auto-Submitted"] = "auto-generated"
    if message.stop_link is not None:
        mime["List-Unsubscribe"] = f"<{message.stop_link}>"
        mime["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mime.set_content(message.text)
    mime.add_alternative(message.html, subtype="html")
    html = cast(MIMEPart, mime.get_body(("html",)))
    for image in message.images:
        html.add_related(
            image.png,
            "image",
            "png",
            cid=f"<{image.cid}>",
            disposition="inline",
            filename=f"{image.cid.partition('@')[0]}.png",
        )
    return mime
