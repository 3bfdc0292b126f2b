"""Setting, reading and changing alerts on pages."""

from datetime import date, timedelta

import pytest

from services.alerts.conditions import PriceCondition
from services.errors import SourceUnavailable
from services.store.alerts import Adjustment, Alert
from services.store.contract import Update
from services.store.triggers import Delivery, DeliveryState, trigger_path
from tests.support.market import MONDAY
from tests.web.conftest import Reader, have_no_patience, words

NEW = {"symbol": "AAPL", "kind": "price_rises_to", "level": "150", "note": ""}


def alerts(reader: Reader) -> list[Alert]:
    return reader.site.services.alerts.page(reader.uid)[0]


@pytest.mark.parametrize(
    ("typed", "level"), [("200", 200), ("200.50", 200.5), (" 250 ", 250), ("100.00012", 100.00012)]
)
def test_a_plain_number_is_a_level(ada: Reader, typed: str, level: float) -> None:
    assert ada.send("/alerts/new", **{**NEW, "level": typed}).status_code == 302
    assert [alert.condition.level for alert in alerts(ada)] == [level]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1,000.50", "Write 1000.50 without the comma."),
        ("1,000", "Write 1000 without the comma."),
        ("200,50", "Write 200.50 with a point, not a comma."),
        ("１００", "Write 100 with the plain digits 0 to 9."),
        ("abc", "Write a plain number"),
        ("NaN", "Write a plain number"),
        ("inf", "Write a plain number"),
        ("1e3", "Write a plain number"),
        ("$200", "Write a plain number"),
        ("", "Write a plain number"),
        ("9" * 20, "1000000000000 at most"),
        ("9" * 10_000, "30 characters at most"),
        ("0", "more than 0"),
        ("-5", "more than 0"),
    ],
)
def test_another_level_is_refused_with_one_sentence_and_nothing_is_lost(
    ada: Reader, typed: str, said: str
) -> None:
    answer = ada.send("/alerts/new", **{**NEW, "level": typed, "note": "my own words"})
    assert answer.status_code == 422
    assert said in words(answer)
    assert f'value="{typed}"' in answer.text
    assert "my own words" in answer.text
    assert alerts(ada) == []


def test_a_future_may_be_waited_for_below_zero(ada: Reader) -> None:
    sent = ada.send(
        "/alerts/new", **{**NEW, "symbol": "CL=F", "kind": "price_falls_to", "level": "-5.5"}
    )
    assert sent.status_code == 302


def test_a_condition_that_is_true_already_is_asked_about(ada: Reader) -> None:
    answer = ada.send("/alerts/new", **{**NEW, "level": "90", "note": "kept"})
    assert answer.status_code == 409
    assert "AAPL is at 100.00 USD now" in words(answer)
    assert "Wait for the next crossing" in words(answer)
    assert "kept" in answer.text
    assert alerts(ada) == []


def test_ring_now_rings_now(ada: Reader) -> None:
    sent = ada.send("/alerts/new", **{**NEW, "level": "90", "if_true": "fire_now"})
    assert "AAPL rose to 90.00" in ada.page(sent.location)
    assert len(ada.site.jobs.dispatched) == 1


def test_wait_waits_for_the_price_to_go_back(ada: Reader) -> None:
    sent = ada.send("/alerts/new", **{**NEW, "level": "90", "if_true": "wait"})
    assert "Arms once the price has gone back below 90.00 USD." in ada.page(sent.location)


def test_a_form_that_is_sent_twice_sets_one_alert(ada: Reader) -> None:
    token = ada.token()
    fields = {**NEW, "csrf_token": token, "once": "opened-once"}
    sent = [ada.client.post("/alerts/new", data=fields) for _ in range(2)]
    assert sent[0].location == sent[1].location
    assert len(alerts(ada)) == 1


def test_a_form_that_was_refused_may_be_sent_again(ada: Reader) -> None:
    token = ada.token()
    fields = {**NEW, "csrf_token": token, "once": "opened-once"}
    assert ada.client.post("/alerts/new", data={**fields, "level": "90"}).status_code == 409
    assert ada.client.post("/alerts/new", data=fields).status_code == 302


