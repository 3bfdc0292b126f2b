"""Devices that take push messages: `users/{uid}/devices/{id}`."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from services.errors import InvalidInput, LimitReached, NotFound
from services.store.contract import Create, Delete, Query, Set, Store, Transaction, Update
from services.store.record import Record
from services.texts import gettext as _

Kind: TypeAlias = Literal["webpush", "fcm"]
MAX_DEVICES = 20
MAX_NAME = 60
MAX_ENDPOINT = 2_048
"""Characters of a push service's address or of a token of Firebase Cloud Messaging."""
SEEN_EVERY = timedelta(days=1)
"""`last_seen_at` is written again only after this time: a visit costs no write."""


class Device(Record):
    """One browser or app that its owner lets Bellwether push to.

    webpush: `endpoint` is the push service's https address; `p256dh` (the browser's public key)
    and `auth` (the shared secret), both base64url, encrypt messages to it (RFC 8291).
    fcm: `endpoint` is the registration token, and there are no keys.
    """

    uid: str
    id: str
    kind: Kind
    endpoint: str = Field(min_length=1, max_length=MAX_ENDPOINT)
    p256dh: str = Field("", max_length=100)
    auth: str = Field("", max_length=40)
    name: str = Field(min_length=1, max_length=MAX_NAME)
    created_at: datetime
    last_seen_at: datetime

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.kind == "webpush" and not (
            self.endpoint.startswith("https://") and self.p256dh and self.auth
        ):
            raise ValueError("Web Push needs an https endpoint and both keys.")
        if self.kind == "fcm" and (self.p256dh or self.auth):
            raise ValueError("FCM has a token and no keys.")
        return self


def device_id(kind: Kind, endpoint: str) -> str:
    """The id of a device: the same endpoint is the same device, however often it subscribes."""
    return hashlib.sha256(f"{kind}:{endpoint}".encode()).hexdigest()


class Devices:
    """Reads and writes devices."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, uid: str) -> list[Device]:
        """All devices of a person, the oldest first."""
        query = Query(f"users/{uid}/devices", limit=MAX_DEVICES)
        devices = [Device.from_document(document) for document in self._store.query(query)]
        return sorted(devices, key=lambda device: (device.created_at, device.id))

    def create(self, device: Device) -> Device:
        """Store a subscription, and return it as it now is.

        One that is there keeps its name and age, and takes the new keys. Raises LimitReached
        when the person has MAX_DEVICES. Creations of one person pass one gate document, so
        that none counts too few.
        """
        path = _path(device.uid, device.id)
        gate = f"users/{device.uid}/gates/devices"
        others = Query(f"users/{device.uid}/devices")

        def work(transaction: Transaction) -> Device:
            stored, _gate = transaction.get_all([path, gate])
            if stored is not None:
                known = Device.from_document(stored)
                renewed = device.replace(name=known.name, created_at=known.created_at)
                transaction.write(Update(path, renewed.fields()))
                return renewed
            if self._store.count(others) >= MAX_DEVICES:
                raise LimitReached(
                    _(
                        "You can have %(most)s devices at most. Remove one that you no longer use.",
                        most=MAX_DEVICES,
                    )
                )
            transaction.write(Create(path, device.fields()), Set(gate, {"passed": path}))
            return device

        return self._store.transact(work)

    def rename(self, uid: str, id_: str, name: str) -> Device:
        """Raises NotFound, or InvalidInput."""
        if not 1 <= len(name) <= MAX_NAME:
            raise InvalidInput("name", _("A name has 1 to %(most)s characters.", most=MAX_NAME))
        return self._change(uid, id_, lambda device: device.replace(name=name))

    def seen(self, uid: str, id_: str, now: datetime) -> Device:
        """Note that the device is in use; written once in SEEN_EVERY. Raises NotFound."""

        def note(device: Device) -> Device:
            recent = now - device.last_seen_at < SEEN_EVERY
            return device if recent else device.replace(last_seen_at=now)

        return self._change(uid, id_, note)

    def delete(self, uid: str, id_: str) -> None:
        """Forget a device; one that is gone already is no error."""
        self._store.write(Delete(_path(uid, id_)))

    def _change(self, uid: str, id_: str, how: Callable[[Device], Device]) -> Device:
        path = _path(uid, id_)

        def work(transaction: Transaction) -> Device:
            document = transaction.get(path)
            if document is None:
                raise NotFound("There is no such device.")
            before = Device.from_document(document)
            after = how(before)
            if after != before:
                transaction.write(Update(path, after.fields()))
            return after

        return self._store.transact(work)


def _path(uid: str, id_: str) -> str:
    return f"users/{uid}/devices/{id_}"
