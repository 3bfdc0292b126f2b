"""Connections to Firestore: which credentials, which address, one for each process."""

import base64
import binascii
import json
import os
from collections.abc import Callable

import grpc
from firebase_admin.credentials import ApplicationDefault, Certificate
from google.auth.credentials import Credentials
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from services.errors import StoreUnavailable
from services.store.firestore_errors import explained

_CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]
_NO_KEY = (
    "FIREBASE_CREDENTIALS_BASE64 is not the base64 form of a service account's JSON key ({})."
    " Make it with: base64 -w0 key.json"
)


DEFAULT_DATABASE = "(default)"


class Database:
    """One database of a project, reached by a connection for each process.

    A connection is made at first use, because one made before a fork is dead after it.
    """

    def __init__(
        self,
        project: str,
        database: str,
        channel: Callable[[], grpc.Channel],
        authorization: tuple[str, str] | None,
    ) -> None:
        self.name = f"projects/{project}/databases/{database}"
        self.root = f"{self.name}/documents/"
        """What stands before the path in a document's full name."""
        self._channel = channel
        resource = ("google-cloud-resource-prefix", self.name)
        self.headers = (resource,) if authorization is None else (resource, authorization)
        self._clients: dict[int, FirestoreClient] = {}

    def client(self) -> FirestoreClient:
        """This process's client."""
        process = os.getpid()
        if process not in self._clients:
            transport = FirestoreGrpcTransport(channel=self._channel())
            self._clients.setdefault(process, FirestoreClient(transport=transport))
        return self._clients[process]

    def close(self) -> None:
        client = self._clients.pop(os.getpid(), None)
        if client is not None:
            client.transport.close()  # type: ignore[no-untyped-call]


def emulator(project: str, database: str, host: str) -> Database:
    """A database on Google's emulator at `host` (host:port), with all rights."""
    owner = ("authorization", "Bearer owner")
    return Database(project, database, lambda: grpc.insecure_channel(host, _CHANNEL_OPTIONS), owner)


def cloud(project: str, database: str, credentials_base64: str) -> Database:
    """A database in Google's cloud.

    Raises StoreUnavailable, without a word of the key, where the credentials are unusable.
    """
    account = _account(credentials_base64)
    return Database(
        project,
        database,
        lambda: FirestoreGrpcTransport.create_channel(
            credentials=account, options=_CHANNEL_OPTIONS
        ),
        None,
    )


def _account(credentials_base64: str) -> Credentials:
    """The service account whose key is given, or the platform's own if there is none."""
    with explained():
        if not credentials_base64:
            platform: Credentials = ApplicationDefault().get_credential()
            return platform
    try:
        key = json.loads(base64.b64decode("".join(credentials_base64.split()), validate=True))
    except binascii.Error:
        raise StoreUnavailable(_NO_KEY.format("it is not base64")) from None
    except ValueError:
        raise StoreUnavailable(_NO_KEY.format("it does not hold JSON")) from None
    if not isinstance(key, dict):
        raise StoreUnavailable(_NO_KEY.format("the JSON is not such a key"))
    try:
        account: Credentials = Certificate(key).get_credential()
    except ValueError:
        raise StoreUnavailable(_NO_KEY.format("the JSON is not such a key")) from None
    return account
