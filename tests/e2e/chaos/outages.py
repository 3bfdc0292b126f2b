"""What breaks: Redis, and either engine of the store. All of it comes back at the same place."""

import asyncio
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from local.redis import answers, private_server


class StoreOutage(Protocol):
    """`begin` makes the store unreachable for all processes, `end` reachable again."""

    def begin(self) -> None: ...

    def end(self) -> None: ...


class MortalRedis:
    """A private Redis with its append-only file, as `make run` starts one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._command, self.url = private_server(folder)
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def is_dead(self) -> bool:
        return self._server is None

    def start(self) -> None:
        self._server = subprocess.Popen(shlex.split(self._command), stdout=subprocess.DEVNULL)

    def await_answer(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not answers(self.url):
            assert time.monotonic() < deadline, "Redis does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        self._server = None

    def forget(self) -> None:
        """Lose the file; for one that is dead."""
        for kept in self._folder.iterdir():
            if kept.is_dir():
                shutil.rmtree(kept)
            elif kept.name != "redis.conf":
                kept.unlink()


_HOLD_LOCKS = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX, 8, 120)
print("held", flush=True)
sys.stdin.read()
"""


class LockedFile:
    """An SQLite file that can be neither read nor written: a process of ours holds all of the
    WAL's locks, bytes 120 to 127 of its index (https://www.sqlite.org/walformat.html#locks).

    A lock that SQLite itself gives, even an exclusive one, leaves readers of a WAL alone.
    """

    def __init__(self, file: Path) -> None:
        self._index = file.with_name(f"{file.name}-shm")
        self._holder: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        self._holder = subprocess.Popen(
            [sys.executable, "-c", _HOLD_LOCKS, str(self._index)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "held\n"

    def end(self) -> None:
        if self._holder is not None:
            self._holder.communicate()
        self._holder = None


class Door:
    """A port through which another is reached; `begin` shuts it and cuts all connections."""

    def __init__(self, host: str, port: int, behind: str) -> None:
        self.address = f"{host}:{port}"
        self._at = (host, port)
        self._behind = behind.rsplit(":", 1)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.end()

    def begin(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()

    def end(self) -> None:
        if self._server is None:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def remove(self) -> None:
        self.begin()
        asyncio.run_coroutine_threadsafe(self._end_all(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end_all(self) -> None:
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, *self._at)

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            host, port = self._behind
            inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
            self._open.add(inner_writer)
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
            self._open.discard(inner_writer)
        except OSError:
            writer.transport.abort()
        finally:
            self._open.discard(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, until either side has had enough."""
    try:
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@contextmanager
def mortal_redis(folder: Path) -> Iterator[MortalRedis]:
    redis = MortalRedis(folder)
    redis.start()
    try:
        redis.await_answer()
        yield redis
    finally:
        redis.kill()
