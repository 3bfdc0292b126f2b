"""Debian's nginx on loopback with deploy/nginx/bellwether.conf, told of other ports and files."""

import ipaddress
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.programs import ROOT
from tests.support.redis_server import free_port

OURS = ROOT / "deploy/nginx/bellwether.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="install nginx to run these")
_START_SECONDS = 20
_AROUND = """
daemon off;
{user}
pid {folder}/pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/bellwether.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """nginx at https://localhost:PORT and http://localhost:PLAIN; whom to trust: `certificate`."""

    folder: Path
    port: int
    plain: int

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def certificate(self) -> str:
        return str(self.folder / "certificate.pem")

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def get(self, path: str, **options: object) -> requests.Response:
        told = {"verify": self.certificate, "timeout": 30, **options}
        return requests.get(self.address + path, **told)  # type: ignore[arg-type]


def prepare(folder: Path, upstream: int, static: Path) -> Nginx:
    """Write nginx's files into `folder`; it will ask 127.0.0.1:`upstream`."""
    nginx = Nginx(folder, free_port(), free_port())
    make_certificate(folder)
    changes = {
        r"^ *listen \[::\].*\n": "",  # a container may have no IPv6
        r"listen 80;": f"listen 127.0.0.1:{nginx.plain};",
        r"listen 443 ": f"listen 127.0.0.1:{nginx.port} ",
        r"bell\.example\.com;": "localhost;",
        r"/etc/letsencrypt/live/bell\.example\.com/fullchain\.pem": nginx.certificate,
        r"/etc/letsencrypt/live/bell\.example\.com/privkey\.pem": f"{folder}/key.pem",
        r"127\.0\.0\.1:8080": f"127.0.0.1:{upstream}",
        r"/opt/bellwether/static": str(static),
        r"proxy_set_header Host \$host;": "proxy_set_header Host $http_host;",  # with our port
    }
    text = OURS.read_text()
    for old, new in changes.items():
        text, count = re.subn(old, lambda _, new=new: new, text, flags=re.MULTILINE)
        assert count, f"{old} is not in {OURS}"
    (folder / "bellwether.conf").write_text(text)
    (folder / "nginx.conf").write_text(_AROUND.format(folder=folder, user=_user()))
    return nginx


def _user() -> str:
    """nginx of root reads files as somebody else, who may not look into a test's folder."""
    return "user root;" if os.geteuid() == 0 else ""


def command(nginx: Nginx, *arguments: str) -> list[str]:
    assert NGINX
    return [NGINX, "-p", str(nginx.folder), "-c", str(nginx.folder / "nginx.conf"), *arguments]


@contextmanager
def run_nginx(folder: Path, upstream: int, static: Path) -> Iterator[Nginx]:
    """nginx, until the block ends."""
    nginx, log = prepare(folder, upstream, static), folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command(nginx), stderr=output)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(nginx):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield nginx
    finally:
        process.terminate()
        process.wait(20)


def _answers(nginx: Nginx) -> bool:
    try:
        nginx.get("/metrics")
    except requests.ConnectionError:
        return False
    return True


def make_certificate(folder: Path) -> None:
    """certificate.pem and key.pem for localhost, signed by itself, good for an hour or two."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
