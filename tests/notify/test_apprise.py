"""Messages to chats and phones: what services on the other side of a real connection are sent, and
what becomes of their answers."""

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.errors import DeliveryError
from services.notify import guarded as guard
from services.notify.channel import Channels
from services.notify.channels.apprise.address import SERVICES
from services.notify.channels.apprise.channel import AppriseChannel
from services.notify.channels.apprise.transport import AppriseTransport
from services.notify.channels.apprise.words import MAX_BODY, harmless
from services.notify.hosts import allowed_hosts
from services.notify.sealing import Seal
from services.store.triggers import Delivery
from services.store.users import Destination
from tests.notify.conftest import Post
from tests.support.bell import Bell
from tests.support.http_peer import NAMES, HttpPeer

ADDRESS = "https://bell.example"
ID = "d" + "7" * 26
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TOKEN = "Tok3nOfAnApplication"
LOOPBACK = AppriseTransport(allowed_hosts("127.0.0.1"))
CHANNEL = AppriseChannel(ADDRESS, allowed_hosts("127.0.0.1"), Seal(["k"]))
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
DISCORD = "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544"


def gotify(peer: HttpPeer) -> str:
    return f"gotify://127.0.0.1:{peer.port}/{TOKEN}"


@pytest.fixture
def chat(post: Post, http_peer: HttpPeer) -> Post:
    """A person whose alerts ring a Gotify on loopback."""
    one = Destination(id=ID, kind="apprise", name="Phone", url=gotify(http_peer), added_at=NOW)
    post.change(channels=(ID,), fallback=(), destinations=(one,))
    post.outbox._channels = Channels(post.outbox._channels.email, destinations={"apprise": CHANNEL})
    return post


