"""Ports of this machine."""

import errno
import socket

from local.errors import CannotStart


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Raises CannotStart, with the remedy, when the web server could not listen on `port`."""
    if any(_listens(host, port) for host in ("127.0.0.1", "::1")):
        raise CannotStart(_in_use(port))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(
                f"Port {port} is for the administrator only."
                " Choose one from 1024 up: make run PORT=5000"
            ) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise CannotStart(_in_use(port)) from None


def _listens(host: str, port: int) -> bool:
    # A server on all addresses does not keep us from binding everywhere, but takes our visitors.
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _in_use(port: int) -> str:
    other = port + 1 if port < 65535 else 5000
    return f"Port {port} is in use by another program. Choose another: make run PORT={other}"
