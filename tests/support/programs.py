"""Bellwether's programs as processes of their own: begun to the end, or served from."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.redis_server import free_port

ROOT = Path(__file__).parents[2]
WORKER = [sys.executable, "-m", "workers"]
WEB = [sys.executable, "-m", "gunicorn", "app:app", "-c", "gunicorn.conf.py"]
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
PASSWORD = "correct horse battery"
_START_SECONDS = 30


def begin(
    command: list[str], data: Path, inside: Sequence[str] = (), **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; `inside` is a command that runs another, put before it."""
    return subprocess.run(
        [*inside, *command],
        cwd=ROOT,
        env=_environment(data, settings),
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def running(
    command: list[str], data: Path, output: Path, **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that writes into `output`; killed at the end of the block if it still runs."""
    with output.open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(data, settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            close_fds=False,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def assert_says(run: subprocess.CompletedProcess[str], codes: tuple[int, ...], words: str) -> None:
    assert words in run.stderr, run.stderr
    assert "Traceback" not in run.stderr
    assert run.returncode in codes


@dataclass(frozen=True)
class Running:
    """A web server at `address`; what it wrote is in the file `output`."""

    address: str
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    def ready(self) -> requests.Response:
        return requests.get(f"{self.address}/ready", timeout=30)

    def ask_for_token(self) -> requests.Response:
        """An API request that needs the store."""
        body = {"email": "ada@example.com", "password": PASSWORD}
        return requests.post(f"{self.address}/api/v1/tokens", json=body, timeout=30)

    def make_list(self, token: str, name: str) -> requests.Response:
        """An API request that writes into the store."""
        address, rights = f"{self.address}/api/v1/watchlists", {"Authorization": f"Bearer {token}"}
        return requests.post(address, json={"name": name}, headers=rights, timeout=30)

    def lists(self, token: str) -> list[dict[str, str]]:
        address, rights = f"{self.address}/api/v1/watchlists", {"Authorization": f"Bearer {token}"}
        answer: dict[str, list[dict[str, str]]] = requests.get(
            address, headers=rights, timeout=30
        ).json()
        return next(iter(answer.values()))

    def sign_up(self, email: str) -> requests.Response:
        """Send the form of a page, as a browser does, which writes into the store."""
        with requests.Session() as browser:
            page = browser.get(f"{self.address}/sign-up", timeout=30).text
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
            assert token, page
            fields = {"csrf_token": token[1], "email": email, "password": PASSWORD}
            return browser.post(f"{self.address}/sign-up", data=fields, timeout=30)


@contextmanager
def serving(
    data: Path, output: Path, inside: Sequence[str] = (), **settings: str
) -> Iterator[Running]:
    """gunicorn with one process, until the block ends."""
    port = free_port()
    chosen = {"PORT": str(port), "WEB_CONCURRENCY": "1", **settings}
    with output.open("w") as log:
        server = subprocess.Popen(
            [*inside, *WEB],
            cwd=ROOT,
            env=_environment(data, chosen),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    running = Running(f"http://127.0.0.1:{port}", output)
    try:
        _await(running, server)
        yield running
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _await(running: Running, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        assert server.poll() is None, running.said
        try:
            requests.get(f"{running.address}/health", timeout=5)
            return
        except requests.ConnectionError:
            assert time.monotonic() < deadline, running.said
            time.sleep(0.05)


def _environment(data: Path, settings: dict[str, str]) -> dict[str, str]:
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    chosen = {
        "BELLWETHER_DATA": str(data),
        "SECRET_KEY": "for tests",
        "QUOTES": "replay",
        "BELLWETHER_LOCAL": "1",
        "PORT": str(free_port()),
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    return clean | chosen | settings
