"""Sends through Apprise (workers only): https://github.com/caronc/apprise."""

import logging
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import apprise
import requests

from services.errors import DeliveryError
from services.notify.channels.apprise.address import OPTIONS, SERVICES, Service, checked, service_of
from services.notify.channels.apprise.reason import reason
from services.notify.guarded import Guard, guarded
from services.notify.retry_after import asked_to_wait
from services.texts import gettext as _

SECONDS = 20.0
"""For one message, at most."""
_LATER = frozenset({408, 425, 429})
_LONGEST_WAIT = 86_400.0
_FAULTS = (
    requests.RequestException,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What plugins raise over answers that are not as they expect."""
# Its log tells addresses, which are secrets.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)


class AppriseTransport:
    """Reaches only public addresses and `allowed_hosts`."""

    def __init__(self, allowed_hosts: frozenset[str], seconds: float = SECONDS) -> None:
        self._allowed_hosts = allowed_hosts
        self._seconds = seconds

    def send(self, url: str, title: str, body: str, now: datetime) -> Service:
        """Returns the service that took it. Raises DeliveryError."""
        service = service_of(url)
        if service is None:
            raise DeliveryError(_("Bellwether sends to this service no more."), permanent=True)
        with guarded(self._allowed_hosts, self._seconds) as guard:
            try:
                took = _plugin(url, service).notify(
                    title=title,
                    body=body,
                    body_format=apprise.NotifyFormat.TEXT,
                    overflow=apprise.OverflowMode.TRUNCATE,
                )
            except _FAULTS as error:
                # A plugin that cannot cope with an answer; its message may tell the address.
                raise DeliveryError(
                    _(
                        "%(service)s gave an answer that is not understood (%(error)s).",
                        service=service.name,
                        error=type(error).__name__,
                    )
                ) from None
        if not took:
            raise _refused(service, guard, url, now)
        return service


def service_at(url: str) -> Service:
    """Where a whole address leads; nothing is sent. Raises InvalidInput or DeliveryError."""
    service = SERVICES[checked(url).partition("://")[0]]
    _plugin(url, service)
    return service


def _plugin(url: str, service: Service) -> Any:
    """What sends to that address: to one receiver, in this thread, when told. Raises
    DeliveryError."""
    plugin: Any = apprise.Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True)
    if plugin is None:
        raise DeliveryError(
            _(
                "This is not a whole address of %(service)s. One reads %(example)s.",
                service=service.name,
                example=service.example,
            ),
            permanent=True,
        )
    if not set(plugin.parse_url(url)["qsd"]) <= OPTIONS:
        raise DeliveryError(_("The address has options that cannot be used here."), permanent=True)
    if len(plugin) != 1:
        raise DeliveryError(
            _(
                "The address names several receivers, or none. Name one, and add a channel for each"
                " further one."
            ),
            permanent=True,
        )
    plugin.throttle = _wait_later
    return plugin


def _wait_later(last_io: datetime | None = None, wait: float | None = None) -> None:  # noqa: ARG001
    """The outbox waits, not a worker."""
    if wait:
        raise DeliveryError(
            _("The service asked to be left alone for a while."),
            retry_after=timedelta(seconds=min(wait, _LONGEST_WAIT)),
        )


@cache
def _asset() -> apprise.AppriseAsset:
    """No files, templates, retries, redirects or pictures of its own; nothing read into a text."""
    return apprise.AppriseAsset(
        app_id="Bellwether",
        app_desc="Bellwether",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        interpret_emojis=False,
        http_redirects=False,
        async_mode=False,
        allow_templates=False,
    )


def _refused(service: Service, guard: Guard, url: str, now: datetime) -> DeliveryError:
    if guard.is_over:
        return DeliveryError(_("%(name)s did not answer in time.", name=service.name))
    answer = guard.answer
    if answer is None:
        return DeliveryError(_("%(name)s cannot be reached.", name=service.name))
    status = answer.status_code
    why = reason(answer, url)
    said = (
        _("%(name)s answered %(status)s: %(reason)s", name=service.name, status=status, reason=why)
        if why
        else _("%(name)s answered %(status)s.", name=service.name, status=status)
    )
    if status == 410 or (status == 404 and service.is_place):
        return DeliveryError(said, gone=True)
    if status >= 500 or status < 300 or status in _LATER:
        wait = asked_to_wait(answer.headers.get("Retry-After", ""), now)
        return DeliveryError(said, retry_after=wait)
    return DeliveryError(said, permanent=True)
