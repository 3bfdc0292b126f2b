"""What the world sees of this site: rules of Firestore, the certificate, the mail domain."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import requests
from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from config import Settings
from services.doctor.demands import mail_domain
from services.doctor.finding import Finding, bad, doubtful, good

SECONDS = 5.0
RENEW_WITHIN = timedelta(days=14)
_FIRESTORE = "https://firestore.googleapis.com"
_PATH = "/v1/projects/{}/databases/{}/documents/system/schema"


def rules_deny(settings: Settings) -> Finding:
    """Whether Firestore denies a client that does not sign in."""
    about = "Firestore rules"
    host = settings.firestore_emulator_host
    base = f"http://{host}" if host else _FIRESTORE
    project = settings.firebase_project_id or "bellwether"
    try:
        answer = requests.get(
            base + _PATH.format(project, settings.firebase_database), timeout=SECONDS
        )
    except requests.RequestException as error:
        return doubtful(about, f"could not be asked ({type(error).__name__}).")
    if answer.status_code in (401, 403):
        return good(about, "deny strangers.")
    if answer.status_code in (200, 404):
        remedy = "Deploy them at once: firebase deploy --only firestore:rules"
        return bad(about, "let strangers read documents.", remedy)
    return doubtful(about, f"could not be asked (answer {answer.status_code}).")


def certificate(address: str, now: datetime) -> Finding:
    """Whether the site's certificate is believed, and for how long."""
    about, url = "Certificate", urlsplit(address)
    host, port = url.hostname or "", url.port or 443
    remedy = "Renew it, with its whole chain, where TLS ends."
    try:
        with (
            socket.create_connection((host, port), SECONDS) as connection,
            ssl.create_default_context().wrap_socket(connection, server_hostname=host) as tls,
        ):
            ends = _end_of(tls)
    except ssl.SSLCertVerificationError as error:
        return bad(about, f"of {host} is not believed: {error.verify_message}.", remedy)
    except OSError as error:
        return doubtful(about, f"of {host} could not be asked ({error.strerror or error}).")
    if ends - now < RENEW_WITHIN:
        return doubtful(about, f"of {host} ends on {ends:%Y-%m-%d}.", remedy)
    return good(about, f"of {host} is good until {ends:%Y-%m-%d}.")


def _end_of(tls: ssl.SSLSocket) -> datetime:
    peer = tls.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(peer["notAfter"])), UTC)


def mail_dns(settings: Settings, resolver: Resolver | None = None) -> Finding:
    """Whether the domain of MAIL_FROM takes answers (MX), names who may send (SPF), and says what
    becomes of the rest (DMARC)."""
    about, domain = "Mail domain", mail_domain(settings)
    if "." not in domain:
        return doubtful(about, f"{domain or 'none'} is no domain.", "Set MAIL_FROM.")
    try:
        asked = resolver or Resolver()
        asked.lifetime = SECONDS
        missing = [
            name
            for name, there in (
                ("MX", bool(_records(asked, domain, "MX"))),
                ("SPF", _has(asked, domain, "v=spf1")),
                ("DMARC", _has(asked, f"_dmarc.{domain}", "v=DMARC1")),
            )
            if not there
        ]
    except (DNSException, OSError) as error:
        return doubtful(about, f"{domain} could not be asked ({type(error).__name__}).")
    if missing:
        lacks = " and ".join(missing)
        remedy = "Add what your mail provider names; without, mails end as spam."
        return doubtful(about, f"{domain} lacks {lacks}.", remedy)
    return good(about, f"{domain} has MX, SPF and DMARC.")


def _has(resolver: Resolver, name: str, head: str) -> bool:
    return any(head.lower() in text.lower() for text in _records(resolver, name, "TXT"))


def _records(resolver: Resolver, name: str, kind: str) -> list[str]:
    try:
        return [record.to_text() for record in resolver.resolve(name, kind)]
    except (NoAnswer, NXDOMAIN):
        return []
