"""What both engines promise: going through every document, and their number."""

import pytest

from services.errors import InvalidPath
from services.store.contract import Delete, Set, Store
from services.store.queries import PAGE

IN_ORDER = [
    "a/B", "a/b", "a/b/c/d", "a/b/c-/d", "a/b!/q/r", "a/b-x", "a/é/c/1", "a/\uffee/x/y",
    "a/\U0001f514", "a-/b", "missing/parent/sub/child", "users/1/alerts/2", "z/10", "z/9",
    "z/b\x01",
]  # fmt: skip


def put(store: Store, *paths: str) -> None:
    store.write(*(Set(path, {"path": path}) for path in paths))


def paths(documents) -> list[str]:
    return [document.path for document in documents]


def test_every_document_comes_in_the_order_of_paths(store: Store) -> None:
    put(store, *reversed(IN_ORDER))
    found = list(store.all())
    assert paths(found) == IN_ORDER
    assert [document.fields["path"] for document in found] == IN_ORDER
    assert found[0] == store.get("a/B")


def test_an_empty_store_has_no_documents(store: Store) -> None:
    assert list(store.all()) == []
    assert store.size() == 0


def test_all_goes_on_behind_any_path_also_one_without_a_document(store: Store) -> None:
    put(store, *IN_ORDER)
    for number, path in enumerate(IN_ORDER):
        assert paths(store.all(after=path)) == IN_ORDER[number + 1 :]
    assert paths(store.all(after="a/b/c-/zz")) == IN_ORDER[4:]
    assert paths(store.all(after="zz/zz")) == []


def test_all_is_not_cut_off_at_a_page(store: Store) -> None:
    names = [f"things/{number:04}" for number in range(2 * PAGE)]
    put(store, *names[:PAGE])
    put(store, *names[PAGE:])
    assert paths(store.all()) == names
    assert store.size() == 2 * PAGE


def test_writes_meanwhile_neither_repeat_nor_hide_other_documents(store: Store) -> None:
    names = [f"things/{number:04}" for number in range(PAGE)]
    put(store, *names)
    put(store, "zoo/last")
    walk = store.all()
    first = next(walk)
    store.write(Delete("zoo/last"), Delete(names[0]), Set("things/-1", {}))
    found = [first.path, *paths(walk)]
    assert found in (names, [*names, "zoo/last"])


def test_all_refuses_the_path_of_a_collection(store: Store) -> None:
    with pytest.raises(InvalidPath):
        list(store.all(after="things"))
