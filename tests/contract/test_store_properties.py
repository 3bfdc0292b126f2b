"""Random sequences of the contract's operations: a plain model, SQLite and Google's emulator
give the same answers, the same errors, and the same documents in the end.

By hand: `PROPERTY_SECONDS=600` for a longer run on the emulator.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.errors import BellwetherError
from services.store.contract import Create, Delete, Document, Query, Set, Store, Transaction, Update
from services.store.queries import cursor_of
from tests.support.model_store import ModelStore, typed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EMULATOR_SECONDS = float(os.environ.get("PROPERTY_SECONDS", "60"))
PATHS = [
    "things/a", "things/b", "things/é", "users/u", "alerts/a",
    "users/u/alerts/a", "users/u/alerts/b", "users/u/alerts/b/alerts/c", "users/v/alerts/a",
    "users/v!/alerts/a",
]  # fmt: skip
COLLECTIONS = ["things", "users/u/alerts", "users/v/alerts", "alerts", "none"]
FIELDS = ["x", "y", "map.x"]

scalars = st.sampled_from(
    [None, False, True, -1, 0, 1, 1.0, 1.5, -0.0, math.inf, "", "a", "b", "é", NOON,
     NOON + timedelta(microseconds=1)]
)  # fmt: skip
values = scalars | st.sampled_from([math.nan, [], [1], [1, "a"], {}, {"x": 1}, {"x": "a", "z": 0}])
bounds = scalars.filter(lambda value: value is not None)
fields = st.fixed_dictionaries({}, optional={"x": values, "y": values, "map": values})
changes = fields.filter(bool)
paths = st.sampled_from(PATHS)
plain_writes = (
    st.builds(Create, paths, fields)
    | st.builds(Set, paths, fields)
    | st.builds(Update, paths, changes)
    | st.builds(Delete, paths)
)
names = st.sampled_from(FIELDS)
ranges = st.tuples(names, st.sampled_from(["<", "<=", ">", ">="]), bounds)
equalities = st.tuples(names, st.just("=="), values)
choices = st.tuples(names, st.just("in"), st.lists(bounds, min_size=1, max_size=3))
directions = st.sampled_from(["ascending", "descending"])
queries = st.builds(
    Query,
    st.sampled_from(COLLECTIONS),
    where=st.lists(ranges | equalities | choices, max_size=2).map(tuple),
    order_by=st.lists(
        st.tuples(names, directions), max_size=2, unique_by=lambda order: order[0]
    ).map(tuple),
    limit=st.none() | st.integers(1, 4),
).flatmap(lambda query: st.sampled_from([query, replace(query, collection="alerts", group=True)]))


class Enough(Exception):
    """The work of a transaction gives up."""


def outcome(act: Callable[[], Any]) -> object:
    """What `act` answers, or the kind of its error, in a form that can be compared."""
    try:
        return shown(act())
    except (BellwetherError, Enough, RuntimeError) as error:
        return type(error).__name__


def shown(answer: Any) -> object:
    if isinstance(answer, Document):
        return answer.path, typed(answer.fields)
    return [shown(item) for item in answer] if isinstance(answer, list) else answer


class Sequences(RuleBasedStateMachine):
    """Each step is done on every engine, and each answer compared with the model's."""

    engines: ClassVar[dict[str, Store]]
    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.model = ModelStore()
        self.stores: dict[str, Any] = {"model": self.model, **self.engines}
        self.versions: list[tuple[str, dict[str, str]]] = []
        for store in self.engines.values():
            store.write(*map(Delete, PATHS))

    def same(self, act: Callable[[str, Any], Any]) -> object:
        outcomes = {
            name: outcome(lambda: act(name, store))  # noqa: B023  called at once
            for name, store in self.stores.items()
        }
        for name, found in outcomes.items():
            assert found == outcomes["model"], f"{name} differs from the model"
        return outcomes["model"]

    @rule(path=paths)
    def get(self, path: str) -> None:
        self.same(lambda _, store: store.get(path))

    @rule(some=st.lists(paths, max_size=4))
    def get_all(self, some: list[str]) -> None:
        self.same(lambda _, store: store.get_all(some))

    @rule(writes=st.lists(plain_writes, min_size=1, max_size=5))
    def write(self, writes: list[Any]) -> None:
        self.same(lambda _, store: store.write(*writes))

    @rule(write=plain_writes)
    def write_one(self, write: Any) -> None:
        self.same(lambda _, store: store.write(write))

    @rule(path=paths)
    def remember(self, path: str) -> None:
        """Keep the version that each engine gives the document."""
        found = {name: store.get(path) for name, store in self.stores.items()}
        if all(found.values()):
            self.versions.append((path, {name: one.version for name, one in found.items()}))

    @precondition(lambda self: self.versions)
    @rule(data=st.data(), change=changes, others=st.lists(plain_writes, max_size=2))
    def update_a_version(self, data: Any, change: Any, others: list[Any]) -> None:
        path, version = data.draw(st.sampled_from(self.versions[-4:]))
        self.same(lambda name, store: store.write(Update(path, change, version[name]), *others))

    @rule(path=paths, change=changes)
    def update_a_version_that_never_was(self, path: str, change: Any) -> None:
        version = "2020-01-01T00:00:00Z"
        self.same(lambda _, store: store.write(Update(path, change, version)))

    @rule(
        read=st.lists(paths, max_size=3),
        writes=st.lists(plain_writes, max_size=3),
        end=st.sampled_from(["commit", "commit", "give up", "read late"]),
    )
    def transact(self, read: list[str], writes: list[Any], end: str) -> None:
        def work(transaction: Transaction) -> list[Document | None]:
            found = transaction.get_all(read)
            there = sum(document is not None for document in found)
            transaction.write(*writes)
            if end == "give up":
                raise Enough
            if end == "read late":
                transaction.get("things/a")
            transaction.write(Set("things/b", {"x": there}))
            return found

        self.same(lambda _, store: store.transact(work))

    @rule(query=queries)
    def ask(self, query: Query) -> None:
        self.same(lambda _, store: list(store.query(query)))

    @rule(query=queries)
    def count(self, query: Query) -> None:
        self.same(lambda _, store: store.count(query))

    @rule(query=queries, place=st.integers(0, 3))
    def turn_the_page(self, query: Query, place: int) -> None:
        first = self.model.query(query)
        if place < len(first):
            behind = replace(query, after=cursor_of(query, first[place]))
            self.same(lambda _, store: list(store.query(behind)))

    def teardown(self) -> None:
        self.same(lambda _, store: store.get_all(PATHS))
        self.same(lambda _, store: list(store.query(Query("alerts", group=True))))


def run(engines: dict[str, Store], sequences: int, steps: int = 20) -> int:
    """Run so many sequences, the same ones each time, and return how many were begun."""
    machine = type("Machine", (Sequences,), {"engines": engines, "runs": 0})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return int(machine.runs)  # type: ignore[attr-defined]


def test_sqlite_does_as_the_model_does(sqlite_store: Store) -> None:
    assert run({"sqlite": sqlite_store}, 30) >= 30


@pytest.mark.slow
def test_sqlite_does_as_the_model_does_in_2000_sequences(sqlite_store: Store) -> None:
    assert run({"sqlite": sqlite_store}, 2000) >= 2000


@pytest.mark.slow
@pytest.mark.emulator
def test_all_do_the_same_in_as_many_sequences_as_fit_the_time(
    firestore_store: Store, sqlite_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    engines = {"firestore": firestore_store, "sqlite": sqlite_store}
    begun = time.monotonic()
    first = run(engines, 40)
    fitting = int(first * EMULATOR_SECONDS / (time.monotonic() - begun))
    done = first + run(engines, max(fitting, 100), steps=21)
    with capsys.disabled():
        print(f"\n{done} sequences on both engines")  # noqa: T201  the measure
    assert done >= 140
