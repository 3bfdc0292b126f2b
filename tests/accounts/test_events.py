"""The trail of what happened to the safety of an account."""

from datetime import timedelta

import pytest
from redis import Redis

from services.accounts.trail import KEPT, MOST, Client, Trail, network_of
from services.errors import StoreUnavailable
from services.store.contract import Store, Write
from services.store.events import Events
from tests.support.market import MONDAY

HERE = Client.at("203.0.113.9", "Firefox on Linux")
THERE = Client.at("2001:db8:1:2::9", "Chrome on Android")


@pytest.fixture
def trail(chosen_store: Store, redis: Redis) -> Trail:
    return Trail(Events(chosen_store), redis)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1::/48"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_of_an_address_only_the_network_is_kept(address: str, network: str) -> None:
    assert network_of(address) == network


def test_events_are_told_to_their_owner_the_newest_first(trail: Trail) -> None:
    trail.signed_in("u", HERE, MONDAY)
    trail.note("u", "channel_added", THERE, MONDAY + timedelta(minutes=1), "Ops chat")
    trail.note("v", "password_changed", THERE, MONDAY)
    newest, oldest = trail.of("u")
    assert (newest.kind, newest.about, newest.address) == (
        "channel_added",
        "Ops chat",
        "2001:db8:1::/48",
    )
    assert (oldest.kind, oldest.at, oldest.browser) == ("signed_in", MONDAY, "Firefox on Linux")


def test_however_often_a_sign_in_fails_it_is_one_event_with_the_last_network(trail: Trail) -> None:
    for minute in range(30):
        trail.failed("u", "u@example.com", HERE, MONDAY + timedelta(minutes=minute))
    trail.failed("u", "u@example.com", THERE, MONDAY + timedelta(minutes=30))
    (event,) = trail.of("u")
    assert (event.kind, event.count) == ("sign_in_failed", 31)
    assert (event.since, event.at) == (MONDAY, MONDAY + timedelta(minutes=30))
    assert event.address == "2001:db8:1::/48"


def test_failed_sign_ins_are_written_down_when_their_owner_signs_in(
    trail: Trail, redis: Redis
) -> None:
    trail.failed("u", "u@example.com", THERE, MONDAY)
    trail.signed_in("u", HERE, MONDAY + timedelta(hours=1))
    redis.flushdb()
    assert [event.kind for event in trail.of("u")] == ["signed_in", "sign_in_failed"]


def test_strangers_who_guess_write_nothing_into_the_store(
    trail: Trail, chosen_store: Store
) -> None:
    for number in range(20):
        trail.failed("u", "u@example.com", HERE, MONDAY)
        trail.failed(None, f"nobody-{number}@example.com", HERE, MONDAY)
    assert chosen_store.size() == 0


def test_guesses_at_addresses_without_account_are_forgotten_soon(
    trail: Trail, redis: Redis
) -> None:
    trail.failed(None, "nobody@example.com", HERE, MONDAY)
    (key,) = redis.keys("failed-sign-ins:*")
    assert b"example" not in key
    assert 0 < redis.ttl(key) <= 60


def test_of_one_person_a_bounded_number_is_kept(trail: Trail, chosen_store: Store) -> None:
    for number in range(MOST + 60):
        trail.note("u", "signed_in", HERE, MONDAY + timedelta(seconds=number))
    assert chosen_store.size() <= MOST + 50
    assert trail.of("u")[0].at == MONDAY + timedelta(seconds=MOST + 59)
    assert len(trail.of("u")) == MOST


def test_the_daily_clean_up_forgets_what_is_older_than_ninety_days(trail: Trail) -> None:
    trail.note("u", "signed_in", HERE, MONDAY - KEPT - timedelta(seconds=1))
    trail.note("v", "signed_in", HERE, MONDAY - KEPT - timedelta(days=9))
    trail.note("u", "signed_in", HERE, MONDAY - KEPT)
    assert trail.forget_old(MONDAY) == 2
    assert [event.at for event in trail.of("u")] == [MONDAY - KEPT]


def test_what_cannot_be_noted_stops_nothing_and_is_told_to_the_log(
    trail: Trail, chosen_store: Store, monkeypatch, caplog
) -> None:
    def away(*_: Write) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(chosen_store, "write", away)
    trail.note("u", "password_changed", HERE, MONDAY)
    assert "password_changed could not be noted" in caplog.text
