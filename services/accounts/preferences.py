"""How, when and in which time zone a person wants to be told."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypedDict

from services.accounts.accounts import known_time_zones
from services.accounts.profiles import Profile, Profiles
from services.errors import InvalidInput
from services.jobs import Jobs
from services.notify.digest import set_digest
from services.notify.naming import NAMES, Named
from services.notify.quiet import QuietHours
from services.store.users import DigestEvery, User, Users
from services.texts import LANGUAGES
from services.texts import gettext as _

MAX_FALLBACK = 3
_SHOWN = 40
"""Characters of an unknown channel's name that are given back."""


class Wishes(TypedDict, total=False):
    """What is to be changed; what is left out stays."""

    channels: Sequence[str]
    fallback: Sequence[str]
    quiet_hours: QuietHours | None
    digest: DigestEvery
    language: str | None


class Preferences:
    """What waits for the end of quiet hours is looked at anew when they change, or the zone does.

    Every method may raise NotFound, redis.RedisError and StoreError.
    """

    def __init__(self, users: Users, profiles: Profiles, jobs: Jobs) -> None:
        self._users = users
        self._jobs = jobs
        self._profiles = profiles

    def change(self, uid: str, wishes: Wishes, now: datetime) -> Profile:
        """Change what is given, and nothing where any of it cannot be. Raises InvalidInput."""

        profile = self._profiles.renew(
            self._users.change(uid, lambda user: user.replace(**_settled(wishes, user)))
        )
        if "digest" in wishes:
            profile = self._profiles.renew(set_digest(self._users, uid, wishes["digest"], now))
        if "quiet_hours" in wishes:
            self._jobs.release_held(uid)
        return profile

    def set_language(self, uid: str, language: str | None) -> Profile:
        """Write to a person in that language, and show them pages in it; None shows pages as
        their browser asks, and writes in English. Raises InvalidInput."""
        return self._profiles.renew(self._users.update(uid, language=checked_language(language)))

    def set_time_zone(self, uid: str, time_zone: str) -> Profile:
        """Show times in another IANA zone from now on. Raises InvalidInput."""
        if time_zone not in known_time_zones():
            raise InvalidInput("time_zone", _("There is no such time zone."))
        profile = self._profiles.renew(self._users.update(uid, time_zone=time_zone))
        self._jobs.release_held(uid)
        return profile


def checked_language(code: str | None) -> str | None:
    """The code itself. Raises InvalidInput for a language that Bellwether does not speak."""
    if code is not None and code not in LANGUAGES:
        raise InvalidInput(
            "language",
            _("Choose one of these languages: %(known)s.", known=", ".join(LANGUAGES)),
        )
    return code


def checked_channels(
    field: str, names: Sequence[str], destinations: Iterable[Named]
) -> tuple[str, ...]:
    """The channels themselves. Raises InvalidInput for one that the person does not have, or that
    is named twice."""
    present = {*NAMES, *(one.id for one in destinations)}
    for name in names:
        if name not in present:
            raise InvalidInput(
                field,
                _(
                    "You have no channel “%(name)s”. You have %(channels)s.",
                    name=name[:_SHOWN],
                    channels=", ".join(sorted(present)),
                ),
            )
    if len(set(names)) != len(names):
        raise InvalidInput(field, _("Name each channel once."))
    return tuple(names)


def _settled(wishes: Wishes, user: User) -> dict[str, object]:
    """The changes of this person's profile. Raises InvalidInput."""
    changes: dict[str, object] = {}
    if "channels" in wishes:
        if not wishes["channels"]:
            raise InvalidInput("channels", _("Choose one channel at least, so that alerts ring."))
        changes["channels"] = checked_channels("channels", wishes["channels"], user.destinations)
    if "fallback" in wishes:
        if len(wishes["fallback"]) > MAX_FALLBACK:
            raise InvalidInput("fallback", _("Name %(most)s channels at most.", most=MAX_FALLBACK))
        changes["fallback"] = checked_channels("fallback", wishes["fallback"], user.destinations)
    if "language" in wishes:
        changes["language"] = checked_language(wishes["language"])
    if "quiet_hours" in wishes:
        changes["quiet_hours"] = wishes["quiet_hours"]
    return changes
