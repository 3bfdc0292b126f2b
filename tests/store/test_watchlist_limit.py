"""The limit of lists holds on both engines, however many are made at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from services.errors import AlreadyExists, LimitReached, NotFound
from services.store.contract import Store
from services.store.watchlists import MAX_LISTS, Watchlist, Watchlists
from services.watching import DEFAULT_ID, ensure_default

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def watchlist(number: int) -> Watchlist:
    name = f"list-{number}"
    return Watchlist(uid="ada", id=name, name=name, position=number, created_at=NOON)


def create(lists: Watchlists, number: int) -> bool:
    try:
        lists.create(watchlist(number))
    except LimitReached:
        return False
    return True


def test_creations_at_once_near_the_limit_do_not_exceed_it(store: Store) -> None:
    lists = Watchlists(store)
    for number in range(MAX_LISTS - 2):
        lists.create(watchlist(number))
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda number: create(lists, number), range(100, 106)))
    assert sum(made) == 2
    assert len(lists.of("ada")) == MAX_LISTS


def test_a_deleted_list_makes_room_for_another(store: Store) -> None:
    lists = Watchlists(store)
    for number in range(MAX_LISTS):
        lists.create(watchlist(number))
    assert not create(lists, 100)
    lists.delete("ada", "list-0")
    assert create(lists, 100)


def test_a_list_is_made_once_under_one_id(store: Store) -> None:
    lists = Watchlists(store)
    lists.create(watchlist(1))
    with pytest.raises(AlreadyExists):
        lists.create(watchlist(1))


def test_what_is_not_there_cannot_be_deleted(store: Store) -> None:
    with pytest.raises(NotFound):
        Watchlists(store).delete("ada", "list-1")


def test_many_first_looks_at_once_make_one_list(store: Store) -> None:
    lists = Watchlists(store)
    with ThreadPoolExecutor(8) as pool:
        looks = list(pool.map(lambda _: ensure_default(lists, "ada", NOON), range(8)))
    assert {tuple(one.id for one in look) for look in looks} == {(DEFAULT_ID,)}
