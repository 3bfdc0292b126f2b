"""The daily clean-up lets go of what is old, and of nothing that somebody still needs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from config import Settings
from services.accounts.leaving import Departures
from services.alerts.conditions import PriceCondition
from services.cleaning import cleaning as module
from services.cleaning.accounts import UnusedAccounts
from services.cleaning.cleaning import Cleaned, Cleaning
from services.store.alerts import Alert
from services.store.contract import Set, Store
from services.store.devices import Device
from services.store.triggers import Delivery, Trigger
from services.store.users import ApiToken, User, Users
from services.store.watchlists import Entry, Watchlist
from tests.support.market import RecordingJobs

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=731)
RISES = PriceCondition(kind="price_rises_to", level=110)
SETTINGS = Settings(_env_file=None)


@pytest.fixture
def clean(store: Store, redis: Redis, jobs: RecordingJobs) -> Callable[..., Cleaned]:
    def run(now: datetime = NOW, **settings: Any) -> Cleaned:
        chosen = SETTINGS.model_copy(update=settings)
        return Cleaning(store, chosen, UnusedAccounts(store, jobs).close).run(now)

    return run


def person(store: Store, uid: str = "u", **fields: Any) -> User:
    given = {"created_at": LONG_AGO, "confirmed_at": LONG_AGO} | fields
    user = User(uid=uid, email=f"{uid}@bell.example", password_hash="x", **given)
    Users(store).create(user)
    return user


def trigger(store: Store, id_: str, noticed_at: datetime, **fields: Any) -> str:
    given: dict[str, Any] = {"open": False, "due_at": None} | fields
    one = Trigger(
        uid="u", id=id_, alert_id="a", epoch=1, symbol="AAPL", condition=RISES, note="", value=111,
        price=111, low=109, high=111, currency="USD", occurred_at=noticed_at, source="test",
        noticed_at=noticed_at, **given,
    )  # fmt: skip
    store.write(Set(f"users/u/triggers/{id_}", one.fields()))
    return f"users/u/triggers/{id_}"


def alert(store: Store, id_: str, expires_at: datetime, state: str) -> str:
    one = Alert(
        uid="u", id=id_, symbol="AAPL", condition=RISES, state=state, epoch=1,  # type: ignore[arg-type]
        created_at=LONG_AGO, updated_at=LONG_AGO, expires_at=expires_at,
    )  # fmt: skip
    store.write(Set(one.path, one.fields()))
    return one.path


def device(store: Store, id_: str, last_seen_at: datetime) -> str:
    one = Device(
        uid="u", id=id_, kind="fcm", endpoint=id_, name=id_, created_at=LONG_AGO,
        last_seen_at=last_seen_at,
    )  # fmt: skip
    store.write(Set(f"users/u/devices/{id_}", one.fields()))
    return f"users/u/devices/{id_}"


def left(store: Store, *paths: str) -> list[bool]:
    return [document is not None for document in store.get_all(paths)]


def test_what_rang_is_kept_for_two_years_and_no_day_longer(store: Store, clean) -> None:
    person(store)
    old = trigger(store, "a-1", LONG_AGO)
    young = trigger(store, "a-2", NOW - timedelta(days=729))
    assert clean().triggers == 1
    assert left(store, old, young) == [False, True]


def test_what_is_still_to_be_delivered_stays(store: Store, clean) -> None:
    person(store)
    path = trigger(store, "a-1", LONG_AGO, open=True, due_at=NOW)
    assert clean().triggers == 0
    assert left(store, path) == [True]


def test_only_alerts_that_have_expired_long_ago_go(store: Store, clean) -> None:
    person(store)
    paths = [
        alert(store, "gone", LONG_AGO, "expired"),
        alert(store, "rang", LONG_AGO, "triggered"),
        alert(store, "new", NOW - timedelta(days=1), "expired"),
    ]
    assert clean().alerts == 1
    assert left(store, *paths) == [False, True, True]


def test_zero_days_keep_everything(store: Store, clean) -> None:
    person(store, confirmed_at=None)
    trigger(store, "a-1", LONG_AGO)
    device(store, "phone", LONG_AGO)
    kept = {"triggers_kept_days": 0, "devices_kept_days": 0, "unconfirmed_kept_days": 0}
    assert clean(**kept) == Cleaned(people=1)


def test_a_device_without_a_sign_of_life_is_forgotten(store: Store, clean) -> None:
    person(store)
    dead = device(store, "dead", LONG_AGO)
    seen = device(store, "seen", NOW - timedelta(days=10))
    told = device(store, "told", LONG_AGO)
    sent = Delivery(state="sent", reached=("told",))
    trigger(store, "a-1", NOW - timedelta(days=5), deliveries={"push": sent})
    assert clean().devices == 1
    assert left(store, dead, seen, told) == [False, True, True]


def test_an_account_never_confirmed_nor_used_is_closed_after_a_month(
    store: Store, clean, jobs: RecordingJobs
) -> None:
    person(store, "old", created_at=NOW - timedelta(days=30), confirmed_at=None)
    person(store, "new", created_at=NOW - timedelta(days=29), confirmed_at=None)
    person(store, "sure", created_at=LONG_AGO)
    assert clean().accounts == 1
    assert left(store, "users/old", "users/new", "users/sure") == [False, True, True]
    assert Users(store).by_email("old@bell.example") is None
    assert jobs.erased == ["old"]
    departure = Departures(store).get("old")
    assert departure is not None
    assert departure.email is None  # nobody is written to


@pytest.mark.parametrize("what", ["an alert", "a list", "a token", "a device"])
def test_an_account_that_is_used_stays_though_it_was_never_confirmed(
    store: Store, clean, what: str
) -> None:
    person(store, confirmed_at=None)
    entry = Entry(symbol="AAPL", added_at=LONG_AGO)
    watchlist = Watchlist(
        uid="u", id="l", name="L", position=0, created_at=LONG_AGO, entries=(entry,)
    )
    token = ApiToken(uid="u", id="t", created_at=LONG_AGO, auth_epoch=1)
    {
        "an alert": lambda: alert(store, "a", LONG_AGO, "paused"),
        "a list": lambda: store.write(Set("users/u/watchlist/l", watchlist.fields())),
        "a token": lambda: Users(store).create_token(token),
        "a device": lambda: device(store, "d", NOW),
    }[what]()
    assert clean().accounts == 0
    assert left(store, "users/u") == [True]


def test_an_empty_list_is_no_use(store: Store, clean) -> None:
    person(store, confirmed_at=None)
    empty = Watchlist(uid="u", id="l", name="L", position=0, created_at=LONG_AGO)
    store.write(Set("users/u/watchlist/l", empty.fields()))
    assert clean().accounts == 1


def test_who_confirms_in_this_moment_stays(store: Store, redis: Redis, jobs) -> None:
    person(store)
    assert not UnusedAccounts(store, jobs).close("u", NOW)
    assert left(store, "users/u") == [True]


def test_a_day_looks_at_some_people_and_the_next_day_goes_on(
    store: Store, clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "A_DAY", 2)
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    for number in range(5):
        person(store, f"u{number}", confirmed_at=None)
    assert [clean().accounts for _ in range(3)] == [2, 2, 1]
    assert clean().people == 0


def test_a_profile_that_cannot_be_read_is_in_nobody_s_way(store: Store, clean) -> None:
    store.write(Set("users/broken", {"what": 1}))
    person(store)
    trigger(store, "a-1", LONG_AGO)
    assert clean().triggers == 1
