"""The armed index holds what the store says, tells at once who is concerned, and claims once."""

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from redis import Redis, WatchError

from services.alerts.conditions import (
    Condition,
    DayChangeCondition,
    PriceCondition,
    TrailingCondition,
)
from services.alerts.evidence import Evidence
from services.alerts.index import (
    FIRED,
    QUIET,
    ArmedIndex,
    Fresh,
    Member,
    Probe,
    Verdict,
)
from services.alerts.intervals import Interval, Reading, Span, Step
from services.store.alerts import Alert, State

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
BASELINE = Reading(
    price=100.0,
    day_high=101.0,
    day_low=99.0,
    session=NOW.date(),
    session_over=False,
    previous_close=100.0,
    as_of=NOW,
    currency="USD",
    source="replay",
)


@pytest.fixture
def index(redis: Redis) -> ArmedIndex:
    return ArmedIndex(redis)


def rises(level: float) -> PriceCondition:
    return PriceCondition(kind="price_rises_to", level=level)


def falls(level: float) -> PriceCondition:
    return PriceCondition(kind="price_falls_to", level=level)


def drops(percent: float) -> TrailingCondition:
    return TrailingCondition(kind="falls_from_peak", percent=percent)


def alert(
    condition: Condition,
    name: str = "A1",
    *,
    symbol: str = "AAPL",
    state: State = "armed",
    epoch: int = 1,
    rests_after: date | None = None,
    rearm_at: float | None = None,
    baseline: Reading | None = BASELINE,
) -> Alert:
    return Alert(
        uid="U1",
        id=name,
        symbol=symbol,
        condition=condition,
        state=state,
        epoch=epoch,
        created_at=NOW,
        updated_at=NOW,
        baseline=baseline,
        rests_after=rests_after,
        rearm_at=rearm_at,
    )


def evidence(
    low: float,
    high: float,
    *,
    symbol: str = "AAPL",
    metric: str = "price",
    peak: float | None = None,
) -> Evidence:
    interval = Interval(
        since=NOW,
        until=NOW + timedelta(minutes=5),
        rises=(Step(at=NOW, value=high),),
        falls=(Step(at=NOW, value=low),),
    )
    return Evidence(
        symbol=symbol,
        metric=metric,
        interval=interval,
        present=BASELINE,
        noticed_at=NOW,
        peak=peak,
    )


def settled(index: ArmedIndex, *alerts: Alert, peak: float | None = None) -> None:
    for one in alerts:
        index.follow(one)
        index.settle(one.symbol, str(Member.of(one)), Fresh.of(one), peak)


def fired(redis: Redis) -> list[str]:
    return sorted(name for entry in entries_of(redis) for name, _ in entry)


def entries_of(redis: Redis) -> list[list[tuple[str, str]]]:
    """Of each entry of the stream the alerts, each with its evidence."""
    entries: Any = redis.xrange(FIRED)
    return [
        [
            (name, text)
            for names, text in zip(*(field.decode().split("\n") for field in fields), strict=True)
            for name in names.split()
        ]
        for _, raw in entries
        for fields in [(raw[b"alerts"], raw[b"evidence"])]
    ]


def probe(
    index: ArmedIndex, seen: tuple[float, float], possible: tuple[float, float] | None = None
) -> Verdict:
    low, high = possible or seen
    return index.probe(
        Probe("AAPL", "price", Span(low=seen[0], high=seen[1]), Span(low=low, high=high))
    )


def rebuilt(index: ArmedIndex, alerts: Iterable[Alert], caught_up: datetime | None) -> int:
    return index.rebuild("replay", alerts, lambda _: caught_up)


def test_an_alert_is_fresh_until_it_is_settled(index: ArmedIndex) -> None:
    one = alert(rises(200))
    index.follow(one)
    assert index.fresh("AAPL") == {"U1/A1/1": Fresh.of(one)}
    assert (index.fresh_symbols(), index.settled("AAPL")) == ({"AAPL"}, [])
    settled(index, one)
    assert index.fresh("AAPL") == {}
    assert (index.fresh_symbols(), index.settled("AAPL")) == (set(), ["price"])


