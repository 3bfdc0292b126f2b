"""Why there is nothing to show."""

from enum import Enum


class Absent(Enum):
    """The source has none, or no answer came in time."""

    MISSING = "missing"
    PENDING = "pending"
