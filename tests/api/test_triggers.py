"""What rang, over the API."""

from datetime import timedelta

import pytest

from services.store.contract import Update
from services.store.triggers import Delivery, trigger_path
from tests.support.web import Person, Site
from workers.parts import Parts


def ring(site: Site, person: Person, symbol: str = "AAPL") -> str:
    site.later(seconds=1)
    body = {
        "symbol": symbol,
        "condition": {"kind": "price_rises_to", "level": 99.5},
        "note": "look",
        "if_true": "fire_now",
    }
    return person.post("/alerts", body).json["id"]


def test_a_trigger_shows_its_evidence_and_deliveries(site: Site, person: Person):
    alert_id = ring(site, person)
    (trigger,) = person.get("/triggers").json["items"]
    deliveries = trigger.pop("deliveries")
    assert trigger == {
        "id": f"{alert_id}-1",
        "alert_id": alert_id,
        "epoch": 1,
        "symbol": "AAPL",
        "condition": {"kind": "price_rises_to", "level": 99.5, "extended": False},
        "level": 99.5,
        "value": 100.0,
        "price": 100.0,
        "low": 100.0,
        "high": 100.0,
        "peak": None,
        "currency": "USD",
        "occurred_at": "2026-03-02T15:00:00Z",
        "noticed_at": "2026-03-02T15:00:01Z",
        "source": "fixed",
        "note": "look",
        "urgent": False,
        "read": False,
        "trouble": None,
    }
    assert deliveries == {}, "the outbox has not looked at it yet"
    site.services.users.update(person.uid, confirmed_at=None)
    Parts(site.services, site.market).outbox.deliver(person.uid, "email", site.at)
    (trigger,) = person.get("/triggers").json["items"]
    email = trigger["deliveries"]["email"]
    assert email.keys() == {"state", "attempts", "due_at", "sent_at", "error"}
    assert email["state"] == "held"


def test_one_trigger_is_read_by_its_id(site: Site, person: Person):
    alert_id = ring(site, person)
    (trigger,) = person.get("/triggers").json["items"]
    assert person.get(f"/triggers/{alert_id}-1").json == trigger
    assert person.get(f"/triggers/{alert_id}-2").status_code == 404


def test_triggers_come_newest_first_and_by_alert(site: Site, person: Person):
    first, second = ring(site, person), ring(site, person, "MSFT")
    everything = person.get("/triggers").json["items"]
    assert [trigger["alert_id"] for trigger in everything] == [second, first]
    of_first = person.get(f"/triggers?alert_id={first}").json["items"]
    assert [trigger["alert_id"] for trigger in of_first] == [first]
    assert person.get("/triggers?alert_id=none").json == {"items": [], "next": None}


def test_anothers_trigger_is_not_there(site: Site, person: Person, stranger: Person):
    alert_id = ring(site, person)
    assert stranger.get(f"/triggers/{alert_id}-1").status_code == 404
    assert stranger.get(f"/triggers?alert_id={alert_id}").json["items"] == []


@pytest.mark.parametrize("query", ["alert_id=", "alert_id=" + "x" * 101, "alertid=1", "limit=0"])
def test_a_filter_that_is_none_is_refused(person: Person, query: str):
    refused = person.get(f"/triggers?{query}")
    assert refused.status_code == 422
    assert [f["field"] for f in refused.json["errors"]] == [query.partition("=")[0]]


# Read and unread


def unread(person: Person) -> list[str]:
    return [trigger["id"] for trigger in person.get("/triggers?unread=true").json["items"]]


def test_a_trigger_is_marked_as_read_and_back(site: Site, person: Person):
    path = f"/triggers/{ring(site, person)}-1"
    for read in (True, True, False, False):
        changed = person.patch(path, {"read": read})
        assert (changed.status_code, changed.json["read"]) == (200, read)
        assert person.get(path).json == changed.json
        assert unread(person) == ([] if read else [path.removeprefix("/triggers/")])


@pytest.mark.parametrize("body", [{}, {"read": "yes"}, {"read": None}, {"read": 1}, {"seen": True}])
def test_nothing_else_is_taken_for_read(site: Site, person: Person, body: object):
    path = f"/triggers/{ring(site, person)}-1"
    assert person.patch(path, body).status_code == 422
    assert person.get(path).json["read"] is False


