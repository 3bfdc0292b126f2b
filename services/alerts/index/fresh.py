"""The alerts set since the last check, each with a baseline of its own."""

from collections.abc import Mapping
from itertools import chain

from redis.client import Pipeline

from services.alerts.index.entries import Fresh
from services.alerts.index.keys import fresh_key
from services.alerts.index.levels import level_text, peak_text
from services.alerts.index.scripts import PIPELINE, Scripted
from services.alerts.intervals import Reading
from services.redis_client import text_of


class FreshAlerts(Scripted):
    """Fresh alerts, until a check puts them among the settled ones."""

    def fresh(self, symbol: str) -> dict[str, Fresh]:
        """Alerts set since the last check, by member."""
        entries = self._redis.hgetall(fresh_key(symbol))
        return {text_of(m): Fresh.model_validate_json(text) for m, text in entries.items()}

    def newest_baseline(self, symbol: str) -> Reading | None:
        """The last reading on which a fresh alert was set."""
        baselines = (fresh.baseline for fresh in self.fresh(symbol).values())
        return max(baselines, key=lambda reading: reading.as_of, default=None)

    def settle(self, symbol: str, member: str, fresh: Fresh, peak: float | None = None) -> None:
        """Put a fresh alert among the others: from now on the symbol's own readings count."""
        self.settle_all(symbol, {member: (fresh, peak)})

    def settle_all(
        self,
        symbol: str,
        entries: Mapping[str, tuple[Fresh, float | None]],
        pipe: "Pipeline | None" = None,
    ) -> None:
        """The same of many, each with its peak if it is a trailing one."""
        names = list(entries)
        for start in range(0, len(names), PIPELINE):
            flat = (
                (f.metric, name, f.role, f.direction, level_text(f.level), peak_text(peak))
                for name in names[start : start + PIPELINE]
                for f, peak in [entries[name]]
            )
            self._run("settle", symbol, *chain.from_iterable(flat), pipe=pipe)
