"""Triggers to a program: what it is sent, how it is signed, and what its answers mean."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.errors import DeliveryError
from services.notify.channel import Channels
from services.notify.channels.webhook.channel import WebhookChannel
from services.notify.channels.webhook.signature import sign
from services.notify.channels.webhook.transport import WebhookTransport
from services.notify.hosts import allowed_hosts
from services.notify.sealing import Seal
from services.store.triggers import Delivery
from services.store.users import Destination
from tests.notify.conftest import Post
from tests.support.bell import Bell
from tests.support.http_peer import Got, HttpPeer

ADDRESS = "https://bell.example"
SECRET = "a secret of forty-three characters, or more"
ID = "d" + "7" * 26
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
DOCUMENTED = PAGE.partition("```python\n")[2].partition("```")[0]
EXAMPLE = PAGE.partition("```json\n")[2].partition("```")[0]
CHANNEL = WebhookChannel(
    ADDRESS, WebhookTransport(allowed_hosts("127.0.0.1"), seconds=2), Seal(["k"])
)


def destination(url: str) -> Destination:
    return Destination(id=ID, kind="webhook", name="Program", url=url, secret=SECRET, added_at=NOW)


@pytest.fixture
def hook(post: Post, http_peer: HttpPeer) -> Post:
    """A person whose alerts ring a program on loopback."""
    post.change(
        channels=(ID,), fallback=(), destinations=(destination(f"{http_peer.url}/in?key=1"),)
    )
    post.outbox._channels = Channels(post.outbox._channels.email, destinations={"webhook": CHANNEL})
    return post


def deliver(hook: Post) -> Delivery:
    hook.outbox.deliver(hook.bell.uid, ID, hook.bell.at)
    return hook.trigger.deliveries[ID]


def is_genuine(got: Got, secret: str, age: float = 0) -> bool:
    """What docs/webhooks.md gives its readers to check a signature with."""
    names: dict[str, Any] = {}
    exec(DOCUMENTED, names)
    signature = got.headers["Bellwether-Signature"]
    at = int(signature.partition("t=")[2].partition(",")[0])
    return bool(names["is_genuine"](secret, signature, got.body, at + age))


def test_a_trigger_is_posted_with_its_evidence(hook: Post, http_peer: HttpPeer) -> None:
    assert deliver(hook).state == "sent"
    got, trigger = http_peer.got[0], hook.trigger
    assert (got.method, got.path) == ("POST", "/in?key=1")
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert got.headers["User-Agent"].startswith("Bellwether")
    body = json.loads(got.body)
    told = body.pop("triggers")
    assert body == {
        "version": 1,
        "type": "triggers",
        "id": f"{trigger.id}.{ID}",
        "title": "AAPL 111.00, rose to 110.00",
        "text": "2 March 2026, 15:05 UTC\nsell <half>",
        "link": f"{ADDRESS}/triggers/{trigger.id}",
    }
    assert told == [
        {
            "id": trigger.id,
            "alert_id": trigger.alert_id,
            "epoch": 1,
            "symbol": "AAPL",
            "condition": {"kind": "price_rises_to", "level": 110.0, "extended": False},
            "sentence": "AAPL rose to 110.00 USD",
            "level": 110.0,
            "value": 112.0,
            "price": 111.0,
            "low": 100.0,
            "high": 112.0,
            "peak": None,
            "currency": "USD",
            "occurred_at": "2026-03-02T15:05:00Z",
            "noticed_at": "2026-03-02T15:05:00Z",
            "source": trigger.source,
            "note": "sell <half>",
            "urgent": False,
            "link": f"{ADDRESS}/alerts/{trigger.alert_id}",
        }
    ]


def test_a_sealed_address_is_posted_to_and_signed_for_with_its_secret(
    hook: Post, http_peer: HttpPeer
) -> None:
    sealed = Seal(["k"]).seal(destination(f"{http_peer.url}/in?key=1"))
    hook.change(destinations=(sealed,))
    assert deliver(hook).state == "sent"
    assert http_peer.got[0].path == "/in?key=1"
    assert is_genuine(http_peer.got[0], SECRET)


def test_an_address_that_no_key_opens_fails_for_good_in_plain_words(
    hook: Post, http_peer: HttpPeer
) -> None:
    hook.change(destinations=(Seal(["lost"]).seal(destination(http_peer.url)),))
    delivery = deliver(hook)
    assert (delivery.state, http_peer.got) == ("failed", [])
    assert "add it again" in (delivery.error or "")


def test_what_is_posted_is_signed_with_its_time(hook: Post, http_peer: HttpPeer) -> None:
    deliver(hook)
    got = http_peer.got[0]
    assert got.headers["Bellwether-Signature"].startswith(f"t={int(hook.bell.at.timestamp())},v1=")
    assert is_genuine(got, SECRET)
    assert not is_genuine(got, "another secret")
    assert not is_genuine(replace(got, body=got.body + b" "), SECRET)
    assert not is_genuine(got, SECRET, age=301)


def test_the_documented_example_has_the_fields_that_are_sent(
    hook: Post, http_peer: HttpPeer
) -> None:
    deliver(hook)
    sent, shown = json.loads(http_peer.got[0].body), json.loads(EXAMPLE)
    assert list(sent) == list(shown)
    assert list(sent["triggers"][0]) == list(shown["triggers"][0])


def test_the_signature_is_the_documented_one() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    wanted = hmac.new(b"key", b'1767225600.{"a":1}', hashlib.sha256).hexdigest()
    assert sign("key", b'{"a":1}', at) == f"t=1767225600,v1={wanted}"


def test_a_retry_is_the_same_message_with_a_new_time(hook: Post, http_peer: HttpPeer) -> None:
    http_peer.status = 503
    assert deliver(hook).state == "retry"
    http_peer.status = 204
    hook.bell.later(1)
    assert deliver(hook).state == "sent"
    first, second = http_peer.got
    assert first.body == second.body
    name = "Bellwether-Delivery"
    assert first.headers[name] == second.headers[name] == f"{hook.trigger.id}.{ID}"
    assert first.headers["Bellwether-Signature"] != second.headers["Bellwether-Signature"]
    assert is_genuine(second, SECRET)


def test_triggers_that_are_due_together_are_one_message(hook: Post, http_peer: HttpPeer) -> None:
    hook.ring("MSFT", "IBM")
    deliver(hook)
    body = json.loads(http_peer.got[0].body)
    assert len(http_peer.got) == 1
    assert body["title"] == "3 alerts rang: AAPL, MSFT, IBM"
    assert [trigger["symbol"] for trigger in body["triggers"]] == ["AAPL", "MSFT", "IBM"]
    assert body["id"] == http_peer.got[0].headers["Bellwether-Delivery"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_answer_of_two_hundred_is_taken(hook: Post, http_peer: HttpPeer, status: int) -> None:
    http_peer.status = status
    assert deliver(hook).state == "sent"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
def test_a_refusal_is_for_good(hook: Post, http_peer: HttpPeer, status: int) -> None:
    http_peer.status = status
    delivery = deliver(hook)
    assert (delivery.state, delivery.attempts) == ("failed", 1)
    assert delivery.error == f"The webhook answered {status}: it does not take this message."
    assert hook.user.destinations[0].off_at is None


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_trouble_that_passes_is_tried_again(hook: Post, http_peer: HttpPeer, status: int) -> None:
    http_peer.status = status
    delivery = deliver(hook)
    assert (delivery.state, delivery.error) == ("retry", f"The webhook answered {status}.")


@pytest.mark.parametrize("asked", ["1800", "Mon, 02 Mar 2026 15:35:00 GMT"])
def test_a_receiver_that_asks_to_wait_is_left_alone(
    hook: Post, http_peer: HttpPeer, asked: str
) -> None:
    http_peer.status, http_peer.headers = 429, {"Retry-After": asked}
    due = deliver(hook).due_at
    assert due is not None
    assert due - hook.bell.at >= timedelta(minutes=30)


@pytest.mark.parametrize("asked", ["soon", "-5", "", "١٢", "9" * 30, "Mon, 99 Zzz 2026"])
def test_nonsense_in_retry_after_is_not_waited_for(
    hook: Post, http_peer: HttpPeer, asked: str
) -> None:
    http_peer.status, http_peer.headers = 503, {"Retry-After": asked.encode().decode("latin-1")}
    due = deliver(hook).due_at
    assert due is not None
    assert due - hook.bell.at < timedelta(minutes=1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(hook: Post, http_peer: HttpPeer, status: int) -> None:
    http_peer.status, http_peer.headers = status, {"Location": f"{http_peer.url}/elsewhere"}
    delivery = deliver(hook)
    assert (delivery.state, len(http_peer.got)) == ("failed", 1)
    assert delivery.error is not None
    assert "leads to another address" in delivery.error


def test_one_that_is_gone_is_switched_off_and_not_tried_again(
    hook: Post, http_peer: HttpPeer
) -> None:
    http_peer.status = 410
    assert deliver(hook).state == "failed"
    off = hook.user.destinations[0]
    assert off.off_at == hook.bell.at
    assert off.off_because == "The webhook answered 410: it wants no messages any more."
    (later,) = hook.ring("MSFT")
    hook.deliver_all()
    told = hook.bell.services.triggers.get(hook.bell.uid, later.id).deliveries[ID]
    assert (told.state, len(http_peer.got)) == ("failed", 1)
    assert told.error is not None
    assert "switched off on 2 March 2026" in told.error


def test_a_place_that_leads_into_the_operators_network_gets_nothing(
    hook: Post, http_peer: HttpPeer
) -> None:
    hook.change(destinations=(destination(f"https://localhost:{http_peer.port}/"),))
    delivery = deliver(hook)
    assert (delivery.state, http_peer.got) == ("failed", [])
    assert delivery.error is not None
    assert "private network" in delivery.error


def test_one_that_does_not_answer_in_time_is_tried_again(
    hook: Post, http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CHANNEL._transport, "_seconds", 0.1)
    monkeypatch.setattr(http_peer, "reply", lambda _: http_peer.ended.wait(2))
    delivery = deliver(hook)
    assert (delivery.state, delivery.error) == ("retry", "127.0.0.1 did not answer in time.")


def test_an_endless_answer_counts_by_its_status(
    hook: Post, http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CHANNEL._transport, "_seconds", 0.2)
    http_peer.trickles = True
    assert deliver(hook).state == "sent"


@pytest.mark.parametrize("port", [1])
def test_one_that_is_not_there_is_tried_again(hook: Post, port: int) -> None:
    hook.change(destinations=(destination(f"http://127.0.0.1:{port}/secret"),))
    delivery = deliver(hook)
    assert (delivery.state, delivery.error) == ("retry", "127.0.0.1 cannot be reached.")


def test_a_certificate_that_nobody_vouches_for_is_told(hook: Post, https_peer: HttpPeer) -> None:
    hook.change(destinations=(destination(f"https://127.0.0.1:{https_peer.port}/secret"),))
    delivery = deliver(hook)
    assert delivery.state == "retry"
    assert delivery.error is not None
    assert delivery.error.startswith("127.0.0.1 has no valid certificate")


def test_a_test_shows_what_the_receiver_answers(hook: Post, http_peer: HttpPeer) -> None:
    said = CHANNEL.send_test(hook.user, ID, hook.bell.at)
    body = json.loads(http_peer.got[0].body)
    assert said == "The webhook took a test and answered 200."
    assert (body["version"], body["type"], body["triggers"]) == (1, "test", [])
    assert body["link"] == f"{ADDRESS}/account/notifications"
    assert is_genuine(http_peer.got[0], SECRET)
    http_peer.status = 500
    with pytest.raises(DeliveryError, match="answered 500"):
        CHANNEL.send_test(hook.user, ID, hook.bell.at)


def test_what_was_removed_meanwhile_is_told(hook: Post) -> None:
    with pytest.raises(DeliveryError, match="removed") as error:
        CHANNEL.send_test(hook.user, "d" + "8" * 26, hook.bell.at)
    assert error.value.permanent


NASTY = '@everyone <script>alert(1)</script> "\\ \r\nX-Header: y \x00 \u2028 é 漢 😀'


def test_a_note_of_any_letters_arrives_as_it_was_written(
    bell: Bell, hook: Post, http_peer: HttpPeer
) -> None:
    note = (NASTY * 20)[:500]
    bell.alert("price_rises_to", 112, note=note)
    bell.check_at(113, day_high=113)
    hook.deliver_all()
    bodies = [json.loads(got.body) for got in http_peer.got]
    notes = [trigger["note"] for body in bodies for trigger in body["triggers"]]
    assert sorted(notes) == sorted(["sell <half>", note])
    assert all("X-Header" not in got.headers for got in http_peer.got)
