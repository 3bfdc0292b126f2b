"""The forms in which SQLite keeps fields: they lose nothing, and their bytes sort as values do."""

import math
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store.encoding import field_key, from_json, sort_key, to_json
from services.store.values import Plain

TEXTS = st.text(max_size=8) | st.sampled_from(["$time", "$float", "$map", "a.b", "\0", "a\0"])
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | TEXTS
    | TIMES
    | st.sampled_from([2**53, 2**53 + 1, float(2**53), 2**63 - 1, float(2**63), 0, 0.0, -0.0])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def rank(value: Plain) -> int:
    kinds = (type(None), bool, (int, float), datetime, str, list, dict)
    return next(number for number, kind in enumerate(kinds) if isinstance(value, kind))


def sign(a: object, b: object) -> int:
    return (a > b) - (a < b)  # type: ignore[operator]


def compare(a: Plain, b: Plain) -> int:
    """Firestore's order, spelt out type by type."""
    if rank(a) != rank(b):
        return sign(rank(a), rank(b))
    if isinstance(a, dict):
        items = [sorted(m.items(), key=lambda item: item[0].encode()) for m in (a, b)]
        flat = [[part for item in pairs for part in item] for pairs in items]
        return compare(*flat)
    if isinstance(a, list):
        parts = (compare(x, y) for x, y in zip(a, b, strict=False))
        return next((part for part in parts if part), sign(len(a), len(b)))
    if isinstance(a, str):
        return sign(a.encode(), b.encode())
    if (isinstance(a, float) and math.isnan(a)) or (isinstance(b, float) and math.isnan(b)):
        return sign(a == a, b == b)  # NaN sorts first
    return 0 if a is None else sign(a, b)


def same(a: Plain, b: Plain) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and repr(a) == repr(b)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_fields_come_back_from_json_as_they_were(fields: dict[str, Plain]) -> None:
    assert same(from_json(to_json(fields)), fields)


@pytest.mark.slow
@given(st.lists(VALUES, max_size=6))
def test_bytes_sort_as_values_do(values: list[Plain]) -> None:
    by_value = sorted(values, key=cmp_to_key(compare))
    for lower, higher in pairwise(by_value):
        assert sign(sort_key(lower), sort_key(higher)) == compare(lower, higher)


@given(VALUES, VALUES)
def test_any_two_values_compare_alike_in_bytes(a: Plain, b: Plain) -> None:
    assert sign(sort_key(a), sort_key(b)) == compare(a, b)


@given(TEXTS, TEXTS, VALUES)
def test_a_fields_key_is_its_values_key(outer: str, inner: str, value: Plain) -> None:
    if "." in outer + inner:
        return
    text = to_json({outer: {inner: value}})
    assert field_key(text, f"{outer}.{inner}") == sort_key(value)
    assert field_key(text, outer) == sort_key({inner: value})
    assert field_key(text, f"{outer}.{inner}x") is None


@pytest.mark.parametrize(
    "value", [1, None, "text", [1], datetime(2026, 1, 1, tzinfo=UTC), math.inf]
)
def test_only_maps_have_fields(value: Plain) -> None:
    text = to_json({"value": value})
    for name in ("x", "0", "$time", "$float"):
        assert field_key(text, f"value.{name}") is None


def test_the_text_is_json_that_sqlite_reads_too() -> None:
    text = to_json({"at": datetime(2026, 1, 1, tzinfo=UTC), "x": math.inf, "é": "日本"})
    (found,) = (
        sqlite3.connect(":memory:").execute("SELECT json_extract(?, '$.é')", (text,)).fetchone()
    )
    assert found == "日本"
    assert text == (
        '{"at":{"$time":"2026-01-01T00:00:00.000000+00:00"},"x":{"$float":"inf"},"é":"日本"}'
    )


def test_neighbouring_microseconds_are_told_apart() -> None:
    late = datetime(9999, 12, 31, 23, 59, 59, 999998, tzinfo=UTC)
    assert sort_key(late) < sort_key(late + timedelta(microseconds=1))
