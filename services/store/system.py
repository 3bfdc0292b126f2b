"""What the system itself must remember: `system/checker`, the last completed check, and
`system/ends`, which alerts' ends are planned to be told."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zlib import crc32

from pydantic import BaseModel, ConfigDict

from services.store.contract import Document, Query, Set, Store

MAX_SHARDS = 64
_ENDS = "system/ends"


class Shard(NamedTuple):
    """One of the parts into which a check divides its symbols."""

    number: int = 0
    of: int = 1

    def holds(self, symbol: str) -> bool:
        return shard_of(symbol, self.of) == self.number


def shard_of(symbol: str, shards: int) -> int:
    """The number of the shard that holds a symbol."""
    return crc32(symbol.encode()) % shards


class CheckerState(BaseModel):
    """When the armed alerts of one market were last checked (our time, UTC).

    `behind` names the symbols that this check could not see, and when they last were seen.
    """

    model_config = ConfigDict(frozen=True)

    completed_at: datetime | None = None
    behind: dict[str, datetime | None] = {}

    def checked_until(self, symbol: str) -> datetime | None:
        """The time up to which this symbol's alerts were checked, None if never."""
        return self.behind.get(symbol, self.completed_at)


class EndsState(BaseModel):
    model_config = ConfigDict(frozen=True)

    planned_until: datetime | None = None


class System:
    def __init__(self, store: Store) -> None:
        self._store = store

    def checker(self, market: str, shard: Shard = Shard()) -> CheckerState:  # noqa: B008
        """The state of a shard. One that never ran takes it from the last division that did."""
        document = self._store.get(_path(market, shard))
        if document is not None:
            return CheckerState.model_validate(document.fields)
        return self._of_another_division(market)

    def save_checker(
        self,
        market: str,
        state: CheckerState,
        shard: Shard = Shard(),  # noqa: B008
    ) -> None:
        self._store.write(Set(_path(market, shard), state.model_dump()))

    def ends_planned_until(self) -> datetime | None:
        """Up to which end (UTC) it is planned when alerts that end are told of, None at first."""
        document = self._store.get(_ENDS)
        return EndsState.model_validate(document.fields).planned_until if document else None

    def save_ends_planned(self, until: datetime) -> None:
        self._store.write(Set(_ENDS, EndsState(planned_until=until).model_dump()))

    def _of_another_division(self, market: str) -> CheckerState:
        """The latest whole division: the earliest time of its shards, and all that is behind."""
        divisions: dict[int, list[CheckerState]] = defaultdict(list)
        for document in self._store.query(Query("system", limit=MAX_SHARDS * MAX_SHARDS)):
            if of := _division(document, market):
                divisions[of].append(CheckerState.model_validate(document.fields))
        whole = [_merged(states) for of, states in divisions.items() if len(states) == of]
        done = [state for state in whole if state.completed_at is not None]
        return max(done, key=lambda state: state.completed_at, default=CheckerState())  # type: ignore[arg-type, return-value]


def _merged(states: Sequence[CheckerState]) -> CheckerState:
    times = [state.completed_at for state in states]
    known = [time for time in times if time is not None]
    return CheckerState(
        completed_at=min(known) if len(known) == len(times) else None,
        behind={symbol: at for state in states for symbol, at in state.behind.items()},
    )


def _division(document: Document, market: str) -> int | None:
    """Into how many shards a document's division was, None if it is of another market."""
    base = _path(market, Shard())
    if document.path == base:
        return 1
    name, _, of = document.path.rpartition("-of-")
    is_ours = name.removeprefix(f"{base}-").isdigit() and of.isdigit()
    return int(of) if is_ours else None


def _path(market: str, shard: Shard) -> str:
    base = "system/checker" if market == "yahoo" else f"system/checker-{market}"
    return base if shard.of == 1 else f"{base}-{shard.number}-of-{shard.of}"
