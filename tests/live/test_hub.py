"""The open streams of a process, on a real Redis and real sockets."""

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from queue import SimpleQueue

import pytest
from redis import Redis

from services.accounts.profiles import Profiles
from services.live.hub import Hub, Pace
from services.live.memory import Memory
from services.live.quotes import QUOTES
from services.live.reader import Reader
from services.market.cache import QuoteCache
from services.market.desk import QuoteDesk
from services.market.models import Quote
from services.store.kept import KeptStore
from services.store.shelf import Shelf
from services.store.sqlite import SqliteStore
from services.store.users import User, Users
from tests.support.market import MONDAY, RecordingJobs, make_quote
from tests.support.streams import Listener

MINUTES = timedelta(minutes=5)
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class QueuedJobs(RecordingJobs):
    """Jobs that a test can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: SimpleQueue[list[str]] = SimpleQueue()

    def fetch_quotes(self, symbols: Sequence[str]) -> None:
        self.asked.put(list(symbols))


@dataclass
class House:
    """A hub, and who asks it for streams."""

    hub: Hub
    redis: Redis
    users: Users
    jobs: QueuedJobs
    open: list[Listener] = field(default_factory=list)

    def put(self, *quotes: Quote) -> None:
        """A worker puts quotes into the cache."""
        QuoteCache(self.redis).put({q.symbol: q for q in quotes}, (), MINUTES, MONDAY)

    def stream(self, *symbols: str, uid: str = "ADA", last_id: str = "") -> Listener:
        """A stream that has begun."""
        self.redis.set("session:S", "{}")
        assert self.hub.reserve(uid)
        ours, theirs = socket.socketpair()
        listener = Listener(theirs)
        self.open.append(listener)
        reader = Reader(uid, 1, "S", frozenset(symbols), last_id)
        self.hub.admit(ours, HEAD, reader)
        assert listener.read_head() == "HTTP/1.1 200 OK"
        listener.next("beat")
        return listener


Build = Callable[[Pace], House]


@pytest.fixture
def build(redis: Redis, redis_url: str, sqlite_store: SqliteStore) -> Iterator[Build]:
    built: list[House] = []

    def build(pace: Pace) -> House:
        jobs, users = QueuedJobs(), Users(KeptStore(sqlite_store, Shelf(redis)))
        desk = QuoteDesk(redis, jobs, sleep=lambda _: None)
        memory = Memory(redis, desk, Profiles(users, Shelf(redis)), lambda: MONDAY, "session:")
        built.append(House(Hub(redis_url, memory, pace), redis, users, jobs))
        return built[-1]

    yield build
    for house in built:
        house.hub.close()
        for listener in house.open:
            listener.close()


@pytest.fixture
def house(build: Build) -> House:
    """A hub that does nothing by itself within the time of a test."""
    return build(Pace(beat=60, look_at_sessions=60, ask=60, ask_of_replay=60))


def test_a_stream_begins_with_the_present_quotes(house: House) -> None:
    house.put(make_quote(price=101.5))
    quotes = house.stream("AAPL").quotes()
    assert quotes["AAPL"]["price"] == 101.5
    assert quotes["AAPL"]["change_percent"] == pytest.approx(1.5)
    assert "timezone" not in quotes["AAPL"]


def test_a_worker_is_asked_for_what_nobody_has_seen(house: House) -> None:
    house.stream("AAPL")
    assert house.jobs.asked.get(timeout=10) == ["AAPL"]


def test_a_quote_reaches_who_follows_its_symbol_and_nobody_else(house: House) -> None:
    apple, ibm = house.stream("AAPL"), house.stream("IBM")
    house.put(make_quote("AAPL", 102.0))
    house.put(make_quote("IBM", 50.0))
    assert apple.quotes()["AAPL"]["price"] == 102.0
    assert list(ibm.quotes()) == ["IBM"]


def test_what_the_source_does_not_have_is_told(house: House) -> None:
    stream = house.stream("GONE")
    QuoteCache(house.redis).put({}, ["GONE"], MINUTES, MONDAY)
    assert stream.quotes() == {"GONE": {"symbol": "GONE", "missing": True}}


def test_of_an_unchanged_quote_only_the_look_is_told(house: House) -> None:
    house.put(make_quote())
    stream = house.stream("AAPL")
    stream.quotes()
    house.put(make_quote(fetched_at=MONDAY + MINUTES))
    told = {"symbol": "AAPL", "fetched_at": "2026-03-02T15:05:00Z", "stale": False}
    assert stream.quotes() == {"AAPL": told}


def test_a_late_answer_is_told_to_nobody(house: House) -> None:
    house.put(make_quote(price=101.0))
    stream = house.stream("AAPL")
    stream.quotes()
    house.put(make_quote(price=99.0, fetched_at=MONDAY - MINUTES))
    house.put(make_quote(price=102.0))
    assert stream.quotes()["AAPL"]["price"] == 102.0


def test_what_is_no_number_is_told_as_nothing(house: House) -> None:
    stream = house.stream("AAPL")
    house.put(make_quote(previous_close=float("nan")))
    quote = stream.quotes()["AAPL"]
    assert (quote["previous_close"], quote["change_percent"]) == (None, None)


def test_a_client_that_never_reads_holds_up_nobody_and_then_gets_the_newest(house: House) -> None:
    slow, quick = house.stream("AAPL"), house.stream("AAPL")
    for number in range(400):
        house.put(make_quote(price=100.0 + number, name="N" * 4_000))
        assert quick.quotes()["AAPL"]["price"] == 100.0 + number
    heard = []
    while not heard or heard[-1] != 499.0:
        heard.append(slow.quotes()["AAPL"]["price"])
    assert len(heard) < 400


def test_a_client_that_takes_nothing_for_three_beats_is_dropped(build: Build) -> None:
    house = build(Pace(beat=0.05, look_at_sessions=60, ask=60))
    slow, quick = house.stream("AAPL"), house.stream("AAPL")
    for number in range(400):
        house.put(make_quote(price=100.0 + number, name="N" * 4_000))
        quick.quotes()
    assert slow.has_ended()
    quick.next("beat")


def test_heartbeats_show_that_a_stream_lives(build: Build) -> None:
    stream = build(Pace(beat=0.05, look_at_sessions=60, ask=60)).stream()
    assert stream.next("beat").data == stream.next("beat").data == 1


def test_a_client_that_sends_more_is_dropped(house: House) -> None:
    stream = house.stream("AAPL")
    stream.end.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert stream.has_ended()


def test_one_person_has_so_many_streams_and_a_process_too(build: Build) -> None:
    house = build(Pace(streams=3, streams_of_each=2))
    assert [house.hub.reserve("ADA") for _ in range(3)] == [True, True, False]
    assert [house.hub.reserve("BOB") for _ in range(2)] == [True, False]
    house.hub.free("ADA")
    assert house.hub.reserve("BOB")


def test_a_client_that_leaves_makes_room(build: Build) -> None:
    house = build(Pace(streams_of_each=2, look_at_sessions=60, ask=60))
    first, second = house.stream("AAPL"), house.stream("AAPL")
    first.close()
    house.put(make_quote(price=102.0))
    second.quotes()
    house.put(make_quote(price=103.0))
    second.quotes()
    assert house.hub.reserve("ADA")


def test_a_stream_ends_when_its_reader_signs_out(build: Build) -> None:
    house = build(Pace(beat=60, look_at_sessions=0.05, ask=60))
    stream = house.stream("AAPL")
    house.redis.delete("session:S")
    assert stream.has_ended()


def test_a_new_password_ends_the_streams_of_old_sessions(build: Build) -> None:
    house = build(Pace(beat=60, look_at_sessions=0.05, ask=60))
    user = User(uid="ADA", email="a@example.com", password_hash="-", created_at=MONDAY)
    profiles = Profiles(house.users, Shelf(house.redis))
    house.users.create(user.replace(auth_epoch=1))
    profiles.renew(user)
    stream = house.stream("AAPL")
    profiles.renew(house.users.update(user.uid, auth_epoch=2))
    assert stream.has_ended()


def test_streams_end_with_redis_and_the_hub_listens_again(house: House) -> None:
    stream = house.stream("AAPL")
    house.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    assert stream.has_ended()
    again = house.stream("AAPL")
    house.put(make_quote(price=103.0))
    assert again.quotes()["AAPL"]["price"] == 103.0


def test_news_of_another_version_stop_nothing(house: House) -> None:
    stream = house.stream("AAPL")
    for text in ("", "{}", "[1]", '{"items": [{"name": 3}]}', "\xff"):
        house.redis.publish(QUOTES, text)
    house.redis.publish("live:triggers", "only-one-word")
    house.put(make_quote(price=104.0))
    assert stream.quotes()["AAPL"]["price"] == 104.0


def test_quotes_that_are_followed_are_asked_for_when_they_are_old(build: Build) -> None:
    house = build(Pace(beat=60, look_at_sessions=60, ask=0.05))
    house.stream("AAPL")
    assert house.jobs.asked.get(timeout=10) == ["AAPL"]
    QuoteCache(house.redis).release(["AAPL"])
    assert house.jobs.asked.get(timeout=10) == ["AAPL"]


def test_closing_ends_all_streams(house: House) -> None:
    stream = house.stream("AAPL")
    house.hub.close()
    assert stream.has_ended()


def test_a_hub_closes_though_its_listening_begins_anew_all_the_time(build: Build) -> None:
    """What listens is cancelled while it stops waiting, which redis-py may take for the latter."""
    for _ in range(20):
        house = build(Pace(beat=0.001, look_at_sessions=60, ask=60))
        house.stream()
        house.hub.close()
