"""Setting alerts of every kind, changing them, their limit, splits and dead symbols."""

import contextlib
from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from redis import Redis

from services.alerts.arming import KEEP, Arming
from services.alerts.conditions import (
    AverageCondition,
    Condition,
    DayChangeCondition,
    EarningsCondition,
    MoveCondition,
    PriceCondition,
    RsiCondition,
    TrailingCondition,
    VolumeCondition,
)
from services.alerts.history import History
from services.alerts.index import ArmedIndex, Member
from services.alerts.intervals import Reading
from services.errors import AlreadyTrue, InvalidInput, LimitReached, NotFound
from services.live.triggers import stream_of
from services.market.models import Bar, Split
from services.store.alerts import Alert
from services.store.contract import Set
from tests.support.bell import Bell
from tests.support.market import MONDAY

RSI_70 = RsiCondition(kind="rsi_rises_to", level=70)
DAY = timedelta(days=1)


def rising(days: int) -> History:
    """Closes from 100 - days up to 99, a session a day, before MONDAY's."""
    bars = []
    for number in range(days, 0, -1):
        start, price = MONDAY - number * DAY, 100.0 - number
        bars.append(
            Bar(
                start=start, session=start.date(), open=price, high=price, low=price,
                close=price, volume=1_000,
            )
        )  # fmt: skip
    return History(tuple(bars))


def triggers_of(bell: Bell, alert: Alert) -> list[str]:
    return [trigger.id for trigger in bell.services.triggers.page(bell.uid, None, 50, alert.id)[0]]


# Already true (rule 4)


def test_an_alert_whose_metric_is_there_already_is_refused_with_its_value(bell: Bell) -> None:
    with pytest.raises(AlreadyTrue) as refusal:
        bell.alert_on(RSI_70, facts=bell.facts(history=rising(30)))
    assert refusal.value.value == 100
    assert bell.services.alerts.count(bell.uid) == 0


def test_an_alert_with_too_little_history_is_armed_until_there_is_enough(bell: Bell) -> None:
    assert bell.alert_on(RSI_70, facts=bell.facts(history=rising(3))).state == "armed"
    assert bell.alert_on(RSI_70).state == "armed"
    assert bell.alert_on(EarningsCondition(kind="earnings_within", days=7)).state == "armed"


def test_fire_now_tells_the_metric_s_value_not_the_price(bell: Bell) -> None:
    earnings = EarningsCondition(kind="earnings_within", days=7)
    facts = bell.facts(earnings=bell.at.date() + 5 * DAY)
    alert = bell.alert_on(earnings, facts=facts, if_true="fire_now")
    (trigger,) = bell.triggers()
    assert (trigger.value, trigger.low, trigger.high, trigger.price) == (5, 5, 5, 100)
    assert alert.state == "triggered"
    assert bell.jobs.dispatched == [bell.uid]
    assert bell.services.redis.xlen(stream_of(bell.uid)) == 1  # for pages that are open


def test_fire_now_leaves_a_daily_alert_armed_for_the_next_session(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 90, if_true="fire_now", frequency="daily")
    assert (alert.state, alert.epoch, alert.rests_after) == ("armed", 2, bell.at.date())
    assert triggers_of(bell, alert) == [f"{alert.id}-1"]


def test_fire_now_leaves_one_of_every_crossing_waiting_beyond_its_margin(bell: Bell) -> None:
    options: dict[str, Any] = {"if_true": "fire_now", "frequency": "every", "rearm_margin": 10}
    alert = bell.alert("price_rises_to", 90, **options)
    assert (alert.state, alert.epoch, alert.rearm_at) == ("waiting", 2, 81)
    assert alert.baseline == Reading.of(bell.facts().quote)


def test_wait_watches_the_level_itself(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 90, if_true="wait")
    assert (alert.state, alert.rearm_at, alert.watched_level) == ("waiting", None, 90)


def test_a_trailing_alert_is_never_true_when_it_is_set(bell: Bell) -> None:
    assert bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=0.1)).state == "armed"


def test_arming_a_waiting_alert_forgets_the_margin(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 90, if_true="fire_now", frequency="every")
    now = bell.later()
    below = Reading.of(bell.market.set("AAPL", 85.0, now))
    member = next(iter(ArmedIndex(bell.services.redis).fresh("AAPL")))
    assert bell.services.arming.arm_waiting(Member.parse(member), 89.55, below, MONDAY, now)
    armed = bell.now_of(alert)
    assert (armed.state, armed.epoch, armed.rearm_at) == ("armed", 2, None)
    assert armed.watched_level == 90


# What may be asked for


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (DayChangeCondition(kind="day_change_rises_to", level=5), "condition.kind"),
        (TrailingCondition(kind="falls_from_peak", percent=5), "condition.kind"),
        (MoveCondition(kind="moves_by", percent=5, window="1h"), "condition.kind"),
        (AverageCondition(kind="crosses_average", days=50, direction="up"), "condition.kind"),
    ],
)
def test_per_cents_of_a_price_of_nothing_are_refused(
    bell: Bell, condition: Condition, field: str
) -> None:
    bell.price(-37.63, symbol="CL=F")
    with pytest.raises(InvalidInput) as refusal:
        bell.alert_on(condition, symbol="CL=F")
    assert refusal.value.field == field


