"""The service account that stands for us at Google, from the settings."""

import base64
import binascii
import json

from firebase_admin.credentials import ApplicationDefault, Base, Certificate

from services.errors import StoreUnavailable

_NO_KEY = (
    "FIREBASE_CREDENTIALS_BASE64 is not the base64 form of a service account's JSON key ({})."
    " Make it with: base64 -w0 key.json"
)


def google_account(credentials_base64: str) -> Base:
    """The account whose key is given, or the platform's own if there is none.

    Raises StoreUnavailable, without a word of the key, where it is unusable.
    """
    if not credentials_base64:
        return ApplicationDefault()
    try:
        key = json.loads(base64.b64decode("".join(credentials_base64.split()), validate=True))
    except binascii.Error:
        raise StoreUnavailable(_NO_KEY.format("it is not base64")) from None
    except ValueError:
        raise StoreUnavailable(_NO_KEY.format("it does not hold JSON")) from None
    if not isinstance(key, dict):
        raise StoreUnavailable(_NO_KEY.format("the JSON is not such a key"))
    try:
        return Certificate(key)
    except ValueError:
        raise StoreUnavailable(_NO_KEY.format("the JSON is not such a key")) from None
