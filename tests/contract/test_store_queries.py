"""What both engines promise: queries, their order, and their pages."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pprint import pformat

import pytest

from services.errors import InvalidPath, InvalidValue
from services.store.contract import Create, Cursor, Delete, Document, Query, Set, Store
from services.store.queries import PAGE, cursor_of

NOW = datetime(2026, 3, 1, 14, 30, 0, 123456, tzinfo=UTC)

IN_ORDER = [
    None,
    False,
    True,
    math.nan,
    -math.inf,
    -1.5,
    -1,
    0,
    5e-324,
    1,
    1.5,
    2,
    2**53,
    1e300,
    math.inf,
    NOW,
    NOW + timedelta(microseconds=1),
    "",
    "A",
    "a",
    "a\x01",
    "aa",
    "b",
    "é",
    "\uffee",
    "\U0001f514",
    [],
    [1],
    [1, "x"],
    [2],
    {},
    {"a": 1},
    {"a": 1, "b": 1},
    {"a": 2},
    {"b": 0},
]


def put(store: Store, collection: str, *values: object) -> None:
    """Documents d00, d01, ... with one `value` each."""
    for start in range(0, len(values), 100):
        store.write(
            *(
                Set(f"{collection}/d{start + number:03}", {"value": value})
                for number, value in enumerate(values[start : start + 100])
            )
        )


def found(store: Store, query: Query) -> list[object]:
    return [document.fields["value"] for document in store.query(query)]


def shown(values: list[object]) -> str:
    """A text in which equal values of different types differ, and the order of a map does not."""
    return pformat(values)


def ids(store: Store, query: Query) -> list[str]:
    return [document.id for document in store.query(query)]


def where(operator: str, value: object, field: str = "value") -> Query:
    return Query("things", where=((field, operator, value),))


# Conditions


@pytest.mark.parametrize("value", IN_ORDER, ids=repr)
def test_equality_finds_exactly_the_equal_value(store: Store, value: object) -> None:
    put(store, "things", *IN_ORDER)
    assert shown(found(store, where("==", value))) == shown([value])


def test_equality_takes_integers_and_floats_as_one(store: Store) -> None:
    put(store, "things", 1, 1.0, True, "1", 0, -0.0)
    assert found(store, where("==", 1)) == found(store, where("==", 1.0)) == [1, 1.0]
    assert len(found(store, where("==", 0.0))) == len(found(store, where("==", -0.0))) == 2


def test_in_finds_any_of_the_values_in_path_order(store: Store) -> None:
    put(store, "things", "c", "a", "b", "a", 1, "d")
    assert ids(store, where("in", ["a", "b", 1, "z"])) == ["d001", "d002", "d003", "d004"]
    assert ids(store, where("in", ["a", "a"])) == ["d001", "d003"]
    assert ids(store, where("in", ["z"])) == []


def test_in_takes_thirty_values_together_and_not_more(store: Store) -> None:
    put(store, "things", *range(40))
    assert found(store, where("in", list(range(30)))) == list(range(30))
    for query in (
        where("in", list(range(31))),
        replace(where("in", [1, 2, 3, 4]), where=(("value", "in", [1] * 8), ("x", "in", [1] * 4))),
    ):
        with pytest.raises(InvalidValue, match="at most 30"):
            list(store.query(query))


@pytest.mark.parametrize("value", [[], "text", None, [None], [1, math.nan], 5], ids=repr)
def test_in_needs_a_list_of_values_that_can_be_equal(store: Store, value: object) -> None:
    with pytest.raises(InvalidValue, match="needs a list"):
        list(store.query(where("in", value)))


@pytest.mark.parametrize(
    "place",
    [place for place, value in enumerate(IN_ORDER) if value is not None and value == value],
    ids=lambda place: repr(IN_ORDER[place]),
)
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_a_range_compares_within_one_type(store: Store, operator: str, place: int) -> None:
    put(store, "things", *reversed(IN_ORDER))
    bound = IN_ORDER[place]
    expected = [
        value
        for number, value in enumerate(IN_ORDER)
        if type_of(value) == type_of(bound) and value == value and holds(number, operator, place)
    ]
    assert shown(found(store, where(operator, bound))) == shown(expected)


def type_of(value: object) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def holds(number: int, operator: str, place: int) -> bool:
    return {
        "<": number < place,
        "<=": number <= place,
        ">": number > place,
        ">=": number >= place,
    }[operator]


@pytest.mark.parametrize("bound", [None, math.nan])
def test_a_range_does_not_begin_at_null_or_nan(store: Store, bound: object) -> None:
    with pytest.raises(InvalidValue, match="range"):
        list(store.query(where(">", bound)))


def test_a_range_has_two_ends(store: Store) -> None:
    put(store, "things", 5, 3, 1, 4, 2)
    query = Query("things", where=(("value", ">=", 2), ("value", "<", 5)))
    assert found(store, query) == [2, 3, 4]


def test_integers_beyond_the_precision_of_floats_are_told_apart(sqlite_store: Store) -> None:
    put(sqlite_store, "things", 2**53, 2**53 + 1, float(2**53), 2**63 - 1)
    assert len(found(sqlite_store, where("==", 2**53))) == 2
    assert found(sqlite_store, where(">", 2**53)) == [2**53 + 1, 2**63 - 1]


def test_conditions_hold_together(store: Store) -> None:
    for number in range(12):
        store.write(
            Set(
                f"things/{number:02}",
                {"even": number % 2 == 0, "n": number, "s": "ab"[number % 3 > 0]},
            )
        )
    conditions = (("even", "==", True), ("s", "in", ["b", "c"]), ("n", ">", 3))
    assert ids(store, Query("things", where=conditions)) == ["04", "08", "10"]


def test_a_dotted_field_reaches_into_maps(store: Store) -> None:
    store.write(
        Set("things/a", {"map": {"in": {"x": 2}}}),
        Set("things/b", {"map": {"in": {"x": 1}}}),
        Set("things/c", {"map": {"in": 1}}),
        Set("things/d", {"map": [{"in": {"x": 1}}]}),
        Set("things/e", {"map.in.x": 1}),
        Set("things/f", {"map": NOW}),
    )
    assert ids(store, where("==", 1, "map.in.x")) == ["b"]
    assert ids(store, Query("things", order_by=(("map.in.x", "ascending"),))) == ["b", "a"]


@pytest.mark.parametrize(
    "name", ["`", "\\", "'", '"', "$time", "$map", "0", " ", "日本", "a-b", "*"]
)
def test_any_field_name_can_be_asked_for(store: Store, name: str) -> None:
    store.write(Set("things/a", {name: 1, "map": {name: 2}}), Set("things/b", {name: 2, "map": {}}))
    assert ids(store, where("==", 1, name)) == ["a"]
    assert ids(store, where(">", 1, f"map.{name}")) == ["a"]


@pytest.mark.parametrize("field", ["", ".", "a.", ".a", "a..b"])
def test_a_field_without_a_name_is_refused(store: Store, field: str) -> None:
    with pytest.raises(InvalidValue, match="field"):
        list(store.query(where("==", 1, field)))


def test_hostile_values_are_only_values(store: Store) -> None:
    values = ["'; DROP TABLE documents; --", "' OR '1'='1", "a\0b", "%", "\\", '"', "?"]
    put(store, "things", *values)
    for value in values:
        assert found(store, where("==", value)) == [value]


# Order


@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_values_of_all_types_come_in_firestores_order(store: Store, direction: str) -> None:
    put(store, "things", *IN_ORDER[::2], *IN_ORDER[1::2])
    expected = IN_ORDER if direction == "ascending" else IN_ORDER[::-1]
    assert shown(found(store, Query("things", order_by=(("value", direction),)))) == shown(expected)


def test_a_document_without_an_order_field_is_left_out(store: Store) -> None:
    store.write(
        Set("things/a", {"value": None}), Set("things/b", {}), Set("things/c", {"value": 1})
    )
    assert ids(store, Query("things", order_by=(("value", "ascending"),))) == ["a", "c"]
    assert ids(store, Query("things")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([("x", "ascending")], "acebd"),
        ([("x", "descending")], "dbeca"),
        ([("x", "ascending"), ("y", "descending")], "cadb"),
        ([("y", "descending"), ("x", "ascending")], "cdab"),
        ([("y", "ascending"), ("x", "descending")], "badc"),
        ([("x", "descending"), ("y", "descending")], "dbca"),
    ],
)
def test_ties_are_broken_by_path_in_the_last_direction(
    store: Store, order: list[tuple[str, str]], expected: str
) -> None:
    store.write(
        Set("things/a", {"x": 1, "y": 1}),
        Set("things/c", {"x": 1, "y": 2}),
        Set("things/b", {"x": 2, "y": 1}),
        Set("things/d", {"x": 2, "y": 2}),
        Set("things/e", {"x": 1}),
    )
    assert "".join(ids(store, Query("things", order_by=tuple(order)))) == expected


def test_without_an_order_documents_come_by_id_in_utf8_bytes(store: Store) -> None:
    names = ["A", "Z", "a", "a ", "a!", "aa", "é", "\uffee", "\U0001f514"]
    store.write(*(Set(f"things/{name}", {}) for name in reversed(names)))
    assert ids(store, Query("things")) == names


def test_a_group_comes_in_the_order_of_its_paths_part_by_part(store: Store) -> None:
    paths = [
        f"users/{user}/alerts/{alert}"
        for user in ("a", "a ", "a!", "a-b", "aa", "b")
        for alert in ("1", "2")
    ]
    store.write(*(Set(path, {}) for path in reversed(paths)))
    assert [document.path for document in store.query(Query("alerts", group=True))] == paths


def test_a_range_orders_by_its_field(store: Store) -> None:
    put(store, "things", 3, 1, 2, 1)
    assert ids(store, where(">", 0)) == ["d001", "d003", "d002", "d000"]


# Collections and groups


def test_a_collection_holds_only_its_own_documents(store: Store) -> None:
    store.write(
        Set("users/u", {"value": 1}),
        Set("users/u/alerts/a", {"value": 1}),
        Set("users/u/alerts/a/parts/p", {"value": 1}),
        Set("users/u/alerts2/a", {"value": 1}),
        Set("users/u2/alerts/b", {"value": 1}),
        Set("alerts/c", {"value": 1}),
    )
    for condition in ((), (("value", "==", 1),)):
        assert ids(store, Query("users", where=condition)) == ["u"]
        assert ids(store, Query("users/u/alerts", where=condition)) == ["a"]
        assert ids(store, Query("users/none/alerts", where=condition)) == []


def test_a_group_holds_all_collections_of_its_name_and_no_other(store: Store) -> None:
    store.write(
        Set("users/u/alerts/a", {"value": 1}),
        Set("users/v/alerts/b", {"value": 1}),
        Set("alerts/c", {"value": 1}),
        Set("users/u/alerts2/d", {"value": 1}),
        Set("users/u/Alerts/e", {"value": 1}),
        Set("users/alerts", {"value": 1}),
        Set("users/u/other/alerts", {"value": 1}),
    )
    for condition in ((), (("value", "==", 1),)):
        query = Query("alerts", group=True, where=condition)
        assert ids(store, query) == ["c", "a", "b"]
        assert store.count(query) == 3


def test_a_group_has_a_name_without_a_slash(store: Store) -> None:
    with pytest.raises(InvalidPath):
        list(store.query(Query("users/u/alerts", group=True)))


# Limits, cursors and pages


def test_a_limit_cuts_the_result(store: Store) -> None:
    put(store, "things", 3, 1, 2)
    query = Query("things", order_by=(("value", "ascending"),))
    assert found(store, replace(query, limit=2)) == [1, 2]
    assert found(store, replace(query, limit=9)) == [1, 2, 3]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_one(store: Store, limit: int) -> None:
    for use in (store.count, lambda query: list(store.query(query))):
        with pytest.raises(InvalidValue, match="at least 1"):
            use(Query("things", limit=limit))


ORDERS = [
    (),
    (("value", "ascending"),),
    (("value", "descending"),),
    (("x", "ascending"), ("value", "descending")),
    (("x", "descending"), ("map.y", "ascending")),
    (("map.y", "descending"), ("x", "descending")),
]


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("order", ORDERS, ids=repr)
def test_pages_behind_a_cursor_make_up_the_whole(
    store: Store, order: tuple[tuple[str, str], ...], group: bool
) -> None:
    values = [*IN_ORDER, 1, 1.0, None, "a"]
    store.write(
        *(
            Set(f"things/d{number:02}", {"value": value, "x": number % 3, "map": {"y": number % 2}})
            for number, value in enumerate(values)
        )
    )
    query = Query("things", group=group, order_by=order)
    whole = ids(store, query)
    assert len(whole) == len(values)
    pages: list[Document] = []
    while page := list(store.query(replace(query, limit=7))):
        pages += page
        query = replace(query, after=cursor_of(query, page[-1]))
    assert [document.id for document in pages] == whole


def test_a_cursor_continues_behind_in_and_ranges(store: Store) -> None:
    values = [(number % 4, number % 3) for number in range(24)]
    store.write(*(Set(f"things/{n:02}", {"a": a, "b": b}) for n, (a, b) in enumerate(values)))
    for query in (
        Query("things", where=(("a", "in", [0, 2, 3]),)),
        Query("things", where=(("a", "in", [3, 1]), ("b", ">", 0))),
        Query("things", where=(("a", ">=", 1),), order_by=(("a", "descending"),)),
        Query("things", where=(("a", "==", 1), ("b", "<", 2))),
    ):
        whole = list(store.query(query))
        for before, behind in pairwise(whole):
            rest = replace(query, after=cursor_of(query, before), limit=1)
            assert ids(store, rest) == [behind.id]


def test_a_cursor_may_stand_where_nothing_is_any_more(store: Store) -> None:
    put(store, "things", 1, 2, 2, 3)
    query = Query("things", order_by=(("value", "ascending"),))
    cursor = Cursor((2,), "things/d001")
    store.write(Delete("things/d001"))
    assert ids(store, replace(query, after=cursor)) == ["d002", "d003"]


def test_a_cursor_that_does_not_fit_its_query_is_refused(store: Store) -> None:
    query = Query("things", order_by=(("value", "ascending"),))
    for after in (Cursor((), "things/a"), Cursor((1, 2), "things/a")):
        with pytest.raises(InvalidValue, match="cursor"):
            list(store.query(replace(query, after=after)))
    for path in ("others/a", "things", "things/a/parts/b"):
        with pytest.raises(InvalidPath):
            list(store.query(replace(query, after=Cursor((1,), path))))


@pytest.mark.parametrize("size", [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
def test_a_result_longer_than_a_page_is_complete(store: Store, size: int) -> None:
    put(store, "things", *([number % 7 for number in range(size)]))
    by_value = Query("things", order_by=(("value", "descending"),))
    assert len(ids(store, by_value)) == len(set(ids(store, by_value))) == size
    assert found(store, by_value) == sorted(found(store, by_value), reverse=True)
    assert store.count(Query("things")) == size
    assert len(ids(store, replace(by_value, limit=PAGE + 1))) == min(size, PAGE + 1)


def test_writing_while_a_result_is_read_is_fine(store: Store) -> None:
    put(store, "things", *range(PAGE + 10))
    seen = []
    for document in store.query(Query("things")):
        seen.append(document.id)
        if len(seen) == 5:
            store.write(Delete("things/d002"), Set(f"things/d{PAGE:03}", {"value": "new"}))
            store.write(*(Set(f"others/{number}", {}) for number in range(20)))
    assert len(seen) == PAGE + 10


def test_a_result_may_be_left_unread(store: Store) -> None:
    put(store, "things", 1, 2, 3)
    assert next(iter(store.query(Query("things")))).id == "d000"
    store.write(Set("things/d003", {}))
    assert store.count(Query("things")) == 4


def test_a_faulty_query_is_refused_before_it_is_read(store: Store) -> None:
    with pytest.raises(InvalidPath):
        store.query(Query(""))


# Counts


def test_a_count_is_the_length_of_the_result(store: Store) -> None:
    put(store, "things", 1, 2, 2, "x", None)
    for query in (
        Query("things"),
        Query("none"),
        where("==", 2),
        where("in", [1, 2]),
        where("<", 2),
        Query("things", group=True),
        Query("things", limit=2),
        Query("things", limit=20),
        Query("things", order_by=(("value", "ascending"),), after=Cursor((2,), "things/d001")),
        Query("things", order_by=(("other", "ascending"),)),
    ):
        assert store.count(query) == len(list(store.query(query)))


def test_a_query_sees_what_was_just_written(store: Store) -> None:
    query = where("==", "armed")
    for number in range(10):
        store.write(Create(f"things/{number}", {"value": "armed"}))
        assert store.count(query) == number + 1
    store.write(Set("things/0", {"value": "done"}), Delete("things/1"))
    assert ids(store, query) == [str(number) for number in range(2, 10)]
