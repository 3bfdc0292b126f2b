"""Why each alert does or does not ring, held against what the check then does."""

from datetime import timedelta
from typing import Any

import pytest

from services.alerts.conditions import (
    AverageCondition,
    EarningsCondition,
    MoveCondition,
    PriceCondition,
    TrailingCondition,
)
from services.alerts.explain import NEAREST, Explanation
from services.errors import NoQuote
from services.market.models import Bar
from tests.support.bell import Bell
from tests.support.market import MONDAY
from workers.console import Console


def explain(bell: Bell, symbol: str = "AAPL") -> Explanation:
    return console(bell).explainer().explain(symbol, bell.at)


def console(bell: Bell) -> Console:
    return Console(bell.services, bell.provider, lambda: bell.at)


def whys(bell: Bell) -> list[str]:
    """One for each alert, by level."""
    return [alert.why for alert in explain(bell).alerts]


def move(bell: Bell, price: float, **fields: Any) -> None:
    """The price goes there within five minutes, and nobody checks."""
    bell.later()
    bell.price(price, **fields)


def test_a_level_that_was_not_reached_says_how_far_the_price_went(bell: Bell) -> None:
    bell.alert("price_rises_to", 105)
    bell.alert("price_falls_to", 95)
    bell.check_at(100)
    move(bell, 102, day_high=104.4)
    told = explain(bell)
    assert [alert.why for alert in told.alerts] == [
        "low since the last check 100.00 USD > 95.00 USD",
        "high since the last check 104.40 USD < 105.00 USD",
    ]
    assert (told.previous.price, told.present.price) == (100, 102)
    (metric,) = told.metrics
    assert (metric.metric, metric.value, metric.alerts, metric.bars) == ("price", 102, 2, None)
    assert (metric.seen.low, metric.seen.high) == (100, 104.4)


def test_what_is_reached_rings_and_explaining_it_claims_nothing(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 105)
    bell.check_at(100)
    move(bell, 103, day_high=105.5)
    expected = ["high since the last check 105.50 USD ≥ 105.00 USD: rings"]
    assert whys(bell) == whys(bell) == expected
    assert bell.triggers() == []
    told = explain(bell)
    assert bell.check().claimed == 1
    (shown,) = console(bell).explainer().after(told).alerts
    assert shown.outcome == f"rang: trigger {alert.id}-1; it is triggered now"


def test_an_outcome_that_is_none_is_said_too(bell: Bell) -> None:
    bell.alert("price_rises_to", 105)
    told = explain(bell)
    bell.check()
    assert console(bell).explainer().after(told).alerts[0].outcome == "it is armed still"


def test_a_deleted_alert_is_said_to_be_so(bell: Bell) -> None:
    alert = bell.alert("price_rises_to", 105)
    told = explain(bell)
    bell.services.arming.delete(bell.uid, alert.id, bell.at)
    assert console(bell).explainer().after(told).alerts[0].outcome == "deleted"


def test_where_only_bars_can_tell_that_is_said(bell: Bell) -> None:
    bell.price(100, day_low=94.0)
    bell.check()
    bell.alert("price_falls_to", 95)
    bell.check_at(100, day_low=94.0)
    move(bell, 100, day_low=94.0)
    told = explain(bell)
    assert told.metrics[0].bars == "1m"
    assert told.alerts[0].why == (
        "may have been reached between 94.00 USD and 101.00 USD: bars tell"
    )


def test_an_alert_of_this_moment_has_seen_nothing_yet(bell: Bell) -> None:
    bell.alert("price_rises_to", 105)
    told = explain(bell)
    assert [alert.why for alert in told.alerts] == ["no price was made since it was set"]
    assert [alert.stands for alert in told.alerts] == ["fresh"]


def test_a_fresh_alert_counts_from_where_it_was_set(bell: Bell) -> None:
    bell.check()
    move(bell, 104)
    bell.alert("price_rises_to", 105)
    move(bell, 103, day_high=104)
    assert whys(bell) == ["high since the last check 104.00 USD < 105.00 USD"]


def test_a_waiting_alert_says_for_what(bell: Bell) -> None:
    bell.alert("price_rises_to", 95, if_true="wait")
    bell.check_at(100)
    move(bell, 99)
    assert whys(bell) == ["waits to be below 95.00 USD"]
    move(bell, 94, day_low=94)
    assert whys(bell) == ["has been below 95.00 USD since the last check: arms"]


