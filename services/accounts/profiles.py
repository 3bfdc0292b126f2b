"""Who a request comes from, kept in Redis so that a warm page reads nothing from the store."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from services.notify.naming import kept
from services.notify.quiet import QuietHours
from services.notify.shown import shown
from services.store.shelf import Shelf
from services.store.users import (
    EMAIL,
    Destination,
    DestinationKind,
    DigestEvery,
    User,
    Users,
)

PAGE = "profile"


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
    """Profiles as the store has them: what is kept of one is dropped by whoever writes it."""

    def __init__(self, users: Users, shelf: Shelf) -> None:
        self._users = users
        self._shelf = shelf

    def get(self, uid: str) -> Profile | None:
        place = f"users/{uid}"
        found = self._shelf.look(place, PAGE)
        if kept := _profile(found.page):
            return kept
        user = self._users.get(uid)
        if user is None:
            return None
        profile = Profile.of(user)
        if found.generation:
            self._shelf.put(place, found.generation, PAGE, profile.model_dump_json().encode())
        return profile

    def cached(self, uids: Collection[str]) -> dict[str, Profile]:
        """Those of the people's profiles that are kept now; the store is not asked."""
        found = self._shelf.look_all([(f"users/{uid}", PAGE) for uid in uids])
        profiles = zip(uids, (_profile(one.page) for one in found), strict=True)
        return {uid: profile for uid, profile in profiles if profile}

    def renew(self, user: User) -> Profile:
        """Keep the profile anew after a change to `user`, for those who ask only what is kept."""
        return self.get(user.uid) or Profile.of(user)


def _profile(text: bytes | None) -> Profile | None:
    try:
        return Profile.model_validate_json(text) if text is not None else None
    except ValidationError:  # written by another version
        return None
