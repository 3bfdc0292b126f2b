"""One check after another, on a real store and Redis: what rings, when, and how often."""

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from services.alerts import symbol_check
from services.alerts.conditions import DayChangeCondition, TrailingCondition
from services.alerts.facts import Facts
from services.alerts.index import ArmedIndex
from services.alerts.symbol_check import SymbolCheck
from services.errors import AlreadyTrue, RateLimited, SourceUnavailable
from services.market.models import Split
from tests.support.bell import Bell


def test_a_level_reached_by_the_present_price_rings_once(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110)
    assert bell.check_at(109.99).recorded == 0
    assert bell.check_at(110, day_high=110).recorded == 1
    assert bell.check_at(115, day_high=115).recorded == 0
    (trigger,) = bell.triggers()
    assert trigger.id == f"{alert.id}-1"
    assert bell.now_of(alert).state == "triggered"


def test_a_level_touched_between_two_checks_rings_though_the_price_is_back(bell: Bell) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.check_at(104, day_high=110)
    (trigger,) = bell.triggers()
    assert (trigger.value, trigger.price, trigger.high) == (110, 104, 110)


def test_a_day_high_made_before_the_alert_was_set_rings_nothing(bell: Bell) -> None:
    bell.price(100, day_high=120)
    bell.alert("price_rises_to", 110)
    for price in (101, 99, 105):
        bell.check_at(price, day_high=120)
    assert bell.triggers() == []


def test_a_day_low_reached_after_the_last_check_but_before_the_alert_rings_nothing(
    bell: Bell,
) -> None:
    bell.alert("price_falls_to", 50)
    bell.check_at(100)
    bell.later(2)
    bell.price(100, day_low=79)
    bell.alert("price_falls_to", 80)
    bell.check_at(100, minutes=3, day_low=79)
    assert bell.triggers() == []


def test_a_level_that_the_quote_cannot_decide_is_looked_up_in_minute_bars(bell: Bell) -> None:
    bell.price(100, day_high=120)
    bell.alert("price_rises_to", 110)
    bell.check_at(101, day_high=120)
    bell.later(5)
    bell.price(102, day_high=120)
    bell.minute_bar(2, 101, 111)
    bell.check()
    (trigger,) = bell.triggers()
    assert trigger.high == 111
    assert trigger.occurred_at == bell.at - timedelta(minutes=2)


def test_only_undecided_symbols_cost_a_request_for_bars(bell: Bell) -> None:
    bell.alert("price_rises_to", 150)
    bell.check_at(100)
    bell.check_at(101)
    assert bell.upstream("bars") == []
    assert len(bell.upstream("quotes")) == 3


