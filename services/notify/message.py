"""A message, before any channel has sent it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a mail, which its HTML shows as `cid:{cid}`; `width` and `height` as shown."""

    cid: str
    png: bytes
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Message:
    """A mail to one person. `message_id` is without angle brackets, stable over retries.

    `stop_link` ends all such mails with one POST (RFC 8058); None in mails about the account.
    """

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    stop_link: str | None = None
    images: tuple[Image, ...] = ()
