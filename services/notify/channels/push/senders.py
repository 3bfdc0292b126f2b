"""Who brings a push message to devices of each kind, as the settings allow."""

from config import Settings
from services.errors import PushOff, StoreUnavailable
from services.notify.channels.push.sender import NoSender, Sender
from services.notify.channels.push.web_push import WebPushSender, contact_of
from services.notify.hosts import allowed_hosts
from services.notify.push_keys import push_key
from services.store.devices import Kind
from services.store.google_account import google_account
from services.texts import N_

_NO_FIREBASE = N_(
    "this Bellwether sends to no apps. Whoever runs it sets FIREBASE_PROJECT_ID or"
    " FIREBASE_CREDENTIALS_BASE64"
)


def open_senders(settings: Settings) -> dict[Kind, Sender]:
    return {"webpush": _browsers(settings), "fcm": _apps(settings)}


def _browsers(settings: Settings) -> Sender:
    try:
        key = push_key(settings)
    except PushOff as error:
        return NoSender(str(error))
    contact = contact_of(settings.mail_from, settings.address)
    return WebPushSender(key, contact, allowed_hosts(settings.private_hosts))


def _apps(settings: Settings) -> Sender:
    project, key = settings.firebase_project_id, settings.firebase_credentials_base64
    if settings.firestore_emulator_host or not (project or key):
        return NoSender(_NO_FIREBASE)
    from services.notify.channels.push.fcm import open_fcm  # large: only where it is used

    try:
        return open_fcm(google_account(key), project)
    except StoreUnavailable as error:
        return NoSender(str(error))
