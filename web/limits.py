"""How many requests a person or an address may make, in all and of the kind that costs most."""

import time
from ipaddress import IPv6Address, ip_address, ip_network

from flask import current_app, g, request
from flask_limiter import ApplicationLimit, Limiter
from redis import RedisError
from werkzeug.wrappers import Response

from web.context import services, signed_in

SIGN_IN_BY_ADDRESS = "30 per minute; 200 per hour"
SIGN_IN_BY_ACCOUNT = "10 per minute; 50 per hour"
MAIL_BY_ADDRESS = "20 per hour"
MAIL_BY_ACCOUNT = "5 per hour"
TRIALS_BY_ACCOUNT = "5 per minute"
LINKS_BY_ADDRESS = "300 per minute; 3000 per hour"
"""Of links in mails: scanners and mail programs' servers ask for many people."""
WHILE_TYPING = "120 per minute"
"""Of what scripts ask at each pause of typing: searches, words, the look of an alert."""
POLLING = "120 per minute"
"""Of quotes, which all tabs of a person ask for where a proxy stops streams."""

UNCOUNTED = frozenset(
    {
        "assets",
        "favicon",
        "static",
        "health",
        "metrics",
        "pwa.manifest",
        "pwa.worker",
        "api.openapi",
        "theme.choose",
    }
)
"""Endpoints and blueprints that say the same to everybody; proxies, probes and browsers ask as
often as they like."""
COUNTED_APART = frozenset(
    {
        "live",
        "mail_links",
        "look",
        "api.preview_alert",
        "api.read_quotes",
        "api.search_symbols",
        "api.parse_alert",
    }
)
"""Endpoints and blueprints with a limit of their own, which scripts, not people, use up."""
_UNKNOWN_WAIT = 60


def asker() -> str:
    """Whom the present request counts for: such as `person:01J…` or `address:2001:db8::/64`."""
    return str(g.asker) if "asker" in g else f"address:{address()}"


def address() -> str:
    """The client's address; of IPv6 the network, as everybody has one with 2^64 addresses."""
    text = request.remote_addr or "127.0.0.1"
    try:
        found = ip_address(text)
    except ValueError:  # a Unix socket, or what a proxy made of one
        return text
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network(f"{found}/64", strict=False))
    return text


def is_free() -> bool:
    """Whether the present request does not count towards what everybody may make in all."""
    return _is_of(UNCOUNTED) or _is_of(COUNTED_APART)


def find_asker() -> None:
    """Find out whom a request counts for, before it is counted.

    A token that Redis does not know counts for its address, so that guesses are limited before
    the store is asked about them, and nobody uses up what another person may make.
    """
    if request.endpoint is None or _is_of(UNCOUNTED):
        return
    token = bearer_token()
    if token is not None and request.blueprint == "api":
        g.token_owner = person = services().accounts.by_known_token(token)
    else:
        person = signed_in()
    g.asker = f"person:{person.uid}" if person else f"address:{address()}"


def _is_of(names: frozenset[str]) -> bool:
    return request.endpoint in names or request.blueprint in names


def bearer_token() -> str | None:
    """What follows `Bearer`; other schemes are between a browser and a proxy in front of us."""
    sent = request.authorization
    return (sent.token or "") if sent is not None and sent.type == "bearer" else None


limiter = Limiter(
    address,
    application_limits=[
        ApplicationLimit(
            limit_provider=lambda: str(current_app.config["RATE_LIMIT"]),
            key_function=asker,
            exempt_when=is_free,
        )
    ],
    in_memory_fallback_enabled=True,
)
"""Counts in Redis, and in each process's memory while Redis is away. It names no limits in the
headers of answers that are within them: that would ask Redis twice more."""


def seconds_left() -> int:
    """How long the limit that the present request broke still holds."""
    limit = limiter.current_limit
    try:
        return max(1, int(limit.reset_at - time.time())) if limit else _UNKNOWN_WAIT
    except RedisError:
        return _UNKNOWN_WAIT


def say_when(response: Response) -> Response:
    """Tell programs, too, when a request that was too many may come again."""
    limit = limiter.current_limit if response.status_code == 429 else None
    if limit is not None and limit.breached:
        response.headers.setdefault("Retry-After", str(seconds_left()))
    return response


while_typing = limiter.shared_limit(WHILE_TYPING, scope="typing", key_func=asker)
"""For views that scripts ask at each pause of typing."""
while_polling = limiter.limit(POLLING, key_func=asker)
