"""What several processes count is one number, whatever becomes of the processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COUNTING = """
import logging, os, sys
from pathlib import Path
from services.metrics.shared import metrics_text, share_metrics
from services.metrics import LIVE_STREAMS
from services.store.billing import Bill
logging.basicConfig()
share_metrics(Path(sys.argv[1]))
number = int(sys.argv[2])
Bill().add("here", "read", number)
LIVE_STREAMS.labels("web").set(number)
"""
TELLING = COUNTING + "sys.stdout.write(metrics_text().decode())"
WAITING = COUNTING + "print('counted', flush=True); sys.stdin.read()"
FORKING = (
    COUNTING
    + """
if os.fork() == 0:
    Bill().add("here", "read", number)
    os._exit(0)
os.wait()
Bill().add("here", "read", number)
sys.stdout.write(metrics_text().decode())
"""
)


def run(code: str, folder: Path, number: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, str(folder), str(number)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)


def counted(text: str) -> float:
    """The documents that were read `here`."""
    (value,) = (
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels == {"operation": "read", "caller": "here"}
    )
    return value


def waiting(folder: Path, number: int) -> subprocess.Popen[str]:
    """A process that has counted `number` and lives."""
    command = [sys.executable, "-c", WAITING, str(folder), str(number)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "counted\n"
    return process


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> None:
    with process:
        process.send_signal(number)


def test_the_counts_of_processes_that_run_at_once_are_added(tmp_path: Path) -> None:
    others = [waiting(tmp_path, 10), waiting(tmp_path, 100)]
    try:
        assert counted(run(TELLING, tmp_path, 1).stdout) == 111
    finally:
        for other in others:
            end(other)


def test_what_a_killed_process_counted_stays(tmp_path: Path) -> None:
    end(waiting(tmp_path, 10), signal.SIGKILL)
    assert counted(run(TELLING, tmp_path, 1).stdout) == 11


def test_a_new_process_counts_on_in_the_files_of_a_dead_one(tmp_path: Path) -> None:
    for _ in range(3):
        end(waiting(tmp_path, 10), signal.SIGKILL)
    assert sorted(file.name for file in tmp_path.glob("counter_*")) == ["counter_0.db"]
    assert counted(run(TELLING, tmp_path, 0).stdout) == 30


def test_a_fork_counts_beside_its_parent(tmp_path: Path) -> None:
    assert counted(run(FORKING, tmp_path, 10).stdout) == 30


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01", b"\xff" * 4096, b"\x40\x00\x00\x00" + b"\x08" * 100]
)
def test_a_file_that_a_power_cut_spoilt_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "counter_0.db").write_bytes(content)
    assert counted(run(TELLING, tmp_path, 7).stdout) == 7


def test_a_spoilt_file_that_nobody_uses_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "counter_5.db").write_bytes(b"\x00")
    assert counted(run(TELLING, tmp_path, 7).stdout) == 7


def streams(text: str) -> float | None:
    """The live streams that are told of, None where nobody tells of any."""
    values = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "bellwether_live_streams"
    ]
    return values[0] if values else None


def test_what_processes_measure_is_added_while_they_live(tmp_path: Path) -> None:
    others = [waiting(tmp_path, 10), waiting(tmp_path, 100)]
    try:
        assert streams(run(TELLING, tmp_path, 1).stdout) == 111
        end(others.pop(), signal.SIGKILL)
        assert streams(run(TELLING, tmp_path, 1).stdout) == 11
    finally:
        for other in others:
            end(other)


def test_what_a_dead_process_measured_is_told_no_more(tmp_path: Path) -> None:
    for _ in range(2):
        end(waiting(tmp_path, 10), signal.SIGKILL)
    code = TELLING.replace('LIVE_STREAMS.labels("web").set(number)', "")
    assert streams(run(code, tmp_path, 1).stdout) is None


def test_a_folder_that_cannot_be_made_is_told_and_the_process_counts_for_itself(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    told = run(TELLING, tmp_path / "file" / "metrics", 7)
    assert counted(told.stdout) == 7
    assert "set BELLWETHER_DATA" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_disk_without_room_is_told_at_start_and_ends_no_process(tmp_path: Path) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    told = run(limit + TELLING, tmp_path, 7)
    assert counted(told.stdout) == 7
    assert "Make room" in told.stderr


def test_nobody_else_on_the_machine_may_look_into_the_folder(tmp_path: Path) -> None:
    run(TELLING, tmp_path / "metrics", 1)
    assert (tmp_path / "metrics").stat().st_mode & 0o077 == 0
