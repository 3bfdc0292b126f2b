"""How near alerts are to ringing, to put them in order. Pure but for the quotes it is given."""

import math
from collections.abc import Iterable

from services.alerts.conditions import Condition
from services.alerts.units import PRICES, RATIOS, family
from services.market.cache import CachedQuote
from services.market.desk import Answer
from web.rows import value_at_hand

FAR = math.inf


def nearness(condition: Condition, answer: Answer | None) -> float:
    """How far the metric is from its level: per cent of itself where it is a price or a ratio,
    else in its own unit. Infinite where nobody knows."""
    if not isinstance(answer, CachedQuote):
        return FAR
    target = condition.target
    value = value_at_hand(target.metric, answer.quote)
    if value is None or not math.isfinite(value):
        return FAR
    if target.reached_by(value):
        return 0.0
    away = abs(target.level - value)
    if target.metric in PRICES or family(target.metric) in RATIOS:
        return 100 * away / abs(value) if value else FAR
    return away


def nearest(distances: Iterable[float]) -> float:
    return min(distances, default=FAR)
