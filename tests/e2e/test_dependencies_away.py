"""Each thing that Bellwether leans on is taken away in turn, while people look at pages and alerts
are checked: what does not need it goes on, what does says so, and all of it heals by itself."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from aiosmtpd.controller import Controller

from config import ROOT, Settings
from services.container import Services, open_services
from services.pulse import Pulse
from services.store.contract import Update
from services.store.triggers import Delivery, trigger_path
from tests.e2e.chaos.outages import LockedFile, MortalRedis, mortal_redis
from tests.support.board import Board
from tests.support.programs import WEB
from tests.support.redis_server import free_port
from tests.support.smtp import SmtpPeer
from tests.support.web import PASSWORD
from workers.queues import RqJobs

pytestmark = pytest.mark.slow
PROGRAMS = (
    WEB,
    [sys.executable, "-m", "tests.support.board"],
    [sys.executable, "-m", "workers.clock"],
)
PATIENCE_SECONDS = 40.0
LEVEL, RUNG = 101.0, 102.0
EMAIL = "ada@example.com"
STILL = ("/health", "/static/img/bell.svg")
WITH_SESSION = ("/sign-in", "/watchlists/default", "/alerts")
T = TypeVar("T")


def eventually(what: Callable[[], T], why: str) -> T:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not (found := what()):
        assert time.monotonic() < ends, why
        time.sleep(0.05)
    return found


@dataclass
class Mailbox(SmtpPeer):
    """A mail server that can be shut, so that it refuses connections."""

    _controller: Controller | None = None

    def open(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def shut(self) -> None:
        if self._controller is not None:
            self._controller.stop()
        self._controller = None

    def about(self, symbol: str) -> int:
        return sum(symbol in str(mail["Subject"]) for mail in self.accepted)


@dataclass
class Seen:
    """What one person's browser was answered, round by round."""

    answers: list[tuple[str, requests.Response]] = field(default_factory=list)
    rounds: int = 0

    def of(self, *paths: str) -> list[requests.Response]:
        return [answer for path, answer in self.answers if path in paths]