def test_a_future_below_zero_takes_levels_and_indicators(bell: Bell) -> None:
    bell.price(-37.63, symbol="CL=F")
    bell.alert("price_falls_to", -40, symbol="CL=F")
    bell.alert_on(RSI_70, symbol="CL=F")
    bell.alert_on(VolumeCondition(kind="volume_reaches", ratio=2), symbol="CL=F")


@pytest.mark.parametrize("level", [0, -1.0])
def test_a_share_never_falls_to_nothing(bell: Bell, level: float) -> None:
    with pytest.raises(InvalidInput):
        bell.alert("price_falls_to", level)


@pytest.mark.parametrize("before", [timedelta(0), timedelta(seconds=1)])
def test_an_expiry_that_has_passed_is_refused(bell: Bell, before: timedelta) -> None:
    with pytest.raises(InvalidInput) as refusal:
        bell.alert("price_rises_to", 110, expires_at=bell.at - before)
    assert refusal.value.field == "expires_at"


@pytest.mark.parametrize("margin", [-0.1, 50.1, float("nan"), float("inf")])
def test_a_margin_beyond_reason_is_refused(bell: Bell, margin: float) -> None:
    with pytest.raises(InvalidInput) as refusal:
        bell.alert("price_rises_to", 110, frequency="every", rearm_margin=margin)
    assert refusal.value.field == "rearm_margin"


# Changing without arming anew


def test_amending_arms_nothing_anew(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110)
    until = bell.at + 30 * DAY
    changed = bell.services.arming.amend(
        bell.uid, alert.id, bell.later(), note=" sell ", frequency="daily", expires_at=until
    )
    assert (changed.note, changed.frequency, changed.expires_at) == ("sell", "daily", until)
    assert (changed.epoch, changed.baseline, changed.state) == (1, alert.baseline, "armed")
    assert changed == bell.now_of(alert)
    (fresh,) = ArmedIndex(bell.services.redis).fresh("AAPL").values()
    assert fresh.expires_at == until
    assert bell.services.arming._index.marked() == []


def test_amending_nothing_keeps_everything(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110, expires_at=bell.at + DAY)
    assert bell.services.arming.amend(bell.uid, alert.id, bell.at) == alert
    assert bell.services.arming.amend(bell.uid, alert.id, bell.at, expires_at=KEEP) == alert
    amended = bell.services.arming.amend(bell.uid, alert.id, bell.at, expires_at=None)
    assert amended.expires_at is None


def test_an_expired_alert_is_armed_again_only_with_a_new_expiry(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110, expires_at=bell.at + DAY)
    bell.later(3 * 24 * 60)
    arming = bell.services.arming
    assert arming.expire(bell.uid, alert.id, bell.at)
    with pytest.raises(InvalidInput) as refusal:
        arming.rearm(bell.uid, alert.id, bell.facts(), bell.at)
    assert refusal.value.field == "expires_at"
    again = arming.rearm(bell.uid, alert.id, bell.facts(), bell.at, expires_at=None)
    assert (again.state, again.epoch) == ("armed", 2)


def test_what_is_not_there_cannot_be_amended(bell: Bell) -> None:
    with pytest.raises(NotFound):
        bell.services.arming.amend(bell.uid, "none", bell.at, note="x")


# The limit


def limited(bell: Bell, most: int) -> Arming:
    return Arming(bell.services.store, bell.services.redis, bell.jobs, most)


RISES = PriceCondition(kind="price_rises_to", level=110)


def test_the_limit_is_kept_and_counts_what_is_there(bell: Bell) -> None:
    arming = limited(bell, 3)
    made = [arming.create(bell.uid, bell.facts(), RISES, bell.at) for _ in range(3)]
    with pytest.raises(LimitReached, match="3 alerts"):
        arming.create(bell.uid, bell.facts(), RISES, bell.at)
    for _ in range(5):
        arming.delete(bell.uid, made.pop().id, bell.at)
        made.append(arming.create(bell.uid, bell.facts(), RISES, bell.at))
        with pytest.raises(LimitReached):
            arming.create(bell.uid, bell.facts(), RISES, bell.at)
    assert bell.services.alerts.count(bell.uid) == 3


def test_alerts_from_before_there_was_a_gate_count(bell: Bell) -> None:
    arming = limited(bell, 2)
    made = [arming.create(bell.uid, bell.facts(), RISES, bell.at) for _ in range(2)]
    bell.services.store.write(Set(f"users/{bell.uid}/gates/alerts", {"passed": "x"}))
    with pytest.raises(LimitReached):
        arming.create(bell.uid, bell.facts(), RISES, bell.at)
    arming.delete(bell.uid, made[0].id, bell.at)
    arming.create(bell.uid, bell.facts(), RISES, bell.at)


