"""A profile is read once a day, and never older than what the store has."""

from collections.abc import Callable

import pytest
from redis import Redis

from services.accounts.profiles import Profiles
from services.redis_client import open_redis_for_pages
from services.store.contract import Delete, Store
from services.store.kept import KeptStore
from services.store.shelf import KEPT, Shelf
from services.store.users import User, Users
from tests.support.market import MONDAY
from tests.support.redis_server import free_port

ADA = User(uid="U", email="ada@example.com", password_hash="-", created_at=MONDAY)


class Watched(Users):
    """Counts what is read; `then` happens once, after a document was read."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.reads = 0
        self.then: Callable[[], object] = lambda: None

    def get(self, uid: str) -> User | None:
        user = super().get(uid)
        self.reads += 1
        then, self.then = self.then, lambda: None
        then()
        return user


@pytest.fixture
def store(sqlite_store: Store, redis: Redis) -> KeptStore:
    return KeptStore(sqlite_store, Shelf(redis))


@pytest.fixture
def users(store: KeptStore) -> Watched:
    users = Watched(store)
    users.create(ADA)
    return users


@pytest.fixture
def profiles(users: Watched, redis: Redis) -> Profiles:
    return Profiles(users, Shelf(redis))


def epoch_of(profiles: Profiles) -> int:
    profile = profiles.get("U")
    assert profile
    return profile.auth_epoch


def test_a_profile_is_read_once(profiles: Profiles, users: Watched, redis: Redis) -> None:
    assert profiles.cached(["U", "V"]) == {}
    assert [epoch_of(profiles) for _ in range(3)] == [1, 1, 1]
    assert users.reads == 1
    assert set(profiles.cached(["U", "V"])) == {"U"}
    assert 0 < redis.ttl("kept:users/U") <= KEPT.total_seconds()


def test_a_change_by_whoever_is_seen_at_once(
    profiles: Profiles, store: KeptStore, redis: Redis
) -> None:
    assert epoch_of(profiles) == 1
    Users(store).end_access("U", "new")
    assert profiles.cached(["U"]) == {}
    assert epoch_of(profiles) == 2
    store.write(Delete("users/U"))
    assert profiles.get("U") is None
    assert profiles.cached(["U"]) == {}


def test_what_was_read_before_a_change_is_not_kept_after_it(
    profiles: Profiles, users: Watched
) -> None:
    users.then = lambda: users.end_access("U", "new")
    assert epoch_of(profiles) == 1, "as it was when it was asked for"
    assert epoch_of(profiles) == 2


def test_of_two_changes_the_later_is_kept_whoever_tells_first(
    profiles: Profiles, users: Watched
) -> None:
    first = users.end_access("U", "one")
    second = users.end_access("U", "two")
    profiles.renew(second)
    assert profiles.renew(first).auth_epoch == 3
    assert profiles.cached(["U"])["U"].auth_epoch == 3


def test_a_profile_of_another_version_is_read_again(profiles: Profiles, redis: Redis) -> None:
    assert epoch_of(profiles) == 1
    redis.hset("kept:users/U", "profile", "{}")
    assert epoch_of(profiles) == 1


def test_without_redis_the_store_is_asked(users: Watched) -> None:
    alone = Profiles(users, Shelf(open_redis_for_pages(f"redis://127.0.0.1:{free_port()}")))
    assert [epoch_of(alone) for _ in range(2)] == [1, 1]
    assert users.reads == 2
    assert alone.cached(["U"]) == {}
