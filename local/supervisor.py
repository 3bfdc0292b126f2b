"""Starts the parts, shows their lines, starts dead ones again, and ends them all in order.

honcho gives the Procfile's grammar, the processes and the prefixed lines. Its own manager
is not used: it ends everything as soon as one part dies.
"""

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from types import FrameType

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from local.errors import CannotStart, StopRequested
from local.part import Part

PATIENCE_SECONDS = 60.0
STEADY_SECONDS = 1.0
"""A part that cannot start has mostly ended by then; the clock has no other sign of life."""
_GRACE_SECONDS = (3.2, 1.0)  # the Procfile's parts, then the stand-ins that they lean on
_TICK_SECONDS = 0.05
_FORGIVEN_AFTER_SECONDS = 60.0
_TRIES_AT_START = 3


def delay_before_start(failures: int) -> float:
    """Seconds to wait before a part that died `failures` times in a row is started again."""
    return float(min(0.5 * 2 ** (failures - 1), 30.0))


@dataclass
class _Watch:
    part: Part
    is_stand_in: bool
    started_at: float = 0.0
    failures: int = 0
    start_at: float | None = None
    """When it is to be started again; None while it runs, or once it has ended for good."""


@dataclass
class Supervisor:
    printer: Printer = field(default_factory=Printer)
    stopping: bool = False

    def __post_init__(self) -> None:
        self._watched: dict[str, _Watch] = {}
        self._output: SimpleQueue[Message] = SimpleQueue()
        self._colours = get_colours()
        self._impatient = False
        self.printer.width = 10

    def obey_signals(self) -> None:
        """Ctrl-C, SIGTERM and a closed terminal end everything; a second one does so at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def start(
        self,
        name: str,
        command: str,
        environment: Mapping[str, str],
        *,
        restarts: bool = True,
        is_stand_in: bool = False,
        inherits: tuple[int, ...] = (),
    ) -> Part:
        """Start a part. A stand-in is what other parts lean on: it ends after them."""
        colour = next(self._colours)
        part = Part(name, command, environment, self._output, colour, restarts, inherits)
        self._watched[name] = watch = _Watch(part, is_stand_in)
        self._launch(watch)
        return part

    def wait_until(
        self, ready: Callable[[], bool], what: str, patience: float = PATIENCE_SECONDS
    ) -> None:
        """Keep everything going until `ready`.

        Raises CannotStart, with the last lines of the part at fault, when a part dies again and
        again or `patience` (seconds) ends, and StopRequested when told to stop.
        """
        deadline = time.monotonic() + patience
        while not ready():
            self._tick()
            failing = [w for w in self._watched.values() if w.failures >= _TRIES_AT_START]
            if failing or time.monotonic() > deadline:
                raise CannotStart(self._failure(what, patience, failing))

    def steady(self, seconds: float = STEADY_SECONDS) -> bool:
        """Whether every part that is to run has run for that long."""
        running = [w for w in self._watched.values() if w.part.restarts]
        since = time.monotonic() - seconds
        return all(w.part.exit_code is None and w.started_at <= since for w in running)

    def run(self) -> None:
        """Keep everything going until told to stop."""
        while not self.stopping:
            self._tick()

    def finished(self, part: Part, patience: float) -> bool:
        """Wait for a part that ends by itself; whether it ended well within `patience` seconds."""
        deadline = time.monotonic() + patience
        while part.exit_code is None and time.monotonic() < deadline:
            self._tick()
        if part.exit_code is None:
            part.kill()
        return part.exit_code == 0

    def stop(self) -> None:
        """End every part within 5 s: ask first, then kill; stand-ins after the others."""
        self.stopping = True
        for is_stand_in, grace in zip((False, True), _GRACE_SECONDS, strict=True):
            parts = [w.part for w in self._watched.values() if w.is_stand_in is is_stand_in]
            self._end(parts, grace)
        self._show_lines()

    def say(self, text: str) -> None:
        self._print(Message("line", text, datetime.now(UTC).astimezone(), "local", None))

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._impatient = self.stopping
        self.stopping = True

    def _tick(self) -> None:
        if self.stopping:
            raise StopRequested
        self._show_lines()
        for watch in self._watched.values():
            self._look_after(watch)

    def _look_after(self, watch: _Watch) -> None:
        now = time.monotonic()
        if watch.start_at is not None:
            if now >= watch.start_at:
                self._launch(watch)
        elif watch.part.restarts and watch.part.exit_code is not None:
            forgiven = now - watch.started_at > _FORGIVEN_AFTER_SECONDS
            watch.failures = 1 if forgiven else watch.failures + 1
            delay = delay_before_start(watch.failures)
            watch.start_at = now + delay
            ended = _how_it_ended(watch.part.exit_code)
            self.say(f"{watch.part.name} {ended}; starting it again in {delay:g} s.")

    def _launch(self, watch: _Watch) -> None:
        watch.start_at, watch.started_at = None, time.monotonic()
        watch.part.start()

    def _end(self, parts: list[Part], grace: float) -> None:
        deadline = time.monotonic() + grace
        for part in parts:
            part.ask_to_end()
        while not all(part.gone for part in parts):
            if self._impatient or time.monotonic() > deadline:
                for part in parts:
                    part.kill()
                return
            self._show_lines()

    def _show_lines(self) -> None:
        """Print what has come, and what comes within the next moment."""
        try:
            self._print(self._output.get(timeout=_TICK_SECONDS))
            while True:
                self._print(self._output.get_nowait())
        except Empty:
            pass

    def _print(self, message: Message) -> None:
        try:
            self.printer.write(message)
        except OSError:
            self.stopping = True  # the terminal is gone, and with it whoever could stop us

    def _failure(self, what: str, patience: float, failing: list[_Watch]) -> str:
        suspects = failing or [w for w in self._watched.values() if w.part.name in what]
        reason = "keeps dying" if failing else f"was not ready within {patience:g} s"
        said = [line for w in suspects for line in w.part.last_lines]
        name = failing[0].part.name if failing else what
        return "\n  ".join([f"{name} {reason}. Its last lines:", *(said or ["(none)"])])


def _how_it_ended(exit_code: int) -> str:
    if exit_code < 0:
        return f"was ended by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"
