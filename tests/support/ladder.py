"""One ladder of the armed index by itself, for tests: sorted sets that stay small in memory.

`services/alerts/index/lua/ladder.lua` says how one is laid out; each of its operations is atomic.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

from redis import Redis

from services.alerts.index.levels import level_text, pairs_of
from services.alerts.index.scripts import source_of
from services.redis_client import text_of

ADD_BATCH: Final = 1_000
_OPERATIONS: Final = {
    "add": "ladder_add(KEYS[1], ARGV, 1, #ARGV)",
    "remove": "return ladder_remove(KEYS[1], ARGV[1])",
    "remove_at": "return ladder_remove_at(KEYS[1], ARGV[1], ARGV[2])",
    "take": "return ladder_take(KEYS[1], ARGV[1] == 'top', tonumber(ARGV[2]), tonumber(ARGV[3]))",
    "count": "return ladder_count(KEYS[1], ARGV[1], ARGV[2])",
    "range": "return ladder_range(KEYS[1], ARGV[1], ARGV[2])",
    "page": "return ladder_page(KEYS[1], ARGV[1])",
    "edge": "return ladder_edge(KEYS[1], ARGV[1] == 'top')",
    "size": "return ladder_size(KEYS[1])",
    "pour": "ladder_pour(KEYS[1], KEYS[2])",
}


class Ladder:
    """One ladder of members by level. Bounds include their ends; all may raise RedisError."""

    def __init__(self, redis: "Redis", key: str) -> None:
        self._redis, self.key = redis, key
        library = source_of("ladder")
        self._scripts = {
            name: redis.register_script(library + body) for name, body in _OPERATIONS.items()
        }

    def _run(self, name: str, *args: str | int) -> Any:
        return self._scripts[name](keys=[self.key], args=list(args))

    def add(self, levels: dict[str, float]) -> None:
        """Members that the ladder does not hold yet, each with its level."""
        entries = sorted((level, member) for member, level in levels.items())
        for start in range(0, len(entries), ADD_BATCH):
            batch = entries[start : start + ADD_BATCH]
            self._run("add", *(text for lv, m in batch for text in (level_text(lv), m)))

    def remove(self, member: str, level: float | None = None) -> bool:
        """Fast where the level is known; False when the ladder does not hold the member."""
        if level is not None and self._run("remove_at", member, level_text(level)):
            return True
        return bool(self._run("remove", member))

    def move(self, member: str, old: float, new: float) -> None:
        """Put a member from one level to another."""
        if self.remove(member, old):
            self.add({member: new})

    def take_up_to(self, high: float, most: int) -> list[str]:
        """Take out at most `most` members from the lowest on, none above `high`."""
        return [text_of(m) for m in self._run("take", "bottom", level_text(high), most)]

    def take_down_to(self, low: float, most: int) -> list[str]:
        """Take out at most `most` members from the highest on, none below `low`."""
        return [text_of(m) for m in self._run("take", "top", level_text(low), most)]

    def count(self, low: str | float = "-inf", high: str | float = "+inf") -> int:
        """Entries between two bounds, given as numbers or, to leave the end out, as `(1.5`."""
        return int(self._run("count", _bound(low), _bound(high)))

    def entries(
        self, low: str | float = "-inf", high: str | float = "+inf"
    ) -> list[tuple[str, float]]:
        """(member, level) between two bounds, lowest first."""
        return pairs_of(self._run("range", _bound(low), _bound(high)))

    def pages(self) -> Iterator[list[tuple[str, float]]]:
        """All entries, lowest first, some hundred at a time."""
        bound = "-inf"
        while bound:
            page = self._run("page", bound)
            bound = text_of(page[0])
            yield pairs_of(page[1:])

    def lowest(self) -> float | None:
        return _number(self._run("edge", "bottom"))

    def highest(self) -> float | None:
        return _number(self._run("edge", "top"))

    def pour_into(self, other: "Ladder") -> None:
        """Move all entries into another ladder."""
        self._scripts["pour"](keys=[self.key, other.key])

    def __len__(self) -> int:
        return int(self._run("size"))


def _bound(bound: str | float) -> str:
    if isinstance(bound, str):
        return bound
    return level_text(bound) if math.isfinite(bound) else ("+inf" if bound > 0 else "-inf")


def _number(text: object) -> float | None:
    return None if text is None else float(text_of(text))
