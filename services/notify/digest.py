"""When people get their digests: at seven in the morning, or when their quiet hours end."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notify.quiet import QuietHours, moment_of, quiet_until
from services.store.users import DigestEvery, User, Users

MORNING = "07:00"
_MONDAY = 0
_BEFORE = 2
"""Days ago on which quiet hours may have begun that a digest waits for to this day."""
_AHEAD = 9
PERIODS: dict[DigestEvery, timedelta] = {"day": timedelta(days=1), "week": timedelta(days=7)}


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


def set_digest(users: Users, uid: str, every: DigestEvery, now: datetime) -> User:
    """Have a digest sent from now on, or none; what was before the first is told of its own
    period only. Raises NotFound."""

    def change(user: User) -> User:
        if user.digest == every:
            return user
        told = None if user.digest == "never" else user.digest_sent_at
        return _scheduled(user.replace(digest=every, digest_sent_at=told), now)

    return users.change(uid, change)


def follow_clock(users: Users, uid: str, now: datetime) -> User:
    """Move the next digest to where it belongs once the time zone or quiet hours are others.

    One that is due stays so, for its worker looks at them itself. Raises NotFound.
    """

    def change(user: User) -> User:
        waits = user.digest_of is None and user.digest_due_at is not None
        is_ahead = waits and user.digest_due_at and user.digest_due_at > now
        return _scheduled(user, now) if is_ahead else user

    return users.change(uid, change)


def moved_on(user: User, now: datetime, told_until: datetime | None) -> User:
    """With the next digest ahead; `told_until` is up to when this one told. Where it did not,
    None, the next one tells of its time, too."""
    told = told_until or told_since(user, user.digest_of or now)
    return _scheduled(user.replace(digest_sent_at=told), now)


def told_since(user: User, until: datetime) -> datetime:
    """From when on the digest up to `until` tells."""
    return user.digest_sent_at or until - PERIODS.get(user.digest, timedelta(0))


def _scheduled(user: User, now: datetime) -> User:
    due = next_due(user.digest, user.time_zone, user.quiet_hours, now)
    return user.replace(digest_due_at=due, digest_of=None, digest_attempts=0)
