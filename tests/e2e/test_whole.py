"""The whole thing as `make run` starts it: from sign-up to the bell, and over a restart."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import requests

from tests.support.redis_server import free_port
from tests.support.smtp import text_of

ROOT = Path(__file__).resolve().parents[2]
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
PATIENCE = 60.0
T = TypeVar("T")


class Site:
    """A running Bellwether, as a browser and a program see it."""

    def __init__(self, port: int, data: Path) -> None:
        self.url = f"http://localhost:{port}"
        self.data = data
        self.browser = requests.Session()
        self.token = ""

    def submit(self, path: str, **fields: str) -> requests.Response:
        page = self.browser.get(self.url + path, timeout=10)
        csrf = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert csrf, page.text
        answer = self.browser.post(
            self.url + path, data={"csrf_token": csrf.group(1), **fields}, timeout=10
        )
        assert answer.status_code == 200, answer.text
        return answer

    def api(self, method: str, path: str, expect: int, **body: Any) -> Any:
        answer = requests.request(
            method,
            f"{self.url}/api/v1{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
            timeout=10,
        )
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    def mails(self, subject: str) -> list[EmailMessage]:
        mails = []
        for file in sorted((self.data / "mail").glob("*.eml")):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            if subject in str(mail["Subject"]):
                mails.append(mail)
        return mails


def eventually(what: Callable[[], T]) -> T:
    """What `what` gives once it is something; fails after PATIENCE seconds."""
    ends = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.2)
    return found


@contextmanager
def running(data: Path, engine: dict[str, str]) -> Iterator[Site]:
    port = free_port()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("FIRE", "REDIS", "SMTP"))},
        **engine,
        "PORT": str(port),
        "BELLWETHER_DATA": str(data),
        "QUOTES": "replay",
        "REPLAY_START": "2000-06-19",
        "REPLAY_DAY_SECONDS": "3",
        "CHECK_INTERVAL_SECONDS": "2",
    }
    log = (data.parent / "log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "local"], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    site = Site(port, data)
    try:
        eventually(lambda: process.poll() is not None or _ready(site))
        assert process.poll() is None, (data.parent / "log").read_text()
        yield site
        process.send_signal(signal.SIGINT)
        stopped = time.monotonic()
        assert process.wait(15) == 0
        assert time.monotonic() - stopped < 6, "everything ends within 5 s"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()


def _ready(site: Site) -> bool:
    try:
        return requests.get(f"{site.url}/ready", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """The one variable that chooses the engine (and a project of this test's own)."""
    if request.param == "sqlite":
        return {}
    host = request.getfixturevalue("emulator_host")
    return {"FIRESTORE_EMULATOR_HOST": host, "FIREBASE_PROJECT_ID": f"whole-{uuid4().hex[:8]}"}


@pytest.mark.slow
def test_from_sign_up_to_the_bell_and_over_a_restart(
    tmp_path: Path, engine: dict[str, str]
) -> None:
    data = tmp_path / "var"
    with running(data, engine) as site:
        site.submit("/sign-up", email=EMAIL, password=PASSWORD)
        (confirmation,) = eventually(lambda: site.mails("Confirm"))
        link = re.search(r"http://\S+/confirm/\S+", text_of(confirmation))
        assert link
        site.browser.get(link.group(), timeout=10).raise_for_status()

        site.token = site.api("POST", "/tokens", 201, email=EMAIL, password=PASSWORD)["token"]
        watchlist = site.api("GET", "/watchlists", 200)["items"][0]["id"]
        site.api("POST", f"/watchlists/{watchlist}/symbols", 201, symbol="AAPL")
        (quote,) = site.api("GET", "/quotes?symbols=AAPL", 200)["items"]
        condition = {"kind": "price_rises_to", "level": round(quote["price"] * 1.001, 2)}
        alert = site.api("POST", "/alerts", 201, symbol="AAPL", condition=condition, note="sell")

        (trigger,) = eventually(lambda: site.api("GET", "/triggers", 200)["items"])
        assert trigger["id"] == f"{alert['id']}-{alert['epoch']}"
        assert trigger["alert_id"] == alert["id"]
        assert trigger["value"] >= condition["level"]
        assert trigger["source"] == "replay"
        (mail,) = eventually(lambda: site.mails("AAPL"))
        text = text_of(mail)
        assert "AAPL" in text
        assert f"{condition['level']:.2f}" in text
        assert "2000" in text, "the exchange's time"

        never = site.api("POST", "/alerts", 201, symbol="IBM", condition=_never("price_falls_to"))

    with running(data, engine) as site:
        site.token = site.api("POST", "/tokens", 201, email=EMAIL, password=PASSWORD)["token"]
        assert [t["id"] for t in site.api("GET", "/triggers", 200)["items"]] == [trigger["id"]]
        assert site.api("GET", f"/alerts/{never['id']}", 200)["state"] == "armed"
        assert site.api("GET", f"/alerts/{alert['id']}", 200)["state"] == "triggered"
        (kept,) = site.api("GET", "/watchlists", 200)["items"]
        assert [entry["symbol"] for entry in kept["symbols"]] == ["AAPL"]
        time.sleep(5)  # two checks and a sweep
        assert len(site.mails("AAPL")) == 1
        assert len(site.api("GET", "/triggers", 200)["items"]) == 1


def _never(kind: str) -> dict[str, object]:
    return {"kind": kind, "level": 0.5}
