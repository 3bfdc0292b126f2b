"""A real HTTP server on loopback that keeps what it is sent, and answers as it is told."""

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("hooks.example", "hooks.slack.com", "discord.com", "api.telegram.org", "ntfy.sh")


@dataclass(frozen=True)
class Got:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpPeer:
    """`status`, `headers` and `answer` are what it says to the next requests; with `trickles` it
    sends a byte of the answer now and then, and never ends. `server_name` is that of TLS."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b"{}"
    trickles: bool = False
    got: list[Got] = field(default_factory=list)
    server_name: str | None = None
    ended: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reply(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        self.got.append(Got(request.command, request.path, dict(request.headers), body))
        request.send_response(self.status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "1000" if self.trickles else str(len(self.answer)))
        request.end_headers()
        while self.trickles and not self.ended.wait(0.02):
            request.wfile.write(b" ")
            request.wfile.flush()
        request.wfile.write(self.answer)


def _handler(peer: HttpPeer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                peer.reply(self)
            except OSError:  # the other side has cut the connection
                self.close_connection = True

        do_GET = do_PUT = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _serve(peer: HttpPeer, server: ThreadingHTTPServer) -> Iterator[HttpPeer]:
    peer.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        peer.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def http_peer() -> Iterator[HttpPeer]:
    peer = HttpPeer()
    yield from _serve(peer, ThreadingHTTPServer(("127.0.0.1", 0), _handler(peer)))


@pytest.fixture
def https_peer(tmp_path: Path) -> Iterator[HttpPeer]:
    """It proves to be any of NAMES, by the certificate in tmp_path / "ca.pem"."""
    peer = HttpPeer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(peer))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path / "ca.pem", NAMES))

    def hear(_: object, name: str | None, __: object) -> None:
        peer.server_name = name

    context.sni_callback = hear
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield from _serve(peer, server)


def _certificate(file: Path, hosts: Sequence[str]) -> Path:
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return file
