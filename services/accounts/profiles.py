"""Who a request comes from, cached in Redis so that a warm page reads nothing from the store."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.notify.naming import kept
from services.notify.quiet import QuietHours
from services.notify.shown import shown
from services.store.users import (
    EMAIL,
    Destination,
    DestinationKind,
    DigestEvery,
    User,
    Users,
)

KEPT = timedelta(minutes=10)


class Place(BaseModel):
    """A destination without its secrets; `shown` is what of its address may be seen."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: DestinationKind
    name: str
    shown: str
    off_at: datetime | None
    off_because: str | None

    @classmethod
    def of(cls, destination: Destination) -> "Place":
        return cls(
            id=destination.id,
            kind=destination.kind,
            name=destination.name,
            shown=shown(destination),
            off_at=destination.off_at,
            off_because=destination.off_because,
        )


class Profile(BaseModel):
    """What pages and the API need of a person; no password hash, no secret of a destination.

    `channels` (at least one) and `fallback` name only what is there.
    """

    model_config = ConfigDict(frozen=True)

    uid: str
    email: str
    confirmed: bool
    auth_epoch: int
    time_zone: str
    language: str | None = None
    quiet_hours: QuietHours | None = None
    mail_stopped_at: datetime | None = None
    mail_refused_at: datetime | None = None
    channels: tuple[str, ...]
    fallback: tuple[str, ...]
    destinations: tuple[Place, ...]
    digest: DigestEvery
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "Profile":
        return cls(
            uid=user.uid,
            email=user.email,
            confirmed=user.confirmed_at is not None,
            auth_epoch=user.auth_epoch,
            time_zone=user.time_zone,
            language=user.language,
            quiet_hours=user.quiet_hours,
            mail_stopped_at=user.mail_stopped_at,
            mail_refused_at=user.mail_refused_at,
            channels=kept(user.channels, user.destinations) or (EMAIL,),
            fallback=kept(user.fallback, user.destinations),
            destinations=tuple(Place.of(one) for one in user.destinations),
            digest=user.digest,
            created_at=user.created_at,
        )

    def destination(self, id_: str) -> Place | None:
        return next((one for one in self.destinations if one.id == id_), None)


class Profiles:
    def __init__(self, users: Users, redis: Redis) -> None:
        self._users = users
        self._redis = redis

    def get(self, uid: str) -> Profile | None:
        if cached := _profile(self._redis.get(f"profile:{uid}")):
            return cached
        user = self._users.get(uid)
        return self.keep(user) if user else None

    def cached(self, uids: Collection[str]) -> dict[str, Profile]:
        """Those of the people's profiles that are cached now; the store is not asked."""
        if not uids:
            return {}
        texts: Any = self._redis.mget([f"profile:{uid}" for uid in uids])
        found = zip(uids, map(_profile, texts), strict=True)
        return {uid: profile for uid, profile in found if profile}

    def keep(self, user: User) -> Profile:
        """Replace what is cached; called after every change of a profile."""
        profile = Profile.of(user)
        self._redis.set(f"profile:{user.uid}", profile.model_dump_json(), ex=KEPT)
        return profile


def _profile(text: bytes | str | None) -> Profile | None:
    try:
        return Profile.model_validate_json(text) if text is not None else None
    except ValidationError:  # written by another version
        return None
