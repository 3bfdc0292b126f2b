"""What the Firestore engine counts is what Google bills, at the place that caused it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from services.errors import AlreadyExists, NotFound
from services.store.alerts import Alerts
from services.store.billing import COUNTED_AT_ONCE, Bill, bill_of
from services.store.contract import Create, Delete, Query, Set, Store, Transaction, Update
from services.store.firestore import FirestoreStore
from services.store.watchlists import Watchlist, Watchlists

pytestmark = pytest.mark.emulator

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
THINGS = Query("things")


@pytest.fixture
def filled(firestore_store: FirestoreStore) -> FirestoreStore:
    """A store of five documents, `things/0` to `things/4`, with nothing on its bill."""
    firestore_store.write(*(Create(f"things/{n}", {"n": n}) for n in range(5)))
    firestore_store.bill = Bill()
    return firestore_store


def billed(store: FirestoreStore) -> dict[str, int]:
    """Documents by kind, of all call sites together."""
    total: Counter[str] = Counter()
    for (_, kind), number in store.bill.snapshot().items():
        total[kind] += number
    return dict(total)


# Reading


@pytest.mark.parametrize("path", ["things/0", "things/none"])
def test_a_get_is_one_read_whether_or_not_there_is_something(
    filled: FirestoreStore, path: str
) -> None:
    filled.get(path)
    assert billed(filled) == {"read": 1}


def test_several_documents_are_a_read_each_and_one_asked_for_twice_is_one(
    filled: FirestoreStore,
) -> None:
    filled.get_all(["things/0", "things/none", "things/1", "things/0"])
    assert billed(filled) == {"read": 3}


@pytest.mark.parametrize(
    ("query", "reads"),
    [
        (THINGS, 5),
        (Query("things", limit=2), 2),
        (Query("nothing"), 1),
        (Query("things", where=(("n", ">", 100),)), 1),
    ],
)
def test_a_query_is_its_documents_and_at_least_one_read(
    filled: FirestoreStore, query: Query, reads: int
) -> None:
    list(filled.query(query))
    assert billed(filled) == {"read": reads}


def test_a_stream_is_paid_as_it_is_read(filled: FirestoreStore) -> None:
    documents = filled.query(THINGS)
    assert billed(filled) == {}
    next(documents)
    next(documents)
    assert billed(filled) == {"read": 2}
    list(documents)
    assert billed(filled) == {"read": 5}


@pytest.mark.parametrize("query", [THINGS, Query("nothing")])
def test_a_count_is_one_read(filled: FirestoreStore, query: Query) -> None:
    filled.count(query)
    assert billed(filled) == {"read": 1}


@pytest.mark.parametrize(
    ("matches", "reads"),
    [(0, 1), (1, 1), (COUNTED_AT_ONCE, 1), (COUNTED_AT_ONCE + 1, 2), (10 * COUNTED_AT_ONCE, 10)],
)
def test_a_count_is_one_read_for_each_thousand_matches_begun(matches: int, reads: int) -> None:
    bill = Bill()
    bill.account().counted(matches)
    assert list(bill.snapshot().values()) == [reads]


# Writing


@pytest.mark.parametrize(
    "write", [Create("things/new", {}), Set("things/0", {}), Update("things/0", {"n": 9})]
)
def test_a_write_is_one_write_and_no_read(filled: FirestoreStore, write) -> None:
    filled.write(write)
    assert billed(filled) == {"write": 1}


@pytest.mark.parametrize("path", ["things/0", "things/none"])
def test_a_deletion_counts_apart(filled: FirestoreStore, path: str) -> None:
    filled.write(Delete(path))
    assert billed(filled) == {"delete": 1}


def test_a_batch_is_billed_document_by_document(filled: FirestoreStore) -> None:
    filled.write(
        Create("things/a", {}), Set("things/b", {}), Update("things/0", {"n": 1}),
        Delete("things/1"), Delete("things/2"),
    )  # fmt: skip
    assert billed(filled) == {"write": 3, "delete": 2}


def test_a_commit_that_was_refused_is_not_billed(filled: FirestoreStore) -> None:
    with pytest.raises(AlreadyExists):
        filled.write(Create("things/new", {}), Create("things/0", {}))
    with pytest.raises(NotFound):
        filled.write(Update("things/none", {"n": 1}))
    assert billed(filled) == {}


# Transactions


def test_a_transaction_is_its_reads_and_its_writes(filled: FirestoreStore) -> None:
    def work(transaction: Transaction) -> None:
        transaction.get_all(["things/0", "things/1"])
        transaction.get("things/0")  # known already
        transaction.write(Update("things/0", {"n": 1}), Delete("things/1"))

    filled.transact(work)
    assert billed(filled) == {"read": 2, "write": 1, "delete": 1}


def test_what_a_transaction_only_reads_is_read_twice(filled: FirestoreStore) -> None:
    def work(transaction: Transaction) -> None:
        transaction.get_all(["things/0", "things/1", "things/none"])
        transaction.write(Update("things/0", {"n": 1}))

    filled.transact(work)
    assert billed(filled) == {"read": 3 + 2, "write": 1}


def test_a_transaction_without_writes_reads_once(filled: FirestoreStore) -> None:
    filled.transact(lambda transaction: transaction.get("things/0"))
    assert billed(filled) == {"read": 1}


def test_an_overtaken_transaction_pays_for_each_attempt_and_for_finding_out(
    filled: FirestoreStore,
) -> None:
    other = FirestoreStore(filled._database)  # with a bill of its own
    runs = []

    def work(transaction: Transaction) -> None:
        transaction.get("things/0")
        runs.append(1)
        if len(runs) == 1:
            other.write(Update("things/0", {"n": 100}))
        transaction.write(Update("things/0", {"n": 1}))

    filled.transact(work)
    assert len(runs) == 2
    assert billed(filled) == {"read": 1 + 1 + 1, "write": 1}


# Places


def ask(store: Store) -> None:
    store.get("things/0")


def ask_in_a_transaction(store: Store) -> None:
    def work(transaction: Transaction) -> None:
        transaction.get("things/0")
        transaction.write(Set("things/0", {}))

    store.transact(work)


def test_the_bill_names_the_function_that_called_the_store(filled: FirestoreStore) -> None:
    ask(filled)
    ask_in_a_transaction(filled)
    (lambda: filled.write(Delete("things/0")))()
    assert filled.bill.snapshot() == {
        (f"{__name__}.ask", "read"): 1,
        (f"{__name__}.ask_in_a_transaction", "read"): 1,
        (f"{__name__}.ask_in_a_transaction", "write"): 1,
        (f"{__name__}.test_the_bill_names_the_function_that_called_the_store", "delete"): 1,
    }


def test_the_bill_names_the_service_and_not_what_lies_below_it(
    firestore_store: FirestoreStore,
) -> None:
    lists, alerts = Watchlists(firestore_store), Alerts(firestore_store)
    lists.create(Watchlist(uid="u", id="w", name="Flock", position=0, created_at=NOW))
    lists.of("u")
    alerts.page("u")
    list(alerts.to_index())
    site = "services.store"
    assert firestore_store.bill.snapshot() == {
        (f"{site}.watchlists.Watchlists.create", "read"): 2,  # the gate, and the count
        (f"{site}.watchlists.Watchlists.create", "write"): 2,
        (f"{site}.watchlists.Watchlists.of", "read"): 1,
        (f"{site}.alerts.Alerts.page", "read"): 1,
        (f"{site}.alerts.Alerts.to_index", "read"): 1,
    }


def test_a_stream_is_charged_to_who_asked_for_it_not_to_who_reads_it(
    filled: FirestoreStore,
) -> None:
    def asked() -> object:
        return filled.query(THINGS)

    def read_by_another(documents) -> None:
        list(documents)

    read_by_another(asked())
    ((site, _),) = filled.bill.snapshot()
    assert site.endswith("test_a_stream_is_charged_to_who_asked_for_it_not_to_who_reads_it")


def test_counting_is_safe_for_many_threads() -> None:
    bill = Bill()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: [bill.add("here", "read", 1) for _ in range(1_000)], range(8)))
    assert bill.snapshot() == {("here", "read"): 8_000}


def test_a_snapshot_does_not_change_afterwards() -> None:
    bill = Bill()
    before = bill.snapshot()
    bill.add("here", "read", 1)
    assert before == {}


def test_a_store_that_costs_nothing_has_an_empty_bill(
    sqlite_store: Store, filled: FirestoreStore
) -> None:
    sqlite_store.get("things/0")
    assert bill_of(sqlite_store) == {}
    filled.get("things/0")
    assert list(bill_of(filled).values()) == [1]
