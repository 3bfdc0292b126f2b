"""What cannot start says why in one sentence with the remedy, without a traceback, and ends."""

import base64
import sqlite3
import sys
from pathlib import Path

import pytest

from services.store.sqlite import SqliteStore
from tests.support.programs import WEB, WORKER, assert_says, begin

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
    clock = [sys.executable, "-m", "workers.clock"]
    run = begin(clock, tmp_path, CHECK_INTERVAL_SECONDS="often")
    assert_says(run, (2,), "CHECK_INTERVAL_SECONDS")
