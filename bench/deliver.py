"""From triggers to a mail server: messages a second, and how long the last of them wait.

    python -m bench.deliver [--alerts 1000] [--workers 1 2 4]

1,000 alerts of 1,000 people fire in one check. The recorder drains what the check claimed, as in
a check, while worker processes (`python -m workers`, all queues) wait for jobs; a mail server on
loopback takes their mails. The time of a mail runs from when its alert was noticed, so recording,
routing and both queues are in it, until the server has accepted it. The bar: with two workers,
99 of 100 are there within 10 s. Server, recorder, Redis and workers share this machine.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis import Redis
from rq import Worker

from bench.check import redis_server
from config import ROOT, Settings
from services.alerts.conditions import PriceCondition
from services.alerts.evidence import Evidence
from services.alerts.index import FIRED, ArmedIndex, Member
from services.alerts.intervals import Interval, Reading, Step
from services.alerts.recorder import Recorder
from services.container import Services, open_services
from services.ids import new_id
from services.store.alerts import Alert
from services.store.contract import Create
from services.store.users import User
from tests.support.market import make_quote
from tests.support.redis_server import free_port
from workers.queues import RqJobs

BAR_SECONDS, BAR_WORKERS = 10.0, 2
ENTRY = 100
"""Alerts in one entry of the stream."""
PATIENCE_SECONDS = 120.0


@dataclass
class Mailbox:
    """When each address was first accepted, and how many mails came."""

    accepted: dict[str, float] = field(default_factory=dict)
    mails: int = 0

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.mails += 1
        self.accepted.setdefault(envelope.rcpt_tos[0], time.time())
        return "250 OK"


@dataclass(frozen=True)
class Run:
    """`waits` are the seconds of each mail, in order."""

    workers: int
    waits: Sequence[float]

    @property
    def a_second(self) -> float:
        return len(self.waits) / self.waits[-1]

    def within(self, share: float) -> float:
        return self.waits[min(int(share * len(self.waits)), len(self.waits) - 1)]


def fill(services: Services, count: int) -> None:
    """Store people with an armed alert each, and claim all of them, noticed now."""
    armed_at = datetime.now(UTC) - timedelta(minutes=10)
    alerts = [_alert(new_id(armed_at), armed_at) for _ in range(count)]
    for number, alert in enumerate(alerts):
        services.users.create(_person(alert.uid, number, armed_at))
    for start in range(0, count, ENTRY):
        part = alerts[start : start + ENTRY]
        services.store.write(*(Create(alert.path, alert.fields()) for alert in part))
    evidence = _evidence(datetime.now(UTC)).model_dump_json()
    for start in range(0, count, ENTRY):
        members = " ".join(str(Member.of(alert)) for alert in alerts[start : start + ENTRY])
        services.redis.xadd(FIRED, {"alerts": members, "evidence": evidence})


def _person(uid: str, number: int, now: datetime) -> User:
    email = f"{number}@people.example"
    return User(uid=uid, email=email, password_hash="-", created_at=now, confirmed_at=now)


def _alert(uid: str, now: datetime) -> Alert:
    return Alert(
        uid=uid, id=new_id(now), symbol="AAPL", frequency="once", state="armed", epoch=1,
        condition=PriceCondition(kind="price_rises_to", level=110), created_at=now,
        updated_at=now, armed_at=now, baseline=Reading.of(make_quote(price=100.0, as_of=now)),
    )  # fmt: skip


def _evidence(now: datetime) -> Evidence:
    since = now - timedelta(minutes=5)
    steps = (Step(at=since, value=100.0), Step(at=now, value=111.0))
    return Evidence(
        symbol="AAPL",
        metric="price",
        interval=Interval(since=since, until=now, rises=steps, falls=steps[:1]),
        present=Reading.of(make_quote(price=111.0, as_of=now)),
        noticed_at=now,
    )


@contextmanager
def working(count: int, settings: Settings, redis: Redis, log: Path) -> Iterator[None]:
    """So many worker processes that wait for jobs."""
    chosen = settings.model_dump(exclude_defaults=True)
    environment = os.environ | {name.upper(): str(value) for name, value in chosen.items()}
    with log.open("w") as output:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "workers"], cwd=ROOT, env=environment, stdout=output,
                stderr=output,
            )
            for _ in range(count)
        ]  # fmt: skip
        try:
            _await(lambda: len(Worker.all(connection=redis)) == count, log)
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)


def _await(is_so: object, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise SystemExit(
                f"It did not come so far in time. The workers said:\n{log.read_text()}"
            )
        time.sleep(0.02)


def measure(workers: int, count: int, folder: Path) -> Run:
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    log = folder / "workers.log"
    try:
        with redis_server(folder) as redis:
            socket = redis.connection_pool.connection_kwargs["path"]
            settings = Settings(
                _env_file=None, bellwether_env="development", bellwether_data=folder / "var",
                secret_key="for benchmarks", redis_url=f"unix://{socket}",
                smtp_url=f"smtp://127.0.0.1:{port}", quotes="replay", log_level="WARNING",
            )  # fmt: skip
            services = open_services(settings, RqJobs)
            with closing(services.store), working(workers, settings, redis, log):
                fill(services, count)
                begun = time.time()
                s = services
                recorded = Recorder(s.redis, ArmedIndex(s.redis), s.store, s.jobs).drain()
                if recorded != count:
                    raise SystemExit(f"{recorded} of {count} triggers were recorded.")
                _await(lambda: len(mailbox.accepted) == count, log)
    finally:
        controller.stop()
    if mailbox.mails != count:
        raise SystemExit(f"{mailbox.mails} mails came for {count} alerts.")
    return Run(workers, sorted(at - begun for at in mailbox.accepted.values()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.deliver")
    parser.add_argument("--alerts", type=int, default=1_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    chosen = parser.parse_args()
    runs = []
    print(f"{'workers':>7} {'mails/s':>8} {'p50':>7} {'p99':>7} {'last':>7}   to one worker")
    for workers in chosen.workers:
        with TemporaryDirectory() as name:
            run = measure(workers, chosen.alerts, Path(name))
        runs.append(run)
        ratio = run.a_second / runs[0].a_second
        print(
            f"{workers:>7} {run.a_second:>8.1f} {run.within(0.5):>6.2f}s {run.within(0.99):>6.2f}s"
            f" {run.waits[-1]:>6.2f}s   {ratio:.2f} x",
            flush=True,
        )
    _judge(runs)


def _judge(runs: Sequence[Run]) -> None:
    figures = {
        str(run.workers): {
            "mails a second": round(run.a_second, 1),
            "p50": round(run.within(0.5), 3),
            "p99": round(run.within(0.99), 3),
        }
        for run in runs
    }
    for run in runs:
        if run.workers == BAR_WORKERS:
            verdict = "within" if run.within(0.99) < BAR_SECONDS else "BEYOND"
            print(f"p99 with {BAR_WORKERS} workers is {verdict} the bar of {BAR_SECONDS:g} s")
    print(json.dumps({"by workers": figures, "bar": {"p99": BAR_SECONDS, "workers": BAR_WORKERS}}))


if __name__ == "__main__":
    main()