def test_an_unknown_symbol_is_answered_with_what_may_be_meant(ada: Reader) -> None:
    answer = ada.send("/alerts/new", **{**NEW, "symbol": "apple"})
    assert answer.status_code == 422
    assert "No quotes for APPLE" in words(answer)
    assert "AAPL Apple Inc." in words(answer)


def test_a_source_that_does_not_answer_keeps_the_form(ada: Reader) -> None:
    ada.site.market.error = SourceUnavailable("down")
    have_no_patience(ada.site)
    answer = ada.send("/alerts/new", **{**NEW, "symbol": "NEWONE"})
    assert answer.status_code == 503
    assert "gave no answer about NEWONE" in words(answer)


@pytest.mark.parametrize("kind", ["", "price_goes_wild", "<script>"])
def test_a_direction_that_there_is_not_is_refused(ada: Reader, kind: str) -> None:
    assert ada.send("/alerts/new", **{**NEW, "kind": kind}).status_code == 422


def test_a_note_of_ten_kilobytes_is_refused_and_not_lost(ada: Reader) -> None:
    answer = ada.send("/alerts/new", **{**NEW, "note": "n" * 10_000})
    assert answer.status_code == 422
    assert "500 characters at most" in words(answer)
    assert "n" * 10_000 in answer.text


