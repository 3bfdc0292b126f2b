"""Quiet hours on the page of notifications."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.notify.quiet import QuietHours
from services.store.contract import Update
from services.store.triggers import Delivery, trigger_path
from services.store.users import User
from tests.web.conftest import Reader, words

ADDRESS = "/account/quiet-hours"
PAGE = "/account/notifications"


def kept(reader: Reader) -> QuietHours | None:
    user = reader.site.services.users.get(reader.uid)
    assert user
    return user.quiet_hours


def test_quiet_hours_are_kept_and_shown_again(ada: Reader) -> None:
    assert ada.send(ADDRESS, quiet_start="22:00", quiet_end="07:30").status_code == 302
    assert kept(ada) == QuietHours(start="22:00", end="07:30")
    page = ada.get(PAGE).text
    assert 'type="time" value="22:00"' in page
    assert 'type="time" value="07:30"' in page


@pytest.mark.parametrize(
    "off",
    [
        {"quiet": "off", "quiet_start": "22:00", "quiet_end": "07:00"},
        {"quiet_start": "", "quiet_end": ""},
    ],
)
def test_quiet_hours_are_turned_off(ada: Reader, off: dict[str, str]) -> None:
    ada.send(ADDRESS, quiet_start="22:00", quiet_end="07:00")
    ada.send(ADDRESS, **off)
    assert kept(ada) is None
    assert "Turn off" not in ada.page(PAGE)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("25:00", "07:00", "Write a time of the day, such as"),
        ("22:00", "", "Write a time of the day, such as"),
        ("22", "07:00", "Write a time of the day, such as"),
        ("07:00", "07:00", "They end when they begin."),
        ("08:00", "07:00", "22 hours at most"),
    ],
)
def test_what_cannot_be_is_refused_in_plain_words_and_given_back(
    ada: Reader, start: str, end: str, said: str
) -> None:
    ada.send(ADDRESS, quiet_start="21:00", quiet_end="06:00")
    answer = ada.send(ADDRESS, quiet_start=start, quiet_end=end)
    assert answer.status_code == 422
    assert said in words(answer)
    assert f'type="time" value="{start}"' in answer.text
    assert kept(ada) == QuietHours(start="21:00", end="06:00")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (ADDRESS, {"quiet": "off"}),
        (ADDRESS, {"quiet_start": "22:00", "quiet_end": "07:00"}),
        ("/account/time-zone", {"time_zone": "Asia/Tokyo"}),
    ],
)
def test_what_is_held_is_looked_at_again_when_the_hours_change(
    ada: Reader, path: str, fields: dict[str, str]
) -> None:
    ada.send(path, **fields)
    assert ada.site.jobs.released == [ada.uid]


def test_a_person_of_before_quiet_hours_has_none(ada: Reader) -> None:
    document = ada.site.services.store.get(f"users/{ada.uid}")
    assert document
    before = {name: value for name, value in document.fields.items() if name != "quiet_hours"}
    assert User.from_document(replace(document, fields=before)).quiet_hours is None


def test_what_is_held_says_until_when_and_why(ada: Reader) -> None:
    ada.send("/account/time-zone", time_zone="Asia/Kolkata")
    ada.alert("price_rises_to", 90, if_true="fire_now")
    (trigger,) = ada.site.services.triggers.page(ada.uid)[0]
    assert "on its way" in ada.page("/triggers")
    ends = ada.site.at.replace(hour=1, minute=30) + timedelta(days=1)
    held = trigger.with_delivery("email", Delivery(due_at=ends))
    ada.site.services.store.write(Update(trigger_path(ada.uid, trigger.id), held.fields()))
    assert "07:00, quiet hours" in ada.page("/triggers")
    assert "07:00, quiet hours" in ada.page(f"/alerts/{trigger.alert_id}")