def test_what_is_watched_is_told_by_symbol_and_metric(index: ArmedIndex) -> None:
    index.follow(alert(rises(200)))
    settled(index, alert(DayChangeCondition(kind="day_change_falls_to", level=-5), "A2"))
    settled(index, alert(drops(5), "A3"), peak=105.25)
    settled(index, alert(drops(5), "A4", symbol="TSLA"), peak=1.0)
    assert index.watched() == {"AAPL": ["day-change", "drawdown", "price"], "TSLA": ["drawdown"]}
    assert index.symbols() == ["AAPL", "TSLA"]
    assert index.settled("AAPL") == ["day-change", "drawdown"]
    assert index.settled("AAPL", ["drawdown", "price"]) == ["drawdown"]


def test_a_pair_is_forgotten_with_its_last_alert_alone(index: ArmedIndex) -> None:
    index.follow(alert(rises(200), "A1"))
    settled(index, alert(rises(200), "A2"))
    index.drop("AAPL", "price", Member("U1", "A2", 1))
    assert index.watched() == {"AAPL": ["price"]}
    index.drop("AAPL", "price", Member("U1", "A1", 1))
    assert index.watched() == {}


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ((99.0, 109.0), QUIET),
        ((99.0, 110.0), Verdict(True, False, False)),
        ((90.0, 99.0), Verdict(True, False, False)),
        ((90.000001, 109.999999), QUIET),
    ],
)
def test_a_probe_is_reached_by_touching(
    index: ArmedIndex, seen: tuple[float, float], verdict: Verdict
) -> None:
    settled(index, alert(rises(110), "A1"), alert(falls(90), "A2"))
    assert probe(index, seen) == verdict


def test_a_waiting_alert_is_crossed_only_beyond_its_level(index: ArmedIndex) -> None:
    settled(index, alert(rises(90), "A1", state="waiting"))
    assert not probe(index, (90.0, 100.0)).crossed
    assert probe(index, (89.99, 100.0)).crossed
    settled(index, alert(falls(105), "A2", state="waiting"))
    assert not probe(index, (95.0, 105.0)).crossed
    assert probe(index, (95.0, 105.01)).crossed
    found = index.crossed_back("AAPL", "price", evidence(89.0, 106.0).interval)
    assert {(s.member.alert_id, s.direction, s.level) for s in found} == {
        ("A1", "rise", 90.0),
        ("A2", "fall", 105.0),
    }


def test_a_waiting_alert_stands_at_the_level_where_it_arms_again(index: ArmedIndex) -> None:
    settled(index, alert(rises(100), state="waiting", rearm_at=99.5))
    assert not probe(index, (99.6, 101.0)).crossed
    assert probe(index, (99.4, 101.0)).crossed


@pytest.mark.parametrize(
    ("possible", "undecided"),
    [((98.0, 104.0), False), ((98.0, 105.0), True), ((-math.inf, math.inf), True)],
)
def test_a_level_between_what_is_seen_and_what_is_possible_is_undecided(
    index: ArmedIndex, possible: tuple[float, float], undecided: bool
) -> None:
    settled(index, alert(rises(105)))
    assert probe(index, (98.0, 102.0), possible) == Verdict(False, False, undecided)


def test_levels_inside_an_inverted_span_are_undecided_but_not_reached(index: ArmedIndex) -> None:
    """The metric was at or below 110 and at or above 90, and may have been on 100 or not."""
    settled(index, alert(rises(100)))
    assert probe(index, (110.0, 90.0), (90.0, 110.0)) == Verdict(False, False, True)


def test_many_probes_are_answered_in_their_order(index: ArmedIndex) -> None:
    for i in range(0, 30, 3):
        settled(index, alert(rises(100 + i), f"A{i}", symbol=f"S{i}"))
    span = Span(low=1, high=109.5)
    loud = index.loud([Probe(f"S{i}", "price", span, span) for i in range(30)])
    assert [probe.symbol for probe, verdict in loud if verdict.reached] == ["S0", "S3", "S6", "S9"]


def test_a_claim_moves_what_is_reached_and_nothing_else(index: ArmedIndex, redis: Redis) -> None:
    settled(index, *(alert(rises(100 + i), f"R{i}") for i in range(5)))
    settled(index, *(alert(falls(100 - i), f"F{i}") for i in range(5)))
    assert index.claim(evidence(97.0, 102.0)) == 7
    assert fired(redis) == [f"U1/{n}/1" for n in ("F0", "F1", "F2", "F3", "R0", "R1", "R2")]
    assert index.claim(evidence(97.0, 102.0)) == 0
    assert probe(index, (97.0, 102.0)) == QUIET
    assert index.claim(evidence(-1e308, 1e308)) == 3
    assert index.watched() == {}


