"""Alerts in words, on the alert page and in the box of a watchlist."""

import pytest

from services.alerts.conditions import DayChangeCondition, PriceCondition
from services.store.alerts import Alert
from tests.web.conftest import LIST, Reader, words

ADD = f"{LIST}/symbols"


def alerts(reader: Reader) -> list[Alert]:
    return reader.site.services.alerts.page(reader.uid)[0]


def test_a_sentence_sets_an_alert(ada: Reader) -> None:
    sent = ada.send("/alerts/new", text="aapl falls 5% today once a day until 2027-01-01")
    (alert,) = alerts(ada)
    assert alert.condition == DayChangeCondition(kind="day_change_falls_to", level=-5)
    assert (alert.symbol, alert.frequency) == ("AAPL", "daily")
    text = ada.page(sent.location)
    assert "AAPL is down by 5 % today" in text
    assert "Until 1 January 2027." in text


def test_the_word_that_is_not_understood_is_marked_and_the_text_kept(ada: Reader) -> None:
    answer = ada.send("/alerts/new", text="aapl flies 5% today")
    assert answer.status_code == 422
    assert 'value="aapl flies 5% today"' in answer.text
    assert '<p class="pointed" aria-hidden="true">aapl <mark>flies</mark> 5% today</p>' in (
        answer.text
    )
    assert alerts(ada) == []


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "a" * 5_000, "\x00", "ＡＡＰＬ above 1"]
)
def test_any_text_is_refused_without_harm(ada: Reader, text: str) -> None:
    answer = ada.send("/alerts/new", text=text)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert alerts(ada) == []


def test_a_sentence_fills_in_the_form(ada: Reader) -> None:
    answer = ada.send("/alerts/new", text="aapl rsi 10 under 30", do="fill")
    assert "Understood: AAPL RSI 10 falls to 30, once" in words(answer)
    assert '<option value="rsi_falls_to" selected>' in answer.text
    assert 'name="rsi" value="30"' in answer.text
    assert alerts(ada) == []


def test_a_sentence_that_is_true_already_is_asked_about(ada: Reader) -> None:
    answer = ada.send("/alerts/new", text="aapl above 90")
    assert answer.status_code == 409
    assert "AAPL is at 100.00 USD now, so that is true already." in words(answer)
    assert 'name="level" value="90.00"' in answer.text
    ada.send("/alerts/new", text="aapl above 90", if_true="wait")
    assert [alert.state for alert in alerts(ada)] == ["waiting"]


def test_a_sentence_about_an_unknown_symbol_says_so(ada: Reader) -> None:
    answer = ada.send("/alerts/new", text="nopenope above 90")
    assert answer.status_code == 422
    assert "No quotes for NOPENOPE" in words(answer)


def test_the_box_of_a_watchlist_takes_a_sentence(ada: Reader) -> None:
    sent = ada.send(ADD, symbol="AAPL above 200")
    assert "The alert is set: AAPL price rises to 200, once." in ada.page(sent.location)
    assert [a.condition for a in alerts(ada)] == [PriceCondition(kind="price_rises_to", level=200)]


def test_a_sentence_sent_twice_sets_one_alert(ada: Reader) -> None:
    fields = {"symbol": "AAPL above 200", "csrf_token": ada.token(), "once": "opened-once"}
    for _ in range(2):
        assert ada.client.post(ADD, data=fields).status_code == 302
    assert len(alerts(ada)) == 1


def test_a_sentence_with_a_slip_is_marked_in_the_box_of_a_watchlist(ada: Reader) -> None:
    answer = ada.send(ADD, symbol="AAPL abofe 200")
    assert answer.status_code == 422
    assert "AAPL <mark>abofe</mark> 200" in answer.text


def test_a_true_sentence_of_a_watchlist_is_asked_about_on_the_alert_page(ada: Reader) -> None:
    answer = ada.send(ADD, symbol="AAPL above 90")
    assert answer.status_code == 409
    assert "Wait for the next crossing" in words(answer)


def test_a_company_s_name_is_looked_up_as_before(ada: Reader) -> None:
    answer = ada.send(ADD, symbol="apple")
    assert "Did you mean" in words(answer)
