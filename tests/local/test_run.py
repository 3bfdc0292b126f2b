"""`python -m local` as `make run` starts it, on a Procfile of small stand-ins."""

import http.client
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis as redis_client

from local.part import ROOT
from local.ports import free_port

WEB = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ, PID=str(os.getpid()))).encode())
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""
pytestmark = pytest.mark.slow


class Run:
    """One `python -m local`; what it says goes to a file."""

    def __init__(self, folder: Path, port: int, **settings: str) -> None:
        (folder / "web.py").write_text(WEB)
        procfile = folder / "Procfile"
        procfile.write_text(
            f"release: false\nweb: python {folder}/web.py\n"
            "worker: rq worker --url $REDIS_URL\nclock: sleep 1000\n"
        )
        self.port = port
        self.log = folder / f"log{len(list(folder.glob('log*')))}"
        environment = {"PORT": str(port), "BELLWETHER_DATA": str(folder / "var"), **settings}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local", "--procfile", str(procfile)],
                cwd=ROOT,
                env={**os.environ, "QUOTES": "replay", **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str) -> None:
        eventually(lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said

    def environment(self) -> dict[str, str]:
        """What the web process was told."""

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/")
        return dict(json.loads(connection.getresponse().read()))

    def redis(self) -> redis_client.Redis:
        return redis_client.Redis.from_url(self.environment()["REDIS_URL"])

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs = []

    def start(port: int | None = None, **settings: str) -> Run:
        runs.append(Run(tmp_path, port or free_port(), **settings))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.stop(signal.SIGTERM)


def test_everything_starts_tells_its_address_and_ends_within_five_seconds(
    start: Callable[..., Run],
) -> None:
    run = start()
    run.wait_for(f"Bellwether is ready: http://localhost:{run.port}")
    assert "/local/mail" in run.said
    parts = psutil.Process(run.process.pid).children(recursive=True)
    assert len(parts) == 5
    began = time.monotonic()
    assert run.stop() == 0
    assert time.monotonic() - began < 5
    assert not [part for part in parts if part.is_running()]


def test_parts_are_told_where_redis_and_the_mailbox_are(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_for("is ready")
    told = run.environment()
    assert (told["QUOTES"], told["BELLWETHER_LOCAL"]) == ("replay", "1")
    assert run.redis().ping()
    with smtplib.SMTP(told["SMTP_URL"].removeprefix("smtp://")) as client:
        client.sendmail("a@localhost", ["b@localhost"], b"Subject: x\r\n\r\ny\r\n")
    assert len(list((Path(told["BELLWETHER_DATA"]) / "mail").glob("*.eml"))) == 1


def test_a_second_start_finds_what_the_first_wrote(start: Callable[..., Run]) -> None:
    first = start()
    first.wait_for("is ready")
    first.redis().set("kept", "yes")
    assert first.stop() == 0
    began = time.monotonic()
    second = start()
    second.wait_for("is ready")
    assert time.monotonic() - began < 10
    assert second.redis().get("kept") == b"yes"


def test_a_redis_that_was_killed_comes_back_at_its_address_with_its_data(
    start: Callable[..., Run],
) -> None:
    run = start()
    run.wait_for("is ready")
    client = run.redis()
    client.set("kept", "yes")
    os.kill(client.info("server")["process_id"], signal.SIGKILL)
    run.wait_for("redis was ended by SIGKILL; starting it again")
    eventually(lambda: answers(client))
    assert client.get("kept") == b"yes"


def answers(client: redis_client.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis_client.RedisError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent")
def test_nothing_outlives_a_killed_supervisor_and_the_next_start_works(
    start: Callable[..., Run],
) -> None:
    run = start()
    run.wait_for("is ready")
    parts = psutil.Process(run.process.pid).children(recursive=True)
    run.process.kill()
    run.process.wait(5)
    _, alive = psutil.wait_procs(parts, 5)
    assert not alive
    start().wait_for("is ready")


def test_a_second_start_beside_the_first_is_told_where_it_runs(start: Callable[..., Run]) -> None:
    first = start()
    first.wait_for("is ready")
    second = start(first.port)
    assert second.process.wait(5) == 1
    assert second.said.count("\n") == 1
    assert f"process {first.process.pid} at http://localhost:{first.port}" in second.said


def test_a_port_in_use_is_one_sentence_with_the_remedy(start: Callable[..., Run]) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        run = start(port)
        assert run.process.wait(5) == 1
    assert run.said == (
        f"Bellwether cannot start. Port {port} is in use by another program."
        f" Choose another: make run PORT={port + 1}\n"
    )


def test_settings_that_cannot_be_used_are_all_named(start: Callable[..., Run]) -> None:
    run = start(QUOTES="bloomberg", CHECK_INTERVAL_SECONDS="0")
    assert run.process.wait(5) == 2
    assert "QUOTES: " in run.said
    assert "CHECK_INTERVAL_SECONDS: " in run.said
    assert "Traceback" not in run.said


def test_a_redis_url_and_smtp_url_are_used_instead_of_own_servers(
    start: Callable[..., Run], redis_url: str
) -> None:
    run = start(REDIS_URL=redis_url, SMTP_URL="smtp://127.0.0.1:9")
    run.wait_for("is ready")
    assert run.environment()["REDIS_URL"] == redis_url
    assert len(psutil.Process(run.process.pid).children(recursive=True)) == 3


def test_what_the_environment_says_of_firestore_reaches_the_parts(
    start: Callable[..., Run],
) -> None:
    run = start(FIRESTORE_EMULATOR_HOST="127.0.0.1:9", FIREBASE_PROJECT_ID="demo-bell")
    run.wait_for("is ready")
    told = run.environment()
    assert told["FIRESTORE_EMULATOR_HOST"] == "127.0.0.1:9"
    assert told["FIREBASE_PROJECT_ID"] == "demo-bell"
