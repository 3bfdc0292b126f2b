"""The state of the last check, in the market's time."""

from dataclasses import dataclass
from datetime import datetime

from services.alerts.intervals import STALE_AFTER
from services.market.provider import Provider
from services.store.system import CheckerState


@dataclass(frozen=True, slots=True)
class Times:
    """`now` is our time, UTC; what the properties and methods give is the market's."""

    provider: Provider
    state: CheckerState
    now: datetime

    @property
    def market_now(self) -> datetime:
        return self.provider.market_time(self.now)

    def checked_until(self, symbol: str) -> datetime | None:
        until = self.state.checked_until(symbol)
        return self.provider.market_time(until) if until else None

    def caught_up(self, symbol: str) -> datetime | None:
        """Up to when all that a symbol did is known to have been looked at.

        A quote of that check may have been as old as a sound one can be.
        """
        until = self.checked_until(symbol)
        return until - STALE_AFTER if until else None
