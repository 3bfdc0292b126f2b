"""Who a request comes from, cached in Redis so that a warm page reads nothing from the store."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from services.notify.quiet import QuietHours
from services.store.users import User, Users

KEPT = timedelta(minutes=10)


class Profile(BaseModel):
    """What pages and the API need of a person; no password hash."""

    model_config = ConfigDict(frozen=True)

    uid: str
    email: str
    confirmed: bool
    auth_epoch: int
    time_zone: str
    quiet_hours: QuietHours | None = None
    mail_stopped_at: datetime | None = None
    mail_refused_at: datetime | None = None
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "Profile":
        return cls(
            uid=user.uid,
            email=user.email,
            confirmed=user.confirmed_at is not None,
            auth_epoch=user.auth_epoch,
            time_zone=user.time_zone,
            quiet_hours=user.quiet_hours,
            mail_stopped_at=user.mail_stopped_at,
            mail_refused_at=user.mail_refused_at,
            created_at=user.created_at,
        )


class Profiles:
    def __init__(self, users: Users, redis: Redis) -> None:
        self._users = users
        self._redis = redis

    def get(self, uid: str) -> Profile | None:
        if cached := _profile(self._redis.get(f"profile:{uid}")):
            return cached
        user = self._users.get(uid)
        return self.keep(user) if user else None

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
