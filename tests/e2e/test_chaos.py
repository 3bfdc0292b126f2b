"""The short form of `make chaos` that runs with every change, on both engines of the store."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.chaos.__main__ import report
from tests.e2e.chaos.plan import SHORT, Engine
from tests.e2e.chaos.run import run

SEED = 20050223


def survive(
    engine: Engine, shards: int, folder: Path, capsys: pytest.CaptureFixture[str], host: str = ""
) -> None:
    outcome = run(engine, replace(SHORT, shards=shards), SEED, folder, host)
    with capsys.disabled():
        report(outcome)
    assert outcome.verdict.counts == (0, 0, 0), outcome.verdict
    assert outcome.figures["drift of the index"] == 0
    assert outcome.verdict.must_have_rung > SHORT.alerts / 10, "much happened"


@pytest.mark.slow
def test_kills_and_outages_lose_double_and_invent_nothing_on_sqlite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    survive("sqlite", 1, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.emulator
def test_kills_and_outages_lose_double_and_invent_nothing_on_firestore_with_three_shards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], emulator_host: str
) -> None:
    survive("firestore", 3, tmp_path, capsys, emulator_host)