def test_all_up_to_a_time_are_marked_at_once(site: Site, person: Person):
    ring(site, person)
    ring(site, person)
    seen = person.get("/triggers").json["items"][0]["noticed_at"]
    late = ring(site, person)
    marked = person.post("/triggers/read", {"until": seen})
    assert (marked.status_code, marked.json) == (200, {"marked": 2})
    assert unread(person) == [f"{late}-1"]
    assert person.post("/triggers/read", {"until": seen}).json == {"marked": 0}


@pytest.mark.parametrize("until", [None, "now", "2026-03-02T15:00:00", 1e300])
def test_a_time_that_is_none_marks_nothing(site: Site, person: Person, until: object):
    ring(site, person)
    assert person.post("/triggers/read", {"until": until}).status_code == 422
    assert len(unread(person)) == 1


def test_nobody_marks_another_s(site: Site, person: Person, stranger: Person):
    alert_id = ring(site, person)
    assert stranger.patch(f"/triggers/{alert_id}-1", {"read": True}).status_code == 404
    stranger.post("/triggers/read", {"until": "2999-01-01T00:00:00Z"})
    assert unread(person) == [f"{alert_id}-1"]


def test_triggers_are_filtered_by_one_thing(site: Site, person: Person):
    apple, other = ring(site, person), ring(site, person, "MSFT")
    failed = told(site, person, "failed")
    for query, expected in {
        "symbol=msft": [f"{other}-1"],
        "trouble=failed": [failed.removeprefix("/triggers/")],
        "trouble=late": [],
        "unread=true": [failed.removeprefix("/triggers/"), f"{other}-1", f"{apple}-1"],
    }.items():
        found = person.get(f"/triggers?{query}").json["items"]
        assert [trigger["id"] for trigger in found] == expected, query
    for query in ("symbol=MSFT&unread=true", "symbol=no symbol", "trouble=much", "unread=no"):
        assert person.get(f"/triggers?{query}").status_code == 422, query


# Being told once more


def told(site: Site, person: Person, state: str = "sent") -> str:
    """The address of a trigger whose mail is in that state."""
    trigger = site.services.triggers.get(person.uid, f"{ring(site, person)}-1")
    delivery = Delivery.model_validate({"state": state, "sent_at": site.at})
    fields = trigger.with_delivery("email", delivery).fields()
    site.services.store.write(Update(trigger_path(trigger.uid, trigger.id), fields))
    return f"/triggers/{trigger.id}"


@pytest.mark.parametrize(("body", "hours"), [({}, 1), ({"hours": 4}, 4), ({"hours": 24}, 24)])
def test_a_trigger_is_told_once_more_later(
    site: Site, person: Person, body: dict[str, int], hours: int
):
    path = told(site, person)
    snoozed = person.post(f"{path}/snooze", body)
    assert snoozed.status_code == 200
    email = snoozed.json["deliveries"]["email"]
    due_at = (site.at + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    assert (email["state"], email["due_at"]) == ("pending", due_at)
    assert person.get(path).json == snoozed.json
    site.later(minutes=1)
    again = person.post(f"{path}/snooze", {"hours": 24})
    assert (again.status_code, again.json) == (200, snoozed.json), "once, while it is to come"


def test_a_trigger_is_told_once_more_in_the_morning(site: Site, person: Person):
    site.services.users.update(person.uid, time_zone="Asia/Tokyo")
    path = told(site, person)
    snoozed = person.post(f"{path}/snooze", {"until": "morning"})
    assert snoozed.json["deliveries"]["email"]["due_at"] == "2026-03-02T23:00:00Z"
    assert person.post(f"{path}/snooze", {"until": "noon"}).status_code == 422


@pytest.mark.parametrize(
    "body", [{"hours": 2}, {"hours": "1"}, {"hours": True}, {"hours": None}, {"minutes": 5}, [], 1]
)
def test_no_other_time_is_taken(site: Site, person: Person, body: object):
    path = told(site, person)
    assert person.post(f"{path}/snooze", body).status_code == 422
    assert person.get(path).json["deliveries"]["email"]["state"] == "sent"


def test_what_no_channel_took_is_refused_with_the_reason(site: Site, person: Person):
    refused = person.post(f"{told(site, person, 'failed')}/snooze", {})
    assert refused.status_code == 409
    assert refused.json["type"] == "tag:bellwether,2026:not-repeatable"
    assert "No channel of yours took this message" in refused.json["detail"]


def test_nobody_snoozes_another_s_trigger(site: Site, person: Person, stranger: Person):
    path = told(site, person)
    assert stranger.post(f"{path}/snooze", {}).status_code == 404
    assert person.get(path).json["deliveries"]["email"]["state"] == "sent"
