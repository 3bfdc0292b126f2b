"""What a sentence asks for. Pure."""

from dataclasses import dataclass
from datetime import datetime

from services.alerts.conditions import Condition
from services.store.alerts import Frequency


@dataclass(frozen=True)
class Draft:
    """An alert that is not set yet; `expires_at` is UTC, None for never."""

    symbol: str
    condition: Condition
    frequency: Frequency = "once"
    expires_at: datetime | None = None
