"""Quotes for pages: from the cache, or from a worker who is asked once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from redis import Redis

from services.errors import NoQuote, SourceUnavailable
from services.market.cache import CachedQuote, QuoteCache
from services.market.desk import Absent, QuoteDesk
from services.market.fetch import fetch_into_cache
from services.market.models import Match
from tests.support.market import MONDAY, FixedProvider, RecordingJobs

APPLE = Match(symbol="AAPL", name="Apple Inc.", exchange="NASDAQ", kind="Equity")


class Waiting:
    """A clock that only moves while somebody sleeps; `meanwhile` happens at each sleep."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.meanwhile = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.meanwhile()

    def monotonic(self) -> float:
        return self.slept


class Room:
    """A desk with all that is around it."""

    def __init__(self, redis: Redis) -> None:
        self.cache, self.provider, self.jobs = QuoteCache(redis), FixedProvider(), RecordingJobs()
        self.waiting = Waiting()
        self.desk = QuoteDesk(redis, self.jobs, self.waiting.sleep, self.waiting.monotonic)

    def fetch(self, *symbols: str, now: datetime = MONDAY) -> None:
        fetch_into_cache(self.provider, self.cache, symbols, now)

    def work_at_once(self) -> None:
        self.jobs.run_market(self.provider, self.cache, lambda: MONDAY)


@pytest.fixture
def room(redis: Redis) -> Room:
    return Room(redis)


def price(answer: CachedQuote | Absent) -> float:
    assert isinstance(answer, CachedQuote)
    return answer.quote.price


def test_a_fresh_quote_is_served_and_nobody_is_asked(room: Room) -> None:
    room.provider.set("AAPL", 12.5)
    room.fetch("AAPL")
    answer = room.desk.get(["AAPL"], MONDAY + timedelta(minutes=1))["AAPL"]
    assert isinstance(answer, CachedQuote)
    assert (answer.quote.price, answer.stale, answer.age) == (12.5, False, timedelta(minutes=1))
    assert room.jobs.fetched == []


def test_a_stale_quote_is_served_at_once_while_a_worker_is_asked(room: Room) -> None:
    room.provider.set("AAPL", 12.5)
    room.fetch("AAPL")
    answer = room.desk.get(["AAPL"], MONDAY + timedelta(hours=3))["AAPL"]
    assert isinstance(answer, CachedQuote)
    assert (answer.stale, answer.age) == (True, timedelta(hours=3))
    assert (room.jobs.fetched, room.waiting.slept) == ([["AAPL"]], 0)


def test_a_cold_symbol_is_served_as_soon_as_the_worker_has_it(room: Room) -> None:
    room.provider.set("AAPL", 12.5)
    room.waiting.meanwhile = lambda: room.fetch("AAPL")
    assert price(room.desk.get(["AAPL"], MONDAY)["AAPL"]) == 12.5
    assert room.jobs.fetched == [["AAPL"]]
    assert room.waiting.slept < 0.1


def test_a_cold_symbol_without_an_answer_is_pending_after_three_seconds(room: Room) -> None:
    assert room.desk.get(["AAPL"], MONDAY) == {"AAPL": Absent.PENDING}
    assert room.waiting.slept == pytest.approx(3, abs=0.1)


def test_who_does_not_want_to_wait_does_not(room: Room) -> None:
    assert room.desk.get(["AAPL"], MONDAY, wait=0) == {"AAPL": Absent.PENDING}
    assert (room.jobs.fetched, room.waiting.slept) == ([["AAPL"]], 0)


def test_an_unknown_symbol_is_missing_and_not_asked_for_again(room: Room) -> None:
    room.work_at_once()
    assert room.desk.get(["ZZZZ"], MONDAY) == {"ZZZZ": Absent.MISSING}
    assert room.desk.get(["ZZZZ"], MONDAY) == {"ZZZZ": Absent.MISSING}
    assert room.jobs.fetched == [["ZZZZ"]]


def test_a_failing_source_ends_the_wait(room: Room) -> None:
    room.provider.error = SourceUnavailable("time out")
    room.waiting.meanwhile = lambda: room.fetch("AAPL")
    assert room.desk.get(["AAPL"], MONDAY) == {"AAPL": Absent.PENDING}
    assert room.waiting.slept < 0.1


def test_all_that_a_page_wants_is_one_job_the_never_seen_first(room: Room) -> None:
    room.provider.set("AAPL", 1.0)
    room.provider.set("MSFT", 2.0)
    room.fetch("AAPL")
    later = MONDAY + timedelta(hours=1)
    room.fetch("MSFT", now=later)
    answers = room.desk.get(["AAPL", "MSFT", "IBM", "AAPL", "GOOG"], later, wait=0)
    assert list(answers) == ["AAPL", "MSFT", "IBM", "GOOG"]
    assert room.jobs.fetched == [["IBM", "GOOG", "AAPL"]]


def test_a_symbol_that_is_being_fetched_is_not_asked_for_again(room: Room) -> None:
    room.desk.get(["AAPL"], MONDAY, wait=0)
    room.desk.get(["AAPL", "MSFT"], MONDAY, wait=0)
    assert room.jobs.fetched == [["AAPL"], ["MSFT"]]


