"""How long a server asks to be left alone."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def asked_to_wait(retry_after: str, now: datetime) -> timedelta | None:
    """What a Retry-After header says: seconds, or a date (RFC 9110). None where it says nothing."""
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", retry_after, re.ASCII):
        return timedelta(seconds=int(retry_after))
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return until.replace(tzinfo=until.tzinfo or UTC) - now
