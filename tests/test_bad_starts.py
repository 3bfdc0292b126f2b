"""What cannot start says why in one sentence with the remedy, without a traceback, and ends."""

import base64
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import ConnectionError

from config import Settings
from services.doctor.reach import redis_answers
from services.doctor.start import NotReady, require_ready
from services.store.contract import Set
from services.store.schema import Schema
from services.store.sqlite import SqliteStore
from tests.support.google_cloud import service_account
from tests.support.programs import WEB, WORKER, assert_says, begin, running
from tests.support.smtp import SmtpPeer

pytestmark = pytest.mark.slow

CLOCK = [sys.executable, "-m", "workers.clock"]
PROGRAMS = pytest.mark.parametrize(
    ("command", "codes"), [(WORKER, (2,)), (WEB, (2, 4))], ids=["worker", "web"]
)


def new_file(data: Path) -> Path:
    data.mkdir(exist_ok=True)
    path = data / "bellwether.sqlite3"
    store = SqliteStore(path)
    store.ping()
    store.close()
    return path


@PROGRAMS
def test_a_damaged_file_is_told_at_start(command, codes, tmp_path: Path) -> None:
    path = new_file(tmp_path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    run = begin(command, tmp_path)
    assert_says(run, codes, "is damaged")
    assert "restore a backup" in run.stderr


@PROGRAMS
def test_a_newer_schema_is_told_at_start(command, codes, tmp_path: Path) -> None:
    with sqlite3.connect(new_file(tmp_path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    assert_says(begin(command, tmp_path), codes, "written by a newer Bellwether (schema 99")


@PROGRAMS
def test_a_data_folder_that_cannot_be_made_is_told_at_start(command, codes, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    assert_says(begin(command, tmp_path / "var"), codes, "Set BELLWETHER_DATA to a folder")


@PROGRAMS
def test_unusable_credentials_are_told_at_start_without_a_word_of_them(
    command, codes, tmp_path: Path
) -> None:
    key = base64.b64encode(b"a-very-secret-word").decode()
    settings = {"FIREBASE_PROJECT_ID": "flock", "FIREBASE_CREDENTIALS_BASE64": key}
    run = begin(command, tmp_path, **settings)
    assert_says(run, codes, "FIREBASE_CREDENTIALS_BASE64 is not the base64 form")
    assert "a-very-secret-word" not in run.stderr
    assert key not in run.stderr


@PROGRAMS
def test_a_setting_that_cannot_be_is_told_at_start(command, codes, tmp_path: Path) -> None:
    run = begin(command, tmp_path, CHECK_INTERVAL_SECONDS="often")
    assert_says(run, (2,), "CHECK_INTERVAL_SECONDS")


def test_a_clock_with_wrong_settings_says_so(tmp_path: Path) -> None:
    run = begin(CLOCK, tmp_path, CHECK_INTERVAL_SECONDS="often")
    assert_says(run, (2,), "CHECK_INTERVAL_SECONDS")


ALL_PROGRAMS = pytest.mark.parametrize(
    "command", [WEB, WORKER, CLOCK], ids=["web", "worker", "clock"]
)
KEY = "q8Zr-V1m_Xw7KpT0aLsY3uNcEoJhGd5BfRi2Mn9x"
NOWHERE = "smtp://postman:hush@127.0.0.1:1"


def in_production(redis_url: str, **changes: str) -> dict[str, str]:
    """Settings of production that are well, but for the changes."""
    return {
        "BELLWETHER_LOCAL": "",
        "BELLWETHER_ENV": "production",
        "SECRET_KEY": KEY,
        "PUBLIC_URL": "https://bell.example",
        "PROXY_HOPS": "1",
        "REDIS_URL": redis_url,
        "NO_GCE_CHECK": "true",  # Google's library looks for no account of the machine
        **changes,
    }


def told(run: subprocess.CompletedProcess[str]) -> set[str]:
    """What the listed problems are about."""
    assert_says(run, (2,), "Bellwether does not start in production")
    return {line.split(":")[0][4:] for line in run.stderr.splitlines() if line.startswith("  ✗ ")}


@ALL_PROGRAMS
def test_production_is_told_of_all_problems_at_once(
    command, redis_url: str, tmp_path: Path
) -> None:
    wrong = {
        "BELLWETHER_LOCAL": "1",
        "SECRET_KEY": "for tests",
        "FLASK_DEBUG": "1",
        "PUBLIC_URL": "http://bell.example",
        "FIREBASE_PROJECT_ID": "flock",
        "SMTP_URL": NOWHERE,
        "OPERATOR_URL": "slack://hush",
    }
    run = begin(command, tmp_path, **in_production(redis_url, **wrong))
    assert told(run) == {
        "OPERATOR_URL",
        "SECRET_KEY",
        "FLASK_DEBUG",
        "BELLWETHER_LOCAL",
        "PUBLIC_URL",
        "FIREBASE_CREDENTIALS_BASE64",
        "Mail server",
    }
    assert "7 problems" in run.stderr
    assert "for tests" not in run.stderr
    assert "hush" not in run.stderr


@ALL_PROGRAMS
def test_values_that_cannot_be_hide_no_other_problem(
    command, redis_url: str, tmp_path: Path
) -> None:
    wrong = {"CHECK_INTERVAL_SECONDS": "often", "SECRET_KEY": "short", "SMTP_URL": NOWHERE}
    run = begin(command, tmp_path, **in_production(redis_url, **wrong))
    assert told(run) == {"SECRET_KEY", "Mail server"}
    assert "CHECK_INTERVAL_SECONDS" in run.stderr


def test_an_emulator_in_production_is_told_at_start(redis_url: str, tmp_path: Path) -> None:
    wrong = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "SMTP_URL": NOWHERE, "SECRET_KEY": ""}
    run = begin(CLOCK, tmp_path, **in_production(redis_url, **wrong))
    assert told(run) == {"FIRESTORE_EMULATOR_HOST", "SECRET_KEY", "Mail server"}


@pytest.mark.slow  # a Redis that is just being started is waited for
def test_a_redis_that_is_away_is_told_at_start(smtp: SmtpPeer, tmp_path: Path) -> None:
    settings = in_production("redis://:hush@127.0.0.1:1/0", SMTP_URL=smtp.url)
    run = begin(CLOCK, tmp_path, **settings)
    assert told(run) == {"Redis"}
    assert "hush" not in run.stderr


@pytest.mark.slow  # Google's client is loaded, and tries again
def test_a_firestore_that_is_away_is_told_at_start(
    smtp: SmtpPeer, redis_url: str, tmp_path: Path
) -> None:
    credentials, secret = service_account("http://127.0.0.1:1/token")
    settings = in_production(
        redis_url,
        SMTP_URL=smtp.url,
        FIREBASE_PROJECT_ID="flock",
        FIREBASE_CREDENTIALS_BASE64=credentials,
    )
    run = begin(CLOCK, tmp_path, **settings)
    assert told(run) == {"Documents"}
    assert "did not answer" in run.stderr
    assert secret not in run.stderr


def test_a_redis_that_comes_in_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([ConnectionError("refused"), ConnectionError("refused"), True])

    def ping(_self: object) -> object:
        answer = next(answers)
        if isinstance(answer, ConnectionError):
            raise answer
        return answer

    monkeypatch.setattr("services.doctor.reach._PAUSE", 0)
    monkeypatch.setattr("redis.Redis.ping", ping)
    assert redis_answers("redis://127.0.0.1:1/0").state == "good"


def test_production_starts_where_all_is_well(
    smtp: SmtpPeer, redis_url: str, tmp_path: Path
) -> None:
    chosen = in_production(redis_url, SMTP_URL=smtp.url, BELLWETHER_DATA=str(tmp_path))
    fields = {name.lower(): value for name, value in chosen.items() if name != "NO_GCE_CHECK"}
    require_ready(Settings.model_validate(fields | {"bellwether_local": False}))


@pytest.mark.slow
@pytest.mark.parametrize(("command", "words"), [(WORKER, "Prices come from"), (WEB, "Listening")])
def test_programs_of_production_start_where_all_is_well(
    command, words: str, smtp: SmtpPeer, redis_url: str, tmp_path: Path
) -> None:
    chosen = in_production(redis_url, SMTP_URL=smtp.url)
    output = tmp_path / "output"
    with running(command, tmp_path, output, **chosen) as program:
        deadline = time.monotonic() + 60
        while words not in output.read_text():
            assert program.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.1)


def test_checks_that_die_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.doctor.start.problems", lambda _: os._exit(1))
    with pytest.raises(NotReady, match="ended before they were through"):
        require_ready(Settings(_env_file=None))


def a_store_of_schema(data: Path, version: int) -> None:
    new_file(data)
    store = SqliteStore(data / "bellwether.sqlite3")
    store.write(Set("users/u", {"email": "ada@bell.example"}))
    Schema(store).stamp(version)
    store.close()


@PROGRAMS
def test_documents_of_a_newer_bellwether_stop_the_start_everywhere(
    command, codes, tmp_path: Path
) -> None:
    a_store_of_schema(tmp_path, 99)
    assert_says(begin(command, tmp_path), codes, "written by a newer Bellwether (schema 99")


def test_older_documents_stop_the_start_in_production(
    smtp: SmtpPeer, redis_url: str, tmp_path: Path
) -> None:
    a_store_of_schema(tmp_path, 0)
    run = begin(WORKER, tmp_path, **in_production(redis_url, SMTP_URL=smtp.url))
    assert told(run) == {"Documents"}
    assert "flask --app app migrate" in run.stderr
