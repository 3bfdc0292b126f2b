"""Crashes, races and losses at the worst moment: nothing lost, nothing doubled, nothing false."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from redis.client import Pipeline

from services.alerts.arming import Arming
from services.alerts.conditions import PriceCondition
from services.alerts.facts import Facts
from services.alerts.index import ArmedIndex, Member
from services.alerts.intervals import Reading
from services.alerts.readings import Readings
from services.alerts.recorder import Recorder
from services.errors import AlreadyTrue, SourceUnavailable, StoreUnavailable
from services.market.models import Bar, Split
from services.store.alerts import Alert
from services.store.contract import Update
from tests.support.bell import Bell

DAY = 24 * 60


class Died(BaseException):
    """The process ended here."""


def die(*_: object, **__: object) -> None:
    raise Died


def dying(bell: Bell, patch: pytest.MonkeyPatch, owner: Any, step: str) -> None:
    """A check that dies when it comes to a step."""
    with patch.context() as once:
        once.setattr(owner, step, die)
        with pytest.raises(Died):
            bell.check()


def after(patch: pytest.MonkeyPatch, owner: Any, step: str, then: Callable[[], object]) -> None:
    """Let something happen right after the first call of a step."""
    real, calls = getattr(owner, step), []

    def stepped(*args: Any, **options: Any) -> Any:
        result = real(*args, **options)
        if isinstance(result, Iterator):
            result = iter(list(result))
        if not calls:
            calls.append(1)
            then()
        return result

    patch.setattr(owner, step, stepped)


def rearm(bell: Bell, alert: Alert, **options: Any) -> Alert:
    quote = bell.provider.quotes(["AAPL"], bell.at)["AAPL"]
    return bell.services.arming.rearm(bell.uid, alert.id, Facts(quote), bell.at, **options)


def check_weeks_after(bell: Bell, redis: Redis, days: list[Bar], low: float, high: float) -> None:
    """A check after Redis was lost; only these days are known, and one from `low` to `high`."""
    redis.flushall()
    bell.later(20 * DAY)
    late = _daily(bell.at.replace(hour=5, minute=0) - timedelta(days=3), low, high)
    bell.market.bars_of["AAPL", "1d"] = [*days, late]
    bell.price(99, day_low=98, day_high=100)
    bell.check()


def sweep_at_once(bell: Bell, patch: pytest.MonkeyPatch) -> int:
    patch.setattr("services.alerts.recorder.LEFT_BEHIND", timedelta(0))
    return bell.parts.recorder.sweep()


# Redis is lost


def test_an_alert_set_after_redis_was_emptied_hides_nothing_from_the_others(
    bell: Bell, redis: Redis
) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    redis.flushall()
    bell.later(4)
    bell.minute_bar(2, 100, 111)
    bell.price(101, day_high=111)
    bell.alert("price_falls_to", 50)
    bell.check_at(102, day_high=111)
    assert [trigger.level for trigger in bell.triggers()] == [110]


def test_redis_emptied_in_the_middle_of_a_check_costs_nothing(
    bell: Bell, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.later()
    bell.minute_bar(2, 100, 111)
    bell.price(101, day_high=111)
    with monkeypatch.context() as patch:
        after(patch, ArmedIndex, "watched", redis.flushall)
        bell.check()
    bell.check_at(102, day_high=111)
    assert len(bell.triggers()) == 1


def test_a_claim_lost_with_redis_before_it_was_recorded_is_found_again(
    bell: Bell, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is away for the recording and back when the check notes its time."""
    bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.later()
    bell.minute_bar(2, 100, 111)
    bell.price(101, day_high=111)
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "_record", _unavailable)
        bell.check()
    redis.flushall()
    bell.check_at(102, day_high=111)
    assert len(bell.triggers()) == 1


