"""What finished checks say of themselves: up to when they have looked at which symbols."""

import threading
from collections import defaultdict
from datetime import datetime
from itertools import pairwise

from services.errors import StoreError
from services.store.system import CheckerState, Shard, System, shard_of

LOOK_SECONDS = 0.25


class Watch:
    """Looks from a thread. A check that it does not see makes the proof weaker, not wrong."""

    def __init__(self, system: System, market: str, symbols: tuple[str, ...], shards: int) -> None:
        self._system = system
        self._market = market
        self._symbols = symbols
        self._shards = shards
        self._seen: dict[int, list[CheckerState]] = defaultdict(list)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def count(self) -> int:
        return sum(map(len, self._seen.values()))

    def checks(self) -> dict[str, list[datetime]]:
        """By symbol, our times of the finished checks that were not behind with it."""
        return {
            symbol: [
                state.completed_at
                for state in self._seen[shard_of(symbol, self._shards)]
                if state.completed_at is not None and symbol not in state.behind
            ]
            for symbol in self._symbols
        }

    def longest_blindness(self, until: datetime) -> float:
        """The most seconds between two finished checks of a symbol, or after the last."""
        times = [[*each, until] for each in self.checks().values() if each]
        gaps = [(b - a).total_seconds() for each in times for a, b in pairwise(each)]
        return max(gaps, default=0.0)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            for number in range(self._shards):
                try:
                    state = self._system.checker(self._market, Shard(number, self._shards))
                except StoreError:
                    continue
                if state not in self._seen[number][-1:]:
                    self._seen[number].append(state)
