"""Who may read the metrics: who knows the token or, where there is none, this machine alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_SET_BY_PROXIES = ("x-forwarded", "forwarded", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of who asks; `headers` are the names of all its headers."""

    peer: str
    host: str
    headers: Iterable[str]
    authorization: str


def status_of(asked: Asked, token: str) -> Literal[200, 401, 404]:
    """The HTTP status that a request for metrics deserves; `token` is the one of the settings."""
    if token:
        return 200 if _knows(asked.authorization, token) else 401
    return 200 if _is_here(asked) else 404


def _knows(authorization: str, token: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    # Headers arrive as Latin-1, whatever was sent.
    sent = given.strip().encode("latin-1", "replace")
    return compare_digest(sent, token.encode()) and scheme.lower() == "bearer"


def _is_here(asked: Asked) -> bool:
    """Whether this machine asks directly, and no page that names it in a browser."""
    if any(name.lower().startswith(_SET_BY_PROXIES) for name in asked.headers):
        return False
    try:
        host = urlsplit(f"//{asked.host}").hostname
        return host in _LOCAL_HOSTS and ip_address(asked.peer).is_loopback
    except ValueError:
        return False