def test_a_paused_an_expired_and_a_resting_alert_say_so(bell: Bell) -> None:
    paused = bell.alert("price_rises_to", 101)
    bell.services.arming.pause(bell.uid, paused.id, bell.at)
    bell.alert("price_rises_to", 102, expires_at=bell.at + timedelta(minutes=3))
    bell.alert("price_rises_to", 100.5, frequency="daily")
    bell.check_at(100.5, minutes=1)
    move(bell, 100.6)
    assert whys(bell) == [
        "rang in the session of 2026-03-02: rests until the next one",
        "paused: by its owner",
        "expired at 2026-03-02 15:03 UTC",
    ]


def test_a_quote_that_nothing_may_ring_on_says_why(bell: Bell) -> None:
    bell.alert("price_rises_to", 105)
    bell.check()
    bell.later(60)
    bell.price(106, as_of=bell.at - timedelta(minutes=30))
    told = explain(bell)
    assert told.fault == "stale"
    assert told.alerts[0].why == "nothing rings on this quote: stale"


def test_a_symbol_whose_exchange_is_closed_sleeps(bell: Bell) -> None:
    close = MONDAY.replace(hour=21)
    bell.at = close + timedelta(hours=1)
    bell.price(100, as_of=close, market_state="closed", exchange="NMS")
    bell.alert("price_rises_to", 105)
    bell.check()
    bell.later(60)
    told = explain(bell)
    assert told.asleep
    assert told.alerts[0].why == "asleep: the exchange was closed since the last check"
    assert bell.check().asleep == 1


def test_too_little_history_is_said(bell: Bell) -> None:
    days = [MONDAY - timedelta(days=days) for days in range(120, 0, -1)]
    bell.market.bars_of["AAPL", "1d"] = [
        Bar(start=d, session=d.date(), open=100, high=101, low=99, close=100, volume=1)
        for d in days
    ]
    bell.alert_on(AverageCondition(kind="crosses_average", days=200, direction="up"))
    bell.check()
    move(bell, 104)
    assert whys(bell) == ["too little history: 120 of 200 sessions"]


def test_a_trailing_alert_says_how_far_it_is(bell: Bell) -> None:
    bell.alert_on(TrailingCondition(kind="falls_from_peak", percent=10.0))
    bell.check_at(110)
    bell.check_at(110)
    move(bell, 104.5)
    assert whys(bell)[0].startswith("5\N{NARROW NO-BREAK SPACE}% from its high of 110")
    move(bell, 99, day_low=99)
    assert whys(bell)[0].endswith("≥ 10\N{NARROW NO-BREAK SPACE}%: rings")
    assert bell.check().claimed == 1


def test_every_kind_has_something_to_say(bell: Bell) -> None:
    bell.alert_on(MoveCondition(kind="moves_by", percent=50.0, window="1d"))
    bell.alert_on(EarningsCondition(kind="earnings_within", days=3))
    bell.alert_on(PriceCondition(kind="price_rises_to", level=300, extended=True))
    bell.check_at(100)
    move(bell, 101)
    told = explain(bell)
    assert [metric.metric for metric in told.metrics] == ["earnings", "move:1d", "price+extended"]
    assert all(alert.why for alert in told.alerts)
    assert told.alerts[0].why == "no next earnings date is known"


def test_the_nearest_alerts_are_shown_on_either_side(bell: Bell) -> None:
    for number in range(NEAREST + 3):
        bell.alert("price_rises_to", 101 + number)
        bell.alert("price_falls_to", 99 - number)
    told = explain(bell)
    levels = [alert.level for alert in told.alerts]
    assert levels == [*range(100 - NEAREST, 100), *range(101, 101 + NEAREST)]
    assert told.metrics[0].alerts == 2 * (NEAREST + 3)


def test_a_lost_index_is_noticed(bell: Bell) -> None:
    bell.alert("price_rises_to", 105)
    bell.check()
    bell.services.redis.flushall()
    move(bell, 104)
    (shown,) = explain(bell).alerts
    assert shown.stands == "not in the index; the next check mends that"
    assert shown.why == "the last check's reading is not known: the next one reads bars since then"


def test_a_symbol_without_a_quote_cannot_be_explained(bell: Bell) -> None:
    with pytest.raises(NoQuote):
        explain(bell, "NOPE")


def test_a_symbol_on_which_nobody_waits_has_nothing_to_explain(bell: Bell) -> None:
    told = explain(bell)
    assert (told.metrics, told.alerts) == ([], [])
