"""All that the index holds, to be counted or compared with the store."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

from services.alerts.conditions import Direction
from services.alerts.index.entries import DIRECTIONS, ROLES, Held, Member, Role
from services.alerts.index.fresh import FreshAlerts
from services.alerts.index.keys import WATCHED, fresh_key, pair_of
from services.alerts.index.levels import pairs_of
from services.alerts.index.scripts import PIPELINE
from services.alerts.index.watching import Watching
from services.redis_client import text_of


class Contents(FreshAlerts, Watching):
    """Alerts wherever they stand, settled or fresh."""

    def sizes(self) -> tuple[Counter[str], Counter[str]]:
        """How many alerts stand on each symbol, settled and fresh ones."""
        settled, fresh = Counter[str](), Counter[str]()
        bases = [text_of(base) for base in self._redis.hkeys(WATCHED)]
        for start in range(0, len(bases), PIPELINE):
            batch = bases[start : start + PIPELINE]
            for base, size in zip(batch, self._run("sizes", *batch), strict=True):
                settled[pair_of(base)[0]] += size
        for symbol in self.fresh_symbols():
            fresh[symbol] = self._redis.hlen(fresh_key(symbol))
        return settled, fresh

    def held(self, symbol: str) -> Iterator[Held]:
        """Every alert of a symbol, wherever and however often it stands."""
        for name, one in self.fresh(symbol).items():
            yield Held(Member.parse(name), one.metric, one.role, one.direction, one.level)
        bases = map(text_of, self._redis.hkeys(WATCHED))
        ours = [base for base in bases if pair_of(base)[0] == symbol]
        for base, role, direction in product(ours, ROLES, DIRECTIONS):
            metric = pair_of(base)[1]
            for member, level in self._pages(role, base, direction):
                yield Held(Member.parse(member), metric, role, direction, level)

    def _pages(self, role: Role, base: str, direction: Direction) -> Iterator[tuple[str, float]]:
        bound = "-inf"
        while bound:
            page = self._run("page", role, base, direction, bound)
            bound = text_of(page[0])
            yield from pairs_of(page[1:])
