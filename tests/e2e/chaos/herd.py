"""Bellwether's processes, killed with -9 and started again as a supervisor would."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config import ROOT

RESTART_AFTER = 0.5
"""Seconds between two starts of a process that ends by itself."""


@dataclass
class Member:
    module: str
    process: subprocess.Popen[bytes]
    started: float


@dataclass
class Herd:
    """`killed` counts by module, `restarted` those that had ended by themselves."""

    environment: dict[str, str]
    log: Path
    members: list[Member] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    restarted: Counter[str] = field(default_factory=Counter)

    def start(self, module: str) -> None:
        self.members.append(self._begin(module))

    def kill_one(self, module: str, luck: random.Random) -> None:
        """Kill one that lives, with all that it has started, and start another at once."""
        alive = [m for m in self.members if m.module == module and m.process.poll() is None]
        if not alive:
            return
        victim = luck.choice(alive)
        _kill(victim.process)
        self.killed[module] += 1
        self.members.remove(victim)
        self.start(module)

    def look_after(self) -> None:
        """Start anew what has ended."""
        for member in list(self.members):
            ended = member.process.poll() is not None
            if ended and time.monotonic() - member.started > RESTART_AFTER:
                _kill(member.process)
                self.restarted[member.module] += 1
                self.members.remove(member)
                self.start(member.module)

    def end(self) -> None:
        for member in self.members:
            _kill(member.process)
        self.members.clear()

    def _begin(self, module: str) -> Member:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # RQ's scheduler is a child of its worker
            )
        return Member(module, process, time.monotonic())


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
