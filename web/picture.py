"""A year of closes as a drawing: where its line, its level and its rings stand. Pure.

All places are per cents of the drawing's width and height, from its upper left corner.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from services.market.models import Bar

STRETCH = 0.6
"""How far beyond the closes, as a share of their span, a level widens the drawing."""
TICKS = 4
MONTHS_APART = 3
MARGIN = 0.06


class Dot(NamedTuple):
    """A ring: its place, and the session and price that it stands for."""

    x: float
    y: float
    session: date
    price: float


class Tick(NamedTuple):
    """A price at a height, or the first session of a month at a width."""

    at: float
    value: float
    session: date


class Picture(NamedTuple):
    """`line` is an SVG path in a square of 100 by 100; `level` is None where it is out of sight."""

    line: str
    level: float | None
    dots: tuple[Dot, ...]
    prices: tuple[Tick, ...]
    months: tuple[Tick, ...]


def picture_of(
    bars: Sequence[Bar], level: float | None, rings: Sequence[tuple[date, float]]
) -> Picture | None:
    """The closes of `bars`, oldest first, a level and the rings among them; None without two."""
    bars = [bar for bar in bars if math.isfinite(bar.close)]
    if len(bars) < 2:
        return None
    low, high = _reach([bar.close for bar in bars], level)
    places = {bar.session: 100 * i / (len(bars) - 1) for i, bar in enumerate(bars)}

    def height(price: float) -> float:
        return round(min(100.0, max(0.0, 100 * (high - price) / (high - low))), 2)

    line = " ".join(f"{places[b.session]:.2f} {height(b.close):.2f}" for b in bars)
    in_sight = level is not None and low <= level <= high
    return Picture(
        line=f"M{line}",
        level=height(level) if level is not None and in_sight else None,
        dots=tuple(
            Dot(round(places[day], 2), height(price), day, price)
            for day, price in rings
            if day in places
        ),
        prices=tuple(Tick(height(p), p, bars[0].session) for p in _round_prices(low, high)),
        months=tuple(_months(bars, places)),
    )


def _reach(closes: Sequence[float], level: float | None) -> tuple[float, float]:
    """The lowest and highest price of the drawing, a little room included."""
    low, high = min(closes), max(closes)
    span = high - low or abs(high) * 0.02 or 1.0
    if level is not None and low - STRETCH * span <= level <= high + STRETCH * span:
        low, high = min(low, level), max(high, level)
    room = MARGIN * (high - low or span)
    return low - room, high + room


def _round_prices(low: float, high: float) -> list[float]:
    """Some round numbers between two prices."""
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)]


def _months(bars: Sequence[Bar], places: dict[date, float]) -> Iterator[Tick]:
    """Every third month's first session, but for one at an edge."""
    month, seen = bars[0].session.replace(day=1), 0
    for bar in bars:
        if bar.session.replace(day=1) == month:
            continue
        month, seen = bar.session.replace(day=1), seen + 1
        at = places[bar.session]
        if seen % MONTHS_APART == 1 and 4 < at < 92:
            yield Tick(round(at, 2), bar.close, bar.session)
