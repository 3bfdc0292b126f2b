"""Nothing that a person enters leads into the operator's network."""

import gzip
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread, active_count

import pytest
import requests
from psutil import Process

from services.errors import DeliveryError
from services.notify.guarded import MAX_ANSWER, guarded
from services.notify.hosts import allowed_hosts, is_allowed, is_public
from tests.support.http_peer import HttpPeer

NOBODY: frozenset[str] = frozenset()
LOOPBACK = allowed_hosts("127.0.0.1")


class Names:
    """A resolver that answers what it is told, each time the next of a name's answers."""

    def __init__(self, real: Callable[..., list[tuple]]) -> None:
        self.real = real
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *options: int) -> list[tuple]:
        if host not in self.answers:
            return self.real(host, port, *options)
        self.asked.append(host)
        left = self.answers[host]
        found = left.pop(0) if len(left) > 1 else left[0]
        return [each for address in found for each in self.real(address, port, *options)]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    fake = Names(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", fake)
    return fake


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_that_not_everybody_reaches_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"],
)
def test_an_address_that_everybody_reaches_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "hooks.example@127.0.0.1",
        "hooks.example:443@127.0.0.1",
        "127.0.0.1#.hooks.example",
    ],
)
def test_no_spelling_of_this_machine_is_reached(host: str, http_peer: HttpPeer) -> None:
    where, _, rest = host.partition("#")
    url = f"https://{where}:{http_peer.port}/" + (f"#{rest}" if rest else "")
    with pytest.raises(DeliveryError, match="private network") as error, guarded(NOBODY):
        requests.post(url, data=b"{}", timeout=5)
    assert error.value.permanent
    assert http_peer.got == []


@pytest.mark.parametrize("host", ["１２７.０.０.１", "ｌocalhost", "127。0。0。1"])
def test_letters_that_only_look_alike_reach_nothing(host: str, http_peer: HttpPeer) -> None:
    with pytest.raises((DeliveryError, requests.RequestException)), guarded(NOBODY):
        requests.get(f"http://{host}:{http_peer.port}/", timeout=5)
    assert http_peer.got == []


@pytest.mark.parametrize("host", ["metadata.example", "localhost.", "xn--mller-kva.example"])
def test_a_name_that_leads_to_a_private_address_is_not_reached(host: str, names: Names) -> None:
    names.answers[host] = [["169.254.169.254"]]
    with pytest.raises(DeliveryError, match="private network"), guarded(NOBODY):
        requests.get(f"https://{host}/", timeout=5)


def test_one_private_address_among_public_ones_is_enough_to_refuse(names: Names) -> None:
    names.answers["two.example"] = [["8.8.8.8", "127.0.0.1"]]
    with pytest.raises(DeliveryError, match="private network"), guarded(NOBODY):
        requests.get("https://two.example/", timeout=5)


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.answers["rebinds.example"] = [["8.8.8.8"], ["127.0.0.1"]]
    reached: list[object] = []

    def connect(self: socket.socket, address: object) -> None:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(requests.ConnectionError), guarded(NOBODY):
        requests.get("https://rebinds.example/", timeout=5)
    assert (names.asked, reached) == (["rebinds.example"], [("8.8.8.8", 443)])


def test_the_next_address_is_tried_where_one_does_not_answer(
    names: Names, http_peer: HttpPeer
) -> None:
    names.answers["two.example"] = [["127.0.0.9", "127.0.0.1"]]
    with guarded(allowed_hosts("two.example")):
        assert requests.get(f"http://two.example:{http_peer.port}/", timeout=5).ok


