"""Rule 5: what becomes of an alert after its trigger."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.conditions import (
    Condition,
    DayChangeCondition,
    EarningsCondition,
    MoveCondition,
    PriceCondition,
    RsiCondition,
    TrailingCondition,
)
from services.alerts.evidence import Evidence
from services.alerts.intervals import Interval, Reading, Step
from services.alerts.ringing import rung, trigger_of
from services.store.alerts import Alert
from tests.support.market import MONDAY, make_quote

BEFORE = Reading.of(make_quote(price=100.0))
LATER = MONDAY + timedelta(minutes=5)
TOUCHED = PriceCondition(kind="price_rises_to", level=110)


def alert(condition: Condition = TOUCHED, **fields: Any) -> Alert:
    return Alert(
        uid="U",
        id="A",
        **{
            "symbol": "AAPL",
            "condition": condition,
            "state": "armed",
            "epoch": 3,
            "created_at": MONDAY,
            "updated_at": MONDAY,
            "armed_at": MONDAY,
            "baseline": BEFORE,
        }
        | fields,
    )


def covering(metric: str, low: float, high: float, **fields: Any) -> Evidence:
    """The metric went from `low` to `high` until LATER."""
    steps = (Step(at=MONDAY, value=low), Step(at=LATER, value=high))
    present = Reading.of(make_quote(price=108.0, as_of=LATER, fetched_at=LATER))
    plain = {
        "symbol": "AAPL",
        "metric": metric,
        "interval": Interval(since=MONDAY, until=LATER, rises=steps, falls=steps[:1]),
        "present": present,
        "noticed_at": LATER,
    }
    return Evidence(**{**plain, **fields})


def after(armed: Alert, evidence: Evidence) -> Alert:
    trigger = trigger_of(armed, evidence)
    assert trigger is not None
    return rung(armed, trigger, evidence.present)


def test_once_is_done() -> None:
    done = after(alert(), covering("price", 100, 111))
    assert (done.state, done.epoch, done.baseline) == ("triggered", 3, None)
    assert done.last_trigger == "A-3"
    assert trigger_of(done, covering("price", 100, 111)) is None


def test_daily_is_armed_at_once_and_rests_for_the_session() -> None:
    again = after(alert(frequency="daily"), covering("price", 100, 111))
    assert (again.state, again.epoch, again.last_trigger) == ("armed", 4, "A-3")
    assert again.rests_after == again.baseline.session == MONDAY.date()  # type: ignore[union-attr]


def test_daily_rings_once_a_session() -> None:
    again = after(alert(frequency="daily"), covering("price", 100, 111))
    same_day = _evidence_from(again, hours=2)
    next_day = _evidence_from(again, hours=24)
    assert trigger_of(again, same_day) is None
    second = trigger_of(again, next_day)
    assert second is not None
    assert second.id == "A-4"


def _evidence_from(armed: Alert, hours: float) -> Evidence:
    assert armed.baseline
    at = armed.baseline.as_of + timedelta(hours=hours)
    step = Step(at=at, value=112)
    return covering(
        "price",
        100,
        111,
        interval=Interval(since=armed.baseline.as_of, until=at, rises=(step,), falls=(step,)),
        present=Reading.of(make_quote(price=112.0, as_of=at, fetched_at=at)),
    )


def test_every_waits_until_the_metric_has_gone_back_by_the_margin() -> None:
    waiting = after(alert(frequency="every"), covering("price", 100, 111))
    assert (waiting.state, waiting.epoch, waiting.armed_at) == ("waiting", 4, None)
    assert waiting.rearm_at == waiting.watched_level == pytest.approx(109.45)
    assert waiting.baseline == covering("price", 100, 111).present
    assert trigger_of(waiting.replace(state="armed"), covering("price", 100, 111)) is None


@pytest.mark.parametrize(
    ("condition", "margin", "level"),
    [
        (PriceCondition(kind="price_rises_to", level=200), 0.5, 199),
        (PriceCondition(kind="price_falls_to", level=200), 0.5, 201),
        (PriceCondition(kind="price_falls_to", level=-40), 0.5, -39.8),
        (PriceCondition(kind="price_rises_to", level=-40), 50, -60),
        (PriceCondition(kind="price_rises_to", level=200), 0, 200),
        (DayChangeCondition(kind="day_change_rises_to", level=0), 50, 0),
        (DayChangeCondition(kind="day_change_falls_to", level=-5), 10, -4.5),
        (RsiCondition(kind="rsi_rises_to", level=70), 0.5, 69.65),
        (EarningsCondition(kind="earnings_within", days=7), 0.5, 7.035),
        (MoveCondition(kind="moves_by", percent=4, window="1h"), 0.5, 3.98),
    ],
)
def test_the_margin_is_a_per_cent_of_the_level_s_size(
    condition: Condition, margin: float, level: float
) -> None:
    assert condition.target.rearm_level(margin) == pytest.approx(level)


@given(
    level=st.floats(-1e12, 1e12),
    margin=st.floats(0, 50),
    kind=st.sampled_from(["price_rises_to", "price_falls_to"]),
)
def test_what_is_back_beyond_the_margin_is_not_true_any_more(
    level: float, margin: float, kind: Any
) -> None:
    target = PriceCondition(kind=kind, level=level).target
    back = target.rearm_level(margin)
    beyond = back - 1e-6 if target.direction == "rise" else back + 1e-6
    assert not target.reached_by(beyond) or beyond == back or abs(level) > 1e9


@pytest.mark.parametrize("frequency", ["daily", "every"])
def test_a_trailing_alert_starts_anew_at_the_present_price(frequency: Any) -> None:
    trailing = alert(TrailingCondition(kind="falls_from_peak", percent=5), frequency=frequency)
    found = covering("drawdown", 0, 5.5, peak=114.0)
    again = after(trailing, found)
    assert (again.state, again.epoch, again.rearm_at) == ("armed", 4, None)
    assert again.baseline == found.present
    assert (again.rests_after is not None) is (frequency == "daily")


def test_what_came_true_before_the_expiry_rings_though_it_is_noticed_later() -> None:
    in_time = alert(expires_at=LATER)
    assert trigger_of(in_time, covering("price", 100, 111, noticed_at=LATER + timedelta(days=2)))


def test_what_came_true_after_the_expiry_rings_nothing() -> None:
    too_late = alert(expires_at=LATER - timedelta(seconds=1))
    assert trigger_of(too_late, covering("price", 100, 111)) is None


def test_evidence_of_another_metric_rings_nothing() -> None:
    extended = PriceCondition(kind="price_rises_to", level=110, extended=True)
    assert trigger_of(alert(extended), covering("price", 100, 111)) is None
    assert trigger_of(alert(extended), covering("price+extended", 100, 111))


def test_evidence_that_begins_before_the_baseline_rings_nothing() -> None:
    later = BEFORE.model_copy(update={"as_of": MONDAY + timedelta(minutes=1)})
    assert trigger_of(alert(baseline=later), covering("price", 100, 111)) is None
