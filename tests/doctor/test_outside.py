"""What the world sees: the certificate, the mail domain, the rules of Firestore."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server
from typing import Any
from uuid import uuid4

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from dns.resolver import NoAnswer, NoNameservers

from config import Settings
from services.doctor.outside import certificate, mail_dns, rules_deny
from tests.support.redis_server import free_port

NOW = datetime.now(UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server whose certificate ends in ten days, and that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW - timedelta(1)).not_valid_after(NOW + timedelta(10))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    with create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, context), daemon=True).start()
        yield f"https://localhost:{server.getsockname()[1]}", chain


def _serve(server: Any, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = server.accept()
            context.wrap_socket(connection, server_side=True).close()
        except ssl.SSLError:
            continue
        except OSError:
            return


def test_a_certificate_that_nobody_signed_is_bad(tls: tuple[str, Path]) -> None:
    finding = certificate(tls[0], NOW)
    assert (finding.state, "not believed" in finding.says) == ("bad", True)


def test_a_certificate_that_ends_soon_is_doubtful(
    tls: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[1]))
    assert certificate(tls[0], NOW).state == "doubtful"
    assert certificate(tls[0], NOW - timedelta(days=5)).state == "good"


def test_a_site_that_is_not_there_cannot_be_asked() -> None:
    finding = certificate(f"https://127.0.0.1:{free_port()}", NOW)
    assert (finding.state, "could not be asked" in finding.says) == ("doubtful", True)


class Names:
    """A resolver that knows some records."""

    lifetime = 0.0

    def __init__(self, **records: str) -> None:
        self._records = records

    def resolve(self, name: str, kind: str) -> list[Any]:
        key = "dmarc" if name.startswith("_dmarc.") else kind.lower()
        if key not in self._records:
            raise NoAnswer.__new__(NoAnswer)  # it wants a whole answer otherwise
        text = self._records[key]
        return [type("Record", (), {"to_text": lambda _: text})()]


class Offline(Names):
    def resolve(self, name: str, kind: str) -> list[Any]:
        raise NoNameservers


SETTINGS = Settings(_env_file=None, mail_from="Bell <bell@bell.example>")


def test_a_mail_domain_with_all_records_is_good() -> None:
    names: Any = Names(mx="10 mx.", txt='"v=spf1 -all"', dmarc='"v=DMARC1; p=none"')
    assert mail_dns(SETTINGS, names).state == "good"


def test_missing_records_of_the_mail_domain_are_named() -> None:
    names: Any = Names(mx="10 mx.")
    finding = mail_dns(SETTINGS, names)
    assert (finding.state, "SPF and DMARC" in finding.says) == ("doubtful", True)


def test_without_a_network_the_mail_domain_could_not_be_asked() -> None:
    names: Any = Offline()
    assert "could not be asked" in mail_dns(SETTINGS, names).says


@pytest.mark.emulator
def test_rules_that_let_strangers_read_are_bad_and_ours_are_good(emulator_host: str) -> None:
    project = f"test-{uuid4().hex}"
    settings = Settings(
        _env_file=None, firebase_project_id=project, firestore_emulator_host=emulator_host
    )
    rules = (ROOT / "firestore.rules").read_text()
    for text, state in [(rules.replace("if false", "if true"), "bad"), (rules, "good")]:
        answer = requests.put(
            f"http://{emulator_host}/emulator/v1/projects/{project}:securityRules",
            json={"rules": {"files": [{"content": text}]}},
            timeout=10,
        )
        assert answer.ok, answer.text
        assert rules_deny(settings).state == state


def test_a_firestore_that_is_away_could_not_be_asked() -> None:
    host = f"127.0.0.1:{free_port()}"
    settings = Settings(_env_file=None, firestore_emulator_host=host)
    assert rules_deny(settings).state == "doubtful"