@pytest.fixture
def world(https_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HttpPeer:
    """A peer that stands for Slack, Discord, Telegram and ntfy.sh, by their own names."""
    resolve, connect = socket.getaddrinfo, guard._connect

    def resolved(host: str, *rest: int) -> list[tuple]:
        return resolve("127.0.0.1" if host in NAMES else host, *rest)

    def connected(address: tuple[str, int], *rest: object, **named: object) -> socket.socket:
        return connect((address[0], https_peer.port), *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(guard, "_connect", connected)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    https_peer.answer = b"ok"
    return https_peer


WORLD = AppriseTransport(allowed_hosts(",".join(NAMES)))


def deliver(chat: Post) -> Delivery:
    chat.outbox.deliver(chat.bell.uid, ID, chat.bell.at)
    return chat.trigger.deliveries[ID]


def refusal(peer: HttpPeer, status: int, answer: bytes = b"") -> DeliveryError:
    peer.status, peer.answer = status, answer
    with pytest.raises(DeliveryError) as error:
        LOOPBACK.send(gotify(peer), "title", "body", NOW)
    return error.value


def test_a_trigger_is_told_in_a_few_lines(chat: Post, http_peer: HttpPeer) -> None:
    assert deliver(chat).state == "sent"
    (got,) = http_peer.got
    told = json.loads(got.body)
    assert told["title"] == "AAPL 111.00, rose to 110.00"
    assert told["message"] == (
        f"2 March 2026, 15:05 UTC\nsell ‹half›\n{ADDRESS}/triggers/{chat.trigger.id}"
    )


def test_triggers_that_are_due_together_are_one_message(chat: Post, http_peer: HttpPeer) -> None:
    chat.ring("MSFT", "IBM")
    deliver(chat)
    assert [json.loads(got.body)["title"] for got in http_peer.got] == [
        "3 alerts rang: AAPL, MSFT, IBM"
    ]


PEERS = {
    "gotify": ("gotify://127.0.0.1:{port}/" + TOKEN, "/message"),
    "ntfy": ("ntfy://127.0.0.1:{port}/bells", "/"),
    "mattermost": ("mmost://127.0.0.1:{port}/abcdefghijklmnopqrstuvwxyz", "/hooks/"),
    "rocket": ("rocket://abcdefgh/abcdefghijklmnopqrst@127.0.0.1:{port}/#room", "/hooks/"),
    "signal": ("signal://127.0.0.1:{port}/15551234567/15557654321", "/v2/send"),
    "matrix": ("matrix://user:password@127.0.0.1:{port}/!room:localhost", "/_matrix/"),
}


@pytest.mark.parametrize("service", sorted(PEERS))
def test_services_of_the_operators_own_are_spoken_to_as_they_expect(
    service: str, http_peer: HttpPeer
) -> None:
    url, path = PEERS[service]
    http_peer.answer = json.dumps(
        {
            "access_token": "token",
            "home_server": "localhost",
            "user_id": "@user:localhost",
            "room_id": "!room:localhost",
        }
    ).encode()
    LOOPBACK.send(url.format(port=http_peer.port), "title", "what rang", NOW)
    assert all(got.path.startswith(path) for got in http_peer.got)
    assert sum(b"what rang" in got.body for got in http_peer.got) == 1


@pytest.mark.parametrize(
    ("url", "path", "name"),
    [
        (SLACK, "/services/T1JJ3T3L2/A1BRTD4JD/", "hooks.slack.com"),
        (DISCORD, "/api/webhooks/123456789012345678/", "discord.com"),
        (TELEGRAM, "/bot123456789:abcdefg_hijklmnop/sendMessage", "api.telegram.org"),
        ("ntfy://bells", "/", "ntfy.sh"),
    ],
)
def test_services_of_the_world_are_spoken_to_as_they_expect(
    url: str, path: str, name: str, world: HttpPeer
) -> None:
    world.answer = b"ok" if url == SLACK else b'{"ok": true}'
    WORLD.send(url, "title", "what rang", NOW)
    (got,) = world.got
    assert (got.method, got.path.startswith(path), world.server_name) == ("POST", True, name)
    assert b"what rang" in got.body
    assert b"github" not in got.body


NASTY = (
    "@everyone @here <!channel> <@U012AB> <users/all> [click](https://evil.example) "
    "\u202etxt.exe *b* `c` _d_ <b>x</b> &amp; \x00\r\n# heading é 漢 😀"
)


@pytest.mark.parametrize("url", [SLACK, DISCORD, TELEGRAM, "ntfy://bells"])
def test_no_text_calls_people_or_becomes_markup(url: str, world: HttpPeer) -> None:
    world.answer = b"ok" if url == SLACK else b'{"ok": true}'
    WORLD.send(url, harmless(NASTY), harmless(NASTY), NOW)
    text = json.dumps(json.loads(world.got[0].body), ensure_ascii=False)
    for markup in ("@everyone", "@here", "<!", "<@", "<users", "](", "<b>x", "\u202e", "\x00"):
        assert markup not in text
    for words in ("everyone", "evil.example", "é 漢 😀"):
        assert words in text


def test_a_long_note_is_cut_and_the_link_stays(bell: Bell, chat: Post, http_peer: HttpPeer) -> None:
    for number in range(15):
        bell.alert("price_rises_to", 112 + number / 100, note="漢字 & more " * 40)
    bell.check_at(113, day_high=113)
    chat.deliver_all()
    (told,) = [json.loads(got.body)["message"] for got in http_peer.got]
    assert len(told) < MAX_BODY + 100
    assert told.endswith(f"{ADDRESS}/triggers")


def test_ten_kilobytes_are_bounded(http_peer: HttpPeer) -> None:
    LOOPBACK.send(gotify(http_peer), "t" * 10_000, "x" * 100_000, NOW)
    assert len(http_peer.got) == 1
    assert len(http_peer.got[0].body) < 40_000


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_refusal_is_for_good(status: int, http_peer: HttpPeer) -> None:
    error = refusal(http_peer, status)
    assert (error.permanent, error.gone) == (True, False)
    assert str(error).startswith(f"Gotify answered {status}: ")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_trouble_that_passes_is_tried_again(status: int, http_peer: HttpPeer) -> None:
    http_peer.headers = {"Retry-After": "90"}
    error = refusal(http_peer, status)
    assert (error.permanent, error.retry_after) == (False, timedelta(seconds=90))


@pytest.mark.parametrize(
    ("url", "status", "gone"),
    [(SLACK, 404, True), (DISCORD, 404, True), (SLACK, 410, True), (TELEGRAM, 404, False)],
)
def test_a_place_that_is_no_more_is_gone(
    url: str, status: int, gone: bool, world: HttpPeer
) -> None:
    world.status, world.answer = status, b"no_service"
    with pytest.raises(DeliveryError) as error:
        WORLD.send(url, "title", "body", NOW)
    assert (error.value.gone, error.value.permanent) == (gone, True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b'{"ok":false,"description":"Bad Request: chat not found"}', "Bad Request: chat not foun"),
        (b'{"error":"Unauthorized","errorDescription":"x"}', "Unauthorized"),
        (b'{"errors":[{"message":"invalid channel"}]}', "invalid channel"),
        (b"no_service", "no_service"),
        (b"<html><body>Not found</body></html>", "it does not understand"),
        (b"\xff\xfe", "it does not understand"),
        (b"[" * 50_000, "it does not understand"),
        (b"", "it does not understand"),
    ],
)
def test_the_services_own_words_are_told(answer: bytes, words: str, http_peer: HttpPeer) -> None:
    assert f"Gotify answered 400: {words}" in str(refusal(http_peer, 400, answer))


