"""The programs as they run: two web processes and a worker on Firestore count together."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.redis_server import free_port
from tests.web.test_metrics import documents

ROOT = Path(__file__).parents[2]
WEB = [sys.executable, "-m", "gunicorn", "app:app", "-c", "gunicorn.conf.py"]
WORKER = [sys.executable, "-m", "workers"]
PATIENCE_SECONDS = 60
pytestmark = [pytest.mark.slow, pytest.mark.emulator]


@pytest.fixture
def environment(emulator_host: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "BELLWETHER_DATA": str(tmp_path),
        "SECRET_KEY": "for tests",
        "QUOTES": "replay",
        "BELLWETHER_LOCAL": "1",
        "PORT": str(free_port()),
        "REDIS_URL": redis_url,
        "FIRESTORE_EMULATOR_HOST": emulator_host,
        "FIREBASE_PROJECT_ID": f"test-{uuid4().hex}",
        "WEB_CONCURRENCY": "2",
    }


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def metrics(environment: dict[str, str]) -> str:
    """The text of `/metrics`, empty while nothing answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{environment['PORT']}/metrics") as answer:
            return answer.read().decode()
    except (urllib.error.URLError, OSError):
        return ""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_web_and_workers_tell_one_number_that_no_kill_takes_back(
    environment: dict[str, str],
) -> None:
    with ExitStack() as programs:
        programs.enter_context(running(WEB, environment))
        # Each web process looks at the store before its first request.
        look = "services.store.require_usable"
        wait_until(lambda: documents(metrics(environment), operation="read", caller=look) == 2)
        worker = programs.enter_context(running(WORKER, environment))
        clock = "services.store.clock.clock_skew"
        wait_until(lambda: documents(metrics(environment), operation="write", caller=clock) == 1)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        asked = (metrics(environment) for _ in range(10))
        assert {documents(text, operation="write", caller=clock) for text in asked} == {1}