def test_what_readings_prove_is_claimed_without_another_look_at_a_symbol(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    symbols = ["AAPL", "IBM", "MSFT", "NVDA"]
    for symbol in symbols:
        bell.price(100, symbol)
        bell.alert("price_rises_to", 110, symbol)
        bell.alert("price_falls_to", 95, symbol)
    bell.later()
    for symbol in symbols:
        bell.price(100, symbol)
    bell.check()
    monkeypatch.setattr(SymbolCheck, "check_settled", _die)
    bell.later()
    for symbol, price in zip(symbols, (110, 95, 100, 111), strict=True):
        bell.price(price, symbol)
    report = bell.check()
    assert (report.claimed, report.recorded) == (3, 3)
    rung = {(trigger.symbol, trigger.value) for trigger in bell.triggers()}
    assert rung == {("AAPL", 110.0), ("IBM", 95.0), ("NVDA", 111.0)}


def test_all_metrics_of_a_symbol_ring_in_one_check(bell: Bell) -> None:
    bell.alert("price_rises_to", 110)
    bell.alert_on(DayChangeCondition(kind="day_change_rises_to", level=5))
    bell.check_at(100, previous_close=100)
    report = bell.check_at(111, previous_close=100)
    assert report.recorded == 2


def test_the_evidence_says_what_happened(bell: Bell) -> None:
    bell.alert("price_falls_to", 90, note="buy")
    bell.check_at(95)
    bell.check_at(89, day_low=88)
    (trigger,) = bell.triggers()
    assert (trigger.symbol, trigger.level, trigger.value) == ("AAPL", 90, 88)
    assert (trigger.low, trigger.high, trigger.currency) == (88, 95, "USD")
    assert (trigger.occurred_at, trigger.noticed_at) == (bell.at, bell.at)
    assert (trigger.source, trigger.note) == ("fixed", "buy")
    assert bell.jobs.dispatched == [bell.uid]


def test_an_alert_that_is_true_already_is_refused_with_the_present_value(bell: Bell) -> None:
    with pytest.raises(AlreadyTrue) as refusal:
        bell.alert("price_rises_to", 100)
    assert refusal.value.value == 100
    assert bell.services.alerts.page(bell.uid)[0] == []


def test_fire_now_rings_at_once_and_only_once(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 95, if_true="fire_now")
    bell.check_at(101)
    (trigger,) = bell.triggers()
    assert (trigger.value, trigger.low, trigger.high) == (100, 100, 100)
    assert bell.now_of(alert).state == "triggered"


def test_waiting_rings_only_after_the_price_was_on_the_other_side(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 95, if_true="wait")
    bell.check_at(101)
    assert bell.now_of(alert).state == "waiting"
    bell.check_at(94, day_low=94)
    assert (bell.now_of(alert).state, bell.now_of(alert).epoch) == ("armed", 1)
    assert bell.triggers() == []
    bell.check_at(96, day_low=94)
    assert [trigger.epoch for trigger in bell.triggers()] == [1]


def test_waiting_rings_when_the_price_went_over_and_came_back_between_two_checks(
    bell: Bell,
) -> None:
    bell.alert("price_falls_to", 105, if_true="wait")
    bell.check_at(101)
    bell.check_at(102, day_high=106)
    assert len(bell.triggers()) == 1


def test_waiting_is_not_ended_by_a_price_from_before_the_alert(bell: Bell) -> None:
    bell.price(100, day_low=90)
    alert = bell.alert("price_rises_to", 95, if_true="wait")
    bell.check_at(101, day_low=90)
    assert bell.now_of(alert).state == "waiting"


def test_touching_the_level_from_the_true_side_does_not_arm(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 95, if_true="wait")
    bell.check_at(95, day_low=95)
    assert bell.now_of(alert).state == "waiting"


def test_a_paused_alert_is_silent_and_resumes_with_the_next_epoch(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110)
    bell.services.arming.pause(bell.uid, alert.id, bell.at)
    bell.check_at(111)
    bell.check_at(100, day_high=111)
    assert bell.triggers() == []
    quote = bell.provider.quotes(["AAPL"], bell.at)["AAPL"]
    assert bell.services.arming.rearm(bell.uid, alert.id, Facts(quote), bell.at).epoch == 2
    bell.check_at(112, day_high=112)
    assert [trigger.id for trigger in bell.triggers()] == [f"{alert.id}-2"]


def test_a_changed_level_counts_from_the_change_on(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110)
    bell.check_at(105)
    quote = bell.provider.quotes(["AAPL"], bell.at)["AAPL"]
    higher = alert.condition.model_copy(update={"level": 120.0})
    bell.services.arming.rearm(bell.uid, alert.id, Facts(quote), bell.at, condition=higher)
    bell.check_at(115)
    assert bell.triggers() == []
    bell.check_at(120)
    assert [trigger.level for trigger in bell.triggers()] == [120]


def test_a_deleted_alert_is_silent_and_its_symbol_is_fetched_no_more(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.services.arming.delete(bell.uid, alert.id, bell.at)
    bell.market.asked.clear()
    assert bell.check_at(111).symbols == 0
    assert bell.triggers() == []
    assert bell.upstream("quotes") == []


def test_checking_twice_changes_nothing(bell: Bell) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(111)
    before = bell.triggers()
    bell.check()
    assert bell.triggers() == before


@pytest.mark.slow
def test_more_alerts_on_one_level_than_a_claim_takes_all_ring(bell: Bell) -> None:
    for _ in range(600):
        bell.alert("price_rises_to", 110)
    assert bell.check_at(110).recorded == 600


# Bad data (rule 8)


def test_a_dead_symbol_rings_nothing_and_says_so(bell: Bell) -> None:
    bell.alert("price_falls_to", 50)
    bell.later()
    del bell.market.quotes_of["AAPL"]
    assert bell.check().unchecked == {"AAPL": "no price"}
    note = bell.services.readings.unchecked(["AAPL"])["AAPL"]
    assert (note.since, note.reason) == (bell.at, "no price")


def test_since_when_a_symbol_is_unchecked_is_kept_until_it_is_seen_again(bell: Bell) -> None:
    bell.alert("price_falls_to", 50)
    bell.market.error = RateLimited("Yahoo asked us to slow down.")
    first = bell.later()
    bell.check()
    bell.later()
    bell.check()
    assert bell.services.readings.unchecked(["AAPL"])["AAPL"].since == first
    bell.market.error = None
    bell.check_at(100)
    assert bell.services.readings.unchecked(["AAPL"]) == {}


def test_what_happened_while_the_source_was_limited_rings_afterwards(bell: Bell) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.market.error = SourceUnavailable("no answer")
    bell.later()
    assert bell.check().unchecked == {"AAPL": "no answer"}
    bell.market.error = None
    bell.check_at(101, day_high=112)
    assert len(bell.triggers()) == 1


def test_an_older_quote_than_the_one_seen_rings_nothing(bell: Bell) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.later()
    bell.price(111, as_of=bell.at - timedelta(minutes=6))
    assert bell.check().unchecked == {"AAPL": "older"}
    assert bell.triggers() == []


def test_a_stale_quote_in_open_market_rings_nothing(bell: Bell) -> None:
    bell.alert("price_rises_to", 110)
    bell.later(60)
    bell.price(111, as_of=bell.at - timedelta(minutes=21))
    assert bell.check().unchecked == {"AAPL": "stale"}


def test_a_feed_that_flips_from_pence_to_pounds_rings_nothing(bell: Bell) -> None:
    bell.price(308.8, "OCDO.L", currency="GBp", day_low=308, day_high=315)
    bell.alert("price_falls_to", 200, "OCDO.L")
    bell.later()
    bell.price(309, "OCDO.L", currency="GBp", day_low=308, day_high=315)
    bell.check()
    bell.later()
    bell.price(3.09, "OCDO.L", currency="GBP", day_low=3.08, day_high=3.15)
    assert bell.check().unchecked == {"OCDO.L": "currency changed"}
    assert bell.triggers() == []


def test_a_jump_that_a_second_fetch_does_not_see_rings_nothing(bell: Bell) -> None:
    bell.alert("price_falls_to", 60)
    bell.check_at(100)
    bell.later()
    real = bell.market.quotes
    bell.price(50, day_low=50)

    def flicker(symbols: list[str], now: object) -> object:
        answer = real(symbols, bell.at)
        bell.price(100)
        return answer

    bell.market.quotes = flicker  # type: ignore[method-assign, assignment]
    report = bell.check()
    assert report.unchecked == {"AAPL": "a jump that a second look did not confirm"}
    assert bell.triggers() == []


def test_a_jump_in_the_first_check_after_an_alert_was_set_needs_confirmation_too(
    bell: Bell,
) -> None:
    bell.alert("price_falls_to", 60)
    bell.check_at(50, day_low=50)
    assert bell.upstream("quotes")[-2:] == [["AAPL"], ["AAPL"]]
    assert len(bell.triggers()) == 1


def test_a_jump_that_a_second_fetch_confirms_rings(bell: Bell) -> None:
    bell.alert("price_falls_to", 60)
    bell.check_at(100)
    assert bell.check_at(50, day_low=50).recorded == 1


# Splits (rule 9)


def test_a_split_moves_the_level_and_rings_nothing(bell: Bell) -> None:
    alert = bell.alert("price_falls_to", 80)
    bell.check_at(101)
    bell.later(24 * 60)
    split = Split(symbol="AAPL", session=bell.at.date(), ratio=2.0)
    bell.market.splits_of["AAPL"] = [split]
    bell.price(51, day_low=50, day_high=52, previous_close=50.5)
    bell.check()
    assert bell.triggers() == []
    after = bell.now_of(alert)
    assert (after.state, after.condition.level) == ("armed", 40)
    (adjustment,) = after.adjustments
    assert (adjustment.level_before, adjustment.level_after) == (80, 40)
    bell.check_at(39.9, day_low=39.9, day_high=52, previous_close=50.5)
    assert [trigger.level for trigger in bell.triggers()] == [40]


def test_a_split_is_applied_once_however_often_it_is_seen(bell: Bell) -> None:
    alert = bell.alert("price_falls_to", 80)
    bell.check_at(101)
    split = Split(symbol="AAPL", session=(bell.at + timedelta(days=1)).date(), ratio=2.0)
    for _ in range(3):
        bell.services.arming.adjust_for_split(split, bell.at)
    assert bell.now_of(alert).condition.level == 40


def test_a_split_does_not_move_an_alert_that_was_set_after_it(bell: Bell) -> None:
    alert = bell.alert("price_falls_to", 80)
    bell.services.arming.adjust_for_split(
        Split(symbol="AAPL", session=bell.at.date(), ratio=2.0), bell.at
    )
    assert bell.now_of(alert).condition.level == 80


def test_a_split_moves_paused_and_waiting_alerts_too(bell: Bell) -> None:
    waiting = bell.alert("price_rises_to", 80, if_true="wait")
    paused = bell.alert("price_falls_to", 80)
    bell.services.arming.pause(bell.uid, paused.id, bell.at)
    split = Split(symbol="AAPL", session=(bell.at + timedelta(days=1)).date(), ratio=4.0)
    assert bell.services.arming.adjust_for_split(split, bell.at) == 2
    assert bell.now_of(waiting).condition.level == bell.now_of(paused).condition.level == 20


# Losing Redis


def test_an_emptied_redis_costs_a_rebuild_and_no_alert(bell: Bell, redis: Redis) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    redis.flushall()
    assert bell.check_at(110).recorded == 1


def test_what_happened_while_redis_was_empty_is_read_from_bars(bell: Bell, redis: Redis) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    redis.flushall()
    bell.later(5)
    bell.price(101, day_high=111)
    bell.minute_bar(2, 101, 111)
    bell.check()
    assert len(bell.triggers()) == 1


def test_a_day_high_from_before_the_last_check_rings_nothing_after_a_rebuild(
    bell: Bell, redis: Redis
) -> None:
    bell.price(100, day_high=120)
    bell.alert("price_rises_to", 110)
    bell.check_at(100, day_high=120)
    redis.flushall()
    bell.check_at(101, day_high=120)
    assert bell.triggers() == []


def test_an_alert_set_while_redis_lost_its_index_entry_is_found(bell: Bell, redis: Redis) -> None:
    bell.alert("price_falls_to", 50)
    bell.check_at(100)
    redis.flushall()
    bell.alert("price_rises_to", 105)
    assert bell.check_at(106).recorded == 1


def test_waiting_alerts_survive_an_emptied_redis(bell: Bell, redis: Redis) -> None:
    bell.alert("price_rises_to", 95, if_true="wait")
    bell.check_at(101)
    redis.flushall()
    bell.check_at(94, day_low=94)
    redis.flushall()
    assert bell.check_at(96, day_low=94).recorded == 1


def test_an_alert_that_triggered_does_not_ring_again_after_a_rebuild(
    bell: Bell, redis: Redis
) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(111)
    redis.flushall()
    assert bell.check_at(112).symbols == 0
    assert len(bell.triggers()) == 1


def test_a_restarted_redis_is_rebuilt_because_it_may_have_lost_a_second(
    bell: Bell, redis: Redis
) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    for key in redis.keys("armed:AAPL:*"):
        redis.delete(key)
    redis.set("armed:built-for", "fixed another-run-id")
    assert bell.check_at(110).recorded == 1


# Crashes in between


def test_an_alert_whose_writer_died_before_indexing_it_is_indexed_by_the_check(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.check_at(100)
    with monkeypatch.context() as patch:
        patch.setattr(ArmedIndex, "follow", _die)
        with pytest.raises(KeyboardInterrupt):
            bell.alert("price_rises_to", 110)
    assert bell.check_at(110).recorded == 1


def test_a_claim_of_a_worker_that_died_is_recorded_by_the_sweep(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert("price_rises_to", 110)
    with monkeypatch.context() as patch:
        patch.setattr("services.alerts.recorder.Recorder._record", _die)
        with pytest.raises(KeyboardInterrupt):
            bell.check_at(110)
    assert bell.triggers() == []
    monkeypatch.setattr("services.alerts.recorder.LEFT_BEHIND", timedelta(0))
    assert bell.parts.recorder.sweep() == 1
    assert bell.parts.recorder.sweep() == 0
    assert len(bell.triggers()) == 1


def test_a_worker_that_died_between_its_claims_and_its_readings_doubles_and_loses_nothing(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert("price_rises_to", 110)
    bell.alert("price_rises_to", 112)
    bell.check_at(100)
    with monkeypatch.context() as patch:
        patch.setattr("services.alerts.readings.Readings.put", _die)
        with pytest.raises(KeyboardInterrupt):
            bell.check_at(111)
    bell.check_at(112)
    assert sorted(trigger.value for trigger in bell.triggers()) == [111.0, 112.0]


def test_a_worker_that_died_after_recording_doubles_nothing(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert("price_rises_to", 110)
    with monkeypatch.context() as patch:
        patch.setattr("services.alerts.recorder.Recorder._acknowledge", _die)
        with pytest.raises(KeyboardInterrupt):
            bell.check_at(110)
    monkeypatch.setattr("services.alerts.recorder.LEFT_BEHIND", timedelta(0))
    assert bell.parts.recorder.sweep() == 0
    assert len(bell.triggers()) == 1


def test_a_claim_from_before_the_alert_was_armed_anew_rings_nothing(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = bell.alert("price_rises_to", 110)
    with monkeypatch.context() as patch:
        patch.setattr("services.alerts.recorder.Recorder._record", _die)
        with pytest.raises(KeyboardInterrupt):
            bell.check_at(110)
    bell.price(100, day_high=110)
    quote = bell.provider.quotes(["AAPL"], bell.at)["AAPL"]
    bell.services.arming.rearm(bell.uid, alert.id, Facts(quote), bell.at)
    monkeypatch.setattr("services.alerts.recorder.LEFT_BEHIND", timedelta(0))
    assert bell.parts.recorder.sweep() == 0
    assert bell.now_of(alert).state == "armed"
    assert bell.check_at(110, day_high=110.5).recorded == 1
    assert [trigger.epoch for trigger in bell.triggers()] == [2]


def test_an_entry_that_nobody_can_read_holds_up_no_other(bell: Bell, redis: Redis) -> None:
    redis.xadd("fired", {"alert": "what/is/this", "evidence": "{}"})
    bell.alert("price_rises_to", 110)
    assert bell.check_at(110).recorded == 1


def test_a_reading_of_another_version_is_read_from_bars_instead(bell: Bell, redis: Redis) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    redis.set("reading:AAPL", '{"price": 1}')
    bell.check_at(110)
    bell.check_at(110)
    assert len(bell.triggers()) == 1


# Another market


def test_alerts_of_the_live_market_sleep_while_a_replay_runs(bell: Bell) -> None:
    alert = bell.alert("price_falls_to", 50)
    bell.check_at(100)
    bell.market.name = "replay"
    bell.check_at(1, day_low=1)
    assert bell.triggers() == []
    assert bell.now_of(alert).state == "armed"
    bell.market.name = "fixed"
    bell.later()
    bell.price(49, day_low=49, day_high=101)
    assert bell.check().recorded == 1


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_worker_that_dies_among_new_alerts_leaves_its_successor_the_rest(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = [bell.alert("price_rises_to", 150 + n) for n in range(5)]
    monkeypatch.setattr(symbol_check, "SETTLED_AT_ONCE", 2)
    settle_all = ArmedIndex.settle_all
    calls: list[Any] = []

    def dies_at_the_second_call(*args: Any) -> None:
        calls.append(args)
        if len(calls) > 1:
            raise RedisConnectionError
        settle_all(*args)

    monkeypatch.setattr(ArmedIndex, "settle_all", dies_at_the_second_call)
    with pytest.raises(RedisConnectionError):
        bell.check_at(101)
    assert len(ArmedIndex(bell.services.redis).fresh("AAPL")) == len(alerts) - 2
    monkeypatch.setattr(ArmedIndex, "settle_all", settle_all)
    assert bell.check_at(160).claimed == len(alerts)


def test_new_alerts_stay_fresh_in_an_index_that_was_built_while_they_were_judged(
    bell: Bell, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside it there is no reading, so that they would be judged by bars from before them."""
    bell.alert("price_rises_to", 150)
    check_fresh = SymbolCheck.check_fresh

    def after_a_rebuild(check: SymbolCheck) -> int:
        index, alerts = ArmedIndex(redis), bell.services.alerts.to_index()
        index.rebuild("fixed", alerts, lambda _: None)
        return check_fresh(check)

    monkeypatch.setattr(SymbolCheck, "check_fresh", after_a_rebuild)
    bell.check_at(101)
    assert len(ArmedIndex(redis).fresh("AAPL")) == 1


def test_a_check_claims_nothing_of_an_index_that_was_built_after_it_had_begun(
    bell: Bell, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis is emptied, and another check keeps a later peak: to this one's earlier price that is
    no fall."""
    bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=5))
    bell.check_at(101)
    check_settled = SymbolCheck.check_settled

    def after_another(check: SymbolCheck) -> int:
        monkeypatch.setattr(SymbolCheck, "check_settled", check_settled)
        redis.flushdb()
        for _ in range(2):
            bell.check_at(110, day_high=110)
        bell.minute_bar(5, 109, 110)
        return check_settled(check)

    monkeypatch.setattr(SymbolCheck, "check_settled", after_another)
    bell.check_at(102)
    bell.parts.recorder.sweep()
    assert bell.triggers() == []


def test_what_readings_prove_is_not_claimed_of_an_index_that_was_built_meanwhile(
    bell: Bell, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = bell.alert("price_rises_to", 110)
    bell.check_at(100)
    claim_all = ArmedIndex.claim_all

    def after_a_rebuild(index: ArmedIndex, *args: Any) -> int:
        monkeypatch.setattr(ArmedIndex, "claim_all", claim_all)
        redis.flushdb()
        index.rebuild(bell.provider.name, [bell.now_of(alert)], lambda _: bell.at)
        return claim_all(index, *args)

    monkeypatch.setattr(ArmedIndex, "claim_all", after_a_rebuild)
    assert bell.check_at(111).claimed == 0
    assert bell.check_at(111).recorded == 1, "the next one claims it"
