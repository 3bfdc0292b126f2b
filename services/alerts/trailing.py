"""How far a price is from its own extreme since an alert was armed. Pure.

`drawdown` is 100 x (peak - price) / peak and `run-up` 100 x (price - trough) / trough, both
positive per cents. The order of prices within one move is unknown: its low is held against the
peak from before it (its open included), then its high makes the peak, then its close is held
against that. A run-up is the mirror image.
"""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from services.alerts.indicators import per_cent, positive
from services.alerts.intervals import MAX_STEPS, Span, Step
from services.alerts.paths import Move
from services.alerts.windows import is_sound


class Walk(NamedTuple):
    """`steps` are the successive records of the metric, the first value included; none where no
    move had a price. `extreme` is the peak (trough) in the end, to begin the next walk with."""

    steps: tuple[Step, ...]
    extreme: float


class Possible(NamedTuple):
    """`most` is what the metric can have been at the most, and `new_extreme` says whether the
    peak (trough) may have moved unseen."""

    most: float
    new_extreme: bool


def walk(moves: Iterable[Move], extreme: float, metric: str) -> Walk:
    """`metric` along the moves, from a peak (trough) of `extreme` before them.

    Moves with a price that is none, or not positive, are left out; an `extreme` of that kind
    gives way to the first open.
    """
    records: list[tuple[datetime, float]] = []
    for move in moves:
        if not is_sound(move):
            continue
        value, extreme = advance(move, extreme, metric)
        if not records or value > records[-1][1]:
            records.append((move.at, value))
    return Walk(_thinned(records), extreme)


def advance(move: Move, extreme: float, metric: str) -> tuple[float, float]:
    """The furthest that the metric certainly was in a move, and the extreme after it."""
    before = _beyond(extreme, move.open, metric)
    far, near = (move.low, move.high) if metric == "drawdown" else (move.high, move.low)
    after = _beyond(before, near, metric)
    return max(distance(before, far, metric), distance(after, move.close, metric)), after


def possible(extreme: float, span: Span, metric: str) -> Possible:
    """What a price that went anywhere within `span`, unseen, can have meant to the metric."""
    far, near = (span.low, span.high) if metric == "drawdown" else (span.high, span.low)
    unseen = near > extreme if metric == "drawdown" else near < extreme
    furthest = near if unseen else extreme
    if not positive(furthest) or not math.isfinite(far):
        return Possible(math.inf, unseen)
    return Possible(distance(furthest, far, metric), unseen)


def distance(extreme: float, price: float, metric: str) -> float:
    """How far the price is below its peak (above its trough), in per cent of that."""
    return per_cent(extreme - price if metric == "drawdown" else price - extreme, extreme)


def _beyond(extreme: float, price: float, metric: str) -> float:
    if not 0 < extreme < math.inf:
        return price
    further = price > extreme if metric == "drawdown" else price < extreme
    return price if further else extreme


def _thinned(records: list[tuple[datetime, float]]) -> tuple[Step, ...]:
    every = -(-len(records) // MAX_STEPS) or 1
    return tuple(
        Step(at=at, value=value) for at, value in records[(len(records) - 1) % every :: every]
    )
