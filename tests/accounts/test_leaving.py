"""Leaving: proved by a search through the whole store and all of Redis for who has left."""

import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from config import Settings
from services.accounts.erasing import MAIL_GIVEN_UP, SETTLED
from services.accounts.leaving import Departures, Leaving
from services.container import Services
from services.errors import BadDocument, DeliveryError, InvalidInput, StoreUnavailable
from services.notify.message import Message
from services.store.contract import Set, Store, Write
from services.store.encoding import to_json
from services.store.kept import KeptStore
from services.store.shelf import Shelf
from services.store.users import ApiToken
from services.store.values import plain_fields
from services.store.watchlists import Watchlist
from tests.support.bell import Bell
from tests.support.market import FixedProvider, RecordingJobs
from tests.support.web import FAST_PASSWORDS, PASSWORD
from workers import jobs
from workers.parts import Parts
from workers.queues import RqJobs

ADA, BOB = "ada@example.com", "bob@example.com"


class Postbox:
    """A mail server that takes everything, or fails as it is told."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.fault: DeliveryError | None = None

    def send(self, message: Message, now: object) -> None:
        if self.fault:
            raise self.fault
        self.sent.append(message)


def settings() -> Settings:
    return Settings(_env_file=None, secret_key="known to tests only")


def person(store: Store, redis: Redis, email: str) -> Bell:
    """Somebody with something of every kind, and with jobs in the queues."""
    services = Services(settings(), KeptStore(store, Shelf(redis)), redis, RqJobs(redis))
    market = FixedProvider()
    bell = Bell(services, market, RecordingJobs(), market, email=email)
    uid, at = bell.uid, bell.at
    services.users.update(uid, password_hash=FAST_PASSWORDS.hash(PASSWORD))
    bell.price(100.0)
    for level in (150.0, 101.0):
        bell.alert("price_rises_to", level)
    bell.check_at(105.0)
    services.users.create_token(ApiToken(uid=uid, id="t" * 64, created_at=at, auth_epoch=1))
    lists = f"users/{uid}/watchlist/L"
    watchlist = Watchlist(uid=uid, id="L", name=email, position=0, created_at=at)
    store.write(
        Set(lists, watchlist.fields()),
        Set(f"users/{uid}/devices/D", {"name": "phone"}),
        Set(f"users/{uid}/gates/devices", {"passed": "D"}),
        Set(f"users/{uid}/later/x/deeper/y", {"of": uid}),
    )
    services.accounts.profile(uid, 1)
    services.alerts.page(uid)
    redis.set(f"session:{email}", b"\x82\xa3uid\xba" + uid.encode())
    redis.set(f"limit/account:{email}/5", 1)
    redis.set(f"idempotency:{uid}:x", "answer")
    redis.set(f"trial:{uid}:email", "{}")
    services.jobs.send_account_mail("confirm", uid)
    services.jobs.deliver(uid, "email")
    services.jobs.release_held(uid)
    services.jobs.send_digests([uid])
    return bell


@pytest.fixture
def ada(store: Store, redis: Redis) -> Bell:
    return person(store, redis, ADA)


@pytest.fixture
def post() -> Postbox:
    return Postbox()


@pytest.fixture
def parts(ada: Bell, post: Postbox, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """The jobs' parts, with the time in the hand of Ada's bell."""
    parts = ada.parts
    parts.__dict__["transport"] = post
    monkeypatch.setattr(jobs, "parts", lambda: parts)
    monkeypatch.setattr(jobs, "_now", lambda: ada.at)
    return parts


@pytest.fixture
def leaving(ada: Bell) -> Leaving:
    s = ada.services
    return Leaving(s.store, s.jobs, FAST_PASSWORDS)


def leave(bell: Bell, leaving: Leaving) -> None:
    """Leave, have everything erased, and wait until it is settled."""
    leaving.leave(bell.uid, PASSWORD, bell.at)
    jobs.erase_account(bell.uid)
    bell.at += SETTLED
    jobs.erase_accounts()


def in_store(store: Store, *needles: str) -> list[str]:
    """Paths of all documents that name one of these, in their path or anywhere in their fields."""
    return [
        document.path
        for document in store.all()
        for text in [document.path + to_json(plain_fields(document.path, document.fields))]
        if any(needle in text for needle in needles)
    ]


def in_redis(redis: Redis, *needles: str) -> list[str]:
    """Keys that name one of these, or hold it anywhere, RQ's packed jobs included."""
    found = []
    for key in redis.scan_iter("*"):
        text = b"\0".join([key, *_content(redis, key)])
        if any(needle.encode() in text for needle in needles):
            found.append(key.decode())
    return found


