"""Which addresses may be webhooks."""

import re
import socket
from contextlib import suppress

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from services.errors import InvalidInput
from services.figures import localized
from services.notify.hosts import PRIVATE, is_allowed, is_public
from services.store.users import MAX_DESTINATION_URL
from services.texts import N_
from services.texts import gettext as _

_ODD = re.compile(r"[\s\x00-\x1f\x7f\\]")
_PORTS = {"http": 80, "https": 443}
_NO_ADDRESS = N_("This is not a web address. Write it like https://hooks.example.com/stocks.")


def checked(text: str, allowed_hosts: frozenset[str]) -> str:
    """The address in its normal spelling: https, or http to a host of `allowed_hosts`. Names are
    not resolved here. Raises InvalidInput."""
    text = text.strip()
    if len(text) > MAX_DESTINATION_URL:
        raise InvalidInput(
            "url",
            _(
                "Use an address of at most %(most)s characters.",
                most=localized(f"{MAX_DESTINATION_URL:,}"),
            ),
        )
    url = _parsed(text)
    host, port = url.host or "", _PORTS[str(url.scheme)] if url.port is None else url.port
    if not _is_host(host) or not 0 < port < 65_536:
        raise InvalidInput("url", _(_NO_ADDRESS))
    if url.auth is not None:
        raise InvalidInput(
            "url",
            _("Leave user name and password out of the address; check the signature instead."),
        )
    allowed = is_allowed(allowed_hosts, host, port)
    if url.scheme != "https" and not allowed:
        raise InvalidInput("url", _("Use an address that begins with https://."))
    if not allowed and _is_private(host):
        raise InvalidInput("url", _(PRIVATE))
    return url._replace(fragment=None).url


def _parsed(text: str) -> Url:
    if _ODD.search(text) or not re.match("https?://", text, re.IGNORECASE):
        raise InvalidInput("url", _(_NO_ADDRESS))
    try:
        return parse_url(text)
    except LocationParseError:
        raise InvalidInput("url", _(_NO_ADDRESS)) from None


def _is_host(host: str) -> bool:
    with suppress(UnicodeError):  # a label that is empty or too long
        return bool(host.rstrip(".").encode("idna"))
    return False


def _is_private(host: str) -> bool:
    """Whether that can be told of a host without asking for its addresses."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    with suppress(OSError):  # 0x7f.1 and 2130706433 are addresses, too
        return not is_public(socket.inet_ntoa(socket.inet_aton(name)))
    with suppress(ValueError):
        return not is_public(name)
    return False
