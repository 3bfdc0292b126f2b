"""A real redis-server for the tests of one process, emptied before each test."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_client

from local.redis import find_redis_server
from services.redis_client import open_redis


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private redis-server that lives as long as this test process."""
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        [
            find_redis_server(),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(folder),
            "--logfile",
            str(Path(folder) / "log"),
        ]
    )
    url = f"redis://127.0.0.1:{port}/0"
    client = redis_client.Redis.from_url(url)
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
            break
        except redis_client.ConnectionError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise
            time.sleep(0.02)
    yield url
    server.terminate()
    server.wait(10)


@pytest.fixture
def redis(redis_url: str) -> Iterator[redis_client.Redis]:
    """A client of an empty Redis."""
    client = open_redis(redis_url)
    client.flushall()
    yield client
    client.close()