def _content(redis: Redis, key: bytes) -> Iterator[bytes]:
    kinds: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: [redis.get(key)],
        b"list": lambda: redis.lrange(key, 0, -1),
        b"set": lambda: redis.smembers(key),
        b"zset": lambda: redis.zrange(key, 0, -1),
        b"hash": lambda: [part for item in redis.hgetall(key).items() for part in item],
        b"stream": lambda: [p for _, e in redis.xrange(key) for i in e.items() for p in i],
    }
    for value in kinds[redis.type(key)]():
        yield value
        try:
            yield zlib.decompress(value)
        except zlib.error:
            continue


def test_nothing_of_who_has_left_is_anywhere(
    ada: Bell, parts: Parts, leaving: Leaving, store: Store, redis: Redis
) -> None:
    assert len(in_store(store, ada.uid, ADA)) > 8
    assert len(in_redis(redis, ada.uid, ADA)) > 8
    leave(ada, leaving)
    assert in_store(store, ada.uid, ADA) == []
    assert in_redis(redis, ada.uid, ADA) == []


def test_nothing_of_anybody_else_is_touched(
    ada: Bell, parts: Parts, leaving: Leaving, store: Store, redis: Redis
) -> None:
    bob = person(store, redis, BOB)
    before = {d.path: d.fields for d in store.all() if bob.uid in d.path}
    keys = set(in_redis(redis, bob.uid, BOB))
    leave(ada, leaving)
    assert {d.path: d.fields for d in store.all() if bob.uid in d.path} == before
    assert set(in_redis(redis, bob.uid, BOB)) == keys


def test_the_account_is_closed_at_once_and_its_address_is_free(
    ada: Bell, parts: Parts, leaving: Leaving
) -> None:
    s = ada.services
    leaving.leave(ada.uid, PASSWORD, ada.at)
    assert s.accounts.profile(ada.uid, 1) is None
    assert s.users.by_email(ADA) is None
    s.accounts.create_confirmed(ADA, PASSWORD, ada.at)
    again = s.users.by_email(ADA)
    assert again is not None
    leave_rest = ada.at + SETTLED
    jobs.erase_account(ada.uid)
    ada.at = leave_rest
    jobs.erase_accounts()
    assert s.users.by_email(ADA) == again


def test_a_wrong_password_closes_nothing(ada: Bell, leaving: Leaving, store: Store) -> None:
    before = [(d.path, d.version) for d in store.all()]
    with pytest.raises(InvalidInput, match="not your present password"):
        leaving.leave(ada.uid, "not it at all", ada.at)
    assert [(d.path, d.version) for d in store.all()] == before


def test_a_last_mail_goes_to_the_address_once(
    ada: Bell, parts: Parts, leaving: Leaving, post: Postbox
) -> None:
    leave(ada, leaving)
    jobs.erase_account(ada.uid)
    (mail,) = post.sent
    assert mail.to == ADA
    assert "account is deleted" in mail.subject
    assert "at most a year" in mail.text


def test_who_is_not_there_cannot_be_erased_by_a_stray_job(
    ada: Bell, parts: Parts, store: Store
) -> None:
    before = [d.path for d in store.all()]
    jobs.erase_account(ada.uid)
    assert [d.path for d in store.all()] == before


