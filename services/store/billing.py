"""What Google bills: documents read, written and deleted, counted by call site.

Counted as Firestore bills. A document asked for is a read, there or not; a query is the documents
that were taken from it, one at least; a count is one read for every thousand matches begun; what a
transaction reads again is read again. Only commits that were acknowledged are counted.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from types import FrameType
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from services.metrics import STORE_DOCUMENTS

Kind: TypeAlias = Literal["read", "write", "delete"]

COUNTED_AT_ONCE = 1_000
"""Matches that a count gets for one read."""

_DEPTH = 24
_ENGINE = frozenset(
    f"services.store.{name}"
    for name in (
        *("batch", "billing", "kept", "paging", "queries", "record"),
        *("firestore", "firestore_calls", "firestore_stream", "firestore_transaction"),
    )
)


class Bill:
    """The counters of one store in this process; safe for many threads.

    What is added here is added to the exported metric too, which is of all stores and processes.
    """

    def __init__(self) -> None:
        self._numbers: Counter[tuple[str, Kind]] = Counter()
        self._lock = Lock()

    def add(self, site: str, kind: Kind, number: int) -> None:
        if number:
            with self._lock:
                self._numbers[site, kind] += number
            STORE_DOCUMENTS.labels(kind, site).inc(number)

    def snapshot(self) -> Mapping[tuple[str, Kind], int]:
        """The documents of each kind by call site, such as
        `services.store.alerts.Alerts.page`, since the process began."""
        with self._lock:
            return dict(self._numbers)

    def account(self) -> "Account":
        """Where the caller's calls are charged to."""
        return Account(self, _call_site())


@dataclass(frozen=True, slots=True)
class Account:
    """The part of the bill that one call site causes."""

    bill: Bill
    site: str

    def read(self, documents: int) -> None:
        self.bill.add(self.site, "read", documents)

    def queried(self, documents: int) -> None:
        """A query that finds nothing costs a read, too."""
        self.read(max(1, documents))

    def counted(self, matches: int) -> None:
        self.read(max(1, -(-matches // COUNTED_AT_ONCE)))

    def committed(self, writes: int, deletions: int) -> None:
        self.bill.add(self.site, "write", writes)
        self.bill.add(self.site, "delete", deletions)


@runtime_checkable
class Billed(Protocol):
    """A store whose use is billed."""

    bill: Bill


def bill_of(store: object) -> Mapping[tuple[str, Kind], int]:
    """What the use of `store` in this process is billed for; nothing where it is free."""
    return store.bill.snapshot() if isinstance(store, Billed) else {}


def _call_site() -> str:
    """The module and function that called the store."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_DEPTH):
        if frame is None:
            break
        module = frame.f_globals.get("__name__", "")
        if module not in _ENGINE:
            return f"{module}.{frame.f_code.co_qualname.partition('.<locals>')[0]}"
        frame = frame.f_back
    return "unknown"
