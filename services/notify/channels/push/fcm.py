"""Push to apps by Firebase Cloud Messaging (HTTP v1)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import firebase_admin
from firebase_admin import exceptions, messaging
from firebase_admin.credentials import Base

from services.errors import DeliveryError
from services.notify.channels.push.push import LIVES, Push
from services.notify.channels.push.sender import Failures
from services.notify.retry_after import asked_to_wait
from services.store.devices import Device
from services.texts import gettext as _

SECONDS = 10
_NAME = "bellwether-push"
_GONE = (messaging.UnregisteredError, messaging.SenderIdMismatchError)
_LATER = (
    messaging.QuotaExceededError,
    exceptions.ResourceExhaustedError,
    exceptions.UnavailableError,
    exceptions.InternalError,
    exceptions.DeadlineExceededError,
    exceptions.UnknownError,
    exceptions.UnauthenticatedError,
    exceptions.PermissionDeniedError,
)
"""What passes, or what the operator can mend."""


class FcmSender:
    def __init__(self, app: firebase_admin.App) -> None:
        self._app = app

    def send(self, devices: Sequence[Device], push: Push, now: datetime) -> Failures:
        messages = [_message(device.endpoint, push, now) for device in devices]
        try:
            batch = messaging.send_each(messages, app=self._app)
        except (exceptions.FirebaseError, ValueError) as error:
            said = _(
                "Firebase Cloud Messaging cannot be asked (%(error)s)", error=type(error).__name__
            )
            return {device.id: DeliveryError(said, unreachable=True) for device in devices}
        return {
            device.id: _meaning(response.exception, now)
            for device, response in zip(devices, batch.responses, strict=True)
            if not response.success
        }


def open_fcm(account: Base, project: str) -> FcmSender:
    """Sends as `account`, once for each process. Raises ValueError where no project is known."""
    try:
        app = firebase_admin.get_app(_NAME)
    except ValueError:
        options = {"httpTimeout": SECONDS} | ({"projectId": project} if project else {})
        app = firebase_admin.initialize_app(account, options, _NAME)
    return FcmSender(app)


def _message(token: str, push: Push, now: datetime) -> messaging.Message:
    fields = push.fields()
    title, body, tag = fields.pop("title"), fields.pop("body"), fields["tag"]
    until = int((now + LIVES).timestamp())
    return messaging.Message(
        token=token,
        notification=messaging.Notification(title, body),
        data=fields,
        android=messaging.AndroidConfig(
            collapse_key=tag,
            priority="high" if push.urgent else "normal",
            ttl=LIVES,
            notification=messaging.AndroidNotification(tag=tag),
        ),
        apns=messaging.APNSConfig(
            headers={
                "apns-collapse-id": tag,
                "apns-expiration": str(until),
                "apns-priority": "10",
            },
            payload=messaging.APNSPayload(messaging.Aps(category="trigger")),
        ),
    )


def _meaning(error: Exception | None, now: datetime) -> DeliveryError:
    if error is None:
        return DeliveryError(_("Firebase Cloud Messaging gave no answer that we understand"))
    if isinstance(error, _GONE):
        return DeliveryError(_("the app is not there any more"), gone=True)
    code = getattr(error, "code", type(error).__name__)
    said = _("Firebase Cloud Messaging said %(code)s", code=code)
    if isinstance(error, _LATER):
        return DeliveryError(said, retry_after=_wait(error, now))
    return DeliveryError(said, permanent=True)


def _wait(error: exceptions.FirebaseError, now: datetime) -> timedelta | None:
    headers: Mapping[str, str] = getattr(error.http_response, "headers", {})
    return asked_to_wait(headers.get("Retry-After", ""), now)
