"""When people get their digests: at seven in the morning, or when their quiet hours end.

Who wants no digest is told, on such a morning, of alerts that end before the next one, and of
those that have ended.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notify.quiet import QuietHours, moment_of, quiet_until
from services.store.users import DigestEvery, User, Users

MORNING = "07:00"
_MONDAY = 0
_BEFORE = 2
"""Days ago on which quiet hours may have begun that a digest waits for to this day."""
_AHEAD = 9
PERIODS: dict[DigestEvery, timedelta] = {
    "never": timedelta(days=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}


def next_due(
    every: DigestEvery, time_zone: str, hours: QuietHours | None, now: datetime
) -> datetime | None:
    """The next digest after `now`, UTC; None for never. Weekly ones come on Mondays.

    On days on which the clock changes see quiet_until; a day that is left out has none. Raises
    ZoneInfoNotFoundError for an unknown IANA zone.
    """
    if every == "never":
        return None
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    for days in range(-_BEFORE, _AHEAD):
        day = today + timedelta(days=days)
        morning = moment_of(day, MORNING, zone)
        is_its_day = every == "day" or day.weekday() == _MONDAY
        if not is_its_day or morning.astimezone(zone).date() != day:
            continue
        due = quiet_until(hours, time_zone, morning) or morning
        if due > now:
            return due
    return None


def due_of_end(user: User, ends: datetime, now: datetime) -> datetime | None:
    """The morning after `now` on which to tell of an alert that ends then: the last one before
    its end, or else the first one after it."""
    due = following = _morning(user, now)
    while following and following < ends:
        due, following = following, _morning(user, following)
    return due


def planned(user: User, ends: datetime, now: datetime) -> User:
    """With a morning on which an alert's end is told, for who gets no digest. While one is being
    sent nothing changes: what comes next is seen at its end."""
    if user.digest != "never" or user.digest_of is not None:
        return user
    due, known = due_of_end(user, ends, now), user.digest_due_at
    if known and due and known <= due:
        return user
    told = user.digest_sent_at or min(ends, now) - PERIODS["never"]
    return user.replace(digest_due_at=due, digest_sent_at=told)


def set_digest(users: Users, uid: str, every: DigestEvery, now: datetime) -> User:
    """Have a digest sent from now on, or none; what was before the first is told of its own
    period only. Raises NotFound."""

    def change(user: User) -> User:
        if user.digest == every:
            return user
        told = None if "never" in (user.digest, every) else user.digest_sent_at
        return _scheduled(user.replace(digest=every, digest_sent_at=told), now)

    return users.change(uid, change)


def follow_clock(users: Users, uid: str, now: datetime) -> User:
    """Move the next digest to where it belongs once the time zone or quiet hours are others.

    One that is due stays so, for its worker looks at them itself. Raises NotFound.
    """

    def change(user: User) -> User:
        due = user.digest_due_at if user.digest != "never" and user.digest_of is None else None
        return _scheduled(user, now) if due and due > now else user

    return users.change(uid, change)


def moved_on(
    user: User, now: datetime, told_until: datetime | None, next_end: datetime | None = None
) -> User:
    """With the next digest ahead, or with the end of the next alert; `told_until` is up to when
    this one told. Where it did not, None, the next one tells of its time, too."""
    told = told_until or told_since(user, user.digest_of or now)
    moved = _scheduled(user.replace(digest_sent_at=told), now)
    return planned(moved, next_end, now) if next_end else moved


def told_since(user: User, until: datetime) -> datetime:
    """From when on the digest up to `until` tells."""
    return user.digest_sent_at or until - PERIODS[user.digest]


def _morning(user: User, now: datetime) -> datetime | None:
    return next_due("day", user.time_zone, user.quiet_hours, now)


def _scheduled(user: User, now: datetime) -> User:
    due = next_due(user.digest, user.time_zone, user.quiet_hours, now)
    return user.replace(digest_due_at=due, digest_of=None, digest_attempts=0)
