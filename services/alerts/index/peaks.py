"""The peaks (troughs) from which trailing alerts measure."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from redis.client import Pipeline

from services.alerts.index.keys import base_of
from services.alerts.index.levels import level_text
from services.alerts.index.scripts import PIPELINE, Scripted

Pair: TypeAlias = tuple[str, str]
"""A symbol and a metric."""


class Peaks(Scripted):
    """Cohorts of trailing alerts, each with the peak that its alerts share."""

    def peaks(self, symbol: str, metric: str) -> dict[float, float]:
        """The peaks (troughs) of the cohorts, lowest first, and the lowest level of each."""
        return self.peaks_of([(symbol, metric)]).get((symbol, metric), {})

    def peaks_of(self, pairs: Sequence[Pair]) -> dict[Pair, dict[float, float]]:
        """The same of many; those without cohorts are left out."""
        found: dict[Pair, dict[float, float]] = {}
        for start in range(0, len(pairs), PIPELINE):
            batch = pairs[start : start + PIPELINE]
            flat = self._run("peaks", *(base_of(*pair) for pair in batch))
            for place, peak, level in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
                found.setdefault(batch[place], {})[float(peak)] = float(level)
        return found

    def move_peaks(
        self,
        symbol: str,
        metric: str,
        moves: Mapping[float, float],
        pipe: "Pipeline | None" = None,
    ) -> None:
        """Give cohorts new peaks, by their old ones; those that end on one peak become one.

        On a pipeline, it happens when that is executed: the peaks must move together with the
        reading that moved them, or the same way would be walked twice.
        """
        if moves:
            flat = (level_text(peak) for move in moves.items() for peak in move)
            self._run("move_peaks", base_of(symbol, metric), *flat, pipe=pipe)
