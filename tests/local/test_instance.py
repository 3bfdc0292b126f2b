import os
import stat
from pathlib import Path

import pytest

from local.errors import CannotStart
from local.instance import only_instance

pytestmark = pytest.mark.slow


def test_a_second_start_on_the_same_folder_says_where_the_first_runs(tmp_path: Path) -> None:
    with (
        only_instance(tmp_path, "http://localhost:5000"),
        pytest.raises(CannotStart) as told,
        only_instance(tmp_path, "http://localhost:5001"),
    ):
        pass
    assert f"already runs on {tmp_path}" in str(told.value)
    assert f"process {os.getpid()} at http://localhost:5000" in str(told.value)


def test_the_folder_is_free_again_after_the_end(tmp_path: Path) -> None:
    for _ in range(2):
        with only_instance(tmp_path, "http://localhost:5000"):
            pass


def test_two_folders_run_side_by_side(tmp_path: Path) -> None:
    with only_instance(tmp_path / "a", "x"), only_instance(tmp_path / "b", "y"):
        pass


def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    with only_instance(tmp_path / "deep" / "var", "x"):
        assert stat.S_IMODE((tmp_path / "deep" / "var").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CannotStart, match="Set BELLWETHER_DATA"),
        only_instance(tmp_path / "file" / "var", "x"),
    ):
        pass


def test_whoever_inherits_the_lock_keeps_it(tmp_path: Path) -> None:
    with only_instance(tmp_path, "x") as lock:
        heir = os.dup(lock)
    with pytest.raises(CannotStart), only_instance(tmp_path, "y"):
        pass
    os.close(heir)
    with only_instance(tmp_path, "z"):
        pass
