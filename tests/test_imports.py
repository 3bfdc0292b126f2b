"""The rules of the house on who imports whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"services", "web", "workers", "local", "tests", "bench"}


def imports(file: Path) -> set[str]:
    """The top-level names and modules that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def files(room: str) -> list[Path]:
    found = sorted((ROOT / room).rglob("*.py"))
    assert found
    return found


def top(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize(
    ("room", "never"),
    [
        ("services", {"web", "workers", "local", "app", "flask", "rq", "rq_scheduler"}),
        ("web", {"workers", "local", "app", "rq", "pandas", "yfinance"}),
        ("workers", {"web", "local", "app", "flask"}),
    ],
)
def test_imports_run_downward(room: str, never: set[str]) -> None:
    wrong = {file.name: bad for file in files(room) if (bad := top(imports(file)) & never)}
    assert wrong == {}


@pytest.mark.parametrize(
    "module", ["alerts/conditions.py", "alerts/intervals.py", "market/models.py"]
)
def test_pure_modules_do_no_input_or_output(module: str) -> None:
    names = imports(ROOT / "services" / module)
    allowed = {"services.alerts.conditions", "services.market.models", "services.texts"}
    assert {name for name in names if name.startswith("services")} <= allowed
    assert not top(names) & {"redis", "requests", "time", "os", "pathlib", "socket", "logging"}
    assert ".now(" not in (ROOT / "services" / module).read_text()


@pytest.mark.parametrize("room", ["services"])
def test_no_service_reads_the_clock(room: str) -> None:
    clocks = ("datetime.now(", "time.time(", "utcnow(", "date.today(")
    wrong = [file.name for file in files(room) if any(c in file.read_text() for c in clocks)]
    assert wrong == []


def test_no_engine_is_named_outside_its_own_module() -> None:
    engines = ("services.store.firestore", "services.store.sqlite")
    wrong = [
        file.name
        for room in ("services", "web", "workers", "local")
        for file in files(room)
        if file.parent.name != "store" and any(n.startswith(engines) for n in imports(file))
    ]
    assert wrong == []


COSTLY = (
    "pandas",
    "yfinance",
    "numpy",
    "apprise",
    "pywebpush",
    "PIL",
    "aiohttp",
    "firebase_admin.messaging",
    "requests",
    "dns",
    "sentry_sdk",
    "opentelemetry.sdk.trace",  # redis loads of it what counts, wherever it is installed
    "opentelemetry.exporter",
    "cryptography.hazmat.primitives.asymmetric.ec",
)


@pytest.mark.slow
def test_the_web_process_imports_nothing_costly_that_only_workers_need() -> None:
    code = f"import app, sys; print([m for m in {COSTLY} if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
