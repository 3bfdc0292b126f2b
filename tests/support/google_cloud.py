"""What Google's cloud answers when something is wrong, told by real servers on loopback.

Not an imitation of Firestore: one that refuses everything, or holds nothing.
"""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from google.cloud.firestore_v1 import types

TOKEN = {"access_token": "ya29.a-secret-token", "expires_in": 1, "token_type": "Bearer"}
"""A token that is good for one call: at the next one a new token is asked for."""
FIRESTORE = "firestore.googleapis.com"
Refusal = tuple[grpc.StatusCode, str]


# Sign-in


class SignIn:
    """Google's OAuth endpoint at `address`; `answer` is its next status and body."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answer: tuple[int, dict[str, Any]] = (200, TOKEN)
        self.asked = 0


@contextmanager
def sign_in() -> Iterator[SignIn]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            endpoint.asked += 1
            status, body = endpoint.answer
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint = SignIn(f"http://127.0.0.1:{server.server_port}/token")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield endpoint
        server.shutdown()


def service_account(token_uri: str) -> tuple[str, str]:
    """A new service account's key in base64, and its private part, which must not be shown."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = {
        "type": "service_account",
        "project_id": "flock",
        "private_key_id": "0123456789abcdef",
        "private_key": private.decode(),
        "client_email": "bell@flock.example",
        "client_id": "1",
        "token_uri": token_uri,
    }
    secret = private.decode().splitlines()[3]
    return base64.b64encode(json.dumps(key).encode()).decode(), secret


# Firestore


class EmptyFirestore(grpc.GenericRpcHandler):
    """Holds nothing, takes every commit, and refuses all calls while there is a `refusal`."""

    def __init__(self) -> None:
        self.refusal: Refusal | None = None
        self.seen: list[dict[str, str]] = []  # headers by call

    def service(self, details: Any) -> Any:
        method = details.method.rpartition("/")[2]
        self.seen.append(dict(details.invocation_metadata))
        if method == "BatchGetDocuments":
            return grpc.unary_stream_rpc_method_handler(
                self._missing,
                request_deserializer=types.BatchGetDocumentsRequest.deserialize,
                response_serializer=types.BatchGetDocumentsResponse.serialize,
            )
        if method in ("RunQuery", "RunAggregationQuery"):
            return grpc.unary_stream_rpc_method_handler(self._nothing)
        return grpc.unary_unary_rpc_method_handler(
            self._done,
            request_deserializer=types.CommitRequest.deserialize,
            response_serializer=types.CommitResponse.serialize,
        )

    def _missing(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        self._refuse(context)
        for name in request.documents:
            yield types.BatchGetDocumentsResponse(missing=name, read_time=datetime.now(UTC))

    def _nothing(self, _: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        self._refuse(context)
        yield from ()

    def _done(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._refuse(context)
        return types.CommitResponse(commit_time=datetime.now(UTC))

    def _refuse(self, context: grpc.ServicerContext) -> None:
        if self.refusal:
            context.abort(*self.refusal)


@contextmanager
def firestore(credentials: grpc.ServerCredentials | None = None) -> Iterator[tuple[Any, str]]:
    """An EmptyFirestore, and its host:port."""
    held = EmptyFirestore()
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads, handlers=[held])
        if credentials:
            port = server.add_secure_port("127.0.0.1:0", credentials)
        else:
            port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield held, f"127.0.0.1:{port}"
        server.stop(0).wait()


def certificate() -> tuple[grpc.ServerCredentials, bytes]:
    """What makes a server pass for Google's Firestore with those who trust the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, FIRESTORE)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(FIRESTORE)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = signed.public_bytes(serialization.Encoding.PEM)
    return grpc.ssl_server_credentials([(private, public)]), public


@contextmanager
def proxy(target: str) -> Iterator[str]:
    """The address of an HTTP proxy that connects to `target`, whatever it is asked for."""
    host, _, port = target.partition(":")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, (host, int(port))), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, target: tuple[str, int]) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:  # closed at the end of the test
            return
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            asked += client.recv(1)
        server = socket.create_connection(target)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    try:
        while some := source.recv(65536):
            sink.sendall(some)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # the other side hung up
        source.close()
