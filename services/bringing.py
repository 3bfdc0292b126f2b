"""Many symbols onto watchlists at once, from what was typed or from a file. Nothing that is there
is changed or lost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.errors import InvalidInput, LimitReached
from services.ids import new_id
from services.market.lookup import Lookup
from services.store.watchlists import MAX_LISTS, MAX_SYMBOLS, Entry, Watchlist, Watchlists
from services.texts import gettext as _
from services.watchlist_csv import Line

MOST_SYMBOLS = MAX_LISTS * MAX_SYMBOLS


@dataclass
class Outcome:
    """What became of symbols. `added` and `present` (there before) are pairs of list and symbol;
    `beyond` are those for which a list, or the number of lists, is full."""

    added: list[tuple[str, str]] = field(default_factory=list)
    present: list[tuple[str, str]] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    new_lists: list[str] = field(default_factory=list)


class Bringing:
    def __init__(self, watchlists: Watchlists, lookup: Lookup) -> None:
        self._watchlists = watchlists
        self._lookup = lookup

    def onto(
        self, uid: str, list_id: str, lines: Sequence[Line], now: datetime, wait: float
    ) -> Outcome:
        """Add all that have a quote to one list, waiting for the source at most `wait` seconds.

        Raises NotFound, or InvalidInput for more symbols than anybody can have.
        """
        watchlist = self._watchlists.get(uid, list_id)
        outcome, known = self._known(lines, now, wait)
        self._add(uid, watchlist, known, now, outcome)
        return outcome

    def by_name(
        self, uid: str, fallback: str, lines: Sequence[Line], now: datetime, wait: float
    ) -> Outcome:
        """The same, each onto the list that its line names, which is made where there is none;
        onto the list `fallback` where it names none."""
        outcome, known = self._known(lines, now, wait)
        groups: dict[str, list[Line]] = {}
        for line in known:
            groups.setdefault(line.list_name.casefold(), []).append(line)
        for name, group in groups.items():
            lists = self._watchlists.of(uid)
            found = next((one for one in lists if _is_meant(one, name, fallback)), None)
            if found is None and len(lists) < MAX_LISTS:
                found = self._made(uid, lists, group[0].list_name, now, outcome)
            if found is None:
                outcome.beyond += [line.symbol for line in group]
            else:
                self._add(uid, found, group, now, outcome)
        return outcome

    def _known(
        self, lines: Iterable[Line], now: datetime, wait: float
    ) -> tuple[Outcome, list[Line]]:
        lines = list(lines)
        symbols = list(dict.fromkeys(line.symbol for line in lines))
        if len(symbols) > MOST_SYMBOLS:
            raise InvalidInput(
                "file",
                _("These are more than %(count)d symbols, more than all lists can hold.",
                  count=MOST_SYMBOLS),
            )  # fmt: skip
        several = self._lookup.find_all(symbols, now, wait)
        outcome = Outcome(unknown=list(several.unknown), unanswered=list(several.unanswered))
        known = [
            Line(several.found[line.symbol], line.note, line.list_name)
            for line in lines
            if line.symbol in several.found
        ]
        return outcome, known

    def _made(
        self,
        uid: str,
        lists: Sequence[Watchlist],
        name: str,
        now: datetime,
        outcome: Outcome,
    ) -> Watchlist | None:
        position = max((one.position for one in lists), default=-1) + 1
        made = Watchlist(uid=uid, id=new_id(now), name=name, position=position, created_at=now)
        try:
            self._watchlists.create(made)
        except LimitReached:  # another request made the last one meanwhile
            return None
        outcome.new_lists.append(name)
        return made

    def _add(
        self,
        uid: str,
        watchlist: Watchlist,
        lines: Sequence[Line],
        now: datetime,
        outcome: Outcome,
    ) -> None:
        added: list[str] = []
        present: list[str] = []
        beyond: list[str] = []

        def with_all(one: Watchlist) -> Watchlist:
            for told in (added, present, beyond):
                told.clear()  # a transaction may begin anew
            for line in lines:
                if line.symbol in one.symbols:
                    if line.symbol not in added:
                        present.append(line.symbol)
                elif len(one.entries) >= MAX_SYMBOLS:
                    beyond.append(line.symbol)
                else:
                    one = one.with_symbol(Entry(symbol=line.symbol, added_at=now, note=line.note))
                    added.append(line.symbol)
            return one

        changed = self._watchlists.change(uid, watchlist.id, with_all)
        outcome.added += [(changed.name, symbol) for symbol in added]
        outcome.present += [(changed.name, symbol) for symbol in present]
        outcome.beyond += beyond


def _is_meant(watchlist: Watchlist, name: str, fallback: str) -> bool:
    return watchlist.name.casefold() == name if name else watchlist.id == fallback
