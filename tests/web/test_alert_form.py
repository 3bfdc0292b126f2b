"""The form of an alert: each kind there and back, and bad input at its own field."""

import pytest
from pydantic import TypeAdapter

from services.alerts.conditions import KINDS, Condition
from services.errors import InvalidInput
from services.market.cache import QuoteCache
from services.store.alerts import Alert
from tests.web.conftest import Reader, words
from tests.web.test_phrases import SAID
from web import alert_form
from web.forms import Form

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def alerts(reader: Reader) -> list[Alert]:
    return reader.site.services.alerts.page(reader.uid)[0]


def test_every_kind_has_its_blanks_and_its_place_in_the_select() -> None:
    offered = [kind for _, kinds in alert_form.KINDS for kind, _ in kinds]
    assert sorted(offered) == sorted(KINDS)
    assert alert_form.BLANKS.keys() == KINDS


@pytest.mark.parametrize(("fields", "_said"), SAID)
def test_a_condition_survives_the_form(fields: dict[str, object], _said: str) -> None:
    condition = CONDITION.validate_python(fields)
    form = Form(alert_form.values_of(condition))
    assert alert_form.condition_of(form) == condition


@pytest.mark.parametrize("level", [0.1 + 0.2, 1e-9, 123456789.123, 100.00012])
def test_no_digit_of_a_level_is_lost(level: float) -> None:
    condition = CONDITION.validate_python({"kind": "price_rises_to", "level": level})
    assert alert_form.condition_of(Form(alert_form.values_of(condition))) == condition


