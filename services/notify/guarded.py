"""Requests to addresses that people enter: to the public network only, directly, and bounded.

Inside `guarded`, whatever is sent through urllib3 (and so through requests) is resolved once, each
address found is checked, and the connection goes to one that was checked; TLS and the Host header
keep the name. This holds for every redirect. Only the thread that entered is guarded.
"""

import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Event, Timer
from typing import Any, NoReturn

import requests
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import connection, parse_url

from services.errors import DeliveryError
from services.notify.hosts import PLAIN, PRIVATE, is_allowed, is_public

SECONDS = 20.0
MAX_ANSWER = 65_536
"""Bytes of an answer that are read, at most."""


class Guard:
    """What holds inside one `guarded`. `answer` is the last that came."""

    def __init__(self, allowed_hosts: frozenset[str]) -> None:
        self._allowed = allowed_hosts
        self._connections: list[socket.socket] = []
        self._ended = Event()
        self.answer: requests.Response | None = None
        self.refusal: DeliveryError | None = None

    @property
    def is_over(self) -> bool:
        """Whether its time is up, so that its connections have been cut."""
        return self._ended.is_set()

    def check(self, url: str) -> None:
        """Raises DeliveryError where what is sent there could be read on its way."""
        parts = parse_url(url)
        if parts.scheme != "https" and not is_allowed(
            self._allowed, parts.host or "", parts.port or 80
        ):
            self._refuse(PLAIN)

    def connect(self, host: str, port: int, *options: Any, **named: Any) -> socket.socket:
        """A connection to one of the host's addresses, all of which may be reached."""
        error: OSError | None = None
        for address in self._addresses(host, port):
            try:
                made = _connect((address, port), *options, **named)
            except OSError as failed:
                error = failed
            else:
                return self._kept(made)
        raise error or OSError(f"{host} has no address.")

    def _kept(self, made: socket.socket) -> socket.socket:
        """The connection, which is cut when the time is over; if it is by now, none."""
        self._connections.append(made.dup())
        if self.is_over:
            made.close()
            raise TimeoutError("The time for this message is over.")
        return made

    def _addresses(self, host: str, port: int) -> list[str]:
        """Raises DeliveryError where one of them may not be reached."""
        try:
            found = socket.getaddrinfo(
                host.strip("[]"), port, connection.allowed_gai_family(), socket.SOCK_STREAM
            )
        except UnicodeError:
            raise LocationParseError(f"'{host}', label empty or too long") from None
        addresses = [str(sockaddr[0]) for *_, sockaddr in found]
        if not is_allowed(self._allowed, host, port) and not all(map(is_public, addresses)):
            self._refuse(PRIVATE)
        return addresses

    def _refuse(self, because: str) -> NoReturn:
        self.refusal = DeliveryError(because, permanent=True)
        raise self.refusal

    def cut(self) -> None:
        """End what is under way, however slowly the other side sends."""
        self._ended.set()
        for made in self._connections:
            with suppress(OSError):  # it has ended by itself
                made.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for made in self._connections:
            made.close()


_present: ContextVar[Guard | None] = ContextVar("guard", default=None)


@contextmanager
def guarded(allowed_hosts: frozenset[str], seconds: float = SECONDS) -> Iterator[Guard]:
    """Everything that urllib3 sends inside goes to public addresses, or to `allowed_hosts`, and
    what requests sends goes encrypted, but to these.

    No proxy and no .netrc of this machine is used, an answer is read up to MAX_ANSWER bytes, and
    after `seconds` all connections are cut. Raises DeliveryError, permanent, where an address may
    not be reached, whatever the code inside made of it.
    """
    guard = Guard(allowed_hosts)
    timer = Timer(seconds, guard.cut)
    timer.daemon = True
    token = _present.set(guard)
    timer.start()
    try:
        yield guard
    finally:
        _present.reset(token)
        timer.cancel()
        timer.join()
        guard.close()
        if guard.refusal is not None:
            raise guard.refusal from None


# What urllib3 and requests call, so that nothing needs to know of a guard.

_connect = connection.create_connection
_send = requests.adapters.HTTPAdapter.send
_netrc = requests.sessions.get_netrc_auth


def _connect_guarded(address: tuple[str, int], *options: Any, **named: Any) -> socket.socket:
    guard = _present.get()
    if guard is None:
        return _connect(address, *options, **named)
    return guard.connect(*address, *options, **named)


def _send_guarded(
    self: requests.adapters.HTTPAdapter,
    request: requests.PreparedRequest,
    stream: bool = False,
    timeout: Any = None,
    verify: bool | str = True,
    cert: Any = None,
    proxies: Mapping[str, str] | None = None,
) -> requests.Response:
    guard = _present.get()
    if guard is None:
        return _send(self, request, stream, timeout, verify, cert, proxies)
    guard.check(str(request.url))
    answer = _send(self, request, True, timeout, verify, cert, {})
    with answer:
        answer._content = _bounded(answer)
    answer._content_consumed = True  # type: ignore[attr-defined]
    guard.answer = answer
    return answer


def _bounded(answer: requests.Response) -> bytes:
    """What was read of a body. The status has been given: nothing in a body changes it."""
    try:
        content: bytes = answer.raw.read(MAX_ANSWER, decode_content=True)
    except (HTTPError, OSError):
        return b""
    return content


def _netrc_guarded(url: str | bytes, raise_errors: bool = False) -> tuple[str, str] | None:
    return None if _present.get() else _netrc(url, raise_errors)


# Paths of addresses are secrets; at DEBUG they would be in the log.
logging.getLogger("urllib3.connectionpool").addFilter(lambda _: _present.get() is None)
connection.create_connection = _connect_guarded
requests.adapters.HTTPAdapter.send = _send_guarded  # type: ignore[method-assign]
requests.sessions.get_netrc_auth = _netrc_guarded
