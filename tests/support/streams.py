"""A reader of Server-Sent Events on a plain socket: it takes what comes, when the test asks."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 10.0


@dataclass(frozen=True)
class Event:
    kind: str
    data: Any
    id: str | None = None


@dataclass
class Listener:
    """The client's end of a stream. Reading an end gives EndOfStream."""

    end: socket.socket
    head: str = ""
    _waiting: bytes = b""
    _events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.end.settimeout(PATIENCE)

    def read_head(self) -> str:
        """The status line and the headers of the answer."""
        self.head = self._until(b"\r\n\r\n").decode("latin-1")
        return self.head

    def event(self) -> Event:
        """The next event of any kind."""
        fields = {}
        for line in self._until(b"\n\n").decode().split("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        return Event(fields.get("event", ""), json.loads(fields["data"]), fields.get("id"))

    def next(self, kind: str) -> Event:
        """The next event of a kind; others are passed over."""
        while (event := self.event()).kind != kind:
            pass
        return event

    def until(self, is_it: Callable[[Event], bool]) -> list[Event]:
        """The events up to the first that is it."""
        passed = [self.event()]
        while not is_it(passed[-1]):
            passed.append(self.event())
        return passed

    def until_quote(self, symbol: str, **fields: Any) -> dict[str, Any]:
        """The first item of a symbol that has these fields."""
        while True:
            item = self.quotes().get(symbol, {})
            if fields.items() <= item.items():
                return item

    def quotes(self) -> dict[str, dict[str, Any]]:
        """The items of the next event of quotes, by symbol."""
        return {item["symbol"]: item for item in self.next("quotes").data["items"]}

    def has_ended(self) -> bool:
        """Whether the stream ends, whatever comes before; waits for it."""
        try:
            while self.end.recv(65_536):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self) -> None:
        self.end.close()

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._waiting:
            more = self.end.recv(65_536)
            if not more:
                raise EndOfStream
            self._waiting += more
        found, _, self._waiting = self._waiting.partition(mark)
        return found


class EndOfStream(Exception):
    """The stream ended before what was waited for."""


def open_stream(address: str, path: str, **headers: str) -> Listener:
    """Ask a server for a stream, and read the head of its answer."""
    place = urlsplit(address)
    assert place.hostname
    client = socket.create_connection((place.hostname, place.port or 80), PATIENCE)
    told = {"Host": place.netloc, "Accept": "text/event-stream", **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{n.replace('_', '-')}: {v}" for n, v in told.items())]
    client.sendall("\r\n".join([*lines, "", ""]).encode())
    listener = Listener(client)
    listener.read_head()
    return listener
