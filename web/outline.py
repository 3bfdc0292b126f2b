"""A chart's first paint, and all of it where no script runs: the closes as a line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.market.models import Bar

WIDTH, HEIGHT = 800, 320
"""The units of the drawing, which is stretched to the chart's box."""
_EDGE = 0.08
"""Of the height, left free above and below."""


@dataclass(frozen=True, slots=True)
class Outline:
    """`line` and `area` are points of an SVG; `levels` are heights from the top; `low` and
    `high` are the lowest and highest price of the bars."""

    line: str
    area: str
    levels: tuple[float, ...]
    low: float
    high: float
    falls: bool


def outline(bars: Sequence[Bar], levels: Sequence[float] = ()) -> Outline | None:
    """The drawing of bars, oldest first, with those levels that lie within; None for less than
    two bars."""
    if len(bars) < 2:
        return None
    low, high = min(bar.low for bar in bars), max(bar.high for bar in bars)
    place = _Scale(low, high)
    step = WIDTH / (len(bars) - 1)
    points = " ".join(f"{at * step:.1f},{place(bar.close):.1f}" for at, bar in enumerate(bars))
    return Outline(
        line=points,
        area=f"0,{HEIGHT} {points} {WIDTH},{HEIGHT}",
        levels=tuple(round(place(level), 1) for level in levels if low <= level <= high),
        low=low,
        high=high,
        falls=bars[-1].close < bars[0].close,
    )


class _Scale:
    """From prices to heights from the top; a price that never moved lies in the middle."""

    def __init__(self, low: float, high: float) -> None:
        self._low, self._span = low, high - low

    def __call__(self, price: float) -> float:
        share = (price - self._low) / self._span if self._span else 0.5
        return HEIGHT * (1 - _EDGE - share * (1 - 2 * _EDGE))
