"""Copying every document from one place to another, and comparing two."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import InvalidInput, InvalidPath, InvalidValue, StoreUnavailable
from services.store import store_in_file
from services.store.contract import Fields, Set, Store, Update
from services.store.paths import check_document_path
from services.store.transfer import copy as copying
from services.store.transfer.bookmark import MARK, Bookmark
from services.store.transfer.compare import SHOWN, Comparison, Passed, compare
from services.store.transfer.copy import copy
from services.store.transfer.places import Access, compare_between, copy_between, read_place
from services.store.transfer.plan import Consent, Names
from services.store.values import plain_fields

NOW = datetime(2026, 3, 1, 14, 30, 0, 123456, tzinfo=UTC)
AWKWARD: dict[str, Fields] = {
    "users/1": {"whole": 1, "float": 1.0, "true": True, "none": None, "nan": math.nan},
    "users/1/alerts/é": {"zero": -0.0, "huge": 2**63 - 1, "tiny": 5e-324, "inf": -math.inf},
    "users/1/alerts!/a": {"at": NOW, "list": [1, 1.0, {"deep": [True]}], "empty": {}},
    "users/1-/x/\U0001f514": {"$time": "2026", "map": {"$float": "nan", "a.b": []}},
    "nobody/here/but/below": {"text": "one\ntwo\r\u2028\0 日本"},
}
NAMES = Names("sqlite:a", "sqlite:b")
ASKING, OVERWRITE, DELETE = Consent(), Consent(overwrite=True), Consent(overwrite=True, delete=True)


class Interrupted(Exception):
    """The process ends here."""


def quiet(*_: object) -> AbstractContextManager[Passed]:
    return nullcontext(lambda _: None)


def put(store: Store, documents: Mapping[str, Fields]) -> None:
    writes = [Set(path, fields) for path, fields in documents.items()]
    for start in range(0, len(writes), 500):
        store.write(*writes[start : start + 500])


def many(number: int) -> dict[str, Fields]:
    return {f"things/{n:05}": {"number": n, "at": NOW} for n in range(number)}


def paths(store: Store) -> list[str]:
    return [document.path for document in store.all()]


def move(source: str, target: str, consent: Consent = ASKING, host: str = "") -> Comparison:
    access = Access(emulator_host=host)
    return copy_between(read_place(source), read_place(target), access, consent, quiet)


def copied(a: Store, b: Store, consent: Consent = ASKING, at_once: int = 2) -> Comparison:
    return copy(a, b, NAMES, consent, quiet, at_once=at_once)


@pytest.fixture
def a(tmp_path: Path):
    store = store_in_file(tmp_path / "a.db")
    yield store
    store.close()


@pytest.fixture
def b(tmp_path: Path):
    store = store_in_file(tmp_path / "b.db")
    yield store
    store.close()


# The same documents afterwards


def test_every_document_arrives_as_it_was(a: Store, store: Store) -> None:
    put(a, AWKWARD)
    result = copied(a, store)
    assert result.equal
    assert (result.a.documents, result.a.digest) == (len(AWKWARD), result.b.digest)
    assert sorted(paths(store)) == sorted(AWKWARD)


def test_a_second_copy_writes_nothing(a: Store, b: Store) -> None:
    put(a, AWKWARD)
    copied(a, b)
    before = list(b.all())
    assert copied(a, b).equal
    assert [d.version for d in b.all()] == [d.version for d in before]


def test_nothing_is_left_of_the_copy_itself(a: Store, b: Store) -> None:
    put(a, AWKWARD)
    copied(a, b)
    assert b.get(MARK) is None


def test_an_empty_store_can_be_copied(a: Store, b: Store) -> None:
    result = copied(a, b)
    assert result.equal
    assert result.b.documents == 0
    assert list(b.all()) == []


def test_large_documents_go_in_batches_that_firestore_takes(
    a: Store, b: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(a, {f"things/{n}": {"text": "x" * 400_000} for n in range(5)})
    sizes = []
    write = b.write
    monkeypatch.setattr(b, "write", lambda *writes: (sizes.append(len(writes)), write(*writes)))
    assert copied(a, b, at_once=1).equal
    assert [size for size in sizes if size > 1] == [2, 2]


@pytest.mark.emulator
def test_a_batch_of_numbers_that_firestore_writes_longer_still_fits(
    a: Store, firestore_store: Store
) -> None:
    put(a, {f"things/{n}": {"list": [-1] * 100_000} for n in range(6)})
    assert copied(a, firestore_store).equal


# Interruptions


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_an_interrupted_copy_goes_on_where_it_was(
    a: Store, b: Store, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "ROUND", 1)
    put(a, many(1_700))
    write, written = b.write, []

    def interrupt(*writes: object) -> None:
        if len(writes) > 1 and len(written) == rounds:
            raise Interrupted
        write(*writes)
        written.extend([len(writes)] if len(writes) > 1 else [])

    monkeypatch.setattr(b, "write", interrupt)
    with pytest.raises(Interrupted):
        copied(a, b)
    monkeypatch.setattr(b, "write", write)
    done = Bookmark.of(b)
    assert done is not None
    assert done.documents == rounds * 500
    assert copied(a, b).equal
    assert MARK not in paths(b)


def test_what_was_written_behind_the_bookmark_is_not_written_again(a: Store, b: Store) -> None:
    put(a, many(30))
    put(b, many(20))
    Bookmark(NAMES.source, "things/00009", 10).keep_in(b)
    before = {d.path: d.version for d in b.all() if d.path != MARK}
    assert copied(a, b).equal
    after = {d.path: d.version for d in b.all()}
    assert {path: after[path] for path in before} == before


def test_a_copy_from_elsewhere_is_not_continued(a: Store, b: Store) -> None:
    put(a, many(3))
    Bookmark("sqlite:other", "things/00001", 2).keep_in(b)
    with pytest.raises(StoreUnavailable, match=r"from sqlite:other into sqlite:b was begun"):
        copied(a, b)
    assert copied(a, b, OVERWRITE).equal


def test_half_a_copy_is_no_source(tmp_path: Path, a: Store) -> None:
    put(a, many(3))
    Bookmark("firestore:elsewhere", "things/00001", 2).keep_in(a)
    with pytest.raises(StoreUnavailable, match="a part of firestore:elsewhere only"):
        move(f"sqlite:{tmp_path}/a.db", f"sqlite:{tmp_path}/b.db")
    assert not (tmp_path / "b.db").exists()


def test_a_source_that_changed_during_an_interruption_is_found_then_mended(
    a: Store, b: Store
) -> None:
    put(a, many(10))
    put(b, many(5))
    Bookmark(NAMES.source, "things/00004", 5).keep_in(b)
    a.write(Update("things/00002", {"number": -1}))
    result = copied(a, b)
    assert result.first == [("differs", "things/00002")]
    assert copied(a, b).equal


# What the target holds already


def test_a_target_with_other_documents_is_refused_and_left_alone(a: Store, b: Store) -> None:
    put(a, many(3))
    put(b, {"things/00001": {"number": "mine"}})
    before = list(b.all())
    with pytest.raises(StoreUnavailable, match=r"--into-existing"):
        copied(a, b)
    assert list(b.all()) == before


def test_with_consent_what_differs_is_overwritten_and_the_rest_is_kept(a: Store, b: Store) -> None:
    put(a, many(3))
    put(b, {"things/00001": {"number": "other"}, "zoo/lion": {}})
    result = copied(a, b, OVERWRITE)
    assert result.first == [("extra", "zoo/lion")]
    assert paths(b) == [*many(3), "zoo/lion"]
    assert b.get(MARK) is None


def test_what_the_source_lacks_is_deleted_only_when_that_is_asked_for(a: Store, b: Store) -> None:
    put(a, many(3))
    put(b, {"aaa/first": {}, "things/00001-": {}, "zoo/lion": {}})
    assert copied(a, b, DELETE).equal
    assert paths(b) == list(many(3))


# Comparing


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (0.0, -0.0), (True, 1), ("1", 1), (NOW, NOW + timedelta(microseconds=1)),
     (None, {}), ([], {}), ({"x": 1}, {"x": 1.0}), ([1, 2], [2, 1]), (NOW, NOW.isoformat())],
    ids=repr,
)  # fmt: skip
def test_values_of_different_types_or_moments_differ(
    a: Store, store: Store, one: object, other: object
) -> None:
    put(a, {"things/x": {"value": one}})
    put(store, {"things/x": {"value": other}})
    assert compare(a, store, lambda _: None).differing == 1


def test_the_order_of_fields_does_not_matter(a: Store, b: Store) -> None:
    put(a, {"things/x": {"a": 1, "b": {"c": math.nan, "d": 2}}})
    put(b, {"things/x": {"b": {"d": 2, "c": math.nan}, "a": 1}})
    result = compare(a, b, lambda _: None)
    assert result.equal
    assert result.a.digest == result.b.digest


def test_a_comparison_names_what_is_missing_extra_and_other(a: Store, b: Store) -> None:
    put(a, {"x/1": {}, "x/2": {"n": 1}, "x/3": {}})
    put(b, {"x/0": {}, "x/2": {"n": 2}, "x/3": {}})
    result = compare(a, b, lambda _: None)
    assert result.first == [("extra", "x/0"), ("missing", "x/1"), ("differs", "x/2")]
    assert (result.extra, result.missing, result.differing) == (1, 1, 1)
    assert result.a.digest != result.b.digest


def test_a_comparison_names_only_the_first_paths_and_counts_all(a: Store, b: Store) -> None:
    put(a, many(50))
    result = compare(a, b, lambda _: None)
    assert len(result.first) == SHOWN
    assert result.missing == 50


def test_a_document_and_those_below_it_stay_in_order(a: Store, b: Store) -> None:
    """By characters `a/b-x` comes before `a/b/c/d`; by parts it comes behind."""
    put(a, {"a/b": {}, "a/b/c/d": {}, "a/b-x": {}})
    put(b, {"a/b": {}, "a/b-x": {}})
    assert compare(a, b, lambda _: None).first == [("missing", "a/b/c/d")]


# Places


@pytest.mark.parametrize(
    "text",
    ["", "sqlite", "sqlite:", "file:", "firestore:", "mongodb:x", "/tmp/x.db", "firestore:a/b/c",
     "firestore:Not A Project", "firestore:p/", "sqlite:a\0b"],
)  # fmt: skip
def test_what_is_no_place_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(InvalidInput, match="sqlite:PATH, firestore:PROJECT"):
        read_place(text)


def test_two_names_of_one_place_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")
    for source, target in [
        (f"sqlite:{tmp_path}/a.db", f"sqlite:{tmp_path}/x/../a.db"),
        (f"sqlite:{tmp_path}/a.db", f"sqlite:{tmp_path}/link.db"),
        (f"sqlite:{tmp_path}/a.db", f"file:{tmp_path}/a.db"),
        ("firestore:one", "firestore:one"),
        ("firestore:one", "firestore:one/(default)"),
    ]:
        with pytest.raises(InvalidInput, match="same place"):
            move(source, target)


def test_a_source_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no database"):
        move(f"sqlite:{tmp_path}/none.db", f"sqlite:{tmp_path}/b.db")
    with pytest.raises(StoreUnavailable, match="no database"):
        compare_between(
            read_place(f"sqlite:{tmp_path}/none.db"),
            read_place(f"sqlite:{tmp_path}/b.db"),
            Access(),
            quiet,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_target_whose_folder_is_missing_is_told(tmp_path: Path, a: Store) -> None:
    put(a, many(1))
    for target in ("sqlite", "file"):
        with pytest.raises(StoreUnavailable, match="folder"):
            move(f"sqlite:{tmp_path}/a.db", f"{target}:{tmp_path}/no/where")


@pytest.mark.emulator
def test_databases_of_one_project_are_different_places(
    tmp_path: Path, emulator_host: str, a: Store
) -> None:
    put(a, AWKWARD)
    project = f"test-{uuid4().hex}"
    source = f"sqlite:{tmp_path}/a.db"
    assert move(source, f"firestore:{project}", host=emulator_host).equal
    target = f"firestore:{project}/second"
    assert move(f"firestore:{project}", target, host=emulator_host).b.documents == len(AWKWARD)


# Any documents

texts = st.text(min_size=1, max_size=6)
moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | texts | moments
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


def can_be(path: str, fields: Fields) -> bool:
    try:
        plain_fields(check_document_path(path), fields)
    except (InvalidPath, InvalidValue):
        return False
    return path != MARK


documents = st.dictionaries(
    st.lists(texts, min_size=1, max_size=2).map(
        lambda parts: "/".join(part for pair in parts for part in ("c", pair))
    ),
    st.dictionaries(texts, values, max_size=3),
    max_size=6,
).map(lambda found: {path: fields for path, fields in found.items() if can_be(path, fields)})


def check_round_trip(folder: Path, middle: str, wanted: Mapping[str, Fields], host: str) -> None:
    first, last = folder / f"{uuid4().hex}.db", folder / f"{uuid4().hex}.db"
    store = store_in_file(first)
    put(store, wanted)
    store.ping()
    there = move(f"sqlite:{first}", middle, host=host)
    back = move(middle, f"sqlite:{last}", host=host)
    assert there.equal
    assert back.equal
    assert back.b.digest == there.a.digest
    assert compare(store, store_in_file(last), lambda _: None).equal
    first.unlink()
    last.unlink()


@pytest.mark.slow
@given(documents)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_documents_survive_a_file(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, Fields]
) -> None:
    folder = tmp_path_factory.mktemp("file")
    check_round_trip(folder, f"file:{folder}/documents.gz", wanted, "")


@pytest.mark.emulator
@given(documents)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_documents_survive_firestore(
    tmp_path_factory: pytest.TempPathFactory, emulator_host: str, wanted: dict[str, Fields]
) -> None:
    folder = tmp_path_factory.mktemp("firestore")
    check_round_trip(folder, f"firestore:test-{uuid4().hex}", wanted, emulator_host)
