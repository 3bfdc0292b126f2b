"""The index is compared with the store, and made to hold what the store holds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from services.alerts.index import ArmedIndex, Filling, Held, Member
from services.alerts.reconcile import Drift, reconcile
from services.alerts.recorder import Recorder
from services.store.alerts import Alert, Alerts
from services.store.contract import Create, Set, Store
from services.store.sqlite import SqliteStore
from tests.alerts.test_index import NOW, alert, drops, evidence, falls, rises, settled
from workers.queues import RqJobs


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return SqliteStore(tmp_path / "bell.sqlite3")


@pytest.fixture
def index(redis: Redis) -> ArmedIndex:
    return ArmedIndex(redis)


ALERTS = [
    alert(rises(200), "A1"),
    alert(falls(100), "A2"),
    alert(rises(90), "A3", state="waiting", rearm_at=89.5),
    alert(drops(5), "A4"),
    alert(rises(5), "A5", symbol="TSLA"),
]


@pytest.fixture
def kept(store: Store, index: ArmedIndex) -> Iterator[list[Alert]]:
    """Alerts that the store and the index hold alike."""
    store.write(*(Create(one.path, one.fields()) for one in ALERTS))
    index.rebuild("replay", ALERTS, lambda _: NOW + timedelta(days=5))
    yield ALERTS
    assert reconcile(index, "replay", Alerts(store)) == Drift()
    expected = list(Alerts(store).to_index())
    assert all(index.places(expected))


def test_nothing_has_drifted_where_all_is_well(
    store: Store, index: ArmedIndex, kept: list[Alert]
) -> None:
    assert reconcile(index, "replay", Alerts(store)) == Drift()


def test_an_alert_that_the_index_lacks_is_missing(
    store: Store, index: ArmedIndex, kept: list[Alert]
) -> None:
    index.drop("AAPL", "price", Member.of(kept[0]))
    index.drop("TSLA", "price", Member.of(kept[4]))
    assert reconcile(index, "replay", Alerts(store)) == Drift(missing=2)


def test_an_alert_that_is_over_is_extra(store: Store, index: ArmedIndex, kept: list[Alert]) -> None:
    settled(index, alert(rises(7), "GONE"), alert(drops(7), "GONE2"))
    index.follow(alert(rises(7), "GONE3", symbol="IBM"))
    over = kept[4].replace(state="triggered")
    store.write(Set(over.path, over.fields()))
    assert reconcile(index, "replay", Alerts(store)) == Drift(extra=4)
    assert index.symbols() == ["AAPL"]


def test_an_alert_at_another_level_or_twice_is_misplaced(
    store: Store, index: ArmedIndex, redis: Redis, kept: list[Alert]
) -> None:
    index.relevel(kept[0].replace(condition=rises(150)))
    settled(index, kept[4])
    index.follow(kept[3])
    settled(index, kept[3], peak=105.0)
    filling = Filling(redis)
    filling.add_settled(kept[1].replace(condition=falls(50)))
    filling.flush()
    assert reconcile(index, "replay", Alerts(store)) == Drift(misplaced=2)


def test_what_is_claimed_and_not_recorded_is_no_drift(
    store: Store, index: ArmedIndex, redis: Redis, kept: list[Alert]
) -> None:
    assert index.claim(evidence(150, 210)) == 1
    assert reconcile(index, "replay", Alerts(store)) == Drift()
    redis.delete("fired")
    assert reconcile(index, "replay", Alerts(store)) == Drift(missing=1)


def test_what_somebody_is_changing_is_no_drift(
    store: Store, index: ArmedIndex, kept: list[Alert]
) -> None:
    index.drop("AAPL", "price", Member.of(kept[0]))
    settled(index, alert(rises(7), "NEW"))
    index.mark("U1", "A1", NOW)
    index.mark("U1", "NEW", NOW)
    assert reconcile(index, "replay", Alerts(store)) == Drift()
    index.unmark("U1", "A1")
    index.unmark("U1", "NEW")
    assert reconcile(index, "replay", Alerts(store)) == Drift(missing=1, extra=1)


def test_an_alert_that_rang_and_goes_on_is_no_drift_before_the_index_follows(
    store: Store, index: ArmedIndex, redis: Redis, kept: list[Alert]
) -> None:
    assert index.claim(evidence(150, 210)) == 1
    goes_on = kept[0].replace(epoch=2, state="waiting", frequency="every", rearm_at=199.0)
    store.write(Set(goes_on.path, goes_on.fields()))
    assert reconcile(index, "replay", Alerts(store)) == Drift()
    index.follow_rung([goes_on, kept[1].replace(state="triggered")])
    redis.delete("fired")
    assert index.fresh("AAPL").keys() == {"U1/A1/2", "U1/A4/1"}


def test_an_alert_that_goes_on_while_the_stream_is_looked_at_is_no_drift(
    store: Store,
    index: ArmedIndex,
    redis: Redis,
    kept: list[Alert],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert index.claim(evidence(150, 210)) == 1
    goes_on = kept[0].replace(epoch=2, state="waiting", frequency="every", rearm_at=199.0)
    store.write(Set(goes_on.path, goes_on.fields()))
    claimed = index.claimed

    def followed_meanwhile() -> set[str]:
        if redis.delete("fired"):
            index.follow_rung([goes_on])
        return claimed()

    monkeypatch.setattr(index, "claimed", followed_meanwhile)
    assert reconcile(index, "replay", Alerts(store)) == Drift()


def test_an_alert_that_changes_while_the_index_is_looked_through_is_no_drift(
    store: Store, index: ArmedIndex, kept: list[Alert], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is seen at a place where it is not any more when the store is asked."""
    gone = alert(rises(500), "A9")
    index.follow(gone)
    held = index.held

    def change(level: float) -> None:
        changed = kept[0].replace(condition=rises(level))
        store.write(Set(changed.path, changed.fields()))
        index.follow(changed, thorough=True)

    def changed_meanwhile(symbol: str) -> list[Held]:
        monkeypatch.setattr(index, "held", held)
        change(301)
        seen = list(held(symbol))
        change(302)
        return seen

    monkeypatch.setattr(index, "held", changed_meanwhile)
    assert reconcile(index, "replay", Alerts(store)) == Drift(extra=1)
    assert reconcile(index, "replay", Alerts(store)) == Drift()


def test_nothing_drifts_while_checks_claim_and_record(
    store: Store, index: ArmedIndex, redis: Redis
) -> None:
    """Each check reaches two more levels of every symbol."""
    alerts = [
        alert(rises(100 + i // 5), f"A{i}", symbol=f"S{i % 5}").replace(
            frequency=("once", "daily", "every")[i % 3], armed_at=NOW
        )
        for i in range(200)
    ]
    store.write(*(Create(one.path, one.fields()) for one in alerts))
    index.rebuild("replay", alerts, lambda _: NOW + timedelta(days=5))
    recorder = Recorder(redis, index, store, RqJobs(redis))

    def check() -> int:
        rung = 0
        for high in range(101, 140, 2):
            index.claim_all([evidence(99, high, symbol=f"S{i}") for i in range(5)])
            rung += recorder.drain()
        return rung

    with ThreadPoolExecutor(1) as pool:
        checks = pool.submit(check)
        drifts = [reconcile(index, "replay", Alerts(store))]
        while not checks.done():
            drifts.append(reconcile(index, "replay", Alerts(store)))
        assert checks.result() == 200
    assert not any(drifts)
    assert reconcile(index, "replay", Alerts(store)) == Drift()
