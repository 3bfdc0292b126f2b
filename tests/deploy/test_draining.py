"""A process told to end (SIGTERM) first finishes what it has begun, and takes nothing new."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from redis import Redis
from rq import Queue, Worker
from rq_scheduler import Scheduler

from tests.support.held_job import hold
from tests.support.programs import PASSWORD, WEB, WORKER, running
from tests.support.redis_server import free_port

PATIENCE = 30.0
CLOCK = [sys.executable, "-m", "workers.clock"]
AS_SYSTEMD_DOES = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""
pytestmark = pytest.mark.slow


def until(true: Callable[[], bool], why: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)


def answers(address: str, within: float = PATIENCE) -> bool:
    try:
        return requests.get(f"{address}/health", timeout=within).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


# The web


def is_draining(probe: requests.Session, address: str) -> bool:
    """By a connection that was kept open: the answer that says so is its last."""
    answer = probe.get(f"{address}/ready", timeout=PATIENCE)
    return answer.status_code == 503 and list(answer.json()["failing"]) == ["draining"]


@contextmanager
def half_a_request(port: int) -> Iterator[tuple[socket.socket, bytes]]:
    """A request for a token of which the last byte is still to come, and that byte."""
    body = json.dumps({"email": "ada@example.com", "password": PASSWORD}).encode()
    head = (
        f"POST /api/v1/tokens HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(head.encode() + body[:-1])
        yield client, body[-1:]


def test_after_sigterm_a_slow_request_is_answered_no_new_one_is_taken_and_probes_are_told(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    address = f"http://127.0.0.1:{port}"
    # As on servers, where 20 s are given to requests that have begun.
    told = {"PORT": str(port), "REDIS_URL": redis_url, "BELLWETHER_LOCAL": "1"}
    with running([*WEB, "--graceful-timeout", "20"], tmp_path / "data", log, **told) as web:
        until(lambda: answers(address), log.read_text)
        with half_a_request(port) as (client, rest), requests.Session() as probe:
            assert probe.get(f"{address}/ready", timeout=PATIENCE).json() == {"status": "ready"}
            web.send_signal(signal.SIGTERM)
            until(lambda: is_draining(probe, address), log.read_text)
            until(lambda: not answers(address, within=1), log.read_text)
            assert web.poll() is None
            client.sendall(rest)
            answer = client.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 401"), answer
        assert b"application/problem+json" in answer
        assert web.wait(PATIENCE) == 0


def test_where_systemd_holds_the_socket_a_restart_turns_nobody_away(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """As deploy/systemd/bellwether-web.socket does: connections wait for the next process."""
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as held:
        held.set_inheritable(True)
        port = held.getsockname()[1]
        command = [sys.executable, "-c", AS_SYSTEMD_DOES, str(held.fileno()), *WEB]
        told = {"PORT": str(free_port()), "REDIS_URL": redis_url}
        address = f"http://127.0.0.1:{port}"
        with (
            ThreadPoolExecutor() as visitors,
            running(command, tmp_path / "data", log, **told) as first,
        ):
            assert answers(address), log.read_text()
            first.send_signal(signal.SIGTERM)
            asked = [visitors.submit(requests.get, f"{address}/health", timeout=60)]
            assert first.wait(PATIENCE) == 0, log.read_text()
            asked += [visitors.submit(requests.get, f"{address}/health", timeout=60)]
            with running(command, tmp_path / "data", log, **told):
                assert [one.result().status_code for one in asked] == [200, 200]


# Workers and the clock


def begun(redis: Redis, name: str) -> bool:
    return bool(redis.llen(f"{name}:begun"))


def pops(redis: Redis) -> bool:
    """Whether somebody waits for a job."""
    return any("b" in client["flags"] for client in redis.client_list())


def waits(redis: Redis) -> bool:
    return any(one.get_state() == "idle" for one in Worker.all(connection=redis))


def test_a_worker_finishes_its_job_on_sigterm_and_leaves_the_next_to_others(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    queue, log = Queue("checks", connection=redis), tmp_path / "log"
    first = queue.enqueue(hold, redis_url, "first")
    second = queue.enqueue(hold, redis_url, "second")
    with running(WORKER, tmp_path / "data", log, REDIS_URL=redis_url) as worker:
        until(lambda: begun(redis, "first"), log.read_text)
        worker.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(0.5)
        redis.rpush("first:go", 1)
        assert worker.wait(PATIENCE) == 0, log.read_text()
    assert redis.llen("first:done") == 1
    assert first.get_status(refresh=True) == "finished"
    assert second.get_status(refresh=True) == "queued"
    assert not begun(redis, "second")


def test_an_idle_worker_ends_at_once(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running([*WORKER, "mail"], tmp_path / "data", log, REDIS_URL=redis_url) as worker:
        until(lambda: waits(redis), log.read_text)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0, log.read_text()
    assert not redis.smembers("rq:workers")


def test_a_worker_that_was_killed_takes_no_job_with_it(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    queue, log = Queue("fast", connection=redis), tmp_path / "log"
    with running(WORKER, tmp_path / "data", log, REDIS_URL=redis_url) as worker:
        until(lambda: waits(redis), log.read_text)
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text()
        worker.kill()
        worker.wait()
    assert not children
    until(lambda: not pops(redis), log.read_text)
    job = queue.enqueue(hold, redis_url, "after")
    assert queue.job_ids == [job.id]


def test_a_clock_that_ends_lets_the_next_one_tick(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(CLOCK, tmp_path / "data", log, REDIS_URL=redis_url) as clock:
        until(lambda: bool(redis.exists(Scheduler.scheduled_jobs_key)), log.read_text)
        clock.send_signal(signal.SIGTERM)
        assert clock.wait(10) == 0, log.read_text()
    assert not redis.exists(Scheduler.scheduler_lock_key)
