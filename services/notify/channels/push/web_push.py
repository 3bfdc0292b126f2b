"""Web Push: to browsers, by the push services that they chose (RFC 8030, 8291, 8292)."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import parseaddr
from urllib.parse import urlsplit

import requests
from py_vapid import Vapid02
from pywebpush import WebPushException, webpush

from services.errors import DeliveryError
from services.notify.channels.push.push import LIVES, Push
from services.notify.channels.push.sender import Failures
from services.notify.guarded import guarded
from services.notify.push_keys import PushKey, base64url
from services.notify.retry_after import asked_to_wait
from services.store.devices import Device
from services.texts import gettext as _

SECONDS = 10.0
"""For one device, at most."""
_LATER = frozenset({408, 425, 429})
_GONE = frozenset({404, 410})


class WebPushSender:
    """`contact` is whom a push service may write to. Only public addresses and `allowed_hosts`
    are reached; `ca_file` names other authorities than the usual ones."""

    def __init__(
        self,
        key: PushKey,
        contact: str,
        allowed_hosts: frozenset[str],
        seconds: float = SECONDS,
        ca_file: str | None = None,
    ) -> None:
        self._vapid = Vapid02.from_raw(key.private.encode())
        self._contact = contact
        self._allowed_hosts = allowed_hosts
        self._seconds = seconds
        self._verify = ca_file or True

    def send(self, devices: Sequence[Device], push: Push, now: datetime) -> Failures:
        failures = {}
        for device in devices:
            try:
                self._send(device, push, now)
            except DeliveryError as error:
                failures[device.id] = error
        return failures

    def _send(self, device: Device, push: Push, now: datetime) -> None:
        try:
            with guarded(self._allowed_hosts, self._seconds), self._session() as session:
                self._post(session, device, push, now)
        except WebPushException as error:
            raise _meaning(error, now) from None
        except requests.TooManyRedirects:
            raise DeliveryError(
                _("the push service redirects, which we do not follow"), permanent=True
            ) from None
        except requests.RequestException as error:
            host = urlsplit(device.endpoint).hostname
            raise DeliveryError(
                _(
                    "the push service %(host)s does not answer (%(error)s)",
                    host=host,
                    error=type(error).__name__,
                ),
                unreachable=True,
            ) from None
        except ValueError:
            raise DeliveryError(
                _("its keys cannot be used; turn push off and on there"), permanent=True
            ) from None

    def _session(self) -> requests.Session:
        """One that follows nowhere: a push service redirects nobody."""
        session = requests.Session()
        session.max_redirects = 0
        session.verify = self._verify
        session.trust_env = self._verify is True  # REQUESTS_CA_BUNDLE would go before ours
        return session

    def _post(self, session: requests.Session, device: Device, push: Push, now: datetime) -> None:
        webpush(
            {
                "endpoint": device.endpoint,
                "keys": {"p256dh": device.p256dh, "auth": device.auth},
            },
            push.payload(),
            self._vapid,
            {"sub": self._contact, "exp": int((now + LIVES).timestamp())},
            timeout=self._seconds,
            ttl=int(LIVES.total_seconds()),
            headers={"Urgency": "high" if push.urgent else "normal", "Topic": topic(push.tag)},
            requests_session=session,
        )


def topic(tag: str) -> str:
    """A message that waits at the push service is replaced by a newer one of the same topic:
    at most 32 characters of base64url."""
    return base64url(hashlib.sha256(tag.encode()).digest())[:32]


def contact_of(mail_from: str, address: str) -> str:
    """Whom a push service may write to, as the token names them: a mailbox that others can
    reach, or else the site."""
    mailbox = parseaddr(mail_from)[1]
    if re.fullmatch(r"[^@\s]+@[\w-]+(\.[\w-]+)+", mailbox):
        return f"mailto:{mailbox}"
    site = urlsplit(address)
    if site.scheme == "https" and re.fullmatch(r"[\w-]+\.[\w.-]+", site.hostname or ""):
        return f"https://{site.hostname}"
    return "mailto:bellwether@localhost"


def _meaning(error: WebPushException, now: datetime) -> DeliveryError:
    status = error.status_code
    if status is None:
        return DeliveryError(
            _("its keys cannot be used; turn push off and on there"), permanent=True
        )
    if status in _GONE:
        return DeliveryError(
            _("it takes no messages any more (%(status)s)", status=status), gone=True
        )
    said = _("the push service answered %(status)s", status=status)
    if status in _LATER or status >= 500:
        return DeliveryError(said, retry_after=asked_to_wait(error.retry_after or "", now))
    if status in (401, 403):
        said = _(
            "the push service answered %(status)s: its subscription belongs to another key;"
            " turn push off and on there",
            status=status,
        )
    return DeliveryError(said, permanent=True)
