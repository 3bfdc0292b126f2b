"""The settings: channels, fall-back, quiet hours, digest."""

from typing import Any

import pytest

from tests.support.web import Person

HOOK = "https://hooks.example.com/very-secret"


def destination(person: Person, name: str = "Phone") -> str:
    made = person.site.services.destinations.add(
        person.uid, "webhook", name, f"{HOOK}/{name}", person.site.at
    )
    return made.id


def test_at_first_alerts_ring_by_mail_and_nothing_is_quiet(person: Person):
    assert person.get("/settings").json == {
        "channels": ["email"],
        "fallback": ["email"],
        "destinations": [],
        "quiet_hours": None,
        "digest": "never",
        "time_zone": "UTC",
        "language": None,
    }


def test_what_is_sent_is_kept_and_the_rest_stays(person: Person):
    phone = destination(person)
    hours = {"start": "22:00", "end": "07:00"}
    wanted = {"channels": ["push", phone], "fallback": [phone, "email"], "quiet_hours": hours}
    assert person.patch("/settings", wanted).status_code == 200
    answer = person.patch("/settings", {"digest": "week"})
    assert answer.json.items() >= {**wanted, "digest": "week"}.items()
    assert person.get("/settings").json == answer.json


def test_quiet_hours_end_with_null_only(person: Person):
    person.patch("/settings", {"quiet_hours": {"start": "22:00", "end": "07:00"}})
    assert person.patch("/settings", {"digest": "day"}).json["quiet_hours"]
    assert person.patch("/settings", {"quiet_hours": None}).json["quiet_hours"] is None
    assert person.site.jobs.released == [person.uid] * 2


def test_a_destination_is_shown_without_its_secrets(person: Person):
    phone = destination(person)
    answer = person.get("/settings")
    assert answer.json["destinations"] == [
        {
            "id": phone,
            "kind": "webhook",
            "name": "Phone",
            "shown": "https://hooks.example.com/…",
            "off_at": None,
            "off_because": None,
        }
    ]
    assert "very-secret" not in answer.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channels": []}, "channels"),
        ({"channels": ["email", "email"]}, "channels"),
        ({"channels": ["pigeon"]}, "channels"),
        ({"channels": ["<b>\u202e" * 20]}, "channels.0"),
        ({"channels": "email"}, "channels"),
        ({"channels": [f"d{n}" for n in range(13)]}, "channels"),
        ({"fallback": ["email", "push", "email"]}, "fallback"),
        ({"fallback": ["email", "push", "a", "b"]}, "fallback"),
        ({"fallback": ["pigeon"]}, "fallback"),
        ({"quiet_hours": {"start": "25:00", "end": "07:00"}}, "quiet_hours.start"),
        ({"quiet_hours": {"start": "07:00", "end": "07:00"}}, "quiet_hours.end"),
        ({"quiet_hours": {"start": "08:00", "end": "07:00"}}, "quiet_hours"),
        ({"digest": "hourly"}, "digest"),
        ({"time_zone": "Asia/Tokyo"}, "time_zone"),
    ],
)
def test_what_cannot_be_is_refused_whole_and_at_its_field(
    person: Person, change: dict[str, Any], field: str
):
    before = person.get("/settings").json
    answer = person.patch("/settings", {"digest": "day", **change})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert person.get("/settings").json == before


def test_nobody_rings_by_the_destination_of_somebody_else(person: Person, stranger: Person):
    theirs = destination(stranger)
    answer = person.patch("/settings", {"channels": [theirs]})
    assert answer.status_code == 422
    assert "You have email, push." in answer.json["detail"]


def test_no_fall_back_is_a_choice(person: Person):
    assert person.patch("/settings", {"fallback": []}).json["fallback"] == []
