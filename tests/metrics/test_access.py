"""The metrics are not public."""

import pytest

from services.metrics.access import Asked, status_of

TOKEN = "a token of some length"
HERE = Asked("127.0.0.1", "localhost:5000", ("Host", "User-Agent"), "")


def asked(authorization: str = "", peer: str = "203.0.113.9") -> Asked:
    return Asked(peer, "bell.example", ("Host", "Authorization"), authorization)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_who_knows_the_token_may_read_from_anywhere(scheme: str) -> None:
    assert status_of(asked(f"{scheme} {TOKEN}"), TOKEN) == 200


def test_a_token_may_have_any_letters() -> None:
    sent = "Bearer schlüssel-für-€-zahlen".encode().decode("latin-1")
    assert status_of(asked(sent), "schlüssel-für-€-zahlen") == 200


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer €"]
)
def test_nobody_else_may_where_there_is_a_token(sent: str) -> None:
    assert status_of(asked(sent), TOKEN) == 401
    assert status_of(asked(sent, peer="127.0.0.1"), TOKEN) == 401


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "[::1]:5000"])
def test_without_a_token_this_machine_may(peer: str, host: str) -> None:
    assert status_of(Asked(peer, host, HERE.headers, ""), "") == 200


@pytest.mark.parametrize(
    "stranger",
    [
        Asked("192.168.1.7", "localhost", (), ""),
        Asked("", "localhost", (), ""),
        Asked("127.0.0.1", "evil.example", (), ""),
        Asked("127.0.0.1", "localhost.evil.example", (), ""),
        Asked("127.0.0.1", "[", (), ""),
        Asked("127.0.0.1", "localhost", ("X-Forwarded-For",), ""),
        Asked("127.0.0.1", "localhost", ("X-FORWARDED-HOST",), ""),
        Asked("127.0.0.1", "localhost", ("Forwarded",), ""),
        Asked("127.0.0.1", "localhost", ("X-Real-Ip",), ""),
        Asked("127.0.0.1", "localhost", ("Via",), ""),
    ],
)
def test_without_a_token_nobody_else_learns_that_there_is_something(stranger: Asked) -> None:
    assert status_of(stranger, "") == 404
