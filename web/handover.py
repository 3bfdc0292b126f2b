"""Taking a client's connection out of the web server's hands, so that a stream needs no thread."""

import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any

_NAMES = ("gunicorn.socket", "werkzeug.socket")
SEND_BYTES = 64 * 1024
"""What the kernel keeps for a client that does not read; by itself it would let that grow."""
UNANSWERED_MS = 60_000
"""After which a client that has left without a word is given up; by itself the kernel waits
a quarter of an hour."""


def take_connection(environ: Mapping[str, Any]) -> tuple[socket.socket, socket.socket] | None:
    """The client's connection, and the far end of what the server holds in its place: what the
    server goes on to write comes out there, or nowhere once that is closed.

    None where the server has no plain socket of this client's own, as with TLS or HTTP/2.
    """
    held = next((environ[name] for name in _NAMES if name in environ), None)
    if not isinstance(held, socket.socket) or isinstance(held, ssl.SSLSocket):
        return None
    if not str(environ.get("SERVER_PROTOCOL", "")).startswith("HTTP/1."):
        return None
    taken = held.dup()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT") and taken.family != socket.AF_UNIX:
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS)
    near, far = socket.socketpair()
    with near:
        os.dup2(near.fileno(), held.fileno(), inheritable=False)
    return taken, far
