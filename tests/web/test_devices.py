"""The devices of a person on the page: what a browser is given, and what its forms do."""

import re

import pytest
from flask import render_template_string

from services.notify.push_keys import new_private_key
from tests.support.rfc8291 import Subscriber
from tests.web.conftest import Reader
from web.browsers import browser_name

ENDPOINT = "https://push.example/send/1"


def add(reader: Reader, name: str = "Phone") -> str:
    headers = {"X-CSRFToken": reader.token()}
    body = {"endpoint": ENDPOINT, "keys": Subscriber().keys, "name": name}
    answer = reader.client.post("/api/v1/devices", json=body, headers=headers)
    assert answer.status_code == 201
    return str(answer.json["id"])


def shown(reader: Reader) -> str:
    """The part of the page that is about devices."""
    with reader.client as client:
        client.get("/account")
        return render_template_string('{% include "notifications/devices.html" %}')


def test_the_worker_is_served_for_the_whole_site_and_never_kept(anybody: Reader) -> None:
    answer = anybody.get("/push-worker.js")
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers


def test_a_browser_that_renews_by_itself_is_given_the_key_and_a_token(ada: Reader) -> None:
    given = ada.get("/devices/push").json
    assert given["key"] == ada.site.services.push_key.public
    answer = ada.client.post(
        "/api/v1/devices",
        json={"endpoint": ENDPOINT, "keys": Subscriber().keys},
        headers={"X-CSRFToken": given["csrf_token"]},
    )
    assert answer.status_code == 201


def test_who_is_not_signed_in_is_given_nothing(anybody: Reader) -> None:
    answer = anybody.get("/devices/push")
    assert (answer.status_code, answer.json) == (401, {})


def test_a_device_is_renamed_and_removed_without_scripts(ada: Reader) -> None:
    id_ = add(ada, "<b>Phone</b>")
    page = shown(ada)
    assert "&lt;b&gt;Phone&lt;/b&gt;" in page
    assert "<b>Phone" not in page
    answer = ada.send(f"/devices/{id_}/name", name=" Kitchen\x07 ", back="/account")
    assert answer.headers["Location"] == "/account#devices"
    assert 'value="Kitchen"' in shown(ada)
    ada.send(f"/devices/{id_}/remove", name="Kitchen", back="/account")
    assert "No device gets push messages yet." in shown(ada)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_bad_name_changes_nothing_and_says_so(ada: Reader, name: str) -> None:
    id_ = add(ada)
    ada.send(f"/devices/{id_}/name", name=name, back="/account")
    assert "A name has 1 to 60 characters. Nothing was changed." in ada.page("/account")
    assert 'value="Phone"' in shown(ada)


def test_forms_lead_back_to_this_site_only(ada: Reader) -> None:
    id_ = add(ada)
    answer = ada.send(f"/devices/{id_}/remove", back="https://evil.example/")
    assert answer.headers["Location"] == "/#devices"


def test_nobody_renames_the_devices_of_others(ada: Reader, bob: Reader) -> None:
    id_ = add(ada)
    assert bob.send(f"/devices/{id_}/name", name="Mine").status_code == 404
    bob.send(f"/devices/{id_}/remove")
    assert 'value="Phone"' in shown(ada)


def test_forms_need_their_token(ada: Reader) -> None:
    id_ = add(ada)
    assert ada.client.post(f"/devices/{id_}/remove").status_code == 400
    assert 'value="Phone"' in shown(ada)


def test_the_page_holds_the_public_key_and_says_what_is_needed(ada: Reader) -> None:
    page = shown(ada)
    assert f'data-push="{ada.site.services.push_key.public}"' in page
    assert ada.site.services.push_key.private not in page
    assert "need JavaScript" in page


def test_devices_without_the_channel_are_told_that_nothing_rings_there(ada: Reader) -> None:
    assert "do not ring by push yet" not in shown(ada)
    add(ada)
    assert "do not ring by push yet" in shown(ada)
    ada.site.services.preferences.change(ada.uid, {"channels": ["push"]}, ada.site.at)
    assert "do not ring by push yet" not in shown(ada)


def test_where_push_is_not_set_up_the_page_says_so(ada: Reader) -> None:
    services = ada.site.services
    services.__dict__.pop("push_key", None)
    hosted = services.settings.model_copy(update={"firebase_project_id": "flock"})
    object.__setattr__(services, "settings", hosted)
    page = shown(ada)
    assert "VAPID_PRIVATE_KEY is not set" in page
    assert "data-push-offer" not in page
    assert ada.get("/devices/push").status_code == 200


def test_the_command_prints_a_key_that_the_setting_takes(ada: Reader) -> None:
    said = ada.site.app.test_cli_runner().invoke(args=["push-key"])
    assert said.exit_code == 0
    assert re.fullmatch(r"[\w-]{43}\n", said.output)
    assert said.output.strip() != new_private_key()


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/129.0 Safari/537.36 Edg/129.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/17 Safari/605", "Safari on Mac"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) CriOS/129", "Chrome on iPhone"),
        ("(Linux; Android 14) SamsungBrowser/25 Chrome/121", "Samsung Internet on Android"),
        ("curl/8.5", "Browser"),
        ("", "Browser"),
    ],
)  # fmt: skip
def test_browsers_are_named_as_people_know_them(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
