"""Indicators of technical analysis over daily prices, oldest first. Pure.

Where there are too few prices the answer is None. Sources: J. Welles Wilder, *New Concepts in
Technical Trading Systems* (1978), for the RSI and its averages; the simple and the exponential
average as in John J. Murphy, *Technical Analysis of the Financial Markets* (1999).
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

NO_CHANGE = 50.0
"""The RSI of prices that stood still: neither gains nor losses prevail."""


class Averages(NamedTuple):
    """Wilder's smoothed averages of the daily gains and losses, both as positive numbers."""

    gain: float
    loss: float

    def after(self, change: float, n: int) -> "Averages":
        """The averages one day on, each new day weighing 1/n."""
        return Averages(
            (self.gain * (n - 1) + max(change, 0.0)) / n,
            (self.loss * (n - 1) + max(-change, 0.0)) / n,
        )

    @property
    def rsi(self) -> float:
        """100 - 100 / (1 + gain / loss), 0 to 100; 50 without any change. To nine decimals, so
        that it is exactly 100 without a loss."""
        total = self.gain + self.loss
        return round(100 * self.gain / total, 9) if total > 0 else NO_CHANGE


def positive(*prices: float) -> bool:
    """Whether all are finite and more than 0, so that shares and per cents of them have sense."""
    return all(0 < price < math.inf for price in prices)


def per_cent(change: float, base: float) -> float:
    """100 x change / base, to nine decimals so that 93 against 100 is exactly 7 less."""
    return round(100 * change / base, 9)


def sma(closes: Sequence[float], n: int) -> float | None:
    """The simple average of the last n."""
    return math.fsum(closes[-n:]) / n if len(closes) >= n else None


def emas(closes: Sequence[float], n: int) -> list[float]:
    """The exponential averages from the n-th close on, seeded with the SMA of the first n.

    Each new close weighs 2 / (n + 1).
    """
    seed = sma(closes[:n], n)
    if seed is None:
        return []
    averages = [seed]
    for close in closes[n:]:
        averages.append(averages[-1] + 2 / (n + 1) * (close - averages[-1]))
    return averages


def ema(closes: Sequence[float], n: int) -> float | None:
    """The exponential average after the last close."""
    averages = emas(closes, n)
    return averages[-1] if averages else None


def wilders(closes: Sequence[float], n: int) -> list[Averages]:
    """Wilder's averages from the close n + 1 on, seeded with the means of the first n changes."""
    changes = [after - before for before, after in pairwise(closes)]
    if len(changes) < n:
        return []
    first = changes[:n]
    averages = [
        Averages(
            math.fsum(change for change in first if change > 0) / n,
            math.fsum(-change for change in first if change < 0) / n,
        )
    ]
    for change in changes[n:]:
        averages.append(averages[-1].after(change, n))
    return averages


def wilder(closes: Sequence[float], n: int) -> Averages | None:
    """Wilder's averages after the last close."""
    averages = wilders(closes, n)
    return averages[-1] if averages else None


def rsi(closes: Sequence[float], n: int) -> float | None:
    """Wilder's relative strength index after the last close, 0 to 100."""
    averages = wilder(closes, n)
    return averages.rsi if averages else None


def running_rsi(averages: Averages, last_close: float, price: float, n: int) -> float:
    """The RSI if the running day closed at `price`; `averages` are of the days up to yesterday."""
    return averages.after(price - last_close, n).rsi


def highest(prices: Sequence[float]) -> float | None:
    return max(prices, default=None)


def lowest(prices: Sequence[float]) -> float | None:
    return min(prices, default=None)