def test_an_entry_of_the_stream_holds_100_alerts_at_most(index: ArmedIndex, redis: Redis) -> None:
    rebuilt(index, (alert(rises(100), f"A{i}") for i in range(250)), NOW + timedelta(days=5))
    assert index.claim(evidence(90.0, 100.0)) == 250
    entries = entries_of(redis)
    assert [len(entry) for entry in entries] == [100, 100, 50]
    text = evidence(90.0, 100.0).model_dump_json()
    assert {found for entry in entries for _, found in entry} == {text}


@pytest.mark.parametrize("step", [1, 7, 99, 100, 101, 2_000])
def test_each_alert_that_is_claimed_has_the_evidence_of_its_symbol(
    index: ArmedIndex, redis: Redis, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Whatever a step, a call and an entry hold."""
    monkeypatch.setattr("services.alerts.index.claims.CLAIM_BATCH", step)
    monkeypatch.setattr("services.alerts.index.claims.CLAIMS_A_CALL", 4)
    counts = [0, 1, 100, 0, 0, 130, 3, 99, 1, 250, 0]
    names = [f"Ä{place}" for place in range(len(counts))]
    alerts = [
        alert(rises(100 + i / 10) if i % 2 else falls(100 - i / 10), f"{name}-{i}", symbol=name)
        for name, count in zip(names, counts, strict=True)
        for i in range(count)
    ]
    rebuilt(index, alerts, NOW + timedelta(days=5))
    evidences = [evidence(90, 110, symbol=name) for name in names]
    reached = [one for one in alerts if int(one.id.split("-")[1]) <= 100]
    assert index.claim_all(iter(evidences)) == len(reached)
    entries = entries_of(redis)
    assert max(map(len, entries)) <= 100
    assert sorted(name for entry in entries for name, _ in entry) == sorted(
        str(Member.of(one)) for one in reached
    )
    for name, text in (found for entry in entries for found in entry):
        assert Evidence.model_validate_json(text).symbol == name.split("/")[1].split("-")[0]
    assert index.claim_all(evidences) == 0
    assert len(fired(redis)) == len(reached)


def test_claims_of_one_symbol_in_one_call_see_each_other(index: ArmedIndex, redis: Redis) -> None:
    settled(index, alert(rises(100), "A"), alert(rises(101), "B"), alert(falls(90), "C"))
    spans = [(95, 100.5), (95, 101.5), (80, 101.5), (70, 200)]
    assert index.claim_all(evidence(low, high) for low, high in spans) == 3
    assert [
        [(n, Evidence.model_validate_json(e).interval.high) for n, e in entry]
        for entry in entries_of(redis)
    ] == [[("U1/A/1", 100.5), ("U1/B/1", 101.5), ("U1/C/1", 101.5)]]
    assert index.watched() == {}


def test_nothing_is_claimed_from_an_index_built_since(index: ArmedIndex, redis: Redis) -> None:
    rebuilt(index, [alert(rises(100))], NOW + timedelta(days=5))
    before = index.building("replay")
    assert before
    rebuilt(index, [alert(rises(100))], NOW + timedelta(days=5))
    for claim in (
        lambda: index.claim_all([evidence(90, 110)], before),
        lambda: index.claim(evidence(90, 110), building=before),
    ):
        with pytest.raises(WatchError):
            claim()
    assert fired(redis) == []


def test_a_rebuild_does_not_put_back_what_was_armed_after_it_was_read(index: ArmedIndex) -> None:
    def stored() -> Iterator[Alert]:
        yield alert(rises(95), state="waiting")
        index.follow(alert(rises(95), state="armed"))

    rebuilt(index, stored(), None)
    assert [fresh.role for fresh in index.fresh("AAPL").values()] == ["armed"]


def test_a_fresh_alert_is_claimed_once(index: ArmedIndex, redis: Redis) -> None:
    index.follow(alert(rises(100)))
    assert index.claim_fresh("U1/A1/1", evidence(90, 100))
    assert not index.claim_fresh("U1/A1/1", evidence(90, 100))
    assert (fired(redis), index.watched()) == (["U1/A1/1"], {})


def test_following_takes_the_place_of_what_stood_before(index: ArmedIndex) -> None:
    before = alert(rises(100))
    settled(index, before)
    after = alert(DayChangeCondition(kind="day_change_rises_to", level=3), epoch=2)
    index.follow(after, before)
    assert index.watched() == {"AAPL": ["day-change"]}
    index.follow(after.replace(state="paused"), after)
    assert index.watched() == {}


def test_ensuring_leaves_alone_what_stands_right(index: ArmedIndex) -> None:
    one = alert(rises(100))
    settled(index, one)
    index.ensure(one)
    assert index.fresh("AAPL") == {}
    moved = one.replace(condition=rises(50))
    index.ensure(moved)
    assert index.fresh("AAPL") == {"U1/A1/1": Fresh.of(moved)}
    assert index.settled("AAPL") == []
    index.ensure(one.replace(state="triggered"))
    assert index.watched() == {}


@pytest.mark.parametrize("knows_before", [True, False])
def test_a_new_level_is_taken_wherever_the_alert_stands(
    index: ArmedIndex, knows_before: bool
) -> None:
    settled(index, alert(rises(100), "A1"), alert(rises(80), "A2", state="waiting"))
    index.follow(alert(rises(60), "A3"))
    places: list[tuple[str, float, State]] = [
        ("A1", 100, "armed"),
        ("A2", 80, "waiting"),
        ("A3", 60, "armed"),
    ]
    for name, level, state in places:
        before = alert(rises(level), name, state=state)
        after = before.replace(condition=rises(level / 2))
        index.relevel(after, before if knows_before else None)
        assert list(map(bool, index.places([before, after]))) == [False, True]


# Trailing alerts


def test_trailing_alerts_stand_in_the_cohort_of_their_peak(index: ArmedIndex) -> None:
    settled(index, alert(drops(5), "A1"), alert(drops(3), "A2"), peak=105.25)
    settled(index, alert(drops(10), "A3"), peak=110.0)
    assert index.peaks("AAPL", "drawdown") == {105.25: 3.0, 110.0: 10.0}
    assert index.peaks_of([("TSLA", "drawdown"), ("AAPL", "drawdown")]) == {
        ("AAPL", "drawdown"): {105.25: 3.0, 110.0: 10.0}
    }


def test_a_cohort_is_claimed_apart_from_the_others(index: ArmedIndex, redis: Redis) -> None:
    settled(index, alert(drops(5), "A1"), peak=105.25)
    settled(index, alert(drops(5), "A2"), peak=110.0)
    assert index.claim(evidence(0, 7, metric="drawdown", peak=110.0)) == 1
    assert index.claim(evidence(0, 7, metric="drawdown"), peak=107.0) == 0
    assert fired(redis) == ["U1/A2/1"]
    assert index.peaks("AAPL", "drawdown") == {105.25: 5.0}


def test_a_new_high_makes_one_cohort_of_those_below_it(index: ArmedIndex, redis: Redis) -> None:
    for i, peak in enumerate((100.0, 101.0, 102.0, 120.0)):
        settled(index, *(alert(drops(5 + j), f"A{i}-{j}") for j in range(i + 1)), peak=peak)
    index.move_peaks("AAPL", "drawdown", dict.fromkeys((100.0, 101.0, 102.0), 115.0))
    assert index.peaks("AAPL", "drawdown") == {115.0: 5.0, 120.0: 5.0}
    assert index.claim(evidence(0, 50, metric="drawdown", peak=115.0)) == 6
    assert index.watched() == {"AAPL": ["drawdown"]}


def test_a_split_moves_every_peak_even_onto_the_old_place_of_another(index: ArmedIndex) -> None:
    settled(index, alert(drops(5), "A1"), peak=100.0)
    settled(index, alert(drops(6), "A2"), peak=50.0)
    index.move_peaks("AAPL", "drawdown", {100.0: 50.0, 50.0: 25.0})
    assert index.peaks("AAPL", "drawdown") == {25.0: 6.0, 50.0: 5.0}


def test_peaks_move_together_with_what_else_is_in_the_transaction(
    index: ArmedIndex, redis: Redis
) -> None:
    settled(index, alert(drops(5)), peak=100.0)
    with redis.pipeline() as pipe:
        pipe.set("reading:AAPL", "new")
        index.move_peaks("AAPL", "drawdown", {100.0: 105.0}, pipe)
        assert index.peaks("AAPL", "drawdown") == {100.0: 5.0}
        pipe.execute()
    assert index.peaks("AAPL", "drawdown") == {105.0: 5.0}
    assert redis.get("reading:AAPL") == b"new"


def test_a_trailing_alert_is_dropped_from_its_cohort(index: ArmedIndex) -> None:
    settled(index, alert(drops(5)), peak=100.0)
    index.drop("AAPL", "drawdown", Member("U1", "A1", 1))
    assert (index.peaks("AAPL", "drawdown"), index.watched()) == ({}, {})


# Rebuilding


def test_a_rebuild_holds_what_the_store_holds_and_nothing_else(index: ArmedIndex) -> None:
    settled(index, alert(rises(1), "GONE", symbol="OLD"), alert(drops(5), "GONE2"), peak=3.0)
    alerts = [alert(rises(100 + i % 7), f"A{i}", symbol=f"S{i % 5}") for i in range(300)]
    assert rebuilt(index, iter(alerts), NOW + timedelta(days=5)) == 300
    assert index.is_built_for("replay")
    assert not index.is_built_for("yahoo")
    assert all(index.places(alerts))
    assert index.watched() == {f"S{i}": ["price"] for i in range(5)}


@pytest.mark.parametrize(
    ("one", "caught_up", "is_fresh"),
    [
        (alert(rises(9)), None, True),
        (alert(rises(9)), NOW + timedelta(hours=23), True),
        (alert(rises(9)), NOW + timedelta(days=2), False),
        (alert(rises(9), rests_after=date(2026, 3, 4)), NOW + timedelta(days=2), True),
        (alert(drops(9)), NOW + timedelta(days=20), True),
    ],
)
def test_a_rebuild_lets_count_from_their_own_baseline_what_must(
    index: ArmedIndex, one: Alert, caught_up: datetime | None, is_fresh: bool
) -> None:
    rebuilt(index, [one], caught_up)
    assert bool(index.fresh("AAPL")) == is_fresh
    assert index.watched() == {"AAPL": [one.condition.target.metric]}


def test_a_check_keeps_nothing_of_an_index_that_is_being_rebuilt(
    index: ArmedIndex, redis: Redis
) -> None:
    """Redis was restarted and kept all: the index of before is there still, until a rebuild
    empties it step by step."""
    index.rebuild("fixed", [], lambda _: None)
    building = index.building("fixed")
    assert building is not None
    refused = []

    def alerts() -> Iterator[Alert]:
        with redis.pipeline() as pipe, pytest.raises(WatchError):
            index.guard(building, pipe)
        refused.append(building)
        yield from ()

    index.rebuild("fixed", alerts(), lambda _: None)
    assert refused == [building]


def begin_and_die(index: ArmedIndex, redis: Redis) -> None:
    def alerts() -> Iterator[Alert]:
        raise InterruptedError
        yield

    with pytest.raises(InterruptedError):
        index.rebuild("replay", alerts(), lambda _: None)


def empty(index: ArmedIndex, redis: Redis) -> None:
    redis.flushall()


@pytest.mark.parametrize("disturb", [begin_and_die, empty])
def test_a_rebuild_that_another_one_overtook_or_whose_work_was_lost_calls_nothing_built(
    index: ArmedIndex, redis: Redis, disturb: Callable[[ArmedIndex, Redis], None]
) -> None:
    """The lock of checks was lost with Redis: two workers clear and fill the index at once."""

    def alerts() -> Iterator[Alert]:
        yield alert(rises(9))
        disturb(index, redis)
        yield alert(rises(8), "A2")

    with pytest.raises(WatchError):
        index.rebuild("replay", alerts(), lambda _: None)
    assert index.building("replay") is None


def test_a_rebuild_takes_nothing_out_of_a_later_one(index: ArmedIndex) -> None:
    def alerts() -> Iterator[Alert]:
        rebuilt(index, [alert(rises(9))], None)
        yield alert(rises(8), "A2")

    with pytest.raises(WatchError):
        index.rebuild("replay", alerts(), lambda _: None)
    assert index.is_built_for("replay")
    assert [level.level for level in index.fresh("AAPL").values()] == [9]


def test_a_rebuild_leaves_out_alerts_of_another_market_and_keeps_marks(index: ArmedIndex) -> None:
    index.mark("U1", "A1", NOW)
    other = BASELINE.model_copy(update={"source": "yahoo"})
    assert rebuilt(index, [alert(rises(9), baseline=other)], None) == 0
    assert index.watched() == {}
    assert index.marked() == [("U1", "A1")]
