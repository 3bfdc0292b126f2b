"""Which symbols and metrics some alert waits on."""

from collections.abc import Sequence

from services.alerts.index.edges import NO_EDGES
from services.alerts.index.keys import FRESH, WATCHED, base_of, pair_of, peaks_key
from services.alerts.index.scripts import Scripted
from services.redis_client import text_of


class Watching(Scripted):
    """What a check has to look at."""

    def watched(self) -> dict[str, list[str]]:
        """The metrics in use of each symbol that some alert waits for, sorted."""
        metrics: dict[str, set[str]] = {}
        for base in self._redis.hkeys(WATCHED):
            symbol, metric = pair_of(text_of(base))
            metrics.setdefault(symbol, set()).add(metric)
        return {symbol: sorted(metrics[symbol]) for symbol in sorted(metrics)}

    def symbols(self) -> list[str]:
        """Symbols that some alert waits for, sorted."""
        return list(self.watched())

    def fresh_symbols(self) -> set[str]:
        """Symbols that have alerts set since the last check."""
        return {text_of(symbol) for symbol in self._redis.smembers(FRESH)}

    def settled(self, symbol: str, metrics: Sequence[str] | None = None) -> list[str]:
        """Those of a symbol's metrics (spare looking them up: `watched` told them) on which
        alerts stand that an earlier check has seen."""
        if metrics is None:
            metrics = self.watched().get(symbol, [])
        with self._redis.pipeline(transaction=False) as pipe:
            for metric in metrics:
                pipe.hget(WATCHED, base_of(symbol, metric))
                pipe.exists(peaks_key(symbol, metric))
            found = pipe.execute()
        edges_and_peaks = zip(metrics, found[::2], found[1::2], strict=True)
        return [m for m, edges, peaks in edges_and_peaks if edges not in (None, NO_EDGES) or peaks]
