"""The history's button to be told of a trigger once more."""

from datetime import timedelta

from services.store.alerts import Alert
from services.store.contract import Update
from services.store.triggers import Delivery, trigger_path
from tests.web.conftest import Reader

BUTTON = "Remind me in an hour"


def mailed(reader: Reader, state: str = "sent") -> Alert:
    """An alert that rang now, with its mail in that state."""
    alert = reader.alert(level=90, if_true="fire_now")
    trigger = reader.site.services.triggers.get(reader.uid, f"{alert.id}-1")
    delivery = Delivery.model_validate({"state": state, "sent_at": reader.site.at})
    path = trigger_path(trigger.uid, trigger.id)
    fields = trigger.with_delivery("email", delivery).fields()
    reader.site.services.store.write(Update(path, fields))
    return alert


def delivery(reader: Reader, alert: Alert) -> Delivery:
    trigger = reader.site.services.triggers.get(reader.uid, f"{alert.id}-1")
    return trigger.deliveries["email"]


def test_the_button_has_it_told_again_in_an_hour_and_then_says_when(ada: Reader) -> None:
    alert = mailed(ada)
    assert BUTTON in ada.page("/triggers")
    assert ada.send(f"/triggers/{alert.id}-1/snooze").location == f"/triggers#t-{alert.id}-1"
    page = ada.page("/triggers")
    assert "You will be told again at 16:00, by mail." in page
    assert BUTTON not in page
    assert delivery(ada, alert) == Delivery(due_at=ada.site.at + timedelta(hours=1), round=1)
    page = ada.page("/triggers")
    assert "16:00" in page
    assert "quiet hours" not in page


def test_pressed_twice_it_is_told_once(ada: Reader) -> None:
    alert = mailed(ada)
    ada.send(f"/triggers/{alert.id}-1/snooze")
    before = delivery(ada, alert)
    ada.site.later(minutes=1)
    ada.send(f"/triggers/{alert.id}-1/snooze")
    assert "It was set before; nothing was changed." in ada.page("/triggers")
    assert delivery(ada, alert) == before


def test_it_is_offered_only_for_what_was_told_in_the_past_day(ada: Reader) -> None:
    mailed(ada)
    ada.site.later(hours=25)
    assert BUTTON not in ada.page("/triggers")
    mailed(ada, "failed")
    assert BUTTON not in ada.page("/triggers")


def test_what_cannot_be_told_again_is_said(ada: Reader) -> None:
    alert = mailed(ada, "failed")
    ada.send(f"/triggers/{alert.id}-1/snooze")
    assert "No channel of yours took this message" in ada.page("/triggers")


def test_nobody_reminds_another_or_without_a_form_of_ours(
    ada: Reader, bob: Reader, anybody: Reader
) -> None:
    alert = mailed(ada)
    path = f"/triggers/{alert.id}-1/snooze"
    assert bob.send(path).status_code == 404
    assert "/sign-in" in anybody.send(path).location
    assert ada.client.post(path).status_code == 400
    assert delivery(ada, alert).state == "sent"
