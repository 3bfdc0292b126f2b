"""Signing in to Google: which account, and the headers that prove it.

The headers are made here, before each call, and not by gRPC's plug-in for them: gRPC reports an
account that was refused as a server that is away, and the call would be repeated in vain.
"""

from collections.abc import Callable
from typing import Any

from google.auth.credentials import Credentials
from google.auth.transport.requests import Request

from services.store.firestore_errors import explained
from services.store.google_account import google_account

Headers = tuple[tuple[str, str], ...]

_ANSWER_SECONDS = 5.0


def authorization(credentials_base64: str) -> Callable[[], Headers]:
    """Makes the headers of a call, with a token that is renewed before it runs out.

    Raises StoreUnavailable, without a word of the key, where the credentials are unusable; the
    function that it returns raises errors of Google's client.
    """
    account = _account(credentials_base64)

    def headers() -> Headers:
        made: dict[str, str] = {}
        account.before_request(_ask, "POST", "", made)  # type: ignore[no-untyped-call]
        made.pop("x-goog-api-client", None)  # the Firestore client sends its own
        return tuple(made.items())

    return headers


def _ask(*request: Any, **settings: Any) -> Any:
    """One request to Google's sign-in, on a connection that no other thread or process has."""
    return Request()(*request, **{"timeout": _ANSWER_SECONDS} | settings)


def _account(credentials_base64: str) -> Credentials:
    """The service account whose key is given, or the platform's own if there is none."""
    account = google_account(credentials_base64)
    with explained():
        credentials: Credentials = account.get_credential()
    return credentials
