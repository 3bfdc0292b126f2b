"""One of the programs that run together on this machine."""

import ctypes
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from subprocess import Popen

import psutil
from honcho.printer import Message
from honcho.process import Popen as ShellProcess

ROOT = Path(__file__).resolve().parent.parent
_LAST_LINES = 15
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Part:
    """A program as in a Procfile, run in a session of its own, its lines put on `output`."""

    name: str
    command: str
    environment: Mapping[str, str]
    output: "SimpleQueue[Message]"
    colour: str = ""
    restarts: bool = True
    """Whether it is to run until it is stopped; a task that ends by itself does not."""
    inherits: tuple[int, ...] = ()
    """File descriptors of ours that it keeps open."""
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    process: "Popen[bytes] | None" = None
    _sessions: set[int] = field(default_factory=set)

    def start(self) -> None:
        self._sessions = {session for session in self._sessions if _members(session)}
        self.process = ShellProcess(
            f"exec env {self.command}",  # no shell stays between us and the program
            env={**os.environ, **self.environment},
            cwd=ROOT,
            pass_fds=self.inherits,
            preexec_fn=_end_with_supervisor,
        )
        self._sessions.add(self.process.pid)
        threading.Thread(target=self._forward_lines, args=(self.process,), daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self.process.poll() if self.process else None

    @property
    def gone(self) -> bool:
        """Whether neither it nor anything that it started runs."""
        return self.exit_code is not None and not any(map(_members, self._sessions))

    def ask_to_end(self) -> None:
        if self.process and self.exit_code is None:
            os.killpg(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it started, such as an RQ work horse in its own process group."""
        for session in self._sessions:
            for member in _members(session):
                member.kill()

    def _forward_lines(self, process: "Popen[bytes]") -> None:
        for line in process.stdout or ():
            self.last_lines.append(line.decode(errors="replace").rstrip())
            now = datetime.now(UTC).astimezone()
            self.output.put(Message("line", line, now, self.name, self.colour))


def _members(session: int) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _runs_in(session, process)]


def _runs_in(session: int, process: psutil.Process) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False  # it has ended meanwhile, or is another user's


def _end_with_supervisor() -> None:
    # Linux only: SIGTERM when the supervisor dies, even by kill -9, so that nothing outlives it.
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
