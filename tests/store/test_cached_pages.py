"""Pages kept in Redis are never older than the last acknowledged write of the same person."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import ConnectionError as RedisAway
from redis import Redis

from local.redis import find_redis_server
from services.alerts.conditions import PriceCondition
from services.errors import NotFound, StoreUnavailable
from services.redis_client import open_redis
from services.store.alerts import Alert, Alerts
from services.store.contract import (
    MAX_BATCH,
    Create,
    Delete,
    Document,
    Query,
    Set,
    Store,
    Transaction,
    Update,
    Write,
)
from services.store.kept import KeptStore
from services.store.shelf import ANNOUNCED, KEPT, Shelf
from services.store.watchlists import Entry, Watchlist, Watchlists
from tests.support.model_store import ModelStore
from tests.support.turns import Actor

LISTS = Query("users/U/watchlist", limit=20)
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Asked(ModelStore):
    """A store that tells how often it was queried, and lets others act around what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = 0
        self.actor: Callable[[], Actor | None] = lambda: None

    def query(self, query: Query) -> Any:
        self.queries += 1
        self._gate()
        found = super().query(query)
        self._gate()
        return found

    def write(self, *writes: Write) -> None:
        self._gate()
        super().write(*writes)
        threading.current_thread().commit = self._commits  # type: ignore[attr-defined]
        self._gate()

    def _gate(self) -> None:
        if actor := self.actor():
            actor.gate()


