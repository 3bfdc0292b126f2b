"""gunicorn's processes share the connections that come at once."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.deploy.test_draining import until
from tests.support.programs import WEB, running
from tests.support.redis_server import free_port

pytestmark = pytest.mark.slow
CONNECTIONS, BURSTS = 32, 5


@contextmanager
def burst(port: int) -> Iterator[None]:
    """So many connections, opened at once, until the block ends."""
    with ExitStack() as opened:
        for _ in range(CONNECTIONS):
            opened.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield


def held(process: psutil.Process, port: int) -> int:
    """How many connections it has accepted."""
    found = process.net_connections("tcp")
    return sum(one.laddr.port == port and bool(one.raddr) for one in found)


def shares_of_a_burst(processes: Sequence[psutil.Process], port: int) -> list[int]:
    with burst(port):
        until(lambda: sum(held(one, port) for one in processes) == CONNECTIONS)
        shares = [held(one, port) for one in processes]
    until(lambda: not any(held(one, port) for one in processes))
    return shares


def test_no_process_takes_all_connections_of_a_burst(redis_url: str, tmp_path: Path) -> None:
    log, port = tmp_path / "log", free_port()
    chosen = {"REDIS_URL": redis_url, "PORT": str(port), "WEB_CONCURRENCY": "2"}
    with running(WEB, tmp_path / "data", log, **chosen) as server:
        until(lambda: "Listening" in log.read_text(), log.read_text)
        arbiter = psutil.Process(server.pid)
        until(lambda: len(arbiter.children()) == 2, log.read_text)
        processes = arbiter.children()
        until(lambda: min(shares_of_a_burst(processes, port)) > 0, log.read_text)  # both serve
        bursts = [shares_of_a_burst(processes, port) for _ in range(BURSTS)]
        assert min(map(min, bursts)) >= CONNECTIONS / 8, bursts
        server.terminate()
        server.wait(30)
