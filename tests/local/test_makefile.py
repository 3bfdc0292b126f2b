import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.part import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="install make to run these")


def make(
    folder: Path, *arguments: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        [shutil.which("make") or "make", *arguments],
        cwd=folder,
        env={**clean, "PATH": path or os.environ["PATH"]},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Our Makefile and empty lock files, and no .venv."""
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("production", "local", "dev"):
        (folder / f"requirements_{name}.txt").touch()
    return folder


def test_help_lists_every_target_with_what_it_does() -> None:
    assert TARGETS is not None
    lines = make(ROOT, "help").stdout.splitlines()
    told = {line.split()[1]: line.split(maxsplit=2)[2] for line in lines}
    assert set(told) == set(TARGETS.group(1).split())
    assert all(told.values())


def test_make_alone_helps() -> None:
    assert make(ROOT).stdout == make(ROOT, "help").stdout


@pytest.mark.parametrize("python", ["/nowhere/python3", "false"])
def test_a_python_that_cannot_be_used_is_one_clear_sentence(clone: Path, python: str) -> None:
    result = make(clone, "run", f"PYTHON={python}")
    assert result.returncode != 0
    told = result.stderr.splitlines()
    assert told[0].startswith("Bellwether needs Python 3.11 or newer")
    assert "sudo apt install python3 python3-venv" in told[0]
    assert len(told) == 2  # make itself adds which target failed
    assert not (clone / ".venv").exists()


def test_a_machine_without_python_gets_the_same_sentence(clone: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sh").symlink_to("/bin/sh")
    result = make(clone, "run", path=str(programs))
    assert "Bellwether needs Python 3.11 or newer" in result.stderr


def test_a_python_that_exists_but_fails_is_passed_over(clone: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, exit_code in {"python3.13": 127, "python3.11": 127, "python3.12": 0}.items():
        file = programs / name
        file.write_text(f'#!/bin/sh\n[ "$1" = -m ] && echo chosen {name}\nexit {exit_code}\n')
        file.chmod(0o755)
    result = make(clone, ".venv/bin/python", path=f"{programs}:/usr/bin:/bin")
    assert "chosen python3.12" in result.stdout


def test_what_is_installed_already_is_not_installed_again(clone: Path) -> None:
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").touch()
    for name in ("production", "local", "dev"):
        os.utime(clone / f"requirements_{name}.txt", (0, 0))
        (clone / f".venv/{name}").touch()
    assert make(clone, ".venv/dev", "--question").returncode == 0
