"""What the web process imports of the market costs little."""

import subprocess
import sys

import pytest

from tests.support.market import ROOT

pytestmark = pytest.mark.slow

HEAVY = (
    "pandas",
    "numpy",
    "yfinance",
    "requests",
    "curl_cffi",
    "rq",
    "flask",
    "exchange_calendars",
)
FOR_THE_WEB = ("desk", "past_desk", "bars", "earnings", "cache", "models", "provider")


NAMED_BY_ALL_WORKERS = ("histories", "hours", "fetch_past", "replay")
"""Calendars are loaded only where an exchange's hours are asked for."""


@pytest.mark.parametrize("module", FOR_THE_WEB + NAMED_BY_ALL_WORKERS)
def test_what_needs_no_yahoo_imports_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, services.market.{module}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
