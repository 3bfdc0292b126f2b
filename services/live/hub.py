"""The open streams of a web process, served by one thread of their own.

An event loop listens to Redis and writes to every connection without waiting for any; what
asks Redis something goes to a second thread. Pages and streams so never wait for each other.
"""

import asyncio
import json
import logging
import random
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from services.live.connection import Connection
from services.live.memory import Memory
from services.live.quotes import QUOTES, News
from services.live.reader import Reader
from services.live.triggers import TRIGGERS
from services.metrics import LIVE_STREAMS
from services.redis_client import text_of

T = TypeVar("T")
log = logging.getLogger(__name__)
_CANCEL_AGAIN = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a hub takes on, and when it does what; spans are in seconds."""

    streams: int = 500
    streams_of_each: int = 6
    beat: float = 15
    look_at_sessions: float = 30
    ask: float = 30
    ask_of_replay: float = 5
    patience: float = 5
    """For Redis, before a new stream is ended; its page asks again."""
    longest_wait: float = 30


class Hub:
    """Streams begin with `admit` and end with their connection, their session, or Redis.

    When Redis is lost all streams end: pages then ask for quotes now and then, and come back.
    """

    def __init__(self, redis_url: str, memory: Memory, pace: Pace | None = None) -> None:
        self._redis_url = redis_url
        self._memory = memory
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._asking = ThreadPoolExecutor(1, "live-asking")
        self._places: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._followers: defaultdict[str, set[Connection]] = defaultdict(set)
        self._of_person: defaultdict[str, set[Connection]] = defaultdict(set)
        self._hearing = asyncio.Event()

    @property
    def open(self) -> int:
        """How many streams there are."""
        return self._places.total()

    def reserve(self, uid: str) -> bool:
        """Whether a person may have one more stream; then `admit` or `free` must follow."""
        with self._lock:
            full = self._places.total() >= self._pace.streams
            if full or self._places[uid] >= self._pace.streams_of_each:
                return False
            self._places[uid] += 1
            LIVE_STREAMS.labels("web").inc()
            return True

    def free(self, uid: str) -> None:
        """Give a place back."""
        with self._lock:
            self._places[uid] -= 1
            LIVE_STREAMS.labels("web").dec()
            if not self._places[uid]:
                del self._places[uid]

    def admit(self, connection: socket.socket, head: bytes, reader: Reader) -> None:
        """Write `head` and then news to a connection, which is the hub's from now on."""
        asyncio.run_coroutine_threadsafe(self._begin(connection, head, reader), self._started())

    def close(self) -> None:
        """End all streams, and the threads."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop and thread:
            asyncio.run_coroutine_threadsafe(self._wind_up(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
        self._asking.shutdown()

    def _started(self) -> asyncio.AbstractEventLoop:
        """The running loop. It begins with the first stream, behind gunicorn's fork."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="live", daemon=True
                )
                for work in (self._listen(), self._beat(), self._look_at_sessions(), self._ask()):
                    task = asyncio.run_coroutine_threadsafe(work, self._loop)
                    task.add_done_callback(_say_why)
                self._thread.start()
            return self._loop

    async def _begin(self, client: socket.socket, head: bytes, reader: Reader) -> None:
        connection = Connection(reader, head, self._lost)
        self._connections.add(connection)
        self._of_person[reader.uid].add(connection)
        for symbol in reader.symbols:
            self._followers[symbol].add(connection)
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: connection, client)
            async with asyncio.timeout(self._pace.patience):
                await self._hearing.wait()
                told = await self._in_thread(partial(self._memory.for_page, reader))
        except (TimeoutError, OSError, RedisError) as error:
            log.info("A stream ends before it began: %r", error)
            connection.end()
            if not connection.is_made:
                client.close()
            return
        reader.begin(told)
        connection.begin()

    def _lost(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        reader = connection.reader
        self._connections.discard(connection)
        _forget(self._of_person, reader.uid, connection)
        for symbol in reader.symbols:
            _forget(self._followers, symbol, connection)
        self.free(reader.uid)

    async def _listen(self) -> None:
        wait = 0.5
        while True:
            try:
                async with self._subscription() as subscription:
                    wait = 0.5
                    while True:
                        message = await subscription.get_message(
                            ignore_subscribe_messages=True, timeout=self._pace.beat
                        )
                        if message:
                            self._read(message)
            except (RedisError, OSError) as error:
                log.warning("Open pages are told nothing for now: %r", error)
            self._end_all()
            await asyncio.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
            wait = min(2 * wait, self._pace.longest_wait)

    @asynccontextmanager
    async def _subscription(self) -> AsyncIterator[PubSub]:
        redis: Redis = Redis.from_url(
            self._redis_url,
            protocol=2,
            socket_connect_timeout=self._pace.patience,
            socket_keepalive=True,
            health_check_interval=self._pace.beat,
        )
        async with redis, redis.pubsub() as subscription:
            await subscription.subscribe(QUOTES, TRIGGERS)
            self._hearing.set()
            try:
                yield subscription
            finally:
                self._hearing.clear()

    def _read(self, message: Mapping[str, Any]) -> None:
        try:
            if text_of(message["channel"]) == QUOTES:
                self._tell_of_quotes(json.loads(message["data"])["items"])
            else:
                self._tell_of_trigger(*message["data"].split(b" ", 2))
        except (ValueError, TypeError, KeyError):
            log.exception("News of another version are not told")

    def _tell_of_trigger(self, trigger_id: bytes, uid: bytes, text: bytes) -> None:
        for connection in self._of_person.get(uid.decode(), ()):
            connection.reader.take_trigger(trigger_id.decode(), text)
            connection.flush()

    def _tell_of_quotes(self, items: Iterable[dict[str, Any]]) -> None:
        told: set[Connection] = set()
        for item in items:
            if followers := self._followers.get(item["symbol"]):
                news = News.of(item)
                told |= followers
                for connection in followers:
                    connection.reader.take_quote(news)
        for connection in told:
            connection.flush()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._pace.beat)
            for connection in list(self._connections):
                connection.beat()

    async def _look_at_sessions(self) -> None:
        while True:
            await asyncio.sleep(self._pace.look_at_sessions)
            open_ = {connection.reader: connection for connection in self._connections}
            with _redis_may_be_away():
                for reader in await self._in_thread(partial(self._memory.ended, list(open_))):
                    open_[reader].end()

    async def _ask(self) -> None:
        """Pages that are told need not ask: somebody must, or workers fetch nothing for them."""
        is_replay = False
        while True:
            await asyncio.sleep(self._pace.ask_of_replay if is_replay else self._pace.ask)
            symbols = list(self._followers)
            with _redis_may_be_away():
                is_replay = await self._in_thread(partial(self._memory.ask, symbols))

    async def _in_thread(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._asking, question)

    async def _wind_up(self) -> None:
        others: Iterable[asyncio.Task[Any]] = asyncio.all_tasks() - {asyncio.current_task()}
        while others:
            for task in others:  # and again: redis-py takes one that meets its timeout for that
                task.cancel()
            _, others = await asyncio.wait(others, timeout=_CANCEL_AGAIN)
        self._end_all()
        while self._connections:
            await asyncio.sleep(0.01)

    def _end_all(self) -> None:
        for connection in list(self._connections):
            connection.end()


def _forget(
    connections: defaultdict[str, set[Connection]], name: str, connection: Connection
) -> None:
    connections[name].discard(connection)
    if not connections[name]:
        del connections[name]


@contextmanager
def _redis_may_be_away() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        log.warning("Redis was not asked for open pages: %r", error)


def _say_why(task: "Future[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("Open pages are told less: a task ended", exc_info=error)
