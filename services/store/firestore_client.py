"""Connections to Firestore: which address, which rights, one for each process."""

import os
from collections.abc import Callable

import grpc
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from services.store.firestore_sign_in import Headers, authorization

_CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]
_ADDRESS = f"{FirestoreClient.DEFAULT_ENDPOINT}:443"


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
        authorization: Callable[[], Headers],
    ) -> None:
        self.name = f"projects/{project}/databases/{database}"
        self.root = f"{self.name}/documents/"
        """What stands before the path in a document's full name."""
        self._channel = channel
        self._authorization = authorization
        self._clients: dict[int, FirestoreClient] = {}

    @property
    def headers(self) -> Headers:
        """What goes with the next call. Raises Google's errors where signing in fails."""
        return (("google-cloud-resource-prefix", self.name), *self._authorization())

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
    owner = (("authorization", "Bearer owner"),)
    return Database(
        project, database, lambda: grpc.insecure_channel(host, _CHANNEL_OPTIONS), lambda: owner
    )


def cloud(project: str, database: str, credentials_base64: str) -> Database:
    """A database in Google's cloud.

    Raises StoreUnavailable, without a word of the key, where the credentials are unusable.
    """
    return Database(
        project,
        database,
        lambda: grpc.secure_channel(_ADDRESS, grpc.ssl_channel_credentials(), _CHANNEL_OPTIONS),
        authorization(credentials_base64),
    )