class Breaking:
    """A store whose `at`th write dies."""

    def __init__(self, store: Store, at: int) -> None:
        self._store = store
        self._left = at

    def write(self, *writes: Write) -> None:
        self._left -= 1
        if self._left < 0:
            raise StoreUnavailable("The store is away.", passing=True)
        self._store.write(*writes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.slow
@pytest.mark.parametrize("at", range(5))
def test_one_that_dies_in_the_middle_goes_on_with_the_next_sweep(
    ada: Bell, parts: Parts, leaving: Leaving, store: Store, redis: Redis, at: int
) -> None:
    leaving.leave(ada.uid, PASSWORD, ada.at)
    parts.erasing._store = Breaking(store, at)  # type: ignore[assignment]
    parts.erasing._departures = Departures(parts.erasing._store)
    try:
        jobs.erase_account(ada.uid)
    except StoreUnavailable:
        assert in_store(store, ada.uid)
    parts.__dict__.pop("erasing")
    redis.delete(*redis.keys("rq:*"))
    jobs.erase_accounts()
    jobs.erase_account(ada.uid)
    ada.at += SETTLED
    jobs.erase_accounts()
    assert in_store(store, ada.uid, ADA) == []
    assert in_redis(redis, ada.uid, ADA) == []


def test_a_mail_server_that_is_away_holds_up_the_mail_only(
    ada: Bell, parts: Parts, leaving: Leaving, post: Postbox, store: Store
) -> None:
    post.fault = DeliveryError("away", unreachable=True)
    leaving.leave(ada.uid, PASSWORD, ada.at)
    with pytest.raises(DeliveryError):
        jobs.erase_account(ada.uid)
    assert in_store(store, ada.uid) == [f"leaving/{ada.uid}"]
    post.fault = None
    jobs.erase_account(ada.uid)
    assert len(post.sent) == 1
    assert in_store(store, ADA) == []


@pytest.mark.parametrize("permanent", [False, True])
def test_a_mail_that_cannot_be_sent_is_given_up(
    ada: Bell, parts: Parts, leaving: Leaving, post: Postbox, store: Store, permanent: bool
) -> None:
    post.fault = DeliveryError("no such mailbox", permanent=permanent)
    leaving.leave(ada.uid, PASSWORD, ada.at)
    ada.at += timedelta() if permanent else MAIL_GIVEN_UP
    jobs.erase_account(ada.uid)
    assert in_store(store, ADA) == []


def test_what_rings_for_who_has_left_is_neither_recorded_nor_sent(
    ada: Bell, parts: Parts, leaving: Leaving, post: Postbox, store: Store, redis: Redis
) -> None:
    ada.price(200.0)
    ada.later()
    recorder = parts.checker._recorder
    recorder.drain = lambda: 0  # type: ignore[method-assign]  # dies between claim and record
    ada.later()
    parts.checker.run(ada.at)
    del recorder.drain
    assert in_redis(redis, ada.uid)
    assert redis.xlen("fired") == 1
    leaving.leave(ada.uid, PASSWORD, ada.at)
    jobs.erase_account(ada.uid)
    assert recorder.drain() == 0
    jobs.sweep()
    assert redis.xlen("fired") == 0
    ada.at += SETTLED
    jobs.erase_accounts()
    assert in_store(store, ada.uid) == []
    assert in_redis(redis, ada.uid) == []
    assert [mail.to for mail in post.sent] == [ADA]
    assert "deleted" in post.sent[0].subject


def test_what_rings_between_closing_and_erasing_is_not_sent(
    ada: Bell, parts: Parts, leaving: Leaving, post: Postbox, store: Store
) -> None:
    leaving.leave(ada.uid, PASSWORD, ada.at)
    ada.check_at(200.0)
    jobs.dispatch([ada.uid])
    jobs.deliver(ada.uid, "email")
    assert post.sent == []
    jobs.erase_account(ada.uid)
    assert in_store(store, ada.uid) == [f"leaving/{ada.uid}"]


def test_jobs_about_who_has_left_do_nothing_and_do_not_fail(
    ada: Bell, parts: Parts, leaving: Leaving, post: Postbox
) -> None:
    leave(ada, leaving)
    post.sent.clear()
    uid = ada.uid
    jobs.dispatch([uid])
    jobs.deliver(uid, "email")
    jobs.deliver(uid, "push")
    jobs.send_account_mail("confirm", uid)
    jobs.send_notice("paused", uid, ["A"])
    jobs.send_channel_notice(uid, "email", "gone")
    jobs.send_digest(uid)
    jobs.try_channel(uid, "email", "trial")
    jobs.release_held(uid)
    assert post.sent == []


def test_what_a_late_request_has_written_is_erased_once_it_is_settled(
    ada: Bell, parts: Parts, leaving: Leaving, store: Store
) -> None:
    leaving.leave(ada.uid, PASSWORD, ada.at)
    jobs.erase_account(ada.uid)
    ada.alert("price_rises_to", 300.0)
    ada.at += SETTLED / 2
    jobs.erase_accounts()
    assert len(in_store(store, ada.uid)) > 1
    ada.at += SETTLED / 2
    jobs.erase_accounts()
    assert in_store(store, ada.uid) == []


def test_an_alert_that_cannot_be_read_is_erased_all_the_same(
    ada: Bell, parts: Parts, leaving: Leaving, store: Store
) -> None:
    store.write(Set(f"users/{ada.uid}/alerts/BAD", {"shape": "unknown"}))
    with pytest.raises(BadDocument):
        ada.services.alerts.get(ada.uid, "BAD")
    leave(ada, leaving)
    assert in_store(store, ada.uid) == []
