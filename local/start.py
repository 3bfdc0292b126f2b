"""Everything that one machine runs, in the order in which each part needs the others."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from honcho.environ import parse_procfile

from config import Settings
from local.part import Part
from local.ports import free_port
from local.readiness import mailbox_is_ready, web_is_ready, worker_is_ready
from local.redis import answers, check_address, private_server
from local.supervisor import Supervisor

PROBE_SECONDS = 7.0
"""How long Yahoo has to answer before prices are replayed."""
_NOT_RUN_LOCALLY = ("release",)  # Heroku runs it once per deploy

Market: TypeAlias = Literal["yahoo", "replay"]


def common_environment(settings: Settings) -> dict[str, str]:
    """What every part is told: the settings as absolute values, and where to find programs."""
    own_programs = str(Path(sys.executable).parent)
    return {
        "BELLWETHER_LOCAL": "1",
        "BELLWETHER_DATA": str(settings.data),
        "PORT": str(settings.port),
        "PATH": os.pathsep.join([own_programs, os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
    }


def start_everything(
    supervisor: Supervisor, settings: Settings, lock: int, procfile: Path
) -> dict[str, str]:
    """Start every part, wait until each is ready, and return the environment they have.

    `lock` is the data folder's lock, which Redis keeps. Raises CannotStart or StopRequested.
    """
    environment = common_environment(settings)
    settings.signing_key()  # made once here, before several parts would
    environment["REDIS_URL"] = settings.redis_url or _start_redis(supervisor, settings, lock)
    probe = _probe_of_market(supervisor, settings, environment)
    environment["SMTP_URL"] = settings.smtp_url or _start_mailbox(supervisor, settings)
    environment["QUOTES"] = _settled_market(supervisor, settings, probe)
    started = datetime.now(UTC)
    _start_procfile(supervisor, procfile, environment)
    _wait_for_procfile(supervisor, settings.port, environment["REDIS_URL"], started)
    return environment


def _start_redis(supervisor: Supervisor, settings: Settings, lock: int) -> str:
    command, url = private_server(settings.data / "redis")
    supervisor.start("redis", command, {}, is_stand_in=True, inherits=(lock,))
    supervisor.wait_until(lambda: answers(url), "redis")
    return url


def _start_mailbox(supervisor: Supervisor, settings: Settings) -> str:
    port = free_port()
    folder = str(settings.data / "mail")
    command = shlex.join([sys.executable, "-m", "local.mailbox", str(port), folder])
    supervisor.start("mailbox", command, {}, is_stand_in=True)
    supervisor.wait_until(lambda: mailbox_is_ready(port), "mailbox")
    return f"smtp://127.0.0.1:{port}"


def _probe_of_market(
    supervisor: Supervisor, settings: Settings, environment: Mapping[str, str]
) -> Part | None:
    if settings.quotes != "auto":
        return None
    command = shlex.join([sys.executable, "-m", "local.market_probe"])
    return supervisor.start("market", command, environment, restarts=False)


def _settled_market(supervisor: Supervisor, settings: Settings, probe: Part | None) -> str:
    if probe is None:
        return settings.quotes
    market: Market = "yahoo" if supervisor.finished(probe, PROBE_SECONDS) else "replay"
    supervisor.say(
        "Yahoo answers: prices are real."
        if market == "yahoo"
        else "Yahoo does not answer: prices are replayed. QUOTES=yahoo make run insists on Yahoo."
    )
    return market


def _start_procfile(supervisor: Supervisor, procfile: Path, environment: Mapping[str, str]) -> None:
    for name, command in parse_procfile(procfile.read_text()).processes.items():
        if name not in _NOT_RUN_LOCALLY:
            supervisor.start(name, command, environment)


def _wait_for_procfile(
    supervisor: Supervisor, port: int, redis_url: str, started: datetime
) -> None:
    checks: dict[str, Callable[[], bool]] = {
        "web": lambda: web_is_ready(port),
        "worker": lambda: worker_is_ready(redis_url, started),
        "clock": supervisor.steady,
    }
    for name, check in checks.items():
        supervisor.wait_until(check, name)


def check_redis(settings: Settings) -> None:
    """Raises CannotStart when REDIS_URL is set and names no Redis that answers."""
    if settings.redis_url:
        check_address(settings.redis_url)
