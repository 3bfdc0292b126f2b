"""firestore.indexes.json holds the indexes that Bellwether's queries need, and no unused one.

The emulator runs queries that the cloud refuses for want of an index. So what is needed is
derived here from the queries that the modules of services/store really ask, by the rules of
https://firebase.google.com/docs/firestore/query-data/index-overview:

- Firestore indexes every single field by itself, in both directions, for queries over one
  collection; an override in the file replaces that for a field and what lies below it, an
  empty one exempts it. Equalities (`in` is several) over any fields merge these indexes.
- An order or a range together with a condition on another field needs a composite index: the
  fields of equalities first, in any order and direction, then those of the order as it is. A
  range orders by its field.
- Of a collection group nothing is indexed by itself: one field needs an override with that
  scope. Equalities over several could merge those, but would read through all of the larger
  one's matches; here they get a composite index.
- Without conditions and order a query walks the names of documents and needs nothing.
"""

import ast
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import services.store
from services.errors import BellwetherError
from services.store.contract import Create, Document, Query, Update
from services.store.queries import full_order
from services.store.triggers import Triggers

ROOT = Path(__file__).parents[2]
FILE = json.loads((ROOT / "firestore.indexes.json").read_text())
NOW = datetime(2026, 3, 2, tzinfo=UTC)


# What is needed


@dataclass(frozen=True)
class Need:
    """An index over `equal` fields (any order) and then the `ordered` ones (as they are)."""

    collection: str
    scope: str
    equal: frozenset[str]
    ordered: tuple[tuple[str, str], ...] = ()

    @property
    def is_composite(self) -> bool:
        return len(self.equal) + len(self.ordered) > 1


def needs(query: Query) -> list[Need]:
    """The indexes, single-field ones included, that Firestore answers `query` from."""
    equal = frozenset(name for name, operator, _ in query.where if operator in ("==", "in"))
    ordered = tuple(
        (name, direction.upper()) for name, direction in full_order(query) if name not in equal
    )
    collection = query.collection.rpartition("/")[2]
    scope = "COLLECTION_GROUP" if query.group else "COLLECTION"
    if not query.group and not ordered:
        return [Need(collection, scope, frozenset([name])) for name in equal]
    return [Need(collection, scope, equal, ordered)] if equal or ordered else []


def test_the_rules_tell_what_a_query_needs() -> None:
    equal = (("a", "==", 1), ("b", "in", [1]))
    newest = (("t", "descending"),)
    for query, expected in [
        (Query("users/u/x"), []),
        (Query("users/u/x", where=equal), [("x", "COLLECTION", "a"), ("x", "COLLECTION", "b")]),
        (Query("x", order_by=newest), [("x", "COLLECTION", "", ("t", "DESCENDING"))]),
        (Query("x", where=(("a", ">", 1),)), [("x", "COLLECTION", "", ("a", "ASCENDING"))]),
        (Query("x", where=equal, order_by=newest),
         [("x", "COLLECTION", "ab", ("t", "DESCENDING"))]),
        (Query("x", group=True), []),
        (Query("x", group=True, where=equal), [("x", "COLLECTION_GROUP", "ab")]),
        (Query("x", group=True, where=equal[:1]), [("x", "COLLECTION_GROUP", "a")]),
        (Query("x", group=True, where=(("a", "==", 1), ("d", "<=", 1))),
         [("x", "COLLECTION_GROUP", "a", ("d", "ASCENDING"))]),
    ]:  # fmt: skip
        wanted = {Need(name, scope, frozenset(same), tuple(order)) for name, scope, same, *order
                  in expected}  # fmt: skip
        assert set(needs(query)) == wanted


# What is asked


class RecordingStore:
    """An empty store that keeps the queries it is asked."""

    def __init__(self) -> None:
        self.queries: list[Query] = []

    def get(self, path: str) -> Document | None:
        return None

    def get_all(self, paths: Sequence[str]) -> list[Document | None]:
        return [None for _ in paths]

    def write(self, *writes: Create | Update) -> None:
        pass

    def transact(self, work: Callable[[Any], object]) -> object:
        return work(self)

    def query(self, query: Query) -> Iterator[Document]:
        self.queries.append(query)
        return iter(())

    def count(self, query: Query) -> int:
        self.queries.append(query)
        return 0


