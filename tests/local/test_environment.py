import json
import os
import subprocess
import sys
from pathlib import Path

from local.environment import FILE, kept

ROOT = Path(__file__).parents[2]


def flask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.environment", *arguments],
        cwd=ROOT,
        env={**os.environ, "BELLWETHER_DATA": str(folder)},
        capture_output=True,
        text=True,
    )


def test_what_the_parts_were_told_is_kept_for_its_owner_while_they_run(tmp_path: Path) -> None:
    with kept(tmp_path, {"REDIS_URL": "redis://:secret@127.0.0.1:1/0"}):
        file = tmp_path / FILE
        assert file.stat().st_mode & 0o777 == 0o600
        assert json.loads(file.read_text())["REDIS_URL"].endswith(":1/0")
    assert not (tmp_path / FILE).exists()


def test_a_file_that_a_killed_supervisor_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}")
    with kept(tmp_path, {"PORT": "1"}):
        assert json.loads((tmp_path / FILE).read_text()) == {"PORT": "1"}


def test_a_command_where_nothing_runs_says_what_to_start(tmp_path: Path) -> None:
    answer = flask(tmp_path, "alerts", "list")
    assert answer.returncode == 1
    assert "make run" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_command_sees_what_the_parts_were_told(tmp_path: Path) -> None:
    with kept(tmp_path, {"BELLWETHER_LOCAL": "1", "REDIS_URL": "redis://127.0.0.1:1/0"}):
        answer = flask(tmp_path, "--version")
    assert answer.returncode == 0
    assert "Flask" in answer.stdout