def test_a_symbol_answered_between_reading_and_claiming_is_not_fetched_again(room: Room) -> None:
    room.provider.set("AAPL", 12.5)
    claim = room.desk._cache.claim

    def late_claim(symbols: list[str]) -> list[str]:
        room.fetch("AAPL")
        return claim(symbols)

    room.desk._cache.claim = late_claim  # type: ignore[method-assign,assignment]
    assert price(room.desk.get(["AAPL"], MONDAY)["AAPL"]) == 12.5
    assert room.jobs.fetched == []
    assert not room.cache.read(["AAPL"], MONDAY)["AAPL"].pending


@pytest.mark.parametrize("worker", ["at once", "late"])
def test_twenty_pages_that_want_the_same_cold_symbol_make_one_fetch(
    redis: Redis, worker: str
) -> None:
    room = Room(redis)
    room.provider.set("AAPL", 12.5)
    desk = QuoteDesk(redis, room.jobs)
    if worker == "at once":
        room.work_at_once()
    together = threading.Barrier(20)

    def page(_: int) -> float:
        together.wait()
        return price(desk.get(["AAPL"], MONDAY)["AAPL"])

    with ThreadPoolExecutor(20) as pool:
        if worker == "late":
            threading.Timer(0.2, room.fetch, ["AAPL"]).start()
        assert set(pool.map(page, range(20))) == {12.5}
    assert room.jobs.fetched == [["AAPL"]]


def test_require_gives_a_fresh_quote(room: Room) -> None:
    room.provider.set("AAPL", 12.5)
    room.work_at_once()
    assert room.desk.require("AAPL", MONDAY).price == 12.5


def test_require_prefers_a_newer_quote_to_a_stale_one(room: Room) -> None:
    room.provider.set("AAPL", 12.5)
    room.fetch("AAPL")
    later = MONDAY + timedelta(hours=1)
    room.provider.set("AAPL", 13.5, later)
    room.waiting.meanwhile = lambda: room.fetch("AAPL", now=later)
    assert room.desk.require("AAPL", later).price == 13.5


def test_require_falls_back_to_a_stale_quote_when_no_newer_comes(room: Room) -> None:
    room.provider.set("AAPL", 12.5)
    room.fetch("AAPL")
    assert room.desk.require("AAPL", MONDAY + timedelta(hours=1)).price == 12.5
    assert room.waiting.slept == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("known_missing", [True, False])
def test_require_tells_unknown_from_unanswered(room: Room, known_missing: bool) -> None:
    if known_missing:
        room.work_at_once()
    with pytest.raises(NoQuote) as raised:
        room.desk.require("ZZZZ", MONDAY)
    assert raised.value.known_missing is known_missing


def test_a_search_is_done_once_and_then_remembered(room: Room) -> None:
    room.provider.matches_of["apple"] = [APPLE]
    room.work_at_once()
    for text in ("apple", " APPLE "):
        result = room.desk.search(text, MONDAY)
        assert (result.matches, result.pending) == ((APPLE,), False)
    assert room.jobs.searched == ["apple"]


def test_a_search_that_found_nothing_is_remembered_too(room: Room) -> None:
    room.work_at_once()
    for _ in range(2):
        assert room.desk.search("qqq", MONDAY).pending is False
    assert room.jobs.searched == ["qqq"]


def test_a_search_without_an_answer_is_pending_after_three_seconds(room: Room) -> None:
    result = room.desk.search("apple", MONDAY)
    assert (result.matches, result.pending) == ((), True)
    assert room.waiting.slept == pytest.approx(3, abs=0.1)


def test_a_failed_search_ends_the_wait(room: Room) -> None:
    room.provider.error = SourceUnavailable("time out")
    room.work_at_once()
    assert room.desk.search("apple", MONDAY).pending
    assert room.waiting.slept == 0


def test_an_old_search_is_served_while_a_worker_is_asked(room: Room) -> None:
    room.provider.matches_of["apple"] = [APPLE]
    room.provider.fresh_for = timedelta(seconds=1)
    room.work_at_once()
    room.desk.search("apple", MONDAY)
    result = room.desk.search("apple", MONDAY + timedelta(seconds=300))
    assert result.matches == (APPLE,)
    assert room.jobs.searched == ["apple", "apple"]


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_an_empty_search_asks_nobody(room: Room, text: str) -> None:
    assert room.desk.search(text, MONDAY).matches == ()
    assert room.jobs.searched == []


def test_twenty_pages_that_search_the_same_make_one_search(redis: Redis) -> None:
    room = Room(redis)
    room.provider.matches_of["apple"] = [APPLE]
    room.work_at_once()
    desk = QuoteDesk(redis, room.jobs)
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: desk.search("apple", MONDAY), range(20)))
    assert {result.matches for result in results} == {(APPLE,)}
    assert room.jobs.searched == ["apple"]


def test_the_status_is_what_the_workers_saw(room: Room) -> None:
    room.provider.set("AAPL", 1.0)
    room.fetch("AAPL")
    assert room.desk.status().source == "fixed"
    assert room.desk.status().market_time == MONDAY