def test_what_a_delayed_quote_had_not_shown_yet_is_found_after_redis_was_lost(
    bell: Bell, redis: Redis
) -> None:
    """At the last check the newest trade known was a quarter of an hour old."""
    bell.price(100, as_of=bell.at - timedelta(minutes=15))
    bell.alert("price_rises_to", 110)
    bell.later(30)
    bell.price(100, as_of=bell.at - timedelta(minutes=15))
    bell.check()
    redis.flushall()
    bell.minute_bar(10, 100, 111)
    bell.later(5)
    bell.price(101, day_high=111, as_of=bell.at - timedelta(minutes=2))
    bell.check()
    assert len(bell.triggers()) == 1


def test_a_feed_in_another_currency_rings_nothing_after_redis_was_lost(
    bell: Bell, redis: Redis
) -> None:
    bell.price(308.8, currency="GBp")
    bell.alert("price_falls_to", 200)
    bell.check_at(309, currency="GBp")
    redis.flushall()
    for _ in range(3):
        bell.check_at(3.09, currency="GBP", day_low=3.08, day_high=3.15)
    assert bell.triggers() == []


def test_a_jump_in_the_first_check_after_redis_was_lost_needs_confirmation(
    bell: Bell, redis: Redis
) -> None:
    bell.alert("price_falls_to", 60)
    bell.check_at(100)
    redis.flushall()
    bell.later()
    real = bell.market.quotes
    bell.price(50, day_low=50)

    def flicker(symbols: list[str], now: object) -> object:
        answer = real(symbols, bell.at)
        bell.price(100)
        return answer

    bell.market.quotes = flicker  # type: ignore[method-assign, assignment]
    bell.check()
    assert bell.triggers() == []


def test_a_currency_that_flips_in_the_first_check_is_not_taken_for_the_symbol_s(
    bell: Bell,
) -> None:
    bell.price(308.8, currency="GBp")
    bell.alert("price_falls_to", 200)
    assert bell.check_at(309, currency="GBP").unchecked == {"AAPL": "currency changed"}
    assert bell.check_at(250, currency="GBp").unchecked == {}
    assert bell.check_at(199, currency="GBp").recorded == 1


def test_weeks_after_redis_was_lost_the_day_the_alert_was_set_on_is_no_evidence(
    bell: Bell, redis: Redis
) -> None:
    bell.price(100, day_high=120)
    bell.alert("price_rises_to", 110)
    bell.check_at(100, day_high=120)
    set_on = _daily(bell.at.replace(hour=5, minute=0), 95, 120)
    check_weeks_after(bell, redis, [set_on.model_copy(update={"close": 100.0})], 95, 108)
    assert bell.triggers() == []


def test_weeks_after_redis_was_lost_the_day_before_an_alert_was_armed_anew_is_no_evidence(
    bell: Bell, redis: Redis
) -> None:
    """It had gone back past the margin when its ring was noticed, which the next day's check saw;
    the low of that day had rung already."""
    bell.alert("price_falls_to", 95, frequency="every")
    bell.check_at(97, day_low=90)
    rung_on = _daily(bell.at.replace(hour=5, minute=0), 90, 101)
    bell.check_at(98, DAY - 10, day_low=96)
    check_weeks_after(bell, redis, [rung_on.model_copy(update={"close": 98.0})], 96, 99)
    assert [trigger.epoch for trigger in bell.triggers()] == [1]


def test_a_day_high_from_before_redis_was_lost_rings_no_alert_that_is_armed_anew(
    bell: Bell, redis: Redis
) -> None:
    bell.alert("price_rises_to", 105, frequency="every")
    bell.check_at(106)
    bell.later(2 * DAY)
    bell.minute_bar(60, 107, 112)
    bell.check_at(107, day_high=112)
    redis.flushall()
    bell.later(30)
    bell.minute_bar(25, 106, 107)
    bell.minute_bar(5, 103, 106)
    bell.price(103, day_high=112)
    bell.check()
    bell.check_at(103.5, day_high=112)
    assert [trigger.epoch for trigger in bell.triggers()] == [1]


# Evidence from before the alert


