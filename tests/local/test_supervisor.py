import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from honcho.printer import Printer

from local.errors import CannotStart, StopRequested
from local.part import Part
from local.supervisor import Supervisor, delay_before_start

pytestmark = pytest.mark.slow

SLEEPER = "sleep 1000"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(1000)
"""
# As an RQ worker does, whose work horse has a process group of its own.
WITH_A_HORSE = """
import os, time
if os.fork() == 0:
    os.setpgrp()
    print("horse", os.getpid(), flush=True)
time.sleep(1000)
"""


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(output: io.StringIO) -> Iterator[Supervisor]:
    supervisor = Supervisor(Printer(output))
    yield supervisor
    supervisor.stop()


def program(folder: Path, source: str) -> str:
    file = folder / f"program{len(list(folder.iterdir()))}.py"
    file.write_text(source)
    return f"{sys.executable} {file}"


def pid_of(part: Part) -> int:
    assert part.process is not None
    return part.process.pid


def has_said(part: Part, text: str) -> Callable[[], bool]:
    return lambda: any(text in line for line in part.last_lines)


def test_lines_are_shown_with_the_part_that_said_them(
    supervisor: Supervisor, output: io.StringIO
) -> None:
    part = supervisor.start("clock", "echo tick", {}, restarts=False)
    assert supervisor.finished(part, 5)
    supervisor.wait_until(lambda: "tick" in output.getvalue(), "clock", 5)
    assert "clock      | tick\n" in output.getvalue()


def test_a_part_gets_its_environment_beside_ours(supervisor: Supervisor) -> None:
    command = 'echo "$BELL and $HOME"'
    part = supervisor.start("web", command, {"BELL": "rings"}, restarts=False)
    supervisor.wait_until(has_said(part, f"rings and {os.environ['HOME']}"), "web", 5)


def test_a_dead_part_is_started_again_and_the_others_stay(
    supervisor: Supervisor, output: io.StringIO
) -> None:
    web, clock = (supervisor.start(name, SLEEPER, {}) for name in ("web", "clock"))
    first, other = pid_of(web), pid_of(clock)
    os.kill(first, signal.SIGKILL)
    supervisor.wait_until(lambda: pid_of(web) != first, "web", 5)
    assert web.exit_code is None
    assert pid_of(clock) == other
    assert "web was ended by SIGKILL; starting it again in 0.5 s." in output.getvalue()


def test_the_wait_before_another_start_doubles_up_to_half_a_minute() -> None:
    assert [delay_before_start(n) for n in (1, 2, 3, 4, 7, 50)] == [0.5, 1, 2, 4, 30, 30]


def test_a_task_that_ends_by_itself_is_not_started_again(supervisor: Supervisor) -> None:
    task = supervisor.start("demo", "true", {}, restarts=False)
    pid = pid_of(task)
    assert supervisor.finished(task, 5)
    with pytest.raises(CannotStart):
        supervisor.wait_until(lambda: pid_of(task) != pid, "demo", 0.3)


def test_a_task_that_fails_or_takes_too_long_has_not_finished_well(
    supervisor: Supervisor,
) -> None:
    assert not supervisor.finished(supervisor.start("a", "false", {}, restarts=False), 5)
    slow = supervisor.start("b", SLEEPER, {}, restarts=False)
    assert not supervisor.finished(slow, 0.1)
    supervisor.wait_until(lambda: slow.gone, "b", 5)


def test_a_part_that_keeps_dying_at_the_start_is_told_with_its_last_lines(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    command = program(tmp_path, "raise SystemExit('no such table: users')")
    supervisor.start("web", command, {})
    with pytest.raises(CannotStart, match=r"(?s)web keeps dying.*no such table: users"):
        supervisor.wait_until(lambda: False, "web", 30)


def test_a_part_that_is_never_ready_is_told_with_its_last_lines(
    supervisor: Supervisor,
) -> None:
    part = supervisor.start("web", "sh -c 'echo still loading; sleep 1000'", {})
    supervisor.wait_until(has_said(part, "still loading"), "web", 5)
    with pytest.raises(CannotStart, match=r"(?s)web was not ready within 0.2 s.*still loading"):
        supervisor.wait_until(lambda: False, "web", 0.2)


def test_parts_are_steady_once_all_have_run_for_a_while(supervisor: Supervisor) -> None:
    clock = supervisor.start("clock", SLEEPER, {})
    supervisor.start("demo", "true", {}, restarts=False)
    assert not supervisor.steady(0.2)
    supervisor.wait_until(lambda: supervisor.steady(0.2), "clock", 5)
    os.kill(pid_of(clock), signal.SIGKILL)
    supervisor.wait_until(lambda: not supervisor.steady(0.2), "clock", 5)


def test_a_stop_ends_every_part_at_once(supervisor: Supervisor) -> None:
    parts = [supervisor.start(name, SLEEPER, {}) for name in ("web", "worker", "clock")]
    began = time.monotonic()
    supervisor.stop()
    assert all(part.gone for part in parts)
    assert time.monotonic() - began < 2


def test_stand_ins_end_after_the_parts_that_lean_on_them(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    say_when_ended = (
        "import signal, time\n"
        "def end(*_):\n    time.sleep(0.3); raise SystemExit(print('ended', flush=True))\n"
        "signal.signal(signal.SIGTERM, end)\nprint('ready', flush=True)\ntime.sleep(1000)"
    )
    command = program(tmp_path, say_when_ended)
    redis = supervisor.start("redis", command, {}, is_stand_in=True)
    worker = supervisor.start("worker", command, {})
    supervisor.wait_until(lambda: bool(redis.last_lines and worker.last_lines), "worker", 5)
    output = supervisor.printer.output
    supervisor.stop()
    ends = [line.split()[1] for line in output.getvalue().splitlines() if "ended" in line]
    assert ends == ["worker", "redis"]


@pytest.mark.slow
def test_parts_that_will_not_end_are_killed_within_five_seconds(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    command = program(tmp_path, STUBBORN)
    web = supervisor.start("web", command, {})
    redis = supervisor.start("redis", command, {}, is_stand_in=True)
    supervisor.wait_until(lambda: bool(web.last_lines and redis.last_lines), "web", 5)
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 5
    assert {web.process.wait(1), redis.process.wait(1)} == {-signal.SIGKILL}  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_work_horse_does_not_outlive_the_stop_even_if_its_worker_was_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    worker = supervisor.start("worker", program(tmp_path, WITH_A_HORSE), {})
    supervisor.wait_until(has_said(worker, "horse"), "worker", 5)
    horse = psutil.Process(int(worker.last_lines[0].split()[1]))
    os.kill(pid_of(worker), signal.SIGKILL)
    supervisor.wait_until(lambda: len(worker.last_lines) > 1, "worker", 5)
    assert horse.is_running()
    supervisor.stop()
    psutil.wait_procs([horse], 1)
    assert not horse.is_running() or horse.status() == psutil.STATUS_ZOMBIE


def test_a_signal_while_waiting_stops_the_wait(supervisor: Supervisor) -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    supervisor.obey_signals()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StopRequested):
            supervisor.wait_until(lambda: False, "web", 5)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_closed_terminal_stops_everything() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    terminal = os.fdopen(writing, "w")
    supervisor = Supervisor(Printer(terminal))
    part = supervisor.start("web", "sh -c 'echo hello; sleep 1000'", {})
    with pytest.raises(StopRequested):
        supervisor.wait_until(lambda: False, "web", 5)
    supervisor.stop()
    assert part.gone
    with pytest.raises(BrokenPipeError):
        terminal.close()