def test_a_redirect_to_a_private_address_is_not_followed(names: Names, http_peer: HttpPeer) -> None:
    http_peer.status = 302
    http_peer.headers = {"Location": f"https://127.0.0.1:{http_peer.port}/secret"}
    names.answers["hooks.example"] = [["127.0.0.1"]]
    with (
        pytest.raises(DeliveryError, match="private network"),
        guarded(allowed_hosts("hooks.example")),
    ):
        requests.get(f"http://hooks.example:{http_peer.port}/", timeout=5)
    assert [request.path for request in http_peer.got] == ["/"]


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "HTTP://hooks.example:8080/", "http://[::1]/"])
def test_nothing_is_sent_that_can_be_read_on_its_way(url: str) -> None:
    with pytest.raises(DeliveryError, match="not encrypted") as error, guarded(LOOPBACK):
        requests.post(url, data=b"secret", timeout=5)
    assert error.value.permanent


def test_a_redirect_away_from_encryption_is_not_followed(
    names: Names, https_peer: HttpPeer, tmp_path: Path
) -> None:
    names.answers["hooks.example"] = [["127.0.0.1"]]
    https_peer.status, https_peer.headers = 302, {"Location": "http://8.8.8.8/"}
    url = f"https://hooks.example:{https_peer.port}/"
    with (
        pytest.raises(DeliveryError, match="not encrypted"),
        guarded(allowed_hosts(f"hooks.example:{https_peer.port}")),
    ):
        requests.get(url, timeout=5, verify=str(tmp_path / "ca.pem"))


def test_a_refusal_stands_whatever_the_code_inside_makes_of_it(http_peer: HttpPeer) -> None:
    def swallow() -> None:
        with suppress(DeliveryError):
            requests.get(f"https://127.0.0.1:{http_peer.port}/", timeout=5)

    def reword() -> None:
        swallow()
        raise ValueError("something else")

    for make_of_it in (swallow, reword):
        with pytest.raises(DeliveryError, match="private network"), guarded(NOBODY):
            make_of_it()


@pytest.mark.parametrize("allowed", ["127.0.0.1", "nas.example, 127.0.0.1", "127.0.0.1:{port}"])
def test_a_host_that_the_operator_allows_is_reached(allowed: str, http_peer: HttpPeer) -> None:
    with guarded(allowed_hosts(allowed.format(port=http_peer.port))):
        assert requests.post(http_peer.url, data=b"1", timeout=5).ok
    assert http_peer.got[0].body == b"1"


@pytest.mark.parametrize("allowed", ["localhost", "127.0.0.1:1", "127.0.0.2", "0.0.1"])
def test_only_the_very_host_and_port_that_is_allowed_is_reached(
    allowed: str, http_peer: HttpPeer
) -> None:
    with pytest.raises(DeliveryError), guarded(allowed_hosts(allowed)):
        requests.post(http_peer.url, data=b"1", timeout=5)
    assert http_peer.got == []


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("NAS.local", "nas.local.", 80),
        ("nas.local:8080", "nas.local", 8080),
        ("[::1]:8080", "[::1]", 8080),
        ("::1", "::1", 1),
        ("[::1]", "[0:0:0:0:0:0:0:1]", 1),
        ("müller.example", "xn--mller-kva.example", 443),
    ],
)
def test_an_allowed_host_is_known_in_any_spelling_of_its_name(
    text: str, host: str, port: int
) -> None:
    assert is_allowed(allowed_hosts(text), host, port)


def test_an_empty_setting_allows_nothing() -> None:
    assert allowed_hosts("") == allowed_hosts(" , ") == NOBODY


def test_tls_is_asked_of_the_name_although_the_connection_goes_to_an_address(
    names: Names, https_peer: HttpPeer, tmp_path: Path
) -> None:
    names.answers["hooks.example"] = [["127.0.0.1"]]
    url = f"https://hooks.example:{https_peer.port}/in"
    with guarded(allowed_hosts("hooks.example")):
        assert requests.post(url, timeout=5, verify=str(tmp_path / "ca.pem")).ok
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(url, timeout=5)
    assert https_peer.server_name == "hooks.example"
    assert https_peer.got[0].headers["Host"] == f"hooks.example:{https_peer.port}"


