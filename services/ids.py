"""Document ids."""

from datetime import datetime

from ulid import ULID


def new_id(now: datetime) -> str:
    """A ULID: 26 characters that sort by `now`, 80 bits of them random."""
    return str(ULID.from_datetime(now))
