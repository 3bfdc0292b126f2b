"""The market's state, as the banner on every page says it."""

from dataclasses import dataclass

from flask import g

from services.market.cache import MarketStatus
from web import words
from web.context import services

REFRESH_SECONDS, REPLAY_REFRESH_SECONDS = 30, 5
NEW_YORK = "America/New_York"


@dataclass(frozen=True, slots=True)
class Market:
    """What the banner on every page says."""

    status: MarketStatus

    @property
    def replayed_day(self) -> str | None:
        """The day whose prices are shown, in a replay."""
        if self.status.source != "replay" or self.status.market_time is None:
            return None
        return words.day(self.status.market_time, NEW_YORK)

    @property
    def replayed(self) -> bool:
        return self.status.source == "replay"

    @property
    def refresh_seconds(self) -> int:
        return REPLAY_REFRESH_SECONDS if self.replayed else REFRESH_SECONDS


def market_is(status: MarketStatus) -> None:
    """Tell what was read together with something else: it holds for the whole request."""
    g.setdefault("market", Market(status))


def market() -> Market:
    """The market's state, read once per request."""
    if "market" not in g:
        g.market = Market(services().desk.status())
    found: Market = g.market
    return found