@dataclass
class Place:
    """A Bellwether of one web process, one worker and a clock, and all that they lean on."""

    services: Services
    redis: MortalRedis
    store: LockedFile
    mailbox: Mailbox
    board: Board
    url: str
    processes: list[subprocess.Popen[bytes]]
    browser: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def api(self, method: str, path: str, **body: Any) -> requests.Response:
        rights = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return requests.request(
            method, f"{self.url}/api/v1{path}", json=body or None, headers=rights, timeout=30
        )

    def begin(self) -> None:
        """Somebody signs in, by a browser and by a program."""
        uid = self.services.accounts.create_confirmed(EMAIL, PASSWORD, datetime.now(UTC))
        assert uid
        self.token = self.api("POST", "/tokens", email=EMAIL, password=PASSWORD).json()["token"]
        page = self.browser.get(f"{self.url}/sign-in", timeout=30).text
        csrf = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert csrf
        fields = {"csrf_token": csrf[1], "email": EMAIL, "password": PASSWORD}
        self.browser.post(f"{self.url}/sign-in", data=fields, timeout=30).raise_for_status()

    def arm(self, symbol: str) -> str:
        """An alert that a check has seen to be not yet true; returns its id."""
        condition = {"kind": "price_rises_to", "level": LEVEL}
        answer = self.api("POST", "/alerts", symbol=symbol, condition=condition)
        assert answer.status_code == 201, answer.text
        self.await_check()
        return str(answer.json()["id"])

    def await_check(self) -> None:
        """Until a check that begins from now on is done."""
        for _ in range(2):
            asked = datetime.now(UTC)
            eventually(lambda: self._checked_after(asked), "no check was completed")  # noqa: B023

    def _checked_after(self, moment: datetime) -> bool:
        last = Pulse(self.services.redis).last_check()
        return last is not None and last.completed_at > moment

    def triggers(self, alert: str) -> list[dict[str, Any]]:
        items = self.api("GET", "/triggers").json()["items"]
        return [item for item in items if item["alert_id"] == alert]

    def delivery(self, alert: str) -> Delivery | None:
        user = self.services.users.by_email(EMAIL)
        assert user
        for trigger in self.services.triggers.page(user.uid)[0]:
            if trigger.alert_id == alert:
                return trigger.deliveries.get("email")
        return None

    def rings_once(self, alert: str, symbol: str) -> None:
        """One trigger and one mail, also after the sweeps and checks that follow."""
        eventually(lambda: self.mailbox.about(symbol), f"no mail about {symbol}")
        self.await_check()
        assert len(self.triggers(alert)) == 1
        assert self.mailbox.about(symbol) == 1

    def nothing_was_restarted(self) -> None:
        assert [process.poll() for process in self.processes] == [None] * len(self.processes)

    def works(self) -> None:
        """All pages are served, as before."""
        eventually(self._all_served, "pages are not served")

    def _all_served(self) -> bool:
        paths = ("/ready", "/status", *STILL, *WITH_SESSION)
        return all(self.get(path).status_code == 200 for path in paths)

    def get(self, path: str) -> requests.Response:
        """As somebody who is signed in sees it; the sign-in page as a stranger does."""
        asks: Any = requests if path == "/sign-in" else self.browser
        answer: requests.Response = asks.get(self.url + path, timeout=30)
        return answer

    @contextmanager
    def looked_at(self, *paths: str) -> Iterator[Seen]:
        """Somebody asks for these pages again and again, while the block runs."""
        seen, over = Seen(), threading.Event()

        def look() -> None:
            while not over.wait(0.05):
                for path in (*STILL, *paths):
                    seen.answers.append((path, self.get(path)))
                seen.rounds += 1

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()
        assert seen.rounds
        assert {answer.status_code for answer in seen.of(*STILL)} == {200}
        for path, answer in seen.answers:
            calm(path, answer)

    def rounds(self, seen: Seen, count: int = 2) -> None:
        """Until everything was asked for so many times from now on."""
        until = seen.rounds + count + 1
        eventually(lambda: seen.rounds >= until, "pages are not answered")


def calm(path: str, answer: requests.Response) -> None:
    """Served, or said to be away for now, in words that tell nothing of the inside."""
    assert answer.status_code in (200, 503), f"{path}: {answer.status_code} {answer.text[:500]}"
    assert "Traceback" not in answer.text
    if answer.status_code == 503 and path not in ("/ready", "/status"):
        assert "Retry-After" in answer.headers, path
        assert "Try again" in answer.text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("away")
    mailbox, port = Mailbox(port=free_port()), free_port()
    mailbox.open()
    with mortal_redis(folder / "redis") as redis:
        settings = Settings(
            _env_file=None, bellwether_env="development", bellwether_data=folder / "var",
            secret_key="for tests", redis_url=redis.url, smtp_url=mailbox.url, port=port,
            quotes="yahoo", check_interval_seconds=1, rate_limit="100000 per minute",
        )  # fmt: skip
        services = open_services(settings, RqJobs)
        with closing(services.store):
            services.store.ping()
            board, store = Board(settings.data), LockedFile(settings.data / "bellwether.sqlite3")
            board.answer()
            with begun(settings, folder / "log") as processes:
                place = Place(services, redis, store, mailbox, board,
                              f"http://localhost:{port}", processes)  # fmt: skip
                eventually(lambda: answers(place), "it does not start")
                place.begin()
                yield place
    mailbox.shut()