def test_alerts_of_a_check_that_broke_off_count_from_their_own_time(bell: Bell) -> None:
    """One alert needs bars that cannot be had; the other must not count from before it was set."""
    bell.alert("price_falls_to", 10)
    bell.check_at(100)
    bell.later(2)
    bell.price(100, day_high=120)
    bell.alert("price_rises_to", 119)
    bell.alert("price_rises_to", 125)
    bell.later(3)
    bell.price(100, day_high=121)
    bell.market.bars = _no_bars  # type: ignore[method-assign, assignment]
    bell.price(100, day_high=120)
    assert bell.check().unchecked
    del bell.market.bars
    bell.alert("price_rises_to", 118)
    bell.check_at(101, day_high=120)
    assert bell.triggers() == []


def test_a_check_that_died_before_it_kept_its_reading_judges_no_alert_by_its_past(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert("price_falls_to", 10)
    bell.check_at(100)
    bell.later(2)
    bell.price(100, day_high=121)
    bell.alert("price_rises_to", 120)
    bell.later(3)
    bell.price(100, day_high=121)
    dying(bell, monkeypatch, Readings, "put")
    bell.check_at(101, day_high=121)
    assert bell.triggers() == []


def test_the_minute_in_which_the_alert_was_set_is_no_evidence_in_a_later_check(
    bell: Bell,
) -> None:
    bell.at += timedelta(seconds=20)
    bell.price(100, day_high=115)
    bell.alert("price_rises_to", 110)
    bell.minute_bar(0, 100, 115)
    bell.check_at(100, minutes=0.3, day_high=115)
    bell.check_at(101, day_high=115)
    assert bell.triggers() == []


def test_a_future_s_day_high_from_before_midnight_is_no_evidence_after_it(bell: Bell) -> None:
    """The trading day of CL=F begins at 18:00; at midnight its extremes stay."""
    bell.later(13 * 60)
    bell.price(78, "CL=F", day_high=81, day_low=77)
    bell.alert("price_rises_to", 80, "CL=F")
    bell.later(5)
    bell.price(78, "CL=F", day_high=81, day_low=77)
    bell.check()
    bell.later(DAY // 2)
    bell.price(78, "CL=F", day_high=81, day_low=77)
    bell.check()
    assert bell.triggers() == []


def test_what_a_future_did_before_its_day_began_anew_is_read_from_bars(bell: Bell) -> None:
    bell.price(79, day_high=80, day_low=77)
    bell.alert("price_rises_to", 82)
    bell.check_at(79, day_high=80, day_low=77)
    bell.later()
    bell.minute_bar(4, 79, 82)
    bell.price(74, day_high=75, day_low=74)
    bell.check()
    assert len(bell.triggers()) == 1


# Splits


def split_overnight(bell: Bell, price: float = 51.0, ratio: float = 2.0) -> None:
    """The next day, after a split."""
    bell.later(DAY)
    bell.market.splits_of["AAPL"] = [Split(symbol="AAPL", session=bell.at.date(), ratio=ratio)]
    bell.price(price, day_low=price - 1, day_high=price + 1, previous_close=50.5)


def test_a_check_that_died_between_moving_a_level_and_indexing_it_is_made_good(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = [bell.alert("price_rises_to", 120) for _ in range(3)]
    bell.check_at(101)
    split_overnight(bell)
    dying(bell, monkeypatch, ArmedIndex, "relevel")
    bell.check()
    assert {bell.now_of(alert).condition.level for alert in alerts} == {60}
    bell.check_at(61, day_high=61, day_low=50, previous_close=50.5)
    assert [trigger.level for trigger in bell.triggers()] == [60, 60, 60]


def test_a_check_that_died_after_a_split_does_not_judge_new_alerts_by_old_shares(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.check_at(101)
    alert = bell.alert("price_rises_to", 120)
    bell.later(1)
    bell.minute_bar(0, 101, 102)
    split_overnight(bell)
    dying(bell, monkeypatch, Readings, "put")
    assert bell.now_of(alert).condition.level == 60
    bell.check_at(52, minutes=5, day_low=50, day_high=52)
    assert bell.triggers() == []


def test_a_claim_from_before_a_split_rings_at_the_level_of_its_day(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert("price_falls_to", 95)
    bell.check_at(100)
    bell.later()
    bell.price(94, day_low=94)
    dying(bell, monkeypatch, Recorder, "_record")
    split_overnight(bell)
    bell.check()
    sweep_at_once(bell, monkeypatch)
    (trigger,) = bell.triggers()
    assert (trigger.level, trigger.value) == (95, 94)


def test_a_split_is_asked_for_after_weeks_however_the_price_hides_it(
    bell: Bell, redis: Redis
) -> None:
    alert = bell.alert("price_falls_to", 80)
    bell.check_at(101)
    bell.later(20 * DAY)
    bell.market.splits_of["AAPL"] = [
        Split(symbol="AAPL", session=(bell.at - timedelta(days=9)).date(), ratio=2.0)
    ]
    bell.price(99, day_low=98, day_high=102, previous_close=99.5)
    bell.check()
    assert bell.now_of(alert).condition.level == 40
    assert bell.triggers() == []


def test_a_split_moves_levels_after_redis_was_lost_though_a_new_alert_was_set(
    bell: Bell, redis: Redis
) -> None:
    alert = bell.alert("price_falls_to", 80)
    bell.check_at(101)
    redis.flushall()
    split_overnight(bell)
    bell.alert("price_falls_to", 45)
    bell.check_at(51, day_low=50, day_high=52, previous_close=50.5)
    assert bell.now_of(alert).condition.level == 40
    assert bell.triggers() == []


# Waiting


def test_a_waiting_alert_rings_when_the_price_came_back_and_went_again(bell: Bell) -> None:
    """100, 94, 96, 94.5: it crossed 95 upwards in between."""
    bell.alert("price_rises_to", 95, if_true="wait")
    bell.check_at(100)
    bell.later()
    bell.minute_bar(4, 94, 99)
    bell.minute_bar(3, 94, 96)
    bell.minute_bar(2, 94.5, 96)
    bell.price(94.5, day_low=94)
    bell.check()
    bell.check_at(94.4, day_low=94)
    assert len(bell.triggers()) == 1


def test_a_waiting_alert_changed_during_a_check_is_not_armed_by_its_old_level(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = bell.alert("price_rises_to", 95, if_true="wait")
    bell.check_at(100)
    lower = PriceCondition(kind="price_rises_to", level=80)
    with monkeypatch.context() as patch:
        change = lambda: rearm(bell, alert, condition=lower, if_true="wait")  # noqa: E731
        after(patch, ArmedIndex, "crossed_back", change)
        bell.check_at(94, day_low=94)
    bell.check_at(93, day_low=93)
    assert bell.triggers() == []
    assert bell.now_of(alert).state == "waiting"
    bell.check_at(79, day_low=79)
    assert bell.check_at(80, day_low=79).recorded == 1


def test_an_alert_resumed_while_a_check_finds_it_paused_is_not_forgotten(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = bell.alert("price_rises_to", 95, if_true="wait")
    bell.check_at(100)

    def pause() -> None:
        bell.services.arming.pause(bell.uid, alert.id, bell.at)

    with monkeypatch.context() as patch:
        after(patch, ArmedIndex, "crossed_back", pause)
        after(patch, Arming, "arm_waiting", lambda: rearm(bell, alert, if_true="wait"))
        bell.check_at(94.0, day_low=94)
    bell.check_at(95, day_low=94)
    assert len(bell.triggers()) + (bell.now_of(alert).state == "triggered") == 2


def test_an_alert_armed_while_its_mark_is_followed_is_not_put_back_to_waiting(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker arms it after it was read from the store, before the index is told."""
    alert = bell.alert("price_rises_to", 95, if_true="wait")
    index, ensure = ArmedIndex(bell.services.redis), ArmedIndex.ensure
    below = Reading.of(bell.provider.quotes(["AAPL"], bell.at)["AAPL"]).scaled(2)

    def after_another(self: ArmedIndex, read: Alert) -> None:
        monkeypatch.setattr(ArmedIndex, "ensure", ensure)
        member = Member.of(alert)
        assert bell.services.arming.arm_waiting(member, 95, below, below.as_of, bell.at)
        ensure(self, read)

    index.mark(bell.uid, alert.id, bell.at)
    monkeypatch.setattr(ArmedIndex, "ensure", after_another)
    bell.services.arming.follow_marked(bell.at)
    assert [fresh.role for fresh in index.fresh("AAPL").values()] == ["armed"]


# Edits in between


def test_an_alert_rearmed_between_claim_and_record_counts_from_then_on(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = bell.alert("price_rises_to", 110)
    bell.check_at(100)
    bell.later()
    bell.price(100, day_high=111)
    with monkeypatch.context() as patch:
        after(patch, ArmedIndex, "claim_all", lambda: rearm(bell, alert))
        bell.check()
    assert bell.triggers() == []
    bell.check_at(111, day_high=111)
    assert [trigger.epoch for trigger in bell.triggers()] == [2]


def check_while_ending(
    bell: Bell, monkeypatch: pytest.MonkeyPatch, alert: Alert, step: str, edit: str
) -> None:
    """A check that finds 111, during which its owner ends an alert after a step."""
    bell.later()
    bell.price(111)

    def end() -> None:
        getattr(bell.services.arming, edit)(bell.uid, alert.id, bell.at)

    with monkeypatch.context() as patch:
        after(patch, ArmedIndex, step, end)
        bell.check()


@pytest.mark.parametrize("step", ["watched", "fresh_symbols", "loud", "claim_all"])
@pytest.mark.parametrize("edit", ["pause", "delete"])
def test_an_alert_that_its_owner_ends_during_a_check_rings_at_most_before(
    bell: Bell, monkeypatch: pytest.MonkeyPatch, step: str, edit: str
) -> None:
    alert = bell.alert("price_rises_to", 110)
    bell.check_at(100)
    check_while_ending(bell, monkeypatch, alert, step, edit)
    bell.check_at(112)
    assert bell.triggers() == []


@pytest.mark.parametrize("step", ["claim", "fresh", "probe", "crossed_back"])
@pytest.mark.parametrize("edit", ["pause", "delete"])
def test_an_alert_that_its_owner_ends_during_a_second_look_rings_at_most_before(
    bell: Bell, monkeypatch: pytest.MonkeyPatch, step: str, edit: str
) -> None:
    """A waiting alert that the price crossed asks for that look at the symbol."""
    alert = bell.alert("price_rises_to", 110)
    waiting = bell.alert("price_falls_to", 105, if_true="wait")
    bell.check_at(100)
    check_while_ending(bell, monkeypatch, alert, step, edit)
    assert bell.now_of(waiting).state == "armed"
    bell.check_at(112)
    assert bell.triggers() == []


def test_a_refused_change_leaves_another_s_mark(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One writer stored its change and died; another's change of the alert was refused."""
    alert = bell.alert("price_rises_to", 110)
    bell.check_at(100)
    higher = PriceCondition(kind="price_rises_to", level=120)
    with monkeypatch.context() as patch:
        patch.setattr(ArmedIndex, "follow", die)
        with pytest.raises(Died):
            rearm(bell, alert, condition=higher)
    with pytest.raises(AlreadyTrue):
        rearm(bell, alert, condition=PriceCondition(kind="price_rises_to", level=90))
    assert bell.check_at(120).recorded == 1


def test_a_symbol_stays_watched_when_its_last_alert_goes_while_the_index_is_rebuilt(
    bell: Bell, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two steps of the rebuild somebody else's edit tidies up."""
    alert = bell.alert("price_rises_to", 110)
    index = ArmedIndex(redis)
    execute = Pipeline.execute

    def interleaved(pipe: Pipeline, *args: Any) -> Any:
        index.forget_if_empty("AAPL", "price")
        done = execute(pipe, *args)
        index.forget_if_empty("AAPL", "price")
        return done

    monkeypatch.setattr(Pipeline, "execute", interleaved)
    index.rebuild("fixed", iter([bell.now_of(alert)]), lambda _: None)
    assert index.symbols() == ["AAPL"]


def test_an_edit_at_any_step_of_its_writer_s_death_is_followed(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("mark", "follow", "unmark"):
        alert = bell.alert("price_rises_to", 200)
        level = PriceCondition(kind="price_rises_to", level=110)
        with monkeypatch.context() as patch:
            patch.setattr(ArmedIndex, step, die)
            with pytest.raises(Died):
                rearm(bell, alert, condition=level)
        bell.check()
        assert bell.now_of(alert).condition.level == (200 if step == "mark" else 110)
    assert bell.check_at(110).recorded == 2


def test_following_a_mark_again_costs_a_settled_alert_no_bars(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 110)
    bell.check_at(100)
    with pytest.raises(AlreadyTrue):
        rearm(bell, alert, condition=PriceCondition(kind="price_rises_to", level=90))
    bell.check_at(100)
    assert bell.services.arming._index.fresh("AAPL") == {}


# Two checks at once


def test_a_slow_check_with_an_old_quote_rings_nothing_that_a_newer_one_settled(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert("price_falls_to", 10)
    bell.check_at(100)
    bell.later(1)
    bell.price(100, day_high=121)

    def overtaken() -> None:
        bell.later(1)
        bell.price(100, day_high=121)
        bell.alert("price_rises_to", 120)
        bell.later(5)
        bell.price(100, day_high=121)
        bell.check()

    slow = bell.parts.checker
    started = bell.at
    with monkeypatch.context() as patch:
        after(patch, bell.market, "quotes", overtaken)
        slow.run(started)
    bell.check_at(101, day_high=121)
    assert bell.triggers() == []


# Commits whose answer was lost


@pytest.fixture
def lost_answers(bell: Bell, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on one kind of call of the store is applied, and its answer is lost, once."""

    def lose(kind: str) -> None:
        real = getattr(type(bell.services.store), kind)

        def lossy(store: Any, *args: Any) -> None:
            real(store, *args)
            monkeypatch.setattr(type(store), kind, real)
            raise StoreUnavailable("the answer was lost")

        monkeypatch.setattr(type(bell.services.store), kind, lossy)

    return lose


def test_a_trigger_whose_commit_went_unanswered_is_recorded_once_and_delivered(
    bell: Bell, lost_answers: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.alert("price_rises_to", 110)
    bell.later()
    bell.price(111)
    lost_answers("transact")
    assert bell.check().recorded == 0
    assert sweep_at_once(bell, monkeypatch) == 0
    assert len(bell.triggers()) == 1
    assert bell.jobs.dispatched == []
    assert bell.parts.outbox.sweep(bell.at) == 1


def test_an_alert_whose_commit_went_unanswered_is_indexed_all_the_same(
    bell: Bell, lost_answers: Callable[[str], None]
) -> None:
    bell.check()
    lost_answers("transact")
    with pytest.raises(StoreUnavailable):
        bell.alert("price_rises_to", 110)
    assert bell.check_at(110).recorded == 1


def test_a_split_whose_commit_went_unanswered_moves_the_level_once(
    bell: Bell, lost_answers: Callable[[str], None]
) -> None:
    alert = bell.alert("price_rises_to", 120)
    bell.check_at(101)
    split_overnight(bell)
    lost_answers("transact")
    with pytest.raises(StoreUnavailable):
        bell.check()
    bell.check()
    assert bell.now_of(alert).condition.level == 60
    assert bell.check_at(61, day_high=61, day_low=50, previous_close=50.5).recorded == 1


# Documents that cannot be read


def test_one_unreadable_alert_blinds_nobody_else(bell: Bell, redis: Redis) -> None:
    broken = bell.alert("price_rises_to", 105)
    bell.alert("price_rises_to", 110)
    bell.services.store.write(Update(broken.path, {"from_the_future": 1}))
    bell.services.arming._index.mark(bell.uid, broken.id, bell.at)
    redis.delete("armed:built-for")
    assert bell.check_at(111).recorded == 1


def _unavailable(*_: object) -> None:
    raise StoreUnavailable("away")


def _no_bars(*_: object, **__: object) -> None:
    raise SourceUnavailable("no bars")


def _daily(start: Any, low: float, high: float) -> Any:
    from services.market.models import Bar

    return Bar(
        start=start, session=start.date(), open=low, high=high, low=low, close=high, volume=1
    )