@pytest.mark.parametrize("symbol", ["%5EGSPC", "EURUSD%3DX", "BRK-B", "7203.T", "%3Cscript%3E", ""])
def test_the_form_opens_for_any_symbol(ada: Reader, symbol: str) -> None:
    page = ada.get(f"/alerts/new?symbol={symbol}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_the_form_shows_the_present_price(ada: Reader) -> None:
    assert "AAPL AAPL Inc. now 100.00 USD" in ada.page("/alerts/new?symbol=aapl")


def test_an_armed_alert_says_how_far_its_level_is(ada: Reader) -> None:
    alert = ada.alert(level=103.2)
    for path in ("/alerts", f"/alerts/{alert.id}"):
        ada.page("/alerts/new?symbol=AAPL")
        text = ada.page(path)
        assert "Armed since 15:00." in text
        assert "3.2 % to go" in text


def test_a_paused_alert_says_why(ada: Reader) -> None:
    mine, theirs = ada.alert(), ada.alert(level=160)
    ada.send(f"/alerts/{mine.id}/pause")
    ada.site.services.arming.pause(ada.uid, theirs.id, ada.site.at, "No data for 5 trading days.")
    text = ada.page("/alerts")
    assert "Paused by you." in text
    assert "No data for 5 trading days." in text


def test_the_list_can_be_narrowed_to_a_state(ada: Reader) -> None:
    ada.alert(level=150)
    ada.send(f"/alerts/{ada.alert(level=160).id}/pause")
    text = ada.page("/alerts?state=paused")
    assert "160.00" in text
    assert "150.00" not in text
    assert ada.get("/alerts?state=nonsense").status_code == 404


def test_a_moved_level_tells_of_its_split(ada: Reader) -> None:
    alert = ada.alert("price_falls_to", 80)
    moved = alert.replace(
        condition=PriceCondition(kind="price_falls_to", level=40.0),
        adjustments=(
            Adjustment(session=date(2000, 6, 21), ratio=2.0, level_before=80, level_after=40),
        ),
    )
    ada.site.services.store.write(Update(alert.path, moved.fields()))
    text = ada.page(f"/alerts/{alert.id}")
    assert "Level moved from 80.00 to 40.00 by the 2:1 split of 2000-06-21." in text


def test_a_blind_alert_says_since_when_and_why(ada: Reader) -> None:
    alert = ada.alert()
    ada.site.services.readings.note_unchecked(
        {"AAPL": "stale"}, MONDAY - timedelta(hours=1), lambda _: True
    )
    for path in ("/alerts", f"/alerts/{alert.id}"):
        assert "Not checked since 14:00: stale" in ada.page(path)


def test_an_alert_of_another_market_sleeps(ada: Reader) -> None:
    alert = ada.alert()
    ada.site.market.name = "replay"
    ada.site.later(minutes=10)
    ada.page("/alerts/new?symbol=MSFT")
    assert "now the replayed market is shown" in ada.page(f"/alerts/{alert.id}")


def test_a_new_note_arms_nothing_anew(ada: Reader) -> None:
    alert = ada.alert()
    ada.send(f"/alerts/{alert.id}", kind="price_rises_to", level="150.00", note="why")
    (after,) = alerts(ada)
    assert (after.note, after.epoch) == ("why", 1)


def test_a_new_level_arms_the_alert_anew(ada: Reader) -> None:
    alert = ada.alert()
    ada.send(f"/alerts/{alert.id}", kind="price_rises_to", level="170", note="")
    (after,) = alerts(ada)
    assert (after.condition.level, after.epoch) == (170, 2)


def test_a_new_level_that_is_reached_already_is_asked_about(ada: Reader) -> None:
    alert = ada.alert()
    fields = {"kind": "price_rises_to", "level": "90", "note": "kept"}
    answer = ada.send(f"/alerts/{alert.id}", **fields)
    assert answer.status_code == 409
    assert "AAPL is at 100.00 USD now" in words(answer)
    assert "kept" in answer.text
    ada.send(f"/alerts/{alert.id}", **fields, if_true="wait")
    assert alerts(ada)[0].state == "waiting"


@pytest.mark.parametrize("level", ["1,000", "abc", "-1"])
def test_a_bad_new_level_changes_nothing(ada: Reader, level: str) -> None:
    alert = ada.alert()
    answer = ada.send(f"/alerts/{alert.id}", kind="price_rises_to", level=level, note="new")
    assert answer.status_code == 422
    assert f'value="{level}"' in answer.text
    assert alerts(ada) == [alert]


def test_a_paused_alert_is_resumed(ada: Reader) -> None:
    alert = ada.alert()
    ada.send(f"/alerts/{alert.id}/pause")
    ada.send(f"/alerts/{alert.id}/arm")
    ada.send(f"/alerts/{alert.id}/arm")
    (after,) = alerts(ada)
    assert (after.state, after.epoch) == ("armed", 2)


def test_an_alert_that_rang_asks_before_it_rings_again(ada: Reader) -> None:
    alert = ada.alert(level=90, if_true="fire_now")
    answer = ada.send(f"/alerts/{alert.id}/arm")
    assert answer.status_code == 409
    assert answer.text.count(f'action="/alerts/{alert.id}/arm"') == 2
    ada.send(f"/alerts/{alert.id}/arm", if_true="fire_now")
    assert alerts(ada)[0].last_trigger == f"{alert.id}-2"


def test_a_paused_alert_whose_source_is_silent_stays_paused(ada: Reader) -> None:
    alert = ada.alert()
    ada.send(f"/alerts/{alert.id}/pause")
    ada.site.later(minutes=30)
    ada.site.market.error = SourceUnavailable("down")
    have_no_patience(ada.site)
    answer = ada.send(f"/alerts/{alert.id}/arm")
    assert answer.status_code == 503
    assert "gave no answer about AAPL" in words(answer)
    assert alerts(ada)[0].state == "paused"


def test_the_list_is_grouped_by_symbol_and_what_is_nearest_stands_first(ada: Reader) -> None:
    ada.page("/alerts/new?symbol=AAPL")
    ada.page("/alerts/new?symbol=MSFT")
    for symbol, level in (("MSFT", 180), ("AAPL", 140), ("AAPL", 101), ("MSFT", 170)):
        ada.alert(level=level, symbol=symbol)
    text = ada.get("/alerts").text
    order = [text.index(f"rises to {level}.00") for level in (101, 140, 170, 180)]
    assert order == sorted(order)
    assert text.count('class="alert-group"') == 2


def test_the_list_can_be_narrowed_to_a_symbol(ada: Reader) -> None:
    ada.alert(level=140)
    ada.alert(level=170, symbol="MSFT")
    text = ada.page("/alerts?symbol=msf")
    assert "170.00" in text
    assert "140.00" not in text
    assert "No alert fits." in ada.page("/alerts?symbol=<script>")


def test_what_is_ticked_is_paused_and_the_others_go_on(ada: Reader) -> None:
    first, second, third = ada.alert(level=140), ada.alert(level=150), ada.alert(level=160)
    token = ada.token()
    fields = {"csrf_token": token, "do": "pause", "alert": [first.id, second.id, "gone", first.id]}
    sent = ada.client.post("/alerts", data=fields)
    assert "2 alerts are paused." in ada.page(sent.location)
    states = {alert.id: alert.state for alert in alerts(ada)}
    assert states == {first.id: "paused", second.id: "paused", third.id: "armed"}


def test_what_is_ticked_is_deleted(ada: Reader) -> None:
    first, second = ada.alert(level=140), ada.alert(level=150)
    ada.send("/alerts", do="delete", alert=first.id, state="armed")
    assert [alert.id for alert in alerts(ada)] == [second.id]


def test_nothing_ticked_does_nothing_and_says_so(ada: Reader) -> None:
    ada.alert()
    assert "Tick the alerts first." in ada.page(ada.send("/alerts", do="delete").location)
    assert len(alerts(ada)) == 1
    assert ada.send("/alerts", do="burn").status_code == 400


def test_nobody_pauses_or_deletes_another_s_alerts(ada: Reader, bob: Reader) -> None:
    alert = ada.alert()
    for do in ("pause", "delete"):
        bob.send("/alerts", do=do, alert=alert.id)
    assert alerts(ada) == [alert]


def test_a_deleted_alert_is_gone_and_its_history_stays(ada: Reader) -> None:
    alert = ada.alert(level=90, if_true="fire_now")
    assert ada.send(f"/alerts/{alert.id}/delete").location == "/alerts"
    assert ada.get(f"/alerts/{alert.id}").status_code == 404
    assert "AAPL rose to 90.00" in ada.page("/triggers")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        ({"state": "pending"}, "on its way"),
        ({"state": "held"}, "held until you confirm your address"),
        ({"state": "sent", "sent_at": MONDAY}, "sent 15:00"),
        ({"state": "failed", "error": "no such mailbox"}, "failed: no such mailbox"),
        (
            {"state": "retry", "attempts": 2, "due_at": MONDAY, "error": "busy"},
            "tried 2 times, again 15:00: busy",
        ),
    ],
)
def test_the_history_tells_the_evidence_and_each_delivery(
    ada: Reader, delivery: dict[str, DeliveryState], said: str
) -> None:
    alert = ada.alert(level=90, if_true="fire_now", note="my words")
    trigger = ada.site.services.triggers.get(ada.uid, f"{alert.id}-1")
    after = trigger.with_delivery("email", Delivery.model_validate(delivery))
    after = after.replace(low=88.5, high=101.25, value=101.25)
    ada.site.services.store.write(Update(trigger_path(ada.uid, trigger.id), after.fields()))
    for path in ("/triggers", f"/alerts/{alert.id}"):
        text = ada.page(path)
        for shown in ("90.00", "100.00 USD", "88.50 – 101.25", "15:00", "fixed", "my words", said):
            assert shown in text


