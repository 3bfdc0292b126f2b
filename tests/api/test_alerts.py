"""Alerts over the API (ALERTS.md rules 1, 4, 11)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.errors import SourceUnavailable
from tests.support.web import Person, Site

BELOW = {"kind": "price_falls_to", "level": 40, "extended": False}
REACHED = {"kind": "price_falls_to", "level": 100}


def draft(**changes: object) -> dict:
    return {"symbol": "AAPL", "condition": BELOW, **changes}


def made(person: Person, **changes: object) -> dict:
    answer = person.post("/alerts", draft(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json


def test_a_new_alert_comes_back_armed(person: Person):
    answer = person.post("/alerts", draft(symbol="aapl", frequency="once", note=" buy "))
    assert answer.status_code == 201
    alert = answer.json
    assert answer.headers["Location"] == f"/api/v1/alerts/{alert.pop('id')}"
    assert alert == {
        "symbol": "AAPL",
        "condition": {"kind": "price_falls_to", "level": 40.0, "extended": False},
        "frequency": "once",
        "expires_at": None,
        "rearm_margin": 0.5,
        "urgent": False,
        "channels": None,
        "rearm_at": None,
        "rests_after": None,
        "sentence": "AAPL price falls to 40, once",
        "note": "buy",
        "state": "armed",
        "epoch": 1,
        "armed_at": "2026-03-02T15:00:00Z",
        "created_at": "2026-03-02T15:00:00Z",
        "updated_at": "2026-03-02T15:00:00Z",
        "paused_because": None,
        "last_trigger": None,
        "adjustments": [],
    }


def test_an_alert_is_read_alone_and_in_the_list_newest_first(site: Site, person: Person):
    first = made(person)
    site.later(seconds=1)
    second = made(person, symbol="MSFT")
    assert person.get(f"/alerts/{first['id']}").json == first
    assert person.get("/alerts").json == {"items": [second, first], "next": None}


def test_an_alert_that_is_true_already_asks_what_to_do(person: Person):
    refused = person.post("/alerts", draft(condition=REACHED))
    assert refused.status_code == 409
    assert refused.mimetype == "application/problem+json"
    assert refused.json["type"] == "tag:bellwether,2026:already-true"
    assert refused.json["value"] == 100.0
    assert refused.json["choices"] == ["fire_now", "wait"]
    assert person.get("/alerts").json["items"] == []


def test_one_that_is_to_fire_now_has_rung_at_once(site: Site, person: Person):
    alert = made(person, condition=REACHED, if_true="fire_now")
    assert (alert["state"], alert["epoch"]) == ("triggered", 1)
    assert alert["last_trigger"] == f"{alert['id']}-1"
    assert person.get(f"/triggers/{alert['last_trigger']}").json["price"] == 100.0
    assert site.jobs.dispatched == [person.uid]


def test_one_that_is_to_wait_waits_for_the_other_side(person: Person):
    alert = made(person, condition=REACHED, if_true="wait")
    assert (alert["state"], alert["epoch"], alert["armed_at"]) == ("waiting", 1, None)


@pytest.mark.parametrize("if_true", ["fire_now", "wait", None])
def test_what_to_do_if_true_does_not_matter_where_it_is_not(person: Person, if_true: str | None):
    assert made(person, if_true=if_true)["state"] == "armed"


def test_an_alert_is_armed_on_a_price_read_just_now(site: Site, person: Person):
    person.get("/quotes?symbols=AAPL")
    site.later(minutes=1)
    site.market.set("AAPL", 39.0, site.at)
    assert person.post("/alerts", draft()).json["value"] == 39.0


def test_an_unknown_symbol_is_refused_with_what_may_be_meant(person: Person):
    refused = person.post("/alerts", draft(symbol="apple"))
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json["errors"]] == ["symbol"]
    assert refused.json["suggestions"] == [{"symbol": "AAPL", "name": "Apple Inc."}]


def test_no_alert_is_set_without_a_price(site: Site, person: Person):
    site.market.error = SourceUnavailable("no answer")
    answer = person.post("/alerts", draft())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert person.get("/alerts").json["items"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbol": None}, "symbol"),
        ({"symbol": ["AAPL"]}, "symbol"),
        ({"condition": None}, "condition"),
        ({"condition": "price"}, "condition"),
        ({"condition": {}}, "condition.kind"),
        ({"condition": {"kind": "price_falls_to"}}, "condition.level"),
        ({"condition": {"kind": "price_falls_to", "level": "40"}}, "condition.level"),
        ({"condition": {"kind": "price_falls_to", "level": True}}, "condition.level"),
        ({"condition": {"kind": "price_falls_to", "level": 0}}, "condition.level"),
        ({"condition": {"kind": "price_falls_to", "level": -5}}, "condition.level"),
        ({"condition": {"kind": "price_jumps", "level": 40}}, "condition.kind"),
        ({"condition": {**BELOW, "window": "15m"}}, "condition.window"),
        ({"frequency": "hourly"}, "frequency"),
        ({"note": "x" * 501}, "note"),
        ({"note": None}, "note"),
        ({"if_true": "maybe"}, "if_true"),
        ({"state": "triggered"}, "state"),
        ({"epoch": 7}, "epoch"),
        ({"uid": "other"}, "uid"),
    ],
)
def test_an_alert_that_cannot_be_names_its_field(person: Person, changes: dict, field: str):
    refused = person.post("/alerts", draft(**changes))
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field
    assert refused.json["errors"][0]["message"]
    assert person.get("/alerts").json["items"] == []


def test_every_faulty_field_is_named(person: Person):
    condition = {"kind": "price_rises_to", "level": "40", "days": 3}
    body = {"condition": condition, "frequency": 1, "extra": 1}
    refused = person.post("/alerts", body)
    assert {fault["field"] for fault in refused.json["errors"]} == {
        "symbol",
        "condition.level",
        "condition.days",
        "frequency",
        "extra",
    }


def test_only_futures_wait_for_prices_below_zero(person: Person):
    below_zero = {"kind": "price_falls_to", "level": -37.63, "extended": False}
    assert made(person, symbol="CL=F", condition=below_zero)["condition"] == below_zero
    assert person.post("/alerts", draft(condition=below_zero)).status_code == 422


def test_a_note_changes_without_arming_anew(site: Site, person: Person):
    alert = made(person)
    site.later(minutes=1)
    changed = person.patch(f"/alerts/{alert['id']}", {"note": "sell"}).json
    assert changed == {**alert, "note": "sell"}
    assert person.get(f"/alerts/{alert['id']}").json == changed


def test_a_note_can_be_emptied(person: Person):
    alert = made(person, note="sell")
    assert person.patch(f"/alerts/{alert['id']}", {"note": ""}).json["note"] == ""


def test_a_paused_alert_is_resumed_with_its_next_epoch(site: Site, person: Person):
    alert = made(person)
    path = f"/alerts/{alert['id']}"
    paused = person.patch(path, {"state": "paused"}).json
    assert (paused["state"], paused["epoch"]) == ("paused", 1)
    site.later(minutes=1)
    resumed = person.patch(path, {"state": "armed"}).json
    assert (resumed["state"], resumed["epoch"]) == ("armed", 2)
    assert resumed["armed_at"] == "2026-03-02T15:01:00Z"


def test_pausing_twice_is_pausing_once(person: Person):
    alert = made(person)
    path = f"/alerts/{alert['id']}"
    once = person.patch(path, {"state": "paused"}).json
    assert person.patch(path, {"state": "paused"}).json == once


def test_arming_what_is_armed_changes_nothing(person: Person):
    alert = made(person)
    assert person.patch(f"/alerts/{alert['id']}", {"state": "armed"}).json == alert


def test_one_that_has_rung_can_ring_again(site: Site, person: Person):
    alert = made(person, condition=REACHED, if_true="fire_now")
    path = f"/alerts/{alert['id']}"
    assert person.patch(path, {"state": "armed"}).status_code == 409
    site.price(101.0)
    again = person.patch(path, {"state": "armed"}).json
    assert (again["state"], again["epoch"]) == ("armed", 2)
    assert again["last_trigger"] == f"{alert['id']}-1"


def test_a_changed_condition_is_armed_with_the_next_epoch(person: Person):
    alert = made(person)
    condition = {"kind": "price_rises_to", "level": 200, "extended": False}
    changed = person.patch(f"/alerts/{alert['id']}", {"condition": condition, "note": "up"}).json
    assert changed["condition"] == condition
    assert (changed["state"], changed["epoch"], changed["note"]) == ("armed", 2, "up")


def test_a_changed_condition_that_is_true_asks_and_changes_nothing(person: Person):
    alert = made(person)
    path = f"/alerts/{alert['id']}"
    refused = person.patch(path, {"condition": REACHED, "note": "new"})
    assert (refused.status_code, refused.json["value"]) == (409, 100.0)
    assert person.get(path).json == alert
    waiting = person.patch(path, {"condition": REACHED, "if_true": "wait"}).json
    assert (waiting["state"], waiting["condition"]["level"]) == ("waiting", 100.0)


def test_a_change_can_fire_now_once(site: Site, person: Person):
    alert = made(person)
    body = {"condition": REACHED, "if_true": "fire_now"}
    fired = person.patch(f"/alerts/{alert['id']}", body).json
    assert (fired["state"], fired["last_trigger"]) == ("triggered", f"{alert['id']}-2")
    assert len(person.get("/triggers").json["items"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"symbol": "MSFT"}, "symbol"),
        ({"epoch": 1}, "epoch"),
        ({"state": "waiting"}, "state"),
        ({"state": "triggered"}, "state"),
        ({"condition": {"kind": "price_falls_to", "level": "1"}}, "condition.level"),
        ({"condition": {"kind": "price_falls_to", "level": -1}}, "condition.level"),
        ({"condition": BELOW, "state": "paused"}, "state"),
        ({"frequency": "hourly"}, "frequency"),
    ],
)
def test_a_change_that_cannot_be_names_its_field(person: Person, body: dict, field: str):
    alert = made(person)
    refused = person.patch(f"/alerts/{alert['id']}", body)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field
    assert person.get(f"/alerts/{alert['id']}").json == alert


def test_an_empty_change_changes_nothing(person: Person):
    alert = made(person)
    assert person.patch(f"/alerts/{alert['id']}", {}).json == alert


def test_a_deleted_alert_is_gone_and_its_triggers_stay(person: Person):
    alert = made(person, condition=REACHED, if_true="fire_now")
    path = f"/alerts/{alert['id']}"
    assert person.delete(path).status_code == 204
    assert person.delete(path).status_code == 404
    assert person.get(path).status_code == 404
    assert person.patch(path, {"state": "armed"}).status_code == 404
    assert person.patch(path, {"note": "x"}).status_code == 404
    assert len(person.get("/triggers").json["items"]) == 1


def test_anothers_alert_is_not_there(person: Person, stranger: Person):
    alert = made(person)
    path = f"/alerts/{alert['id']}"
    answers = [
        stranger.get(path),
        stranger.patch(path, {"note": "mine"}),
        stranger.patch(path, {"state": "paused"}),
        stranger.patch(path, {"condition": BELOW}),
        stranger.delete(path),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert person.get(path).json == alert
    assert stranger.get("/alerts").json["items"] == []


def test_changes_at_once_each_get_an_epoch_of_their_own(site: Site, person: Person):
    alert = made(person)

    def change(level: int) -> int:
        one = Person(site, person.uid, person.email, person.password, person.token)
        body = {"condition": {"kind": "price_falls_to", "level": level}}
        return one.patch(f"/alerts/{alert['id']}", body).json["epoch"]

    with ThreadPoolExecutor(8) as pool:
        epochs = sorted(pool.map(change, range(20, 28)))
    assert epochs == list(range(2, 10))


def test_an_alert_is_urgent_only_where_asked_and_can_be_changed(person: Person):
    alert = made(person, urgent=True)
    assert alert["urgent"] is True
    calm = person.patch(f"/alerts/{alert['id']}", {"urgent": False}).json
    assert (calm["urgent"], calm["epoch"]) == (False, 1)
    again = person.patch(f"/alerts/{alert['id']}", {"urgent": True, "note": "wake me"}).json
    assert (again["urgent"], again["note"]) == (True, "wake me")
    assert person.patch(f"/alerts/{alert['id']}", {"note": "x"}).json["urgent"] is True


def test_an_alert_in_words_can_be_urgent(person: Person):
    answer = person.post("/alerts", {"text": "aapl above 200", "urgent": True})
    assert answer.json["urgent"] is True


@pytest.mark.parametrize("urgent", ["yes", 1, {}])
def test_urgent_is_true_or_false(person: Person, urgent: object):
    answer = person.post("/alerts", draft(urgent=urgent))
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "urgent"


def test_an_alert_has_channels_of_its_own_until_they_are_taken_away(person: Person):
    alert = person.post("/alerts", draft(channels=["push", "email"])).json
    assert alert["channels"] == ["push", "email"]
    path = f"/alerts/{alert['id']}"
    assert person.patch(path, {"note": "same"}).json["channels"] == ["push", "email"]
    assert person.patch(path, {"channels": ["push"]}).json["channels"] == ["push"]
    assert person.patch(path, {"channels": None}).json["channels"] is None
    assert person.get(path).json["epoch"] == 1


@pytest.mark.parametrize("channels", [[], ["email", "email"], ["pigeon"], "email", [1]])
def test_channels_that_nobody_has_are_refused(person: Person, channels: object):
    refused = person.post("/alerts", draft(channels=channels))
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"].startswith("channels")


def test_a_removed_destination_is_no_channel_of_an_alert_any_more(person: Person):
    services = person.site.services
    place = services.destinations.add(person.uid, "apprise", "Chat", "ntfy://x", person.site.at)
    made = person.post("/alerts", draft(channels=[place.id])).json
    services.destinations.remove(person.uid, place.id)
    assert person.get(f"/alerts/{made['id']}").json["channels"] is None
