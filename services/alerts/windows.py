"""How far a price moved within a sliding window. Pure.

The order of prices within one move is unknown, so a move's high is held against what certainly
was before it: the lows of the window's earlier moves and its own open; its close against its
own low as well. Falls are the mirror image.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from services.alerts.indicators import per_cent, positive
from services.alerts.paths import Move, Point

_UNITS = {"m": "minutes", "h": "hours"}


def moves(path: Sequence[Move], metric: str, since: datetime) -> list[Point]:
    """What `move-up:w`, `move-down:w` or `move:w` certainly covered in each move from `since` on.

    The moves before `since` are the window's past. A window of minutes or hours holds the moves
    that began at most so long before; one of days holds those of so many sessions of the path,
    the move's own included. Moves with a price that is none, or not positive, are left out.
    """
    way, window = metric.split(":")
    points = []
    for move, past in _with_extremes([move for move in path if is_sound(move)], window):
        if move.at >= since:
            low, high = _COVERED[way](move, past)
            points.append(_point(move, low, high))
    return points


def bound(low: float, high: float, metric: str) -> float | None:
    """The most that any order of prices between `low` and `high` could give, in per cent.

    None where there is no such value, since a price is not positive or none.
    """
    if not positive(low, high):
        return None
    base = high if metric.split(":")[0] == "move-down" else low
    return per_cent(high - low, base)


def is_sound(move: Move) -> bool:
    """Whether per cents of all its prices have sense."""
    return positive(move.open, move.low, move.high, move.close)


class _Past(NamedTuple):
    """The extremes of a window's earlier moves; infinite the other way round without any."""

    low: float
    high: float


class _Extreme:
    """The lowest number of a sliding window, by a queue in which each is lower than the next."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Any, float]] = deque()

    def since(self, first: Any) -> float:
        while self._queue and self._queue[0][0] < first:
            self._queue.popleft()
        return self._queue[0][1] if self._queue else math.inf

    def add(self, when: Any, value: float) -> None:
        while self._queue and self._queue[-1][1] >= value:
            self._queue.pop()
        self._queue.append((when, value))


def _with_extremes(path: Sequence[Move], window: str) -> list[tuple[Move, _Past]]:
    lowest, highest = _Extreme(), _Extreme()
    result = []
    for move, (when, first) in zip(path, _begins(path, window), strict=True):
        result.append((move, _Past(lowest.since(first), -highest.since(first))))
        lowest.add(when, move.low)
        highest.add(when, -move.high)
    return result


def _begins(path: Sequence[Move], window: str) -> list[tuple[Any, Any]]:
    """When each move was, and when the window that ends with it begins."""
    length, unit = int(window[:-1]), window[-1]
    if unit == "d":
        numbers = {day: n for n, day in enumerate(sorted({move.session for move in path}))}
        return [(numbers[move.session], numbers[move.session] - length + 1) for move in path]
    span = timedelta(**{_UNITS[unit]: length})
    # A minute bar may have begun before the reading that it follows.
    times = accumulate((move.at for move in path), max)
    return [(at, at - span) for at in times]


class _Value(NamedTuple):
    """The metric at a price of the move."""

    metric: float
    price: float


def _up(move: Move, past: _Past) -> tuple[_Value, _Value]:
    lowest = min(past.low, move.low)
    if move.low == move.high:
        return _twice(_Value(_rise(lowest, move.close), move.close))
    at_high = _Value(_rise(min(past.low, move.open), move.high), move.high)
    at_close = _Value(_rise(lowest, move.close), move.close)
    return _Value(_rise(lowest, move.low), move.low), max(at_high, at_close)


def _down(move: Move, past: _Past) -> tuple[_Value, _Value]:
    highest = max(past.high, move.high)
    if move.low == move.high:
        return _twice(_Value(_fall(highest, move.close), move.close))
    at_low = _Value(_fall(max(past.high, move.open), move.low), move.low)
    at_close = _Value(_fall(highest, move.close), move.close)
    return _Value(_fall(highest, move.high), move.high), max(at_low, at_close)


def _either(move: Move, past: _Past) -> tuple[_Value, _Value]:
    """The greater of both; only at the open and the close is it known exactly."""
    at_open = _both(move.open, min(past.low, move.open), max(past.high, move.open))
    if move.low == move.high:
        return _twice(_Value(at_open, move.open))
    at_close = _both(move.close, min(past.low, move.low), max(past.high, move.high))
    least = min(_Value(at_open, move.open), _Value(at_close, move.close))
    return least, max(_up(move, past)[1], _down(move, past)[1])


def _twice(value: _Value) -> tuple[_Value, _Value]:
    """A move of one price has one value."""
    return value, value


def _both(price: float, low: float, high: float) -> float:
    return max(_rise(low, price), _fall(high, price))


def _rise(low: float, price: float) -> float:
    return per_cent(price - low, low)


def _fall(high: float, price: float) -> float:
    return per_cent(high - price, high)


_COVERED: dict[str, Callable[[Move, _Past], tuple[_Value, _Value]]] = {
    "move-up": _up,
    "move-down": _down,
    "move": _either,
}


def _point(move: Move, low: "_Value", high: "_Value") -> Point:
    return Point(move.at, move.session, low.metric, high.metric, low.price, high.price, move.close)
