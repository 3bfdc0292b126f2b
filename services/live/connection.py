"""One client's connection, written to from the hub's event loop."""

import asyncio
from collections.abc import Callable
from typing import cast

from services.live.reader import BEAT, Reader

WAITING_BYTES = 64 * 1024
"""What waits in this process for one client; beyond, only the newest of each symbol waits."""
_MISSED_BEATS = 3


class Connection(asyncio.Protocol):
    """Tells its reader what waits, as fast as the client takes it."""

    def __init__(self, reader: Reader, head: bytes, lost: Callable[["Connection"], None]) -> None:
        self.reader = reader
        self._head = head
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._has_begun = False
        self._is_full = False
        self._is_over = False
        self._missed = 0

    @property
    def is_made(self) -> bool:
        return self._transport is not None

    def begin(self) -> None:
        """From now on what the reader waits for is written."""
        self._has_begun = True
        self.flush()

    def flush(self) -> None:
        """Write what waits, unless the client has not taken what was written before."""
        if self._transport and self._has_begun and not self._is_full:
            self._transport.write(self.reader.text())

    def beat(self) -> None:
        """Show that the stream lives; a client that has taken nothing for three beats is gone."""
        if not self._is_full:
            self._missed = 0
            if self._transport and self._has_begun:
                self._transport.write(BEAT)
            return
        self._missed += 1
        if self._missed >= _MISSED_BEATS and self._transport:
            self._transport.abort()

    def end(self) -> None:
        """Close at once: a client that reads nothing must not keep the stream open."""
        self._is_over = True
        if self._transport is None:
            self._lost(self)
        else:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._is_over:
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=WAITING_BYTES)
        self._transport.write(self._head)

    def data_received(self, _data: bytes) -> None:
        """A browser sends nothing behind the request for a stream."""
        if self._transport:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full, self._missed = False, 0
        self.flush()

    def connection_lost(self, _error: Exception | None) -> None:
        self._lost(self)