class Anything:
    """Stands for a record: it has every field, and what is asked of it can be called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return {"uid": "u", "id": "i", "email": "a@b.example"}.get(name, lambda: {})


SAMPLES: dict[str, object] = {
    "uid": "u", "limit": 7, "now": NOW, "states": ("armed", "waiting"), "symbol": "AAPL",
    "after": None, "email": "a@b.example", "how": lambda record: record, "market": "yahoo",
    "name": "Phone", "password_hash": "x", "id_": "i", "until": NOW, "age": timedelta(days=1),
    "group": "g", "alert_ids": ("i",), "symbols": ("AAPL",), "writes": (), "version": 1,
}  # fmt: skip


def sample(name: str) -> object:
    if name in SAMPLES:
        return SAMPLES[name]
    return "i" if name.endswith("_id") else Anything()


def collections() -> Iterator[type]:
    """The classes of services/store that read and write a collection: those made of a store."""
    for module in pkgutil.iter_modules(services.store.__path__, "services.store."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            own = kind.__module__ == module.name and "__init__" in vars(kind)
            if own and list(inspect.signature(kind).parameters) == ["store"]:
                yield kind


def use(method: Callable[..., object]) -> None:
    """Call a method with samples: with what it needs, and with each choice that it offers."""
    parameters = inspect.signature(method).parameters.values()
    needed = {one.name: sample(one.name) for one in parameters if one.default is one.empty
              and one.kind is one.POSITIONAL_OR_KEYWORD}  # fmt: skip
    offered = [one.name for one in parameters if one.default is not one.empty]
    for extra in ({}, *({name: sample(name)} for name in offered)):
        with suppress(BellwetherError):
            answer = method(**needed, **extra)
            if inspect.isgenerator(answer):
                list(answer)


@cache
def asked() -> list[Query]:
    """Every query that the modules of services/store can ask."""
    store = RecordingStore()
    for kind in collections():
        collection = kind(store)
        for name, method in inspect.getmembers(collection, inspect.ismethod):
            if not name.startswith("_"):
                use(method)
    return store.queries


def test_the_collections_that_ask_are_found() -> None:
    names = {kind.__name__ for kind in collections()}
    assert names >= {"Users", "Watchlists", "Alerts", "Triggers", "Devices", "System"}
    groups = {query.collection.rpartition("/")[2] for query in asked()}
    assert groups >= {"watchlist", "alerts", "triggers", "devices"}


def asks_in_part(file: Path) -> bool:
    """Whether a module makes a query that is not for whole collections, which need no index."""
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Query"]
    return any(
        len(call.args) > 1 or {word.arg for word in call.keywords} - {"limit", "group"}
        for call in made
    )


@pytest.mark.slow
def test_queries_are_made_nowhere_else() -> None:
    """Else the indexes would be derived from too few."""
    own = {Path(inspect.getfile(kind)) for kind in collections()}
    engine = ("contract", "queries", "paging", "sqlite", "firestore")
    makers = {
        file
        for room in ("services", "web", "workers", "local")
        for file in (ROOT / room).rglob("*.py")
        if asks_in_part(file) and not (file.parent.name == "store" and file.stem.startswith(engine))
    }
    assert makers <= own


# What the file has


def composite_serves(index: dict[str, Any], need: Need) -> bool:
    fields = [(field["fieldPath"], field.get("order")) for field in index["fields"]]
    equal, ordered = fields[: len(need.equal)], fields[len(need.equal) :]
    place = (index["collectionGroup"], index["queryScope"])
    return (
        place == (need.collection, need.scope)
        and len(equal) == len(need.equal)
        and {name for name, _ in equal} == need.equal
        and tuple(ordered) == need.ordered
    )


def override_of(collection: str, field: str) -> dict[str, Any] | None:
    """The override that counts for a field: its own, else that of what it lies in, else of all."""
    parts = field.split(".")
    candidates = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    found = {
        override["fieldPath"]: override
        for override in FILE["fieldOverrides"]
        if override["collectionGroup"] == collection
    }
    return next((found[name] for name in (*candidates, "*") if name in found), None)


def single_serves(override: dict[str, Any] | None, need: Need) -> bool:
    if override is None:
        return need.scope == "COLLECTION"
    wanted = {direction for _, direction in need.ordered} or {"ASCENDING", "DESCENDING"}
    return any(
        index.get("queryScope") == need.scope and index.get("order") in wanted
        for index in override["indexes"]
    )


def is_served(need: Need) -> bool:
    if need.is_composite:
        return any(composite_serves(index, need) for index in FILE["indexes"])
    (field,) = need.equal or {name for name, _ in need.ordered}
    return single_serves(override_of(need.collection, field), need)


def all_needs() -> set[Need]:
    return {need for query in asked() for need in needs(query)}


def test_no_index_is_missing() -> None:
    assert [need for need in all_needs() if not is_served(need)] == []


def test_no_composite_index_is_unused() -> None:
    unused = [
        index
        for index in FILE["indexes"]
        if not any(composite_serves(index, need) for need in all_needs())
    ]
    assert unused == []


def test_no_index_of_one_field_over_a_group_is_unused() -> None:
    used = {
        (need.collection, field)
        for need in all_needs()
        if need.scope == "COLLECTION_GROUP" and not need.is_composite
        for field in (*need.equal, *(name for name, _ in need.ordered))
    }
    kept = {
        (override["collectionGroup"], override["fieldPath"])
        for override in FILE["fieldOverrides"]
        if any(index.get("queryScope") == "COLLECTION_GROUP" for index in override["indexes"])
    }
    assert kept <= used


@pytest.mark.parametrize("lost", range(len(FILE["indexes"])))
def test_a_lost_composite_index_would_be_noticed(lost: int, monkeypatch) -> None:
    left = [index for number, index in enumerate(FILE["indexes"]) if number != lost]
    monkeypatch.setitem(FILE, "indexes", left)
    assert not all(map(is_served, all_needs()))


def test_an_exemption_of_what_is_asked_for_would_be_noticed(monkeypatch) -> None:
    exempt = {"collectionGroup": "triggers", "fieldPath": "noticed_at", "indexes": []}
    rest = [one for one in FILE["fieldOverrides"] if one["fieldPath"] != "noticed_at"]
    monkeypatch.setitem(FILE, "fieldOverrides", [*rest, exempt])
    store = RecordingStore()
    Triggers(store).page("u")  # type: ignore[arg-type]  # as much of a store as it asks
    assert not any(is_served(need) for query in store.queries for need in needs(query))
