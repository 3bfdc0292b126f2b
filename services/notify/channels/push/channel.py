"""Push messages to all devices of a person. Each device gets it once; one that is gone is
forgotten."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import datetime, timedelta

from services.errors import DeliveryError, StoreError
from services.notify.channel import Letter
from services.notify.channels.push.push import Push, PushComposer
from services.notify.channels.push.sender import Failures, Sender
from services.store.devices import Device, Devices, Kind
from services.store.users import User
from services.texts import N_
from services.texts import gettext as _

ONE_BY_ONE = 5
"""So many triggers are a push each; of more there is a summary (ALERTS.md rule 14)."""
TOGETHER = 100
SECONDS = 70.0
"""For all devices of a person: less than a lease."""
_AT_ONCE = 4
_NO_DEVICE = N_(
    "No device of yours takes push messages. Turn them on there, on the notifications page."
)
log = logging.getLogger(__name__)
Removed = Callable[[User, Device, str], object]


class PushChannel:
    """`senders` opens those of each kind, at the first message. `removed` is told of a device that
    was forgotten, and why."""

    def __init__(
        self,
        devices: Devices,
        composer: PushComposer,
        senders: Callable[[], Mapping[Kind, Sender]],
        removed: Removed,
        seconds: float = SECONDS,
    ) -> None:
        self._devices = devices
        self._composer = composer
        self._senders = senders
        self._removed = removed
        self._seconds = seconds

    def together(self, waiting: int) -> int:
        return 1 if waiting <= ONE_BY_ONE else min(waiting, TOGETHER)

    def absent_because(self, user: User, name: str) -> str | None:  # noqa: ARG002 - see send
        return None

    def is_held(self, user: User) -> bool:  # noqa: ARG002 - a device is no address to confirm
        return False

    def send(self, letter: Letter, now: datetime) -> tuple[str, ...]:
        reached = letter.delivery.reached
        devices = self._devices.of(letter.user.uid)
        if not devices and not reached:
            raise DeliveryError(_(_NO_DEVICE), permanent=True)
        waiting = [device for device in devices if device.id not in reached]
        push = self._composer.letter(letter, now)
        return self._settled(letter.user, waiting, self._hand_over(waiting, push, now))

    def send_test(self, user: User, name: str, now: datetime) -> str:  # noqa: ARG002 - all devices
        devices = self._devices.of(user.uid)
        if not devices:
            raise DeliveryError(_(_NO_DEVICE), permanent=True)
        failures = self._hand_over(devices, self._composer.test(user), now)
        reached = self._settled(user, devices, failures, some_will_do=True)
        names = ", ".join(device.name for device in devices if device.id in reached)
        told = _("The push service took the test for %(devices)s. Look there.", devices=names)
        return f"{told} {_told(devices, failures)}".rstrip()

    def tell(self, user: User, push: Push, now: datetime) -> None:
        """Push what is no trigger to all devices. Raises DeliveryError where none has it."""
        devices = self._devices.of(user.uid)
        if not devices:
            raise DeliveryError(_(_NO_DEVICE), permanent=True)
        failures = self._hand_over(devices, push, now)
        self._settled(user, devices, failures, some_will_do=True)

    def switched_off(self, user: User, name: str, reason: str, now: datetime) -> dict[str, object]:  # noqa: ARG002
        """Nothing: devices go one by one."""
        return {}

    def _hand_over(self, devices: Sequence[Device], push: Push, now: datetime) -> Failures:
        """Several at once, so that a slow one keeps the others waiting for seconds only."""
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="push")
        tasks = {
            pool.submit(copy_context().run, sender.send, share, push, now): share
            for sender, share in self._shares(devices)
        }
        done, late = wait(tasks, timeout=self._seconds)
        pool.shutdown(wait=False, cancel_futures=True)
        failures = {id_: error for task in done for id_, error in task.result().items()}
        slow = DeliveryError(_("the push service did not answer in time"), unreachable=True)
        return failures | {device.id: slow for task in late for device in tasks[task]}

    def _shares(self, devices: Sequence[Device]) -> Iterator[tuple[Sender, Sequence[Device]]]:
        """Each browser by itself, for each has a push service of its own; apps together."""
        senders = self._senders()
        for device in devices:
            if device.kind == "webpush":
                yield senders["webpush"], [device]
        if apps := [device for device in devices if device.kind == "fcm"]:
            yield senders["fcm"], apps

    def _settled(
        self,
        user: User,
        devices: Sequence[Device],
        failures: Failures,
        *,
        some_will_do: bool = False,
    ) -> tuple[str, ...]:
        """The ids of those that have it. Raises DeliveryError that tells of those that do not."""
        for device in devices:
            if (error := failures.get(device.id)) and error.gone:
                self._forget(user, device, str(error))
        reached = tuple(device.id for device in devices if device.id not in failures)
        if not failures or (some_will_do and reached):
            return reached
        errors = failures.values()
        raise DeliveryError(
            _told(devices, failures),
            permanent=all(error.permanent for error in errors),
            unreachable=all(error.unreachable for error in errors),
            retry_after=max((e.retry_after for e in errors if e.retry_after), default=timedelta()),
            reached=reached,
        )

    def _forget(self, user: User, device: Device, reason: str) -> None:
        try:
            self._devices.delete(user.uid, device.id)
            self._removed(user, device, reason)
        except StoreError:
            # What others have by now counts for more; the next push finds this one gone again.
            log.exception("A device of %s is gone and still kept", user.uid)


def _told(devices: Sequence[Device], failures: Failures) -> str:
    return " ".join(
        _failure(device, error) for device in devices if (error := failures.get(device.id))
    )


def _failure(device: Device, error: DeliveryError) -> str:
    if error.gone:
        return _("%(device)s: %(reason)s, so it is forgotten.", device=device.name, reason=error)
    return _("%(device)s: %(reason)s.", device=device.name, reason=error)
