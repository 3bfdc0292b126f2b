"""Which hosts are in the public network, and which others the operator allows. Pure."""

import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

PRIVATE = (
    "This address leads into a private network, where Bellwether sends nothing. Whoever runs"
    " Bellwether can allow the host by PRIVATE_HOSTS."
)
PLAIN = (
    "This address is not encrypted. Bellwether sends to https addresses only, but for the hosts in"
    " PRIVATE_HOSTS."
)
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's metadata, although a public address
        "192.0.0.0/24",  # protocols, and Oracle's metadata
        "192.88.99.0/24",  # relays of 6to4
        "2001::/23",  # protocols, Teredo
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")
_PORT = re.compile(r"(.*?[^:]|\[.*\]):(\d{1,5})")


def allowed_hosts(text: str) -> frozenset[str]:
    """The hosts of a setting: names or addresses, each with or without a port, commas between."""
    entries = (entry.strip() for entry in text.split(","))
    return frozenset(_entry(entry) for entry in entries if entry)


def is_allowed(allowed: frozenset[str], host: str, port: int) -> bool:
    """Whether this very host, at this port, is one of those that `allowed_hosts` read."""
    name = _normal(host)
    return name in allowed or f"{name} {port}" in allowed


def is_public(address: str) -> bool:
    """Whether an IP address is one that everybody can reach, and not of this machine, its network
    or its cloud."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if inner is None:
            return ip in _UNICAST and not _is_in(ip, _NOT_PUBLIC)
        ip = inner
    return ip.is_global and not ip.is_multicast and not _is_in(ip, _NOT_PUBLIC)


def _is_in(ip: IPv4Address | IPv6Address, networks: Iterable[Any]) -> bool:
    return any(ip in network for network in networks)


def _entry(text: str) -> str:
    found = _PORT.fullmatch(text)
    is_address = text.count(":") > 1 and not text.startswith("[")
    if found is None or is_address:
        return _normal(text)
    return f"{_normal(found[1])} {int(found[2])}"


def _normal(host: str) -> str:
    name = host.strip("[]").rstrip(".").lower()
    with suppress(ValueError):
        return str(ip_address(name))
    with suppress(UnicodeError):
        return name.encode("idna").decode()
    return name
