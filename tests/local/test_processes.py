import runpy
import subprocess
import sys
from typing import Any

import pytest
from honcho.environ import parse_procfile

from local.part import ROOT


def gunicorn_settings(monkeypatch: pytest.MonkeyPatch, **settings: str) -> dict[str, Any]:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def test_on_one_machine_the_web_server_listens_on_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = gunicorn_settings(monkeypatch, BELLWETHER_LOCAL="1", PORT="5001")
    assert told["bind"] == "127.0.0.1:5001"


def test_on_a_server_the_web_server_listens_on_all_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert gunicorn_settings(monkeypatch, PORT="8080")["bind"] == "0.0.0.0:8080"


def test_on_one_machine_requests_end_before_the_supervisor_kills(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert gunicorn_settings(monkeypatch, BELLWETHER_LOCAL="1")["graceful_timeout"] < 3


def test_settings_that_cannot_be_used_end_gunicorn_with_their_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        gunicorn_settings(monkeypatch, PORT="none")
    assert "PORT: " in capsys.readouterr().err


def test_the_procfile_runs_single_programs_without_a_shell_between() -> None:
    processes = parse_procfile((ROOT / "Procfile").read_text()).processes
    assert list(processes) == ["release", "web", "worker", "clock"]
    assert not any(set(command) & set("&|;<>$`") for command in processes.values())


def test_an_old_python_is_told_in_one_sentence() -> None:
    as_python_3_10 = "import sys; sys.version_info = (3, 10); import local"
    told = subprocess.run(
        [sys.executable, "-c", as_python_3_10], cwd=ROOT, capture_output=True, text=True
    )
    assert told.returncode == 1
    assert told.stderr.startswith("Bellwether needs Python 3.11 or newer")
    assert told.stderr.count("\n") == 1
