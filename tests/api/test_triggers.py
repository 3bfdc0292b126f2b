"""What rang, over the API."""

import pytest

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
