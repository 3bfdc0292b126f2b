"""Posts to addresses that people have entered."""

from datetime import datetime
from urllib.parse import urlsplit

import requests

from services.errors import DeliveryError
from services.notify.channels.webhook.signature import HEADER, sign
from services.notify.guarded import guarded
from services.notify.retry_after import asked_to_wait
from services.store.users import Destination
from services.texts import gettext as _

SECONDS = 10.0
"""For one message, at most."""
_GONE = 410
_LATER = frozenset({408, 425, 429})


class WebhookTransport:
    """Reaches only public addresses and `allowed_hosts`; `ca_file` names other authorities than
    the usual ones."""

    def __init__(
        self,
        allowed_hosts: frozenset[str],
        seconds: float = SECONDS,
        ca_file: str | None = None,
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._seconds = seconds
        self._verify = ca_file or True

    def post(self, destination: Destination, id_: str, body: bytes, now: datetime) -> int:
        """Returns the status of an answer that took it. Raises DeliveryError."""
        with guarded(self._allowed_hosts, self._seconds) as guard:
            try:
                answer = self._answer(destination, id_, body, now)
            except requests.RequestException as error:
                raise DeliveryError(_words(error, destination, guard.is_over)) from None
        if not 200 <= answer.status_code < 300:
            raise _refused(answer, now)
        return answer.status_code

    def _answer(
        self, destination: Destination, id_: str, body: bytes, now: datetime
    ) -> requests.Response:
        return requests.post(
            destination.url,
            data=body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Bellwether",
                "Bellwether-Delivery": id_,
                HEADER: sign(destination.secret, body, now),
            },
            timeout=self._seconds,
            allow_redirects=False,
            verify=self._verify,
        )


def _refused(answer: requests.Response, now: datetime) -> DeliveryError:
    status = answer.status_code
    if 300 <= status < 400:
        return DeliveryError(
            _(
                "The webhook answered %(status)s: it leads to another address."
                " Enter that one instead.",
                status=status,
            ),
            permanent=True,
        )
    if status == _GONE:
        return DeliveryError(
            _("The webhook answered %(status)s: it wants no messages any more.", status=status),
            gone=True,
        )
    if status >= 500 or status in _LATER:
        wait = asked_to_wait(answer.headers.get("Retry-After", ""), now)
        return DeliveryError(_("The webhook answered %(status)s.", status=status), retry_after=wait)
    return DeliveryError(
        _("The webhook answered %(status)s: it does not take this message.", status=status),
        permanent=True,
    )


def _words(error: requests.RequestException, destination: Destination, is_over: bool) -> str:
    host = urlsplit(destination.url).hostname
    if is_over or isinstance(error, requests.Timeout):
        return _("%(name)s did not answer in time.", name=host)
    if isinstance(error, requests.exceptions.SSLError):
        return _(
            "%(name)s has no valid certificate, so that nobody knows who would read this.",
            name=host,
        )
    return _("%(name)s cannot be reached.", name=host)
