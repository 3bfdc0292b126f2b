"""What the web process imports of the market costs little."""

import subprocess
import sys

import pytest

from tests.support.market import ROOT

HEAVY = ("pandas", "numpy", "yfinance", "requests", "curl_cffi", "rq", "flask")
FOR_THE_WEB = ("desk", "cache", "models", "provider")


@pytest.mark.parametrize("module", FOR_THE_WEB)
def test_the_web_side_of_the_market_imports_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, services.market.{module}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
