"""A ladder answers as one sorted set would, and stays in small pieces."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.support.ladder import Ladder

LISTPACK = 128
CLOSE = [5 + n * 1e-12 for n in range(9)]
LEVELS = st.one_of(
    st.sampled_from([1.0, 2.0, -1.5, 0.0, -0.0, 1e308, -1e308, 5e-324, *CLOSE]),
    st.floats(-100, 100),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "remove", "move", "up", "down", "count", "range"]),
        st.lists(LEVELS, min_size=1, max_size=8),
        st.integers(1, 200),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def ladder(redis: Redis) -> Ladder:
    return Ladder(redis, "L")


def step(
    ladder: Ladder, model: dict[str, float], kind: str, levels: list[float], many: int
) -> None:
    first, last = levels[0], levels[-1]
    if kind == "add":
        names = {f"{len(model)}-{n}-{many}": levels[n % len(levels)] for n in range(many)}
        new = {name: level for name, level in names.items() if name not in model}
        ladder.add(new)
        model.update(new)
    elif kind == "remove" and model:
        name = list(model)[many % len(model)]
        assert ladder.remove(name, [None, model[name], first][many % 3])
        del model[name]
        assert not ladder.remove(name)
    elif kind == "move" and model:
        name = list(model)[many % len(model)]
        ladder.move(name, model[name], first)
        model[name] = first
    elif kind == "up":
        taken = ladder.take_up_to(first, many)
        expected = sorted(level for level in model.values() if level <= first)[:many]
        assert [model.pop(name) for name in taken] == expected
    elif kind == "down":
        taken = ladder.take_down_to(first, many)
        expected = sorted((v for v in model.values() if v >= first), reverse=True)[:many]
        assert [model.pop(name) for name in taken] == expected
    elif kind == "count":
        assert ladder.count(f"({first!r}", last) == sum(first < v <= last for v in model.values())
        assert ladder.count(-math.inf, f"({last!r}") == sum(v < last for v in model.values())
    elif kind == "range":
        found = dict(ladder.entries(first, f"({last!r}"))
        assert found == {name: v for name, v in model.items() if first <= v < last}


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_a_ladder_answers_as_one_sorted_set_would(
    redis: Redis, steps: list[tuple[str, list[float], int]]
) -> None:
    redis.flushall()
    ladder, model = Ladder(redis, "L"), dict[str, float]()
    for kind, levels, many in steps:
        step(ladder, model, kind, levels, many)
        assert len(ladder) == len(model)
        assert ladder.lowest() == min(model.values(), default=None)
        assert ladder.highest() == max(model.values(), default=None)
    entries = [entry for page in ladder.pages() for entry in page]
    assert [level for _, level in entries] == sorted(model.values())
    assert dict(entries) == model
    assert len(ladder.take_up_to(math.inf, 1_000_000)) == len(model)
    assert redis.keys() == []


def test_no_rung_grows_beyond_the_small_encoding(redis: Redis, ladder: Ladder) -> None:
    ladder.add({f"{n:055}": n * 7919 % 5_000 / 3 for n in range(5_000)})
    rungs = [key for key in redis.scan_iter("L*") if redis.type(key) == b"zset"]
    assert len(rungs) > 5_000 / LISTPACK
    assert max(map(redis.zcard, rungs)) <= LISTPACK
    assert {redis.object("encoding", key) for key in rungs} <= {b"ziplist", b"listpack"}


def test_entries_of_one_level_are_never_cut_apart(redis: Redis, ladder: Ladder) -> None:
    ladder.add({f"same{n}": 200.0 for n in range(3_000)})
    ladder.add({f"above{n}": 200.0 + n for n in range(1, 50)})
    assert ladder.count(200.0, 200.0) == redis.zcard("L") == 3_000
    assert len(ladder.take_up_to(200.0, 10_000)) == 3_000
    assert ladder.lowest() == 201.0


def test_what_is_poured_into_another_ladder_stands_there_at_its_levels(
    redis: Redis, ladder: Ladder
) -> None:
    other = Ladder(redis, "M")
    ladder.add({f"a{n}": n % 40 for n in range(700)})
    other.add({f"b{n}": n % 50 for n in range(300)})
    ladder.pour_into(other)
    assert (len(ladder), len(other)) == (0, 1_000)
    assert set(redis.scan_iter("L*")) == set()