@pytest.mark.parametrize(
    ("fields", "name", "message"),
    [
        ({"kind": "rsi_falls_to", "rsi": "101", "rsi_days": "14"}, "rsi", "100 at most"),
        ({"kind": "rsi_falls_to", "rsi": "30", "rsi_days": "x"}, "rsi_days", "whole number"),
        ({"kind": "rsi_falls_to", "rsi": "", "rsi_days": "14"}, "rsi", "plain number"),
        (
            {"kind": "moves_by", "move": "0", "window": "1h", "move_way": "up"},
            "move",
            "more than 0",
        ),
        ({"kind": "moves_by", "move": "5", "window": "7m", "move_way": "up"}, "window", "one of"),
        ({"kind": "falls_from_peak", "trail": "100"}, "trail", "100 % or more"),
        ({"kind": "averages_cross", "fast": "9", "slow": "9", "cross_way": "up"}, "fast", "fewer"),
        (
            {"kind": "averages_cross", "fast": "9", "slow": "9", "cross_way": "?"},
            "cross_way",
            "up|down",
        ),
        ({"kind": "earnings_within", "earnings_days": "91"}, "earnings_days", "90 at most"),
        ({"kind": "volume_reaches", "ratio": "1e9"}, "ratio", "plain number"),
        ({"kind": "new_high", "span": "0w"}, "span", "1d to"),
    ],
)
def test_a_fault_stands_at_its_blank(fields: dict[str, str], name: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        alert_form.condition_of(Form(fields))
    assert refused.value.field == name


def test_an_expiry_and_a_frequency_are_kept(ada: Reader) -> None:
    fields = {"kind": "falls_from_peak", "trail": "10", "frequency": "every"}
    sent = ada.send("/alerts/new", symbol="AAPL", expires="2026-12-31", **fields)
    (alert,) = alerts(ada)
    assert alert.frequency == "every"
    assert alert.expires_at is not None
    assert "Until 31 December 2026." in ada.page(sent.location)
    assert 'value="2026-12-31"' in ada.get(f"{sent.location}/edit").text


@pytest.mark.parametrize("day", ["2020-01-01", "31.12.2026", "9999-12-31", "20261231", "x" * 99])
def test_a_day_that_cannot_be_is_refused_and_kept(ada: Reader, day: str) -> None:
    answer = ada.send("/alerts/new", symbol="AAPL", kind="new_high", span="52w", expires=day)
    assert answer.status_code == 422
    assert f'value="{day}"' in answer.text
    assert alerts(ada) == []


def test_another_frequency_arms_nothing_anew(ada: Reader) -> None:
    alert = ada.alert()
    fields = {"kind": "price_rises_to", "level": "150", "frequency": "daily"}
    ada.send(f"/alerts/{alert.id}", **fields)
    (after,) = alerts(ada)
    assert (after.frequency, after.epoch) == ("daily", 1)


def test_an_average_without_enough_history_says_when_it_counts(ada: Reader) -> None:
    site, redis = ada.site, ada.site.services.redis
    site.jobs.run_market(site.market, QuoteCache(redis), lambda: site.at, redis)
    fields = {"kind": "crosses_average", "average": "sma", "average_days": "200"}
    sent = ada.send("/alerts/new", symbol="AAPL", average_way="up", **fields)
    assert "Counts from the 200th session on." in ada.page(sent.location)


def test_the_kind_is_chosen_from_groups(ada: Reader) -> None:
    text = ada.get("/alerts/new").text
    for group in ("Price", "Today", "Trend", "Volume", "Calendar"):
        assert f'<optgroup label="{group}">' in text
    assert "Or in words" in words(ada.get("/alerts/new"))


def test_an_alert_is_marked_urgent_and_unmarked_by_a_tick(ada: Reader) -> None:
    fields = {"symbol": "AAPL", "kind": "price_rises_to", "level": "150", "frequency": "once"}
    ada.send("/alerts/new", **fields, urgent="yes")
    (alert,) = alerts(ada)
    assert alert.urgent
    assert 'name="urgent" value="yes" checked' in ada.get(f"/alerts/{alert.id}/edit").text
    assert "In quiet hours, too." in ada.page("/alerts")
    ada.send(f"/alerts/{alert.id}", **fields)
    (alert,) = alerts(ada)
    assert not alert.urgent
    assert "In quiet hours, too." not in ada.page("/alerts")


def test_the_tick_survives_a_refusal(ada: Reader) -> None:
    fields = {"symbol": "AAPL", "kind": "price_rises_to", "level": "1,5", "frequency": "once"}
    answer = ada.send("/alerts/new", **fields, urgent="yes")
    assert answer.status_code == 422
    assert 'name="urgent" value="yes" checked' in answer.text


def test_every_kind_has_one_part_of_the_sentence(ada: Reader) -> None:
    assert alert_form.PARTS.keys() == KINDS
    for kind, part in alert_form.PARTS.items():
        text = ada.get(f"/alerts/new?symbol=AAPL&kind={kind}").text
        assert f'class="of of-{part} chosen"' in text
        assert text.count(" chosen") - text.count("-blank chosen") == 1


@pytest.mark.parametrize("margin", ["51", "-1", "x", "NaN", "1e308"])
def test_a_margin_that_cannot_be_is_refused_at_its_field(ada: Reader, margin: str) -> None:
    fields = {"symbol": "AAPL", "kind": "price_rises_to", "level": "150", "frequency": "every"}
    answer = ada.send("/alerts/new", **fields, margin=margin)
    assert answer.status_code == 422
    assert 'id="fault-margin"' in answer.text
    assert '<details class="more" open>' in answer.text
    assert alerts(ada) == []


def test_a_margin_is_kept_and_changed(ada: Reader) -> None:
    fields = {"symbol": "AAPL", "kind": "price_rises_to", "level": "150", "frequency": "every"}
    sent = ada.send("/alerts/new", **fields, margin="2.5")
    assert [alert.rearm_margin for alert in alerts(ada)] == [2.5]
    assert 'name="margin" value="2.5"' in ada.get(f"{sent.location}/edit").text
    ada.send(sent.location, **fields, margin="3")
    (alert,) = alerts(ada)
    assert (alert.rearm_margin, alert.epoch) == (3, 1)


@pytest.mark.parametrize(
    ("query", "kind", "level"),
    [
        ("symbol=AAPL&level=120", "price_rises_to", "120"),
        ("symbol=AAPL&level=80", "price_falls_to", "80"),
        ("symbol=AAPL&level=80&direction=up", "price_rises_to", "80"),
        ("symbol=AAPL&level=120&direction=down", "price_falls_to", "120"),
        ("symbol=AAPL&level=80&kind=price_rises_to", "price_rises_to", "80"),
        ("symbol=AAPL&level=x", "price_rises_to", "x"),
        ("symbol=NOPE&level=nan", "price_rises_to", "nan"),
    ],
)
def test_an_address_fills_the_sentence(ada: Reader, query: str, kind: str, level: str) -> None:
    text = ada.get(f"/alerts/new?{query}").text
    assert f'<option value="{kind}" selected>' in text
    assert f'name="level" value="{level}"' in text


def test_a_change_that_came_too_late_is_there_again_after_signing_in(ada: Reader) -> None:
    alert = ada.alert()
    fields = {"kind": "price_rises_to", "level": "170.5", "note": "kept", "frequency": "daily"}
    ada.client.delete_cookie("session")
    sent = ada.client.post(f"/alerts/{alert.id}", data=fields)
    assert sent.status_code == 303
    ada.uid = ""
    ada.sign_in()
    page = ada.get("/continue").text
    assert f'action="/alerts/{alert.id}"' in page
    assert 'name="level" value="170.5"' in page
    assert "kept" in page
    assert '<option value="daily" selected>' in page
    assert alerts(Reader(ada.site, ada.client, uid=alert.uid)) == [alert]
