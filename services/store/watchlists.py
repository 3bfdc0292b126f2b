"""Watchlists: `users/{uid}/watchlist/{id}`, one document per list."""

from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.errors import InvalidInput, LimitReached, NotFound
from services.store.contract import Create, Delete, Query, Set, Store, Transaction, Update
from services.store.paging import page_of
from services.store.record import Record
from services.texts import gettext as _

MAX_LISTS = 20
MAX_SYMBOLS = 50
MAX_NAME = 60
MAX_NOTE = 500


class Entry(BaseModel):
    """A symbol on a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str
    added_at: datetime
    note: str = Field("", max_length=MAX_NOTE)


class Watchlist(Record):
    """A named, ordered list of symbols; lists are shown by `position`, then by id."""

    uid: str
    id: str
    name: str = Field(min_length=1, max_length=MAX_NAME)
    position: int
    entries: tuple[Entry, ...] = ()
    created_at: datetime

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(entry.symbol for entry in self.entries)

    def with_symbol(self, entry: Entry) -> "Watchlist":
        """With one more symbol at the end; unchanged when it is there already."""
        if entry.symbol in self.symbols:
            return self
        if len(self.entries) >= MAX_SYMBOLS:
            raise LimitReached(
                _(
                    "A list holds %(most)s symbols at most. Remove one, or use another list.",
                    most=MAX_SYMBOLS,
                )
            )
        return self.replace(entries=(*self.entries, entry))

    def without_symbol(self, symbol: str) -> "Watchlist":
        return self.replace(entries=tuple(e for e in self.entries if e.symbol != symbol))

    def with_note(self, symbol: str, note: str) -> "Watchlist":
        if symbol not in self.symbols:
            raise NotFound(f"{symbol} is not on this list.")
        if len(note) > MAX_NOTE:
            raise InvalidInput("note", _("A note has %(most)s characters at most.", most=MAX_NOTE))
        entries = (
            e.model_copy(update={"note": note}) if e.symbol == symbol else e for e in self.entries
        )
        return self.replace(entries=tuple(entries))

    def in_order(self, symbols: list[str]) -> "Watchlist":
        """Reordered. Raises InvalidInput unless `symbols` are just those of the list."""
        if sorted(symbols) != sorted(self.symbols):
            raise InvalidInput("symbols", _("The order must name each symbol of the list once."))
        by_symbol = {entry.symbol: entry for entry in self.entries}
        return self.replace(entries=tuple(by_symbol[symbol] for symbol in symbols))


class Watchlists:
    """Reads and writes watchlists."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, uid: str) -> list[Watchlist]:
        """All lists of a person in their order."""
        lists = page_of(self._store, lists_of(uid), MAX_LISTS, Watchlist)[0]
        return sorted(lists, key=lambda watchlist: (watchlist.position, watchlist.id))

    def get(self, uid: str, watchlist_id: str) -> Watchlist:
        """Raises NotFound."""
        document = self._store.get(_path(uid, watchlist_id))
        if document is None:
            raise NotFound("There is no such list.")
        return Watchlist.from_document(document)

    def create(self, watchlist: Watchlist) -> None:
        """Raises LimitReached when the person has MAX_LISTS lists, or AlreadyExists.

        All creations of one person pass one gate document, so that none counts too few.
        """
        lists = Query(f"users/{watchlist.uid}/watchlist")
        gate = f"users/{watchlist.uid}/gates/watchlist"

        def work(transaction: Transaction) -> None:
            transaction.get(gate)
            if self._store.count(lists) >= MAX_LISTS:
                raise LimitReached(
                    _("You can have %(most)s lists at most. Delete one first.", most=MAX_LISTS)
                )
            path = _path(watchlist.uid, watchlist.id)
            transaction.write(Create(path, watchlist.fields()), Set(gate, {"passed": path}))

        self._store.transact(work)

    def change(
        self, uid: str, watchlist_id: str, how: Callable[[Watchlist], Watchlist]
    ) -> Watchlist:
        """Apply `how` in a transaction; writes nothing when it changes nothing."""

        def work(transaction: Transaction) -> Watchlist:
            document = transaction.get(_path(uid, watchlist_id))
            if document is None:
                raise NotFound("There is no such list.")
            before = Watchlist.from_document(document)
            after = how(before)
            if after != before:
                transaction.write(Update(document.path, after.fields()))
            return after

        return self._store.transact(work)

    def delete(self, uid: str, watchlist_id: str) -> None:
        """Raises NotFound."""

        def work(transaction: Transaction) -> None:
            path = _path(uid, watchlist_id)
            if transaction.get(path) is None:
                raise NotFound("There is no such list.")
            transaction.write(Delete(path))

        self._store.transact(work)


def lists_of(uid: str) -> Query:
    return Query(f"users/{uid}/watchlist", limit=MAX_LISTS)


def _path(uid: str, watchlist_id: str) -> str:
    return f"users/{uid}/watchlist/{watchlist_id}"