def test_no_part_of_the_address_is_told_or_logged(
    http_peer: HttpPeer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    said = json.dumps({"error": f"The token {TOKEN} is unknown\r\nInjected: line"}).encode()
    error = str(refusal(http_peer, 401, said))
    with pytest.raises(DeliveryError) as cannot:
        LOOPBACK.send(f"slack://{TOKEN}", "title", "body", NOW)
    printed = capfd.readouterr()
    for text in (error, str(cannot.value), caplog.text, printed.out, printed.err):
        assert TOKEN not in text
        assert "\n" not in error
    assert "is unknown" in error


@pytest.mark.parametrize(
    "url",
    [
        "gotify://127.0.0.1",
        "discord://x",
        "slack://a",
        "tgram://x",
        "pover://x",
        "twilio://x",
        "matrix://",
    ],
)
def test_an_address_that_is_not_whole_is_told_with_an_example(url: str) -> None:
    with pytest.raises(DeliveryError) as error:
        LOOPBACK.send(url, "title", "body", NOW)
    assert error.value.permanent
    assert SERVICES[url.partition("://")[0]].name in str(error.value)


@pytest.mark.parametrize("options", ["verify=no", "template=/etc/passwd", "+X-Header=y", "rto=99"])
def test_what_was_stored_before_an_option_was_forbidden_is_not_sent(
    options: str, http_peer: HttpPeer
) -> None:
    with pytest.raises(DeliveryError, match="options"):
        LOOPBACK.send(f"{gotify(http_peer)}?{options}", "title", "body", NOW)
    assert http_peer.got == []


@pytest.mark.parametrize("scheme", ["json", "mailto", "syslog", "file", "mqtt"])
def test_what_was_stored_before_a_service_was_forbidden_is_not_sent(scheme: str) -> None:
    with pytest.raises(DeliveryError, match="no more") as error:
        LOOPBACK.send(f"{scheme}://127.0.0.1/", "title", "body", NOW)
    assert error.value.permanent


def test_one_message_goes_to_one_receiver(world: HttpPeer) -> None:
    with pytest.raises(DeliveryError, match="several receivers"):
        WORLD.send(f"{TELEGRAM}/12315545", "title", "body", NOW)
    assert world.got == []


@pytest.mark.parametrize(
    "url",
    [
        "gotifys://127.0.0.1:{port}/" + TOKEN,
        "ntfys://localhost:{port}/bells",
        "matrixs://user:password@[::ffff:127.0.0.1]:{port}/!room:localhost",
        "mmosts://2130706433:{port}/abcdefghijklmnopqrstuvwxyz",
        "signals://169.254.169.254/15551234567/15557654321",
    ],
)
def test_no_service_leads_into_the_operators_network(url: str, http_peer: HttpPeer) -> None:
    closed = AppriseTransport(frozenset())
    with pytest.raises(DeliveryError) as error:
        closed.send(url.format(port=http_peer.port), "title", "body", NOW)
    assert error.value.permanent
    assert http_peer.got == []


def test_nothing_goes_unencrypted_into_the_world() -> None:
    with pytest.raises(DeliveryError, match="not encrypted"):
        LOOPBACK.send(f"gotify://8.8.8.8/{TOKEN}", "title", "body", NOW)


def test_a_redirect_is_not_followed(http_peer: HttpPeer) -> None:
    http_peer.headers = {"Location": f"{http_peer.url}/elsewhere"}
    error = refusal(http_peer, 302)
    assert len(http_peer.got) == 1
    assert error.permanent
    assert "another address" in str(error)


def test_a_server_that_asks_to_wait_does_not_hold_the_worker(http_peer: HttpPeer) -> None:
    http_peer.status, http_peer.answer = 429, b'{"retry_after_ms": 7200000}'
    with pytest.raises(DeliveryError) as error:
        LOOPBACK.send(PEERS["matrix"][0].format(port=http_peer.port), "title", "body", NOW)
    assert error.value.retry_after == timedelta(hours=2)


@pytest.mark.parametrize("asked", ["1e300", "-1", "NaN", '"soon"', "[]", "9" * 400])
def test_nonsense_about_waiting_is_not_believed(asked: str, http_peer: HttpPeer) -> None:
    http_peer.status, http_peer.answer = 429, b'{"retry_after_ms": %b}' % asked.encode()
    with pytest.raises(DeliveryError) as error:
        LOOPBACK.send(PEERS["matrix"][0].format(port=http_peer.port), "title", "body", NOW)
    assert not error.value.permanent
    assert (error.value.retry_after or timedelta()) <= timedelta(days=1)


def test_one_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(DeliveryError, match="Gotify cannot be reached") as error:
        LOOPBACK.send(f"gotify://127.0.0.1:1/{TOKEN}", "title", "body", NOW)
    assert not error.value.permanent


def test_one_that_never_answers_is_cut_off(
    http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_peer, "reply", lambda _: http_peer.ended.wait(3))
    short = AppriseTransport(allowed_hosts("127.0.0.1"), seconds=0.2)
    with pytest.raises(DeliveryError, match="did not answer in time"):
        short.send(gotify(http_peer), "title", "body", NOW)


@pytest.mark.parametrize(
    "answer",
    [b"[]", b"7", b'"x"', b"{", b'{"access_token": []}', b"null", b"[" * 60_000, b"9" * 5_000],
)
def test_nonsense_as_an_answer_is_told(answer: bytes, http_peer: HttpPeer) -> None:
    http_peer.answer = answer
    with pytest.raises(DeliveryError, match=r"^Matrix "):
        LOOPBACK.send(PEERS["matrix"][0].format(port=http_peer.port), "title", "body", NOW)


def test_a_test_says_that_it_was_taken(chat: Post, http_peer: HttpPeer) -> None:
    assert CHANNEL.send_test(chat.user, ID, NOW) == "Gotify took a test message. Look there."
    assert "sent as a test" in json.loads(http_peer.got[0].body)["message"]


def test_one_that_is_gone_is_switched_off(chat: Post, http_peer: HttpPeer) -> None:
    http_peer.status = 410
    assert deliver(chat).state == "failed"
    assert chat.user.destinations[0].off_at == chat.bell.at
    assert "switched off" in (CHANNEL.absent_because(chat.user, ID) or "")


def test_apprise_writes_no_files(
    http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    http_peer.answer = b'{"access_token":"t","user_id":"@u:localhost","room_id":"!room:localhost"}'
    LOOPBACK.send(PEERS["matrix"][0].format(port=http_peer.port), "title", "body", NOW)
    assert list(tmp_path.rglob("*")) == []
