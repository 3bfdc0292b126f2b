"""Quotes and bars: what a market says of a symbol. Pure: no I/O, no clock."""

import math
import re
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

MarketState: TypeAlias = Literal["pre", "open", "post", "closed"]
BarInterval: TypeAlias = Literal["1m", "1d"]

_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.^=-]{0,19}")


def normal_symbol(text: str) -> str:
    """`text` trimmed and upper-cased, as the quote source spells symbols.

    Raises ValueError when it is not of the grammar of ALERTS.md.
    """
    symbol = text.strip().upper()
    if not _SYMBOL.fullmatch(symbol):
        raise ValueError(
            "A symbol has 1 to 20 of the characters A-Z 0-9 . ^ = - (such as AAPL, BRK-B, ^GSPC)."
        )
    return symbol


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)


class Quote(_Frozen):
    """One reading of a symbol.

    Prices are in `currency` (GBp is pence) and unadjusted; `as_of` is the exchange's time of
    the last trade, `fetched_at` ours, both UTC; `timezone` is the exchange's IANA zone. These
    are of regular hours; `extended_price` is the last pre- or post-market one, where there is
    one since the last regular trade, made at `extended_at`. `earnings` is the first day, where
    it is traded, on which the company may tell its next earnings.
    """

    symbol: str
    name: str
    price: float
    previous_close: float | None
    day_high: float | None
    day_low: float | None
    volume: int | None
    currency: str
    exchange: str
    timezone: str
    market_state: MarketState
    as_of: datetime
    fetched_at: datetime
    source: str
    extended_price: float | None = None
    extended_at: datetime | None = None
    earnings: date | None = None

    @property
    def session(self) -> date:
        """The trading day of the reading, in the exchange's time zone."""
        return _day_of(self.as_of, self.timezone)

    @property
    def change_percent(self) -> float | None:
        """The change today in per cent, 100 x (price / previous close - 1)."""
        if not self.previous_close or not math.isfinite(self.previous_close):
            return None
        return 100 * (self.price / self.previous_close - 1)


@lru_cache(4_000)
def _day_of(moment: datetime, timezone: str) -> date:
    return moment.astimezone(ZoneInfo(timezone)).date()


class Bar(_Frozen):
    """Open, high, low, close (in the quote's currency, unadjusted) and volume of one span.

    `start` is the span's first moment in UTC; a daily bar starts with its session's
    midnight in the exchange's time zone, and `session` is that day.
    """

    start: datetime
    session: date
    open: float
    high: float
    low: float
    close: float
    volume: int


class Split(_Frozen):
    """`ratio` new shares for each old one, from the open of `session` on (2.0 for 2:1)."""

    symbol: str
    session: date
    ratio: float


class Chart(_Frozen):
    """What one answer tells of a symbol's past: bars as traded, oldest first, the running one
    included, and the splits among them. `currency` and `exchange` are empty where unknown."""

    bars: tuple[Bar, ...] = ()
    splits: tuple[Split, ...] = ()
    currency: str = ""
    exchange: str = ""


class Closes(_Frozen):
    """The closes of sessions, oldest first, all in shares of the present; `currency` is empty
    where unknown."""

    days: tuple[tuple[date, float], ...] = ()
    currency: str = ""


class Match(_Frozen):
    """A symbol that fits a search text."""

    symbol: str
    name: str
    exchange: str
    kind: str