def test_no_proxy_of_the_environment_is_used(
    http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, http_peer.url)
    with pytest.raises(DeliveryError), guarded(LOOPBACK):
        requests.get("http://127.0.0.2:1/", timeout=5)
    assert http_peer.got == []


def test_no_password_of_this_machine_is_sent(
    http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login operator password secret\n")
    monkeypatch.setenv("NETRC", str(file))
    with guarded(LOOPBACK):
        requests.get(http_peer.url, timeout=5)
    requests.get(http_peer.url, timeout=5)
    assert ["Authorization" in request.headers for request in http_peer.got] == [False, True]


def test_a_long_answer_is_not_read_to_its_end(http_peer: HttpPeer) -> None:
    http_peer.answer = b"x" * (MAX_ANSWER + 1)
    with guarded(LOOPBACK):
        answer = requests.get(http_peer.url, timeout=5)
    assert (answer.status_code, len(answer.content)) == (200, MAX_ANSWER)


def test_an_answer_that_unpacks_to_much_more_is_not_read_to_its_end(http_peer: HttpPeer) -> None:
    http_peer.answer = gzip.compress(b"x" * 9_000_000)
    http_peer.headers = {"Content-Encoding": "gzip"}
    with guarded(LOOPBACK):
        answer = requests.get(http_peer.url, timeout=5)
    assert (answer.status_code, len(answer.content)) == (200, MAX_ANSWER)


def test_an_answer_that_cannot_be_read_has_a_status_all_the_same(http_peer: HttpPeer) -> None:
    http_peer.headers = {"Content-Encoding": "gzip"}
    with guarded(LOOPBACK):
        answer = requests.get(http_peer.url, timeout=5)
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_answer_that_comes_byte_by_byte_is_cut_off(http_peer: HttpPeer) -> None:
    http_peer.trickles = True
    with guarded(LOOPBACK, seconds=0.2) as guard:
        answer = requests.get(http_peer.url, timeout=5)
    assert guard.answer is answer
    assert guard.is_over
    assert len(answer.content) < 100


def test_nothing_is_begun_after_the_time_is_over(http_peer: HttpPeer) -> None:
    with guarded(LOOPBACK) as guard:
        guard.cut()
        with pytest.raises(requests.RequestException):
            requests.get(http_peer.url, timeout=5)
    assert http_peer.got == []


def test_no_connection_and_no_thread_is_left(http_peer: HttpPeer) -> None:
    before, files = active_count(), Process().num_fds()
    for _ in range(20):
        with guarded(LOOPBACK):
            requests.get(http_peer.url, timeout=5)
    assert active_count() <= before + 1
    assert Process().num_fds() <= files + 2


def test_the_path_of_an_address_is_not_logged(
    http_peer: HttpPeer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with guarded(LOOPBACK):
        requests.get(f"{http_peer.url}/secret", timeout=5)
    assert "secret" not in caplog.text


def test_outside_of_a_guard_everything_is_as_it_was(http_peer: HttpPeer) -> None:
    with guarded(NOBODY):
        pass
    http_peer.answer = b"x" * (MAX_ANSWER + 1)
    assert len(requests.get(http_peer.url, timeout=5).content) == MAX_ANSWER + 1


def test_a_guard_is_of_one_thread(http_peer: HttpPeer) -> None:
    answered = Event()

    def other() -> None:
        if requests.get(http_peer.url, timeout=5).ok:
            answered.set()

    with guarded(NOBODY):
        thread = Thread(target=other)
        thread.start()
        thread.join()
    assert answered.is_set()


def test_a_name_that_is_not_known_is_not_an_end(names: Names) -> None:
    def unknown(*_: object) -> list[tuple]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    names.real = unknown
    with pytest.raises(requests.ConnectionError), guarded(NOBODY):
        requests.get("https://nowhere.example/", timeout=5)