def answers(place: Place) -> bool:
    place.nothing_was_restarted()
    try:
        return requests.get(f"{place.url}/ready", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def begun(settings: Settings, log: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    kept = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    chosen = settings.model_dump(exclude_defaults=True)
    environment = {**kept, **{name.upper(): str(value) for name, value in chosen.items()}}
    with log.open("ab") as output:
        processes = [
            subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=output,
                env={**environment, "WEB_CONCURRENCY": "1"},
            )
            for command in PROGRAMS
        ]  # fmt: skip
        try:
            yield processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@pytest.fixture
def whole(place: Place) -> Iterator[Place]:
    """Everything is well before, and again after, with no process having been restarted."""
    place.works()
    yield place
    place.works()
    place.nothing_was_restarted()


def test_without_redis_pages_say_so_and_what_happens_meanwhile_rings_once(whole: Place) -> None:
    alert = whole.arm("REDIS-USD")
    with whole.looked_at("/status", *WITH_SESSION) as seen:
        whole.redis.kill()
        began = len(seen.answers)
        whole.board.trade("REDIS-USD", RUNG)
        whole.rounds(seen)
        refused = whole.api("POST", "/alerts", symbol="LATE-USD",
                            condition={"kind": "price_rises_to", "level": LEVEL})  # fmt: skip
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        whole.redis.start()
        whole.rings_once(alert, "REDIS-USD")
    away = {path for path, answer in seen.answers[began:] if answer.status_code == 503}
    assert away >= {"/status", "/watchlists/default"}


def test_without_the_store_kept_pages_are_shown_and_nothing_is_lost(whole: Place) -> None:
    alert = whole.arm("STORE-USD")
    with whole.looked_at("/status", *WITH_SESSION) as seen:
        whole.rounds(seen)
        whole.store.begin()
        try:
            whole.board.trade("STORE-USD", RUNG)
            refused = whole.api("POST", "/watchlists", name="Late")
        finally:
            whole.store.end()
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        whole.rings_once(alert, "STORE-USD")
    assert {answer.status_code for answer in seen.of("/sign-in", "/status")} == {200}
    lists = whole.api("GET", "/watchlists").json()["items"]
    assert "Late" not in {one["name"] for one in lists}, "what was refused was not half done"


def test_without_a_mail_server_alerts_ring_and_their_mails_come_later(whole: Place) -> None:
    alert = whole.arm("SMTP-USD")
    with whole.looked_at("/status", *WITH_SESSION) as seen:
        whole.mailbox.shut()
        whole.board.trade("SMTP-USD", RUNG)
        held = eventually(lambda: waiting(whole, alert), "the mail is not said to wait")
        assert held.error
        assert len(whole.triggers(alert)) == 1
        whole.mailbox.open()
        let_pass(whole, alert)
        whole.rings_once(alert, "SMTP-USD")
    assert {answer.status_code for _, answer in seen.answers} == {200}


def waiting(place: Place, alert: str) -> Delivery | None:
    found = place.delivery(alert)
    return found if found and found.state == "retry" else None


def let_pass(place: Place, alert: str) -> None:
    """What half a minute does: the server's rest is over, and the mail is due again."""
    place.services.redis.delete(*place.services.redis.keys("pace:email:silence*"))
    user = place.services.users.by_email(EMAIL)
    assert user
    for trigger in place.services.triggers.open_of(user.uid):
        if trigger.alert_id == alert:
            due = trigger.deliveries["email"].model_copy(
                update={"due_at": datetime.now(UTC) - timedelta(seconds=1)}
            )
            changed = trigger.with_delivery("email", due)
            place.services.store.write(Update(trigger_path(user.uid, trigger.id), changed.fields()))


def test_without_prices_the_state_says_so_and_the_next_check_rings(whole: Place) -> None:
    alert = whole.arm("PRICE-USD")
    with whole.looked_at("/status", *WITH_SESSION) as seen:
        whole.board.fall_silent()
        eventually(lambda: "Quotes are delayed" in whole.get("/status").text, "nothing says so")
        whole.rounds(seen)
        assert not whole.triggers(alert)
        whole.board.trade("PRICE-USD", RUNG)
        whole.rings_once(alert, "PRICE-USD")
    assert {answer.status_code for _, answer in seen.answers} == {200}
