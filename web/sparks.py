"""The last 30 closes and the price as a small drawing, with the previous close as a line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 96.0, 28.0, 3.0
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Spark:
    """An SVG of 96 x 28: the line, the height of the previous close (None: it is outside), the
    point that stands for the price; and the lowest and highest of all that is drawn."""

    path: str
    close: float | None
    at: tuple[float, float]
    low: float
    high: float
    change: float


def spark(closes: Sequence[float], price: float, previous: float | None) -> Spark | None:
    """The drawing, or None for too little of a past. `change` is in per cent, over all of it."""
    if len(closes) < FEWEST:
        return None
    line = [*closes, price]
    low, high = min(line), max(line)
    base = closes[-1] if previous is None else previous
    step = (WIDTH - 2 * EDGE) / (len(line) - 1)
    points = [(round(EDGE + n * step, 1), _height(one, low, high)) for n, one in enumerate(line)]
    return Spark(
        path="M" + "L".join(f"{x:g} {y:g}" for x, y in points),
        close=_height(base, low, high) if low <= base <= high else None,
        at=points[-1],
        low=low,
        high=high,
        change=100 * (price / closes[0] - 1) if closes[0] else 0.0,
    )


def _height(value: float, low: float, high: float) -> float:
    if high == low:
        return HEIGHT / 2
    return round(EDGE + (HEIGHT - 2 * EDGE) * (1 - (value - low) / (high - low)), 1)
