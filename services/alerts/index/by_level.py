"""Which settled alerts stand at which levels."""

from itertools import chain

from services.alerts.conditions import Direction
from services.alerts.index.entries import DIRECTIONS, Member, Role, Standing
from services.alerts.index.keys import base_of
from services.alerts.index.levels import level_text, pairs_of, peak_text
from services.alerts.index.scripts import Scripted
from services.alerts.intervals import Interval, Span


class ByLevel(Scripted):
    """Settled alerts by level, found without moving them."""

    def crossed_back(self, symbol: str, metric: str, interval: Interval) -> list[Standing]:
        """Waiting alerts whose other side the metric has been on, with their levels."""
        return [
            *self._range("waiting", symbol, metric, "rise", f"({interval.low!r}", "+inf"),
            *self._range("waiting", symbol, metric, "fall", "-inf", f"({interval.high!r}"),
        ]

    def reached_by(
        self, symbol: str, metric: str, interval: Interval, peak: float | None = None
    ) -> list[Standing]:
        """Armed alerts that a claim on this interval would take."""
        low, high = level_text(interval.low), level_text(interval.high)
        return [
            *self._range("armed", symbol, metric, "rise", "-inf", high, peak),
            *self._range("armed", symbol, metric, "fall", low, "+inf", peak),
        ]

    def near(
        self,
        symbol: str,
        metric: str,
        span: Span,
        peak: float | None = None,
        role: Role = "armed",
    ) -> list[Standing]:
        """Settled alerts whose level lies in a span of the metric."""
        low, high = level_text(span.low), level_text(span.high)
        found = (
            self._range(role, symbol, metric, direction, low, high, peak)
            for direction in DIRECTIONS
        )
        return list(chain.from_iterable(found))

    def _range(
        self,
        role: Role,
        symbol: str,
        metric: str,
        direction: Direction,
        low: str,
        high: str,
        peak: float | None = None,
    ) -> list[Standing]:
        base = base_of(symbol, metric)
        flat = self._run("range", role, base, peak_text(peak), direction, low, high)
        return [Standing(Member.parse(m), direction, level) for m, level in pairs_of(flat)]
