"""The doctor asks each index of firestore.indexes.json for something that is nowhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.doctor.inside import INDEXES
from services.errors import StoreUnavailable
from services.store.contract import Document, Query, Store
from services.store.queries_of_indexes import missing_indexes
from tests.contract.test_indexes import FILE, is_served, needs


class Refusing:
    """A store without one index; it keeps what it is asked."""

    def __init__(self, lacks: str = "", passing: bool = False) -> None:
        self._lacks, self._passing = lacks, passing
        self.asked: list[Query] = []

    def query(self, query: Query) -> Iterator[Document]:
        self.asked.append(query)
        if query.order_by[-1][0] == self._lacks:
            raise StoreUnavailable("The query requires an index.", passing=self._passing)
        return iter(())


def test_each_index_of_the_file_is_asked_for() -> None:
    store: Any = Refusing()
    assert missing_indexes(store, INDEXES) == []
    served = [need for query in store.asked for need in needs(query)]
    assert all(map(is_served, served))
    assert len([need for need in served if need.is_composite]) == len(FILE["indexes"])


def test_an_index_that_is_not_there_is_named() -> None:
    store: Any = Refusing(lacks="due_at")
    assert "triggers by open, due_at" in missing_indexes(store, INDEXES)


def test_a_store_that_is_away_lacks_no_index() -> None:
    store: Any = Refusing(lacks="due_at", passing=True)
    with pytest.raises(StoreUnavailable):
        missing_indexes(store, INDEXES)


def test_an_empty_store_answers_all_queries(store: Store) -> None:
    assert missing_indexes(store, Path(INDEXES)) == []
