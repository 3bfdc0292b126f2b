"""A message, before any channel has sent it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A mail to one person. `message_id` is without angle brackets, stable over retries."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str