class Door:
    """A Redis that can be shut."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.shut, self.calls = redis, False, 0

    def register_script(self, text: str) -> Callable[..., Any]:
        script = self.redis.register_script(text)

        def run(**options: Any) -> Any:
            self.calls += 1
            if self.shut:
                raise RedisAway("The door is shut.")
            return script(**options)

        return run


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def door(redis: Redis) -> Door:
    return Door(redis)


@pytest.fixture
def kept(asked: Asked, door: Door) -> KeptStore:
    return KeptStore(asked, Shelf(door))  # type: ignore[arg-type]


def value_of(store: KeptStore) -> Any:
    return [document.fields["n"] for document in store.first(LISTS)]


def put(n: int, path: str = "users/U/watchlist/L") -> Set:
    return Set(path, {"n": n})


def test_a_warm_page_asks_the_store_nothing(kept: KeptStore, asked: Asked) -> None:
    kept.write(put(1))
    first = value_of(kept)
    assert (first, value_of(kept), asked.queries) == ([1], [1], 1)


def test_a_warm_page_takes_one_round_trip(kept: KeptStore, door: Door) -> None:
    value_of(kept)
    before = door.calls
    value_of(kept)
    assert door.calls == before + 1


def test_nothing_at_all_is_kept_too(kept: KeptStore, asked: Asked) -> None:
    assert (value_of(kept), value_of(kept), asked.queries) == ([], [], 1)


@pytest.mark.parametrize(
    "write", [Set("users/U/watchlist/L", {"n": 2}), Update("users/U/watchlist/L", {"n": 2})]
)
def test_a_page_shows_what_was_written_before(kept: KeptStore, write: Write) -> None:
    kept.write(put(1))
    value_of(kept)
    kept.write(write)
    assert value_of(kept) == [2]


def test_a_page_shows_what_a_transaction_wrote(kept: KeptStore) -> None:
    kept.write(put(1))
    value_of(kept)

    def work(transaction: Transaction) -> str:
        assert transaction.get("users/U/watchlist/L") is not None
        assert transaction.get_all(["users/U/watchlist/L"])[0] is not None
        transaction.write(put(2))
        return "done"

    assert (kept.transact(work), value_of(kept)) == ("done", [2])


def test_what_was_deleted_is_gone_from_the_page(kept: KeptStore) -> None:
    kept.write(put(1))
    value_of(kept)
    kept.write(Delete("users/U/watchlist/L"))
    assert value_of(kept) == []


def test_writes_elsewhere_leave_a_page_where_it_is(kept: KeptStore, asked: Asked) -> None:
    value_of(kept)
    kept.write(
        put(1, "users/V/watchlist/L"),
        put(1, "users/U/alerts/A"),
        put(1, "users/U"),
        put(1, "users/U/gates/watchlist"),
    )
    value_of(kept)
    assert asked.queries == 1


def test_a_commit_that_touches_no_page_asks_redis_nothing(kept: KeptStore, door: Door) -> None:
    kept.write(put(1, "emails/E"), put(1, "system/checker"), put(1, "users/U/devices/D"))
    kept.transact(lambda transaction: transaction.get("users/U"))
    assert door.calls == 0


def test_a_commit_for_many_people_is_two_round_trips(kept: KeptStore, door: Door) -> None:
    kept.write(*(put(n, f"users/U{n}/alerts/A") for n in range(MAX_BATCH)))
    assert door.calls == 2


def test_a_shorter_page_is_the_beginning_of_a_longer_one(kept: KeptStore, asked: Asked) -> None:
    kept.write(*(put(n, f"users/U/watchlist/{n}") for n in range(5)))
    longer = kept.first(Query("users/U/watchlist", limit=4))
    shorter = kept.first(Query("users/U/watchlist", limit=2))
    assert (list(shorter), asked.queries) == (list(longer[:2]), 1)


def test_a_page_that_holds_all_serves_for_any_length(kept: KeptStore, asked: Asked) -> None:
    kept.write(*(put(n, f"users/U/watchlist/{n}") for n in range(5)))
    kept.first(Query("users/U/watchlist", limit=6))
    assert len(kept.first(Query("users/U/watchlist", limit=200))) == 5
    assert asked.queries == 1


def test_a_longer_page_is_read_where_a_shorter_one_is_kept(kept: KeptStore) -> None:
    kept.write(*(put(n, f"users/U/watchlist/{n}") for n in range(5)))
    kept.first(Query("users/U/watchlist", limit=2))
    assert len(kept.first(Query("users/U/watchlist", limit=4))) == 4


def test_orders_are_kept_apart(kept: KeptStore) -> None:
    kept.write(*(put(n, f"users/U/alerts/{n}") for n in range(3)))
    up = Query("users/U/alerts", order_by=(("n", "ascending"),), limit=2)
    down = Query("users/U/alerts", order_by=(("n", "descending"),), limit=2)
    pages = [[document.fields["n"] for document in kept.first(query)] for query in (up, down, up)]
    assert pages == [[0, 1], [2, 1], [0, 1]]


@pytest.mark.parametrize(
    "query",
    [
        Query("users/U/alerts", where=(("n", "==", 1),), limit=2),
        Query("alerts", group=True, limit=2),
        Query("users/U/devices", limit=2),
        Query("users/U/alerts"),
    ],
)
def test_other_queries_are_asked_each_time(kept: KeptStore, asked: Asked, query: Query) -> None:
    kept.first(query)
    kept.first(query)
    assert asked.queries == 2


def test_all_that_decides_is_asked_of_the_store(kept: KeptStore, asked: Asked) -> None:
    value_of(kept)
    assert list(kept.query(LISTS)) == []
    assert asked.queries == 2


def test_a_count_is_kept_until_something_is_written(kept: KeptStore, asked: Asked) -> None:
    unread = Query("users/U/triggers", where=(("unread", "==", True),), limit=100)
    kept.write(Set("users/U/triggers/T", {"unread": True}))
    counts = [kept.known_count(unread), kept.known_count(unread)]
    assert (counts, asked.queries) == ([1, 1], 1)
    kept.write(Update("users/U/triggers/T", {"unread": False}))
    assert kept.known_count(unread) == 0


def test_a_count_elsewhere_is_asked_each_time(kept: KeptStore, asked: Asked) -> None:
    kept.known_count(Query("users/U/devices"))
    kept.known_count(Query("users/U/devices"))
    assert asked.queries == 2


def test_redis_may_be_emptied_at_any_time(kept: KeptStore, redis: Redis) -> None:
    kept.write(put(1))
    value_of(kept)
    redis.flushall()
    assert value_of(kept) == [1]
    kept.write(put(2))
    assert value_of(kept) == [2]


def test_a_redis_that_comes_back_with_what_it_had_saved_begins_without_pages(
    asked: Asked, tmp_path: Path
) -> None:
    def start() -> Iterator[KeptStore]:
        command = [find_redis_server(), "--port", "0", "--unixsocket", tmp_path / "socket"]
        server = subprocess.Popen([*command, "--dir", tmp_path], stdout=subprocess.DEVNULL)
        client = open_redis(f"unix://{tmp_path / 'socket'}")
        _await_answer(client)
        yield KeptStore(asked, Shelf(client))
        client.save()
        yield KeptStore(asked, Shelf(client))
        server.kill()
        server.wait()

    first = start()
    kept = next(first)
    kept.write(put(1))
    assert value_of(kept) == [1]
    next(first).write(put(2))
    assert not list(first)
    second = start()
    assert value_of(next(second)) == [2]
    list(second)


def _await_answer(client: Redis) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except RedisAway:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


def test_pages_and_writes_go_on_while_redis_is_away(
    kept: KeptStore, door: Door, asked: Asked
) -> None:
    door.shut = True
    kept.write(put(1))
    assert value_of(kept) == [1]
    kept.transact(lambda transaction: transaction.write(put(2)))
    assert (value_of(kept), asked.queries) == ([2], 2)


def test_what_redis_did_not_hear_of_it_is_told_at_the_next_write(
    kept: KeptStore, door: Door
) -> None:
    kept.write(put(1))
    value_of(kept)
    door.shut = True
    kept.write(put(2))
    door.shut = False
    kept.write(put(1, "users/V/watchlist/L"))
    assert value_of(kept) == [2]


def test_nothing_is_kept_longer_than_promised(kept: KeptStore, redis: Redis) -> None:
    value_of(kept)
    assert 0 < redis.ttl("kept:users/U/watchlist") <= KEPT.total_seconds()


def test_all_pages_can_be_forgotten(kept: KeptStore, redis: Redis, asked: Asked) -> None:
    value_of(kept)
    asked.write(put(1))  # as a restored backup does
    Shelf(redis).clear()
    assert value_of(kept) == [1]


def test_a_page_that_is_too_large_is_read_each_time(kept: KeptStore, asked: Asked) -> None:
    noise = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(120_000))
    kept.write(Set("users/U/watchlist/L", {"n": noise}))
    value_of(kept)
    value_of(kept)
    assert asked.queries == 2


class Unanswered(Asked):
    """A store that applies a write, and then does not answer."""

    def write(self, *writes: Write) -> None:
        super().write(*writes)
        raise StoreUnavailable("The answer was lost.")


def test_a_commit_without_an_answer_lets_nothing_be_kept_for_a_while(
    door: Door, redis: Redis
) -> None:
    asked = Unanswered()
    kept = KeptStore(asked, Shelf(door))  # type: ignore[arg-type]
    value_of(kept)
    with pytest.raises(StoreUnavailable):
        kept.write(put(1))
    assert (value_of(kept), value_of(kept), asked.queries) == ([1], [1], 3)
    assert redis.ttl("kept:users/U/watchlist") <= ANNOUNCED.total_seconds()


def acting(asked: Asked, work: Callable[[], Any]) -> Actor:
    """An actor that stops around everything that it asks of the store."""

    def run(actor: Actor) -> Any:
        threading.current_thread().actor = actor  # type: ignore[attr-defined]
        return work()

    asked.actor = lambda: getattr(threading.current_thread(), "actor", None)
    return Actor(run)


def test_a_slow_reader_puts_nothing_old_over_what_is_new(kept: KeptStore, asked: Asked) -> None:
    kept.write(put(1))
    reader = acting(asked, lambda: value_of(kept))
    reader.go()
    reader.go()  # it has read, and put nothing yet
    kept.write(put(2))
    assert reader.finish() == [1]
    assert value_of(kept) == [2]


def test_a_writer_that_dies_after_its_commit_leaves_no_old_page(
    kept: KeptStore, asked: Asked
) -> None:
    kept.write(put(1))
    value_of(kept)
    writer = acting(asked, lambda: kept.write(put(2)))
    writer.go()
    writer.go()  # it has committed, and taken no leave
    writer.kill()
    assert value_of(kept) == [2]


def test_one_writer_s_leave_is_not_another_s(kept: KeptStore, asked: Asked) -> None:
    kept.write(put(1))
    writer = acting(asked, lambda: kept.write(put(3)))
    writer.go()  # it is announced
    kept.write(put(2))
    assert value_of(kept) == [2]
    writer.go()
    writer.kill()
    assert value_of(kept) == [3]


def test_redis_emptied_between_announcement_and_leave_keeps_nothing_old(
    kept: KeptStore, asked: Asked, redis: Redis
) -> None:
    kept.write(put(1))
    writer = acting(asked, lambda: kept.write(put(2)))
    writer.go()
    redis.flushall()
    assert value_of(kept) == [1]
    writer.finish()
    assert value_of(kept) == [2]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["read", "write", "transact"]), st.just(0)),
        st.tuples(st.sampled_from(["go", "kill"]), st.integers(0, 5)),
        st.tuples(st.sampled_from(["empty", "reader in a row"]), st.just(0)),
    ),
    max_size=40,
)


class Play:
    """Readers and writers of one page; `acknowledged` is the last commit that was."""

    def __init__(self, redis: Redis) -> None:
        redis.flushall()
        self.redis = redis
        self.asked = Asked()
        self.stores = [KeptStore(self.asked, Shelf(redis)) for _ in range(2)]
        self.acknowledged = 0
        self.numbers = 0
        self.actors: list[Actor] = []

    def step(self, kind: str, number: int) -> None:
        if kind == "empty":
            self.redis.flushall()
        elif kind == "reader in a row":
            acting(self.asked, self._read).finish()
        elif kind in ("go", "kill"):
            self._let(number, kill=kind == "kill")
        else:
            work = {"read": self._read, "write": self._write, "transact": self._transact}[kind]
            actor = acting(self.asked, work)
            if not actor.go():
                self.actors.append(actor)

    def end(self) -> None:
        for actor in self.actors:
            actor.finish()
        acting(self.asked, self._read).finish()

    def _let(self, number: int, *, kill: bool) -> None:
        if number >= len(self.actors):
            return
        actor = self.actors[number]
        actor.kill() if kill else actor.go()
        if actor.over:
            self.actors.remove(actor)

    def _read(self) -> None:
        least = self.acknowledged
        documents = self._store().first(LISTS)
        seen = max((int(document.version) for document in documents), default=0)
        assert seen >= least, f"{seen} was shown after {least} was acknowledged"

    def _write(self) -> None:
        self._store().write(Set("users/U/watchlist/L", {"n": self._number()}))
        self._acknowledge()

    def _transact(self) -> None:
        write = Set("users/U/watchlist/L", {"n": self._number()})
        self._store().transact(lambda transaction: transaction.write(write))
        self._acknowledge()

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    def _acknowledge(self) -> None:
        commit = threading.current_thread().commit  # type: ignore[attr-defined]
        self.acknowledged = max(self.acknowledged, commit)

    def _store(self) -> KeptStore:
        return self.stores[self.asked.queries % 2]


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_no_page_is_older_than_the_last_acknowledged_write(
    redis: Redis, steps: list[tuple[str, int]]
) -> None:
    play = Play(redis)
    for kind, number in steps:
        play.step(kind, number)
    play.end()


@pytest.fixture
def engine(store: Store, redis: Redis) -> KeptStore:
    """Both engines, with pages kept."""
    return KeptStore(store, Shelf(redis))


def test_lists_are_the_same_read_and_kept(engine: KeptStore, store: Store) -> None:
    lists = Watchlists(engine)
    entries = tuple(
        Entry(symbol=f"S{n}", added_at=NOW + timedelta(microseconds=n), note='"<b>"\u202e')
        for n in range(3)
    )
    made = Watchlist(uid="U", id="L", name="Flöck", position=0, entries=entries, created_at=NOW)
    lists.create(made)
    assert [lists.of("U"), lists.of("U"), Watchlists(store).of("U")] == [[made]] * 3


def test_what_is_kept_has_the_types_of_what_was_read(engine: KeptStore) -> None:
    engine.write(
        Create(
            "users/U/alerts/A",
            {
                "n": 1, "f": 1.0, "none": None, "yes": True, "at": NOW, "list": [1.5, {"a": "b"}],
                "$time": {"$float": "x"}, "inf": float("inf"),
            },
        )
    )  # fmt: skip
    query = Query("users/U/alerts", limit=5)
    read, kept = (engine.first(query) for _ in range(2))
    assert repr(sorted(read[0].fields.items())) == repr(sorted(kept[0].fields.items()))
    assert (read[0].path, read[0].version) == (kept[0].path, kept[0].version)


def alert(number: int) -> Alert:
    return Alert(
        uid="U", id=f"A{number}", symbol="AAPL", state="armed", epoch=1, armed_at=NOW,
        condition=PriceCondition(kind="price_rises_to", level=150.0), updated_at=NOW,
        created_at=NOW + timedelta(days=number),
    )  # fmt: skip


def test_alerts_that_change_while_they_are_kept_are_shown_as_they_are(
    engine: KeptStore,
) -> None:
    alerts = Alerts(engine)
    made = [alert(number) for number in range(4)]
    engine.write(*(Create(alert.path, alert.fields()) for alert in made))
    alerts.page("U", limit=200)
    engine.write(Update(made[1].path, {"note": "Mind the split"}), Delete(made[3].path))
    shown, cursor = alerts.page("U", limit=2)
    assert [alert.id for alert in shown] == ["A2", "A1"]
    assert shown[1].note == "Mind the split"
    assert cursor is not None
    assert [alert.id for alert in alerts.page("U", cursor, limit=2)[0]] == ["A0"]


def test_a_write_that_fails_raises_as_ever(engine: KeptStore) -> None:
    with pytest.raises(NotFound):
        engine.write(Update("users/U/alerts/A", {"n": 1}))
    assert isinstance(engine.first(Query("users/U/alerts", limit=2)), tuple | list)


def test_the_rest_is_the_engine_s_own(engine: KeptStore, store: Store) -> None:
    engine.write(put(1), put(2, "users/U/watchlist/M"))
    path = "users/U/watchlist/L"
    document: Document | None = engine.get(path)
    assert document == store.get(path)
    assert engine.get_all([path]) == store.get_all([path])
    assert (engine.count(Query("users/U/watchlist")), engine.size()) == (2, 2)
    assert [found.path for found in engine.all()] == [found.path for found in store.all()]
    engine.ping()
