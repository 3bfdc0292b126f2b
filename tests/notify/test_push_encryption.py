"""What pywebpush sends, read and checked with nothing of its own."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag

from services.notify.channels.push.push import LIVES, MAX_BYTES, Push
from services.notify.channels.push.web_push import WebPushSender, contact_of, topic
from services.notify.push_keys import PushKey, new_private_key
from tests.support.push_service import PushService
from tests.support.rfc8291 import Subscriber, decode, key_of, verified

NOW = datetime.now(UTC)
KEY = PushKey.of(new_private_key())
PUSH = Push(
    "AAPL 198.50, rose to 198 €", "Böse <b>note</b>", "https://bell.example/alerts/A", "A-1"
)


def sender(service: PushService, contact: str = "mailto:bell@bell.example") -> WebPushSender:
    return WebPushSender(KEY, contact, frozenset({"localhost"}), 5, str(service.ca_file))


def test_our_reader_reads_the_message_of_rfc_8291() -> None:
    reader = Subscriber(
        key_of("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), decode("BTBZMqHH6r4Tts7J_aSIgg")
    )
    body = decode(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY"
        "WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS"
        "gSxsj_Qulcy4a-fN"
    )
    assert reader.keys["p256dh"].startswith("BCVxsr7N_eNgVRqvHtD0zTZsEc6")
    assert reader.read(body) == b"When I grow up, I want to be a watermelon"


def test_the_browser_reads_what_was_sent_and_nobody_else(push_service: PushService) -> None:
    browser = push_service.browser("Chrome")
    assert sender(push_service).send([browser.device("ada", NOW)], PUSH, NOW) == {}
    assert browser.messages == [
        {
            "title": "AAPL 198.50, rose to 198 €",
            "body": "Böse <b>note</b>",
            "link": "https://bell.example/alerts/A",
            "tag": "A-1",
            "snooze": "",
            "pause": "",
        }
    ]
    with pytest.raises(InvalidTag):
        Subscriber().read(browser.requests[0].body)


def test_the_token_names_us_the_service_and_an_end(push_service: PushService) -> None:
    browser = push_service.browser("Chrome")
    sender(push_service).send([browser.device("ada", NOW)], PUSH, NOW)
    authorization = browser.requests[0].headers["authorization"]
    token = verified(authorization)
    assert token.header == {"typ": "JWT", "alg": "ES256"}
    assert token.public == KEY.public
    assert token.claims["aud"] == push_service.origin
    assert token.claims["sub"] == "mailto:bell@bell.example"
    assert token.claims["exp"] == int((NOW + LIVES).timestamp())
    assert timedelta() < LIVES < timedelta(hours=24)
    with pytest.raises(InvalidSignature):
        verified(authorization.replace("t=eyJ0", "t=eyJ1"))


def test_the_headers_tell_how_long_how_urgent_and_what_it_replaces(
    push_service: PushService,
) -> None:
    browser = push_service.browser("Chrome")
    device = browser.device("ada", NOW)
    urgent = Push("a", "b", "https://bell.example/", "A-1", urgent=True)
    for push in (PUSH, urgent):
        sender(push_service).send([device], push, NOW)
    first, second = (got.headers for got in browser.requests)
    assert (first["ttl"], first["urgency"], second["urgency"]) == ("43200", "normal", "high")
    assert first["content-encoding"] == "aes128gcm"
    assert first["topic"] == second["topic"] == topic("A-1") != topic("A-2")
    assert len(first["topic"]) == 32


@pytest.mark.parametrize("body", ["x" * 10_000, "€" * 5_000, '"\n\\' * 4_000, "\x00" * 9_000])
def test_a_long_message_is_shortened_to_what_push_services_take(
    push_service: PushService, body: str
) -> None:
    browser = push_service.browser("Chrome")
    long = Push("t" * 500, body, "https://bell.example/", "A-1", snooze="s" * 300)
    sender(push_service).send([browser.device("ada", NOW)], long, NOW)
    (message,) = browser.messages
    assert len(long.payload()) <= MAX_BYTES
    assert len(browser.requests[0].body) <= 4_096
    assert message["body"].endswith("…")
    assert body.startswith(message["body"][:-1])


def test_a_short_message_is_not_shortened() -> None:
    assert PUSH.fields()["body"] == PUSH.body


@pytest.mark.parametrize(
    ("mail_from", "address", "contact"),
    [
        ("Bell <bell@bell.example>", "https://bell.example", "mailto:bell@bell.example"),
        ("bell@localhost", "https://bell.example", "https://bell.example"),
        ("bell@localhost", "https://bell.example:8443/x", "https://bell.example"),
        ("Bell <bell@localhost>", "http://localhost:5000", "mailto:bellwether@localhost"),
        ("nonsense", "https://localhost", "mailto:bellwether@localhost"),
    ],
)
def test_whoever_runs_a_push_service_can_reach_us(
    push_service: PushService, mail_from: str, address: str, contact: str
) -> None:
    assert contact_of(mail_from, address) == contact
    browser = push_service.browser("Chrome")
    post = sender(push_service, contact)
    assert post.send([browser.device("ada", NOW)], PUSH, NOW) == {}
    assert verified(browser.requests[0].headers["authorization"]).claims["sub"] == contact
