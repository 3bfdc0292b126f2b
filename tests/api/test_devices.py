"""Devices that are pushed to: added, listed, renamed, removed; one person's are nobody else's."""

import pytest

from services.store.devices import MAX_DEVICES, MAX_ENDPOINT, device_id
from tests.support.rfc8291 import Subscriber, encode, key_of
from tests.support.web import Person

KEYS = Subscriber(key_of(encode(bytes(31) + b"\x07")), bytes(range(16))).keys
ENDPOINT = "https://push.example/send/1"
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/129.0.0.0 Mobile Safari/537.36"
)


def browser(endpoint: str = ENDPOINT, **more: object) -> dict[str, object]:
    return {"endpoint": endpoint, "keys": KEYS, **more}


def names(person: Person) -> list[str]:
    return [found["name"] for found in person.get("/devices").json["items"]]


def test_a_browser_is_called_as_it_calls_itself(person: Person):
    answer = person.post("/devices", browser(), headers={"User-Agent": CHROME})
    assert answer.status_code == 201
    assert answer.json == {
        "id": device_id("webpush", ENDPOINT),
        "kind": "webpush",
        "name": "Chrome on Android",
        "created_at": "2026-03-02T15:00:00Z",
        "last_seen_at": "2026-03-02T15:00:00Z",
    }
    assert answer.headers["Location"] == f"/api/v1/devices/{answer.json['id']}"
    assert person.get("/devices").json == {"items": [answer.json], "next": None}


def test_an_app_gives_its_token(person: Person):
    answer = person.post("/devices", {"token": "dGk:APA91b-x_Y", "name": " Tablet "})
    assert (answer.json["kind"], answer.json["name"]) == ("fcm", "Tablet")
    (device,) = person.site.services.devices.of(person.uid)
    assert device.endpoint == "dGk:APA91b-x_Y"


def test_what_is_there_already_keeps_its_name_and_takes_new_keys(person: Person):
    person.post("/devices", browser(name="Phone"))
    person.site.later(days=2)
    renewed = Subscriber().keys
    answer = person.post("/devices", browser(name="Other", keys=renewed))
    assert (answer.status_code, answer.json["name"]) == (201, "Phone")
    assert answer.json["last_seen_at"] == "2026-03-04T15:00:00Z"
    (device,) = person.site.services.devices.of(person.uid)
    assert device.auth == renewed["auth"]


def test_a_renewed_subscription_takes_the_name_and_the_place_of_the_former(person: Person):
    person.post("/devices", browser(name="Phone"))
    person.post("/devices", browser("https://push.example/send/2", replaces=ENDPOINT))
    assert names(person) == ["Phone"]
    person.post("/devices", browser("https://push.example/send/3", replaces="https://else/"))
    person.post(
        "/devices", browser("https://push.example/send/3", replaces="https://push.example/send/3")
    )
    assert len(names(person)) == 2


def test_a_full_list_does_not_keep_one_from_being_replaced(person: Person):
    for number in range(MAX_DEVICES):
        person.post("/devices", browser(f"https://push.example/{number}", name=f"No. {number}"))
    full = person.post("/devices", browser())
    assert (full.status_code, full.json["type"][-13:]) == (409, "limit-reached")
    replaced = person.post("/devices", browser(replaces="https://push.example/7"))
    assert (replaced.status_code, replaced.json["name"]) == (201, "No. 7")


def test_a_device_is_renamed_and_removed(person: Person):
    made = person.post("/devices", browser()).json
    path = f"/devices/{made['id']}"
    assert person.patch(path, {"name": " Kitchen "}).json["name"] == "Kitchen"
    assert person.delete(path).status_code == 204
    assert person.delete(path).status_code == 204
    assert person.patch(path, {"name": "Kitchen"}).status_code == 404
    assert names(person) == []


def test_nobody_touches_the_devices_of_others(person: Person, stranger: Person):
    made = person.post("/devices", browser(name="Phone")).json
    assert names(stranger) == []
    assert stranger.patch(f"/devices/{made['id']}", {"name": "Mine"}).status_code == 404
    stranger.delete(f"/devices/{made['id']}")
    stranger.post("/devices", browser("https://push.example/2", replaces=ENDPOINT))
    assert names(person) == ["Phone"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "endpoint"),
        ({"endpoint": ENDPOINT}, "endpoint"),
        ({"keys": KEYS}, "endpoint"),
        (browser("http://push.example/"), "endpoint"),
        (browser("https://"), "endpoint"),
        (browser("https://a:b@push.example/"), "endpoint"),
        (browser("https://push.example:0/"), "endpoint"),
        (browser("https://push.example:99999/"), "endpoint"),
        (browser("https://[::1/"), "endpoint"),
        (browser("https://push.example/#x"), "endpoint"),
        (browser("https://push.example/ x"), "endpoint"),
        (browser("https://push.exämple/"), "endpoint"),
        (browser("https://push.example/\r\nHost: x"), "endpoint"),
        (browser("https://p/" + "x" * MAX_ENDPOINT), "endpoint"),
        (browser(keys={**KEYS, "auth": "tooshort"}), "keys.auth"),
        (browser(keys={**KEYS, "auth": "*" * 22}), "keys.auth"),
        (browser(keys={**KEYS, "auth": "a" * 41}), "keys.auth"),
        (browser(keys={**KEYS, "p256dh": "A" * 87}), "keys.p256dh"),
        (browser(keys={**KEYS, "p256dh": encode(b"\x04" + bytes(64))}), "keys.p256dh"),
        (browser(keys={**KEYS, "p256dh": encode(b"\x02" + b"\x11" * 32)}), "keys.p256dh"),
        (browser(keys={**KEYS, "p256dh": "+" * 87}), "keys.p256dh"),
        (browser(keys={"auth": KEYS["auth"]}), "keys.p256dh"),
        (browser(keys={**KEYS, "more": "x"}), "keys.more"),
        (browser(name=""), "name"),
        (browser(name="x" * 61), "name"),
        (browser(name="a\x00b"), "name"),
        (browser(kind="webpush"), "kind"),
        (browser(expirationTime=None), "expirationTime"),
        (browser(token="t"), "token"),
        ({"token": ""}, "token"),
        ({"token": "t t"}, "token"),
        ({"token": "t" * (MAX_ENDPOINT + 1)}, "token"),
        ({"token": 5}, "token"),
    ],
)
def test_what_cannot_be_pushed_to_is_refused_at_its_field(
    person: Person, body: dict[str, object], field: str
):
    answer = person.post("/devices", body)
    assert answer.status_code == 422, answer.text
    assert answer.json["errors"][0]["field"] == field
    assert names(person) == []


def test_keys_with_padding_are_the_same_keys(person: Person):
    padded = {name: text + "=" * (-len(text) % 4) for name, text in KEYS.items()}
    assert person.post("/devices", browser(keys=padded)).status_code == 201
    (device,) = person.site.services.devices.of(person.uid)
    assert {"p256dh": device.p256dh, "auth": device.auth} == KEYS
