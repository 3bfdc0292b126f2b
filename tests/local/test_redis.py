import shlex
import stat
import subprocess
import time
from pathlib import Path

import pytest
import redis as redis_client

from local import redis as local_redis
from local.errors import CannotStart

pytestmark = pytest.mark.slow


def program(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def start(folder: Path) -> tuple[subprocess.Popen[bytes], redis_client.Redis]:
    command, url = local_redis.private_server(folder)
    server = subprocess.Popen(shlex.split(command), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not local_redis.answers(url):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return server, redis_client.Redis.from_url(url)


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_a_server_on_the_path_is_taken(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = program(tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert local_redis.find_redis_server() == installed


def test_redis_goes_before_valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "valkey-server")
    installed = program(tmp_path / "redis-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert local_redis.find_redis_server() == installed


def test_no_server_at_all_is_told_with_the_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(local_redis.RedisMissing, match="sudo apt install redis-server"):
        local_redis.find_redis_server()


def test_what_was_written_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    folder = tmp_path / "a folder with spaces"
    server, client = start(folder)
    client.set("kept", "yes")
    server.terminate()
    assert server.wait(5) == 0
    server, client = start(folder)
    assert client.get("kept") == b"yes"
    server.terminate()
    server.wait(5)


def test_the_server_keeps_other_users_out_and_drops_nothing(tmp_path: Path) -> None:
    server, client = start(tmp_path / "redis")
    try:
        port = client.connection_pool.connection_kwargs["port"]
        with pytest.raises(redis_client.AuthenticationError):
            redis_client.Redis(port=port).ping()
        settings = client.config_get("*")
        assert settings["maxmemory-policy"] == "noeviction"
        assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")
        assert settings["bind"] == "127.0.0.1"
        mode = stat.S_IMODE((tmp_path / "redis" / "redis.conf").stat().st_mode)
        assert mode == 0o600
    finally:
        server.terminate()
        server.wait(5)


def test_a_redis_url_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(CannotStart, match="does not answer") as told:
        local_redis.check_address("redis://:hush@127.0.0.1:1/0")
    assert "hush" not in str(told.value)


def test_a_redis_url_of_another_scheme_is_told() -> None:
    with pytest.raises(CannotStart, match="REDIS_URL cannot be used"):
        local_redis.check_address("http://127.0.0.1")


def test_a_redis_url_that_answers_is_taken(redis_url: str) -> None:
    local_redis.check_address(redis_url)
