"""Devices for push messages, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.errors import BadDocument, InvalidInput, LimitReached, NotFound
from services.store.contract import Set, Store, Update
from services.store.devices import MAX_DEVICES, MAX_NAME, Device, Devices, device_id

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def device(endpoint: str = "https://push.example/1", **changes: object) -> Device:
    fields: dict[str, object] = {
        "uid": "ada",
        "id": device_id("webpush", endpoint),
        "kind": "webpush",
        "endpoint": endpoint,
        "p256dh": "BNcR",
        "auth": "tBHI",
        "name": "Phone",
        "created_at": NOON,
        "last_seen_at": NOON,
        **changes,
    }
    return Device.model_validate(fields)


def numbered(number: int) -> Device:
    return device(f"https://push.example/{number}")


def test_a_device_comes_back_as_it_was(store: Store) -> None:
    devices = Devices(store)
    token = device(
        "token", id=device_id("fcm", "token"), kind="fcm", p256dh="", auth="", name="Tablet",
        created_at=NOON + timedelta(days=1),
    )  # fmt: skip
    assert devices.create(token) == token
    assert devices.create(device()) == device()
    assert devices.of("ada") == [device(), token]
    assert devices.of("bob") == []


def test_the_same_endpoint_is_the_same_device(store: Store) -> None:
    devices = Devices(store)
    devices.create(device())
    devices.rename("ada", device().id, "Old phone")
    later = NOON + timedelta(days=3)
    devices.create(device(auth="new", name="Chrome", created_at=later, last_seen_at=later))
    (only,) = devices.of("ada")
    assert (only.name, only.auth, only.created_at, only.last_seen_at) == (
        "Old phone",
        "new",
        NOON,
        later,
    )


def test_a_device_is_renamed_and_forgotten(store: Store) -> None:
    devices = Devices(store)
    devices.create(device())
    assert devices.rename("ada", device().id, "Watch").name == "Watch"
    devices.delete("ada", device().id)
    devices.delete("ada", device().id)
    assert devices.of("ada") == []
    with pytest.raises(NotFound):
        devices.rename("ada", device().id, "Watch")


@pytest.mark.parametrize("name", ["", "n" * (MAX_NAME + 1)])
def test_a_name_has_bounds(store: Store, name: str) -> None:
    devices = Devices(store)
    devices.create(device())
    with pytest.raises(InvalidInput):
        devices.rename("ada", device().id, name)
    assert devices.of("ada") == [device()]


def test_being_seen_is_written_once_a_day(store: Store) -> None:
    devices = Devices(store)
    devices.create(device())
    path = f"users/ada/devices/{device().id}"
    version = store.get(path).version
    devices.seen("ada", device().id, NOON + timedelta(hours=23))
    assert store.get(path).version == version
    after = devices.seen("ada", device().id, NOON + timedelta(hours=25))
    assert after.last_seen_at == NOON + timedelta(hours=25)
    assert devices.of("ada") == [after]


def test_devices_created_at_once_do_not_exceed_the_limit(store: Store) -> None:
    devices = Devices(store)
    for number in range(MAX_DEVICES - 2):
        devices.create(numbered(number))

    def create(number: int) -> bool:
        try:
            devices.create(numbered(number))
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(create, range(100, 106)))
    assert sum(made) == 2
    assert len(devices.of("ada")) == MAX_DEVICES
    devices.create(numbered(0))  # is there already
    devices.delete("ada", numbered(0).id)
    assert create(200)


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "http://push.example/1"},
        {"endpoint": "https://" + "x" * 2048},
        {"endpoint": ""},
        {"p256dh": ""},
        {"auth": ""},
        {"auth": "x" * 41},
        {"kind": "fcm"},
        {"kind": "pigeon"},
    ],
    ids=repr,
)
def test_what_cannot_be_reached_is_no_device(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        device(**changes)


@pytest.mark.parametrize("change", [{"kind": "pigeon"}, {"colour": "red"}, {"name": 5}])
def test_a_device_of_another_shape_is_told_and_left_alone(
    sqlite_store: Store, change: dict[str, object]
) -> None:
    path = f"users/ada/devices/{device().id}"
    sqlite_store.write(Set(path, device().fields()), Update(path, change))
    before = sqlite_store.get(path)
    with pytest.raises(BadDocument, match=path):
        Devices(sqlite_store).rename("ada", device().id, "Watch")
    assert sqlite_store.get(path) == before