def test_many_at_once_do_not_pass_the_limit(bell: Bell) -> None:
    arming, barrier, facts = limited(bell, 5), Barrier(8), bell.facts()
    made: list[str] = []

    def create() -> None:
        barrier.wait()
        with contextlib.suppress(LimitReached):
            made.append(arming.create(bell.uid, facts, RISES, bell.at).id)

    threads = [Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == bell.services.alerts.count(bell.uid) == 5


@pytest.mark.parametrize(
    ("most", "wanted"), [(20, 100), pytest.param(1_000, 10_000, marks=pytest.mark.slow)]
)
def test_many_alerts_of_one_person_end_at_the_limit(bell: Bell, most: int, wanted: int) -> None:
    arming, facts, refused = limited(bell, most), bell.facts(), 0
    for _ in range(wanted):
        try:
            arming.create(bell.uid, facts, RISES, bell.at)
        except LimitReached:
            refused += 1
    assert (bell.services.alerts.count(bell.uid), refused) == (most, wanted - most)
    assert arming._index.marked() == [], "checks look for none of the refused"


def test_a_gate_that_counts_too_many_is_put_right(bell: Bell) -> None:
    bell.services.store.write(Set(f"users/{bell.uid}/gates/alerts", {"at_most": 1_000}))
    for _ in range(3):
        bell.alert("price_rises_to", 110)
    gate = bell.services.store.get(f"users/{bell.uid}/gates/alerts")
    assert gate is not None
    assert gate.fields == {"at_most": 3}


def test_by_default_a_person_can_have_a_thousand(bell: Bell) -> None:
    assert bell.services.settings.max_alerts == 1_000


# Splits and dead symbols


def overnight(bell: Bell, ratio: float = 2.0) -> Split:
    bell.later(24 * 60)
    return Split(symbol="AAPL", session=bell.at.date(), ratio=ratio)


def test_a_split_moves_the_level_of_rearming_too(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 90, if_true="fire_now", frequency="every")
    bell.services.arming.adjust_for_split(overnight(bell), bell.at)
    moved = bell.now_of(alert)
    assert (moved.condition.target.level, moved.rearm_at) == (45, pytest.approx(44.775))


def test_a_split_leaves_per_cents_alone_and_tells_only_whose_level_moved(bell: Bell) -> None:
    price = bell.alert("price_rises_to", 120)
    trailing = bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=5))
    change = bell.alert_on(DayChangeCondition(kind="day_change_rises_to", level=5))
    split = overnight(bell)
    assert bell.services.arming.adjust_for_split(split, bell.at) == 1
    assert bell.now_of(price).condition.target.level == 60
    assert bell.now_of(trailing) == trailing
    assert bell.now_of(change) == change
    bell.services.arming.adjust_for_split(split, bell.at)
    assert bell.jobs.notices == [("split", bell.uid, (price.id,))]


def test_dead_symbols_are_paused_and_told_once(bell: Bell, redis: Redis) -> None:
    alerts = [bell.alert("price_rises_to", 110 + number) for number in range(3)]
    bell.services.arming.pause(bell.uid, alerts[2].id, bell.at)
    bell.price(50, symbol="MSFT")
    other = bell.alert("price_rises_to", 60, symbol="MSFT")
    pause = bell.services.arming.pause_dead
    assert pause("AAPL", date(2026, 5, 12), bell.later()) == 2
    because = bell.now_of(alerts[0]).paused_because
    assert because is not None
    assert because.startswith("No prices of AAPL since 12 May 2026.")
    assert bell.now_of(alerts[2]).paused_because is None
    assert bell.now_of(other).state == "armed"
    assert ArmedIndex(redis).symbols() == ["MSFT"]
    assert pause("AAPL", date(2026, 5, 12), bell.later()) == 0
    (notice,) = bell.jobs.notices
    assert notice[:2] == ("paused", bell.uid)
    assert sorted(notice[2]) == [alerts[0].id, alerts[1].id]


def test_a_trigger_is_as_urgent_as_its_alert_was(bell: Bell) -> None:
    bell.alert("price_rises_to", 90, if_true="fire_now", urgent=True)
    (trigger,) = bell.triggers()
    assert trigger.urgent


def test_whether_an_alert_is_urgent_is_changed_without_arming_it_anew(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110)
    assert not alert.urgent
    after = bell.services.arming.amend(bell.uid, alert.id, bell.at, urgent=True)
    assert (after.urgent, after.epoch, after.state) == (True, alert.epoch, "armed")
    bell.check_at(111)
    assert [trigger.urgent for trigger in bell.triggers()] == [True]


def test_an_alert_of_before_is_not_urgent(bell: Bell) -> None:
    fields = bell.alert("price_rises_to", 110).fields()
    del fields["urgent"]
    assert not Alert.model_validate({**fields, "uid": "U", "id": "A"}).urgent
