"""Random sequences of the contract's operations: a plain model, SQLite and Google's emulator
give the same answers, the same errors, and the same documents in the end.

Every run does the same ones. By hand: `PROPERTY_SEED=7` for others, `THOROUGH=1` for 2,000.
"""

import itertools
import math
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.errors import BellwetherError
from services.store.contract import Create, Delete, Document, Query, Set, Store, Transaction, Update
from services.store.queries import cursor_of
from tests.support.model_store import ModelStore, typed
from tests.support.thorough import times

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEED = os.environ.get("PROPERTY_SEED", "")
STEPS = 20
FEWEST_STEPS = 10  # of a sequence that counts
SEQUENCES = times(2_000, 240)
SHARES = 4  # of the sequences on the emulator: they run in parallel
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
full = st.fixed_dictionaries({"x": values, "y": values, "map": values})
changes = fields.filter(bool)
places = st.integers(0, 11)
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
orders = st.lists(st.tuples(names, directions), max_size=2, unique_by=lambda order: order[0])


def queries_where(filters: st.SearchStrategy[Any]) -> st.SearchStrategy[Query]:
    """Queries over a collection or, as often, over the group of all collections of alerts."""
    return st.builds(
        Query,
        st.sampled_from(COLLECTIONS),
        where=filters.map(tuple),
        order_by=orders.map(tuple),
        limit=st.none() | st.integers(1, 4),
    ).flatmap(
        lambda query: st.sampled_from([query, replace(query, collection="alerts", group=True)])
    )


queries = queries_where(st.lists(ranges | equalities | choices, max_size=2))
wide_queries = queries_where(st.lists(ranges, max_size=1))


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
    lengths: ClassVar[list[int]]
    """The steps of each sequence so far."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.model = ModelStore()
        self.stores: dict[str, Any] = {"model": self.model, **self.engines}
        self.versions: list[tuple[str, dict[str, str]]] = []
        for store in self.engines.values():
            store.write(*map(Delete, PATHS))

    def same(self, act: Callable[[str, Any], Any]) -> None:
        outcomes = {
            name: outcome(lambda: act(name, store))  # noqa: B023  called at once
            for name, store in self.stores.items()
        }
        for name, found in outcomes.items():
            assert found == outcomes["model"], f"{name} differs from the model"
        self.steps += 1

    def stored(self) -> list[str]:
        return [path for path in PATHS if self.model.get(path)]

    @initialize(documents=st.lists(st.builds(Set, paths, full), min_size=3, max_size=12))
    def begin(self, documents: list[Any]) -> None:
        self.same(lambda _, store: store.write(*documents))

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

    @precondition(lambda self: self.stored())
    @rule(place=places)
    def remember(self, place: int) -> None:
        """Keep the version that each engine gives a document."""
        stored = self.stored()
        path = stored[place % len(stored)]
        versions: dict[str, str] = {}

        def read(name: str, store: Any) -> Document:
            found: Document = store.get(path)
            versions[name] = found.version
            return found

        self.same(read)
        self.versions.append((path, versions))

    @precondition(lambda self: self.versions)
    @rule(place=places, change=changes, others=st.lists(plain_writes, max_size=2))
    def update_a_version(self, place: int, change: Any, others: list[Any]) -> None:
        recent = self.versions[-4:]
        path, version = recent[place % len(recent)]
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

    @rule(query=wide_queries, place=places)
    def turn_the_page(self, query: Query, place: int) -> None:
        if found := self.model.query(query):
            query = replace(query, after=cursor_of(query, found[place % len(found)]))
        self.same(lambda _, store: list(store.query(query)))

    def teardown(self) -> None:
        self.lengths.append(self.steps)
        self.same(lambda _, store: store.get_all(PATHS))
        self.same(lambda _, store: list(store.query(Query("alerts", group=True))))


def run(engines: dict[str, Store], sequences: int, share: str = "") -> list[int]:
    """Run at least so many sequences, and answer the lengths of those that count.

    Hypothesis mixes in short ones and breaks some off, so it is asked again for what is missing.
    """
    machine = type("Machine", (Sequences,), {"engines": engines, "lengths": []})
    for turn in itertools.count():
        lengths = [length for length in machine.lengths if length >= FEWEST_STEPS]  # type: ignore[attr-defined]
        if len(lengths) >= sequences:
            break
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            seed(f"{SEED} {share} {turn}")(machine),
            settings=settings(
                max_examples=max(sequences - len(lengths), 30),
                stateful_step_count=STEPS,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    return lengths


@pytest.mark.slow
def test_sqlite_does_as_the_model_does(sqlite_store: Store) -> None:
    assert len(run({"sqlite": sqlite_store}, 30)) >= 30


@pytest.mark.slow
def test_sqlite_does_as_the_model_does_in_many_sequences(sqlite_store: Store) -> None:
    many = times(500, 150)
    assert len(run({"sqlite": sqlite_store}, many, "sqlite")) >= many


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("share", range(SHARES))
def test_all_do_the_same_in_a_share_of_many_sequences(
    firestore_store: Store, sqlite_store: Store, share: int, capsys: pytest.CaptureFixture[str]
) -> None:
    engines = {"firestore": firestore_store, "sqlite": sqlite_store}
    lengths = run(engines, SEQUENCES // SHARES, str(share))
    with capsys.disabled():
        print(  # noqa: T201  the measure
            f"\n{len(lengths)} sequences on both engines, {sum(lengths) / len(lengths):.1f} steps"
            f" each on average, {lengths.count(STEPS)} of {STEPS}"
        )
    assert len(lengths) >= SEQUENCES // SHARES
