"""What the push channel asks of those who bring a message to devices of one kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from services.errors import DeliveryError
from services.notify.channels.push.push import Push
from services.store.devices import Device
from services.texts import gettext as _

Failures: TypeAlias = Mapping[str, DeliveryError]
"""Why it did not reach them, by the device's id; `gone` where it never will."""


class Sender(Protocol):
    def send(self, devices: Sequence[Device], push: Push, now: datetime) -> Failures:
        """Hand the message over for each of these devices; those not named in the answer
        have it."""


class NoSender:
    """Stands where devices of a kind cannot be reached from here."""

    def __init__(self, because: str) -> None:
        self._because = because

    def send(self, devices: Sequence[Device], push: Push, now: datetime) -> Failures:  # noqa: ARG002
        return {device.id: DeliveryError(_(self._because), permanent=True) for device in devices}
