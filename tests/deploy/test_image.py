"""What the image does, as far as a machine without Docker can tell.

Its files (by .dockerignore) are put into a folder, and its programs run there in a mount namespace
of their own: everything is read-only but /data and /tmp, and no capability is left.
"""

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from redis import Redis

from tests.support.programs import ROOT
from tests.support.redis_server import free_port

pytestmark = pytest.mark.slow
_CONFINED = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$DATA_FOLDER"
mount -t tmpfs tmpfs "$TMP_FOLDER"
mount -o remount,bind,ro /
cd "$IMAGE"
exec setpriv --bounding-set=-all --no-new-privs "$@"
"""
_OWN_MOUNTS = ("-rm", "-m")  # as anybody who may; as root


def is_in_the_image(path: str) -> bool:
    """By the rules of .dockerignore: the last line that fits decides."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text().split():
        pattern = line.lstrip("!").removeprefix("**/")
        parts = path.split("/")
        starts = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        anywhere = line.lstrip("!").startswith("**/")
        candidates = parts if anywhere else starts
        if any(fnmatch.fnmatch(one, pattern) for one in candidates):
            kept = line.startswith("!")
    return kept


@dataclass(frozen=True)
class Image:
    folder: Path
    data: Path
    tmp: Path
    mounts: str
    settings: dict[str, str]

    def popen(self, command: list[str], **options: object) -> subprocess.Popen[str]:
        env = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "IMAGE": str(self.folder),
            "DATA_FOLDER": str(self.data),
            "TMP_FOLDER": str(self.tmp),
            **self.settings,
        }
        line = ["unshare", self.mounts, "sh", "-c", _CONFINED, "sh", *command]
        told = {"env": env, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(line, **{**told, **options})  # type: ignore[call-overload,no-any-return]

    def run(self, *command: str) -> tuple[int, str]:
        process = self.popen(list(command))
        said, _ = process.communicate(timeout=60)
        return process.returncode, said


@pytest.fixture
def image(redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Image]:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    folder, data, tmp = (tmp_path / name for name in ("app", "data", "tmp"))
    for name in filter(is_in_the_image, filter(None, tracked)):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    data.mkdir()
    tmp.mkdir()
    settings = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(tmp),
        "TMPDIR": str(tmp),
        "BELLWETHER_DATA": str(data),
        "BELLWETHER_LOCAL": "1",
        "QUOTES": "replay",
        "PORT": str(free_port()),
        "REDIS_URL": redis_url,
    }
    for mounts in _OWN_MOUNTS:
        found = Image(folder, data, tmp, mounts, settings)
        if found.run("true")[0] == 0:
            yield found
            return
    pytest.skip("a mount namespace of one's own cannot be had here")


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def command_of_the_image() -> list[str]:
    last = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1]
    return shlex.split(last.strip("[]").replace(",", " "))


def test_its_files_cannot_be_changed_and_no_capability_is_left(image: Image) -> None:
    code, said = image.run("touch", "app.py")
    assert code != 0
    assert "Read-only file system" in said
    assert "CapEff:\t0000000000000000" in image.run("cat", "/proc/self/status")[1]


def test_the_web_serves_from_a_read_only_system(image: Image, tmp_path: Path) -> None:
    web = image.popen(command_of_the_image())
    address = f"http://127.0.0.1:{image.settings['PORT']}"
    try:

        def serves() -> bool:
            assert web.poll() is None, web.communicate()[0]
            try:
                return requests.get(f"{address}/ready", timeout=30).ok
            except requests.ConnectionError:
                return False

        until(serves)
        page = requests.get(f"{address}/sign-in", headers={"Accept-Language": "de"}, timeout=30)
        assert "Anmelden" in page.text, "texts in other languages are in the image"
        for asset in re.findall(r'"(/assets/[^"]+)"', page.text):
            assert requests.get(address + asset, timeout=30).ok, asset
        assert image.run("python", "-m", "web.alive") == (0, "")
    finally:
        web.terminate()
        web.wait(30)
    assert image.run("python", "-m", "web.alive")[0] == 1


def test_a_worker_and_a_clock_live_on_a_read_only_system(image: Image, redis: Redis) -> None:
    alive = ("python", "-m", "workers.alive")
    assert image.run(*alive, "worker")[0] == 1
    assert image.run(*alive, "clock")[0] == 1
    parts = [image.popen(["python", "-m", f"workers{part}"]) for part in ("", ".clock")]
    try:
        until(lambda: image.run(*alive, "worker")[0] == 0)
        until(lambda: image.run(*alive, "clock")[0] == 0)
    finally:
        for part in parts:
            part.terminate()
            part.wait(60)


def test_a_health_check_does_not_restart_workers_for_a_redis_that_is_away(image: Image) -> None:
    image.settings["REDIS_URL"] = "redis://127.0.0.1:1/0"
    assert image.run("python", "-m", "workers.alive", "worker") == (0, "")
