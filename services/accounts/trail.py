"""The trail of an account: who did what to its safety, from where, for its owner to see.

One write for each event. Failed sign-ins are counted in Redis, and written as one event when
their owner is there the next time: so strangers write nothing into the store, and learn nothing
from how long an answer takes.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from redis import Redis, RedisError

from services.errors import StoreError
from services.ids import new_id
from services.store.events import MAX_ABOUT, Event, EventKind, Events
from services.store.users import normal_email

KEPT = timedelta(days=90)
MOST = 200
"""Events that are kept of one person; up to _BETWEEN more until they are looked through."""
_BETWEEN = 50
_COUNTED_FOR = timedelta(days=30)
_NOBODY_S = timedelta(minutes=1)
_PREFIXES = {4: 24, 6: 48}
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Client:
    """From where a request comes: a network, not an address, and the family of a browser."""

    network: str
    browser: str

    @classmethod
    def at(cls, address: str, browser: str) -> "Client":
        return cls(network_of(address), browser)


def network_of(address: str) -> str:
    """Such as `203.0.113.0/24`; "" for what is no address."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ip_network(f"{found}/{_PREFIXES[found.version]}", strict=False))


class Trail:
    """What cannot be noted is told to the log, and stops nothing: it has happened already."""

    def __init__(self, events: Events, redis: Redis) -> None:
        self._events = events
        self._redis = redis

    def note(
        self, uid: str, kind: EventKind, client: Client, now: datetime, about: str = ""
    ) -> None:
        event = Event(
            uid=uid,
            id=new_id(now),
            kind=kind,
            at=now,
            address=client.network,
            browser=client.browser,
            about=about[:MAX_ABOUT],
        )
        self._write(event)

    def signed_in(self, uid: str, client: Client, now: datetime) -> None:
        self.note_failures(uid)
        self.note(uid, "signed_in", client, now)

    def failed(self, uid: str | None, email: str, client: Client, now: datetime) -> None:
        """Count a failed sign-in; as long, and as much work, for an address without account."""
        name = uid or "nobody:" + hashlib.sha256(normal_email(email).encode()).hexdigest()
        key, at = _key(name), now.timestamp()
        with self._redis.pipeline() as pipe:
            pipe.hsetnx(key, "since", at)
            pipe.hset(key, mapping={"at": at, "from": client.network, "by": client.browser})
            pipe.hincrby(key, "count")
            pipe.expire(key, _COUNTED_FOR if uid else _NOBODY_S)
            pipe.execute()

    def note_failures(self, uid: str) -> None:
        """Write down the failed sign-ins since the last time, as one event."""
        try:
            with self._redis.pipeline() as pipe:
                pipe.hgetall(_key(uid))
                pipe.delete(_key(uid))
                counted: dict[bytes, bytes] = pipe.execute()[0]
        except RedisError:
            log.exception("Failed sign-ins could not be noted")
            return
        if b"count" in counted:
            self._write(_failure(uid, {name.decode(): counted[name] for name in counted}))

    def of(self, uid: str) -> list[Event]:
        """All that is kept of a person, the newest first."""
        self.note_failures(uid)
        return self._events.newest(uid, MOST)

    def forget_old(self, now: datetime) -> int:
        """Delete everybody's events of more than KEPT ago; returns how many."""
        return self._events.forget_before(now - KEPT)

    def _write(self, event: Event) -> None:
        log.info("Security event: %s", event.kind)
        try:
            self._events.create(event)
            if int(self._redis.incr(f"events:{event.uid}")) % _BETWEEN == 0:
                self._events.forget_behind(event.uid, MOST)
        except (StoreError, RedisError):
            log.exception("The security event %s could not be noted", event.kind)


def _key(name: str) -> str:
    return f"failed-sign-ins:{name}"


def _failure(uid: str, counted: dict[str, Any]) -> Event:
    at = datetime.fromtimestamp(float(counted["at"]), UTC)
    return Event(
        uid=uid,
        id=new_id(at),
        kind="sign_in_failed",
        at=at,
        address=counted["from"].decode(),
        browser=counted["by"].decode(),
        count=int(counted["count"]),
        since=datetime.fromtimestamp(float(counted["since"]), UTC),
    )