def test_long_histories_have_pages(ada: Reader) -> None:
    for n in range(31):
        ada.site.later(seconds=1)
        ada.alert(level=50 + n, if_true="fire_now")
    page = ada.get("/triggers")
    assert "rose to 50.00" not in words(page)
    older = page.text.split('href="/triggers?after=')[1].split('"')[0]
    assert "rose to 50.00" in ada.page(f"/triggers?after={older}")


@pytest.mark.parametrize("path", ["/triggers?after=x", "/alerts?after=%00", "/alerts?after=a~b"])
def test_a_place_that_is_none_is_said(ada: Reader, path: str) -> None:
    assert ada.get(path).status_code in (400, 404)


def test_nobody_sees_or_changes_another_s_alert(ada: Reader, bob: Reader) -> None:
    alert = ada.alert()
    path = f"/alerts/{alert.id}"
    assert bob.get(path).status_code == 404
    assert bob.get(f"{path}/edit").status_code == 404
    for action, fields in (
        ("", {"kind": "price_rises_to", "level": "1", "note": ""}),
        ("/pause", {}),
        ("/arm", {}),
        ("/remind", {}),
        ("/delete", {}),
    ):
        assert bob.send(path + action, **fields).status_code == 404
    assert alerts(ada) == [alert]


@pytest.mark.parametrize("alert_id", ["nope", "..", "__x__", "a" * 2_000, "%00", "a%2Fb"])
def test_an_unknown_alert_is_not_found(ada: Reader, alert_id: str) -> None:
    assert ada.get(f"/alerts/{alert_id}").status_code == 404
