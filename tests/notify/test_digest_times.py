"""When digests come: seven in the morning where their reader is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from services.errors import NotFound
from services.notify.digest import follow_clock, moved_on, next_due, set_digest, told_since
from services.notify.quiet import QuietHours
from services.store.users import DigestEvery, User
from tests.support.bell import Bell

NIGHT = QuietHours(start="22:00", end="06:30")
LATE = QuietHours(start="23:00", end="09:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        # Central Europe puts its clocks forward at 01:00 UTC, back at 01:00 UTC.
        ("Europe/Berlin", "2026-03-28T06:00", "2026-03-29T05:00"),
        ("Europe/Berlin", "2026-03-27T06:00", "2026-03-28T06:00"),
        ("Europe/Berlin", "2026-10-24T05:00", "2026-10-25T06:00"),
        ("America/New_York", "2026-03-07T12:00", "2026-03-08T11:00"),
        # By half an hour.
        ("Australia/Lord_Howe", "2026-04-03T20:00", "2026-04-04T20:30"),
        ("Australia/Lord_Howe", "2026-10-02T20:30", "2026-10-03T20:00"),
        ("Asia/Kathmandu", "2026-03-02T01:14:59", "2026-03-02T01:15"),
        ("Pacific/Kiritimati", "2026-03-02T15:00", "2026-03-02T17:00"),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", "2011-12-29T17:00", "2011-12-30T17:00"),
        ("UTC", "2026-03-02T06:59:59.999999", "2026-03-02T07:00"),
    ],
)
def test_a_daily_digest_comes_at_seven_by_the_clock_of_its_reader(
    zone: str, now: str, due: str
) -> None:
    assert next_due("day", zone, None, at(now)) == at(due)


def test_the_moment_itself_is_over() -> None:
    assert next_due("day", "UTC", None, at("2026-03-02T07:00")) == at("2026-03-03T07:00")


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("UTC", "2026-03-02T07:00", "2026-03-09T07:00"),
        ("UTC", "2026-03-04T12:00", "2026-03-09T07:00"),
        ("Europe/Berlin", "2026-03-25T12:00", "2026-03-30T05:00"),
        # It is Monday there while it is Sunday here.
        ("Pacific/Auckland", "2026-03-01T17:00", "2026-03-01T18:00"),
    ],
)
def test_a_weekly_digest_comes_on_monday(zone: str, now: str, due: str) -> None:
    assert next_due("week", zone, None, at(now)) == at(due)


def test_a_digest_waits_for_quiet_hours_to_end() -> None:
    now = at("2026-03-02T00:00")
    assert next_due("day", "UTC", NIGHT, now) == at("2026-03-02T07:00")
    assert next_due("day", "UTC", LATE, now) == at("2026-03-02T09:00")
    most = QuietHours(start="06:00", end="04:00")
    assert next_due("day", "UTC", most, at("2026-03-02T03:00")) == at("2026-03-02T04:00")
    assert next_due("week", "UTC", most, at("2026-03-02T05:00")) == at("2026-03-03T04:00")
    assert next_due("week", "UTC", most, at("2026-03-03T03:59")) == at("2026-03-03T04:00")


def test_the_end_of_quiet_hours_on_the_day_of_the_change_is_right() -> None:
    """02:30 does not exist on that day, and 10:00 in summer is 08:00 UTC."""
    late = QuietHours(start="02:30", end="10:00")
    assert next_due("day", "Europe/Berlin", late, at("2026-03-29T00:00")) == at("2026-03-29T08:00")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"])
@pytest.mark.parametrize("hours", [None, LATE])
def test_a_year_has_a_digest_each_day_and_none_twice(zone: str, hours: QuietHours | None) -> None:
    now, dues = at("2026-01-01T00:00"), []
    while (due := next_due("day", zone, hours, now)) and due < at("2027-01-01T00:00"):
        dues.append(due)
        now = due
    assert len(dues) == len(set(dues)) == 365
    gaps = {later - earlier for earlier, later in pairwise(dues)}
    assert all(timedelta(hours=23) <= gap <= timedelta(hours=25) for gap in gaps)


def test_never_is_never() -> None:
    assert next_due("never", "UTC", NIGHT, at("2026-03-02T00:00")) is None


def user_of(bell: Bell) -> User:
    user = bell.services.users.get(bell.uid)
    assert user is not None
    return user


def test_choosing_a_digest_gives_its_first_moment_and_ending_it_takes_it_away(bell: Bell) -> None:
    users = bell.services.users
    user = set_digest(users, bell.uid, "week", bell.at)
    assert (user.digest, user.digest_due_at) == ("week", at("2026-03-09T07:00"))
    user = set_digest(users, bell.uid, "never", bell.at)
    assert (user.digest, user.digest_due_at) == ("never", None)
    with pytest.raises(NotFound):
        set_digest(users, "nobody", "day", bell.at)


def test_choosing_the_same_again_leaves_one_that_is_due_alone(bell: Bell) -> None:
    due = set_digest(bell.services.users, bell.uid, "day", bell.at).digest_due_at
    bell.later(3 * 24 * 60)
    assert set_digest(bell.services.users, bell.uid, "day", bell.at).digest_due_at == due


def test_a_digest_follows_its_reader_into_another_time_zone(bell: Bell) -> None:
    users = bell.services.users
    set_digest(users, bell.uid, "day", bell.at)
    users.update(bell.uid, time_zone="Asia/Tokyo", quiet_hours=LATE)
    assert follow_clock(users, bell.uid, bell.at).digest_due_at == at("2026-03-03T00:00")


def test_one_that_is_due_already_is_not_lost_by_a_change_of_time_zone(bell: Bell) -> None:
    users = bell.services.users
    due = set_digest(users, bell.uid, "day", bell.at).digest_due_at
    bell.later(24 * 60)
    users.update(bell.uid, time_zone="Asia/Tokyo")
    assert follow_clock(users, bell.uid, bell.at).digest_due_at == due


@pytest.mark.parametrize(("every", "days"), [("day", 1), ("week", 7)])
def test_the_first_tells_of_its_own_period_and_each_other_from_the_end_of_the_last(
    bell: Bell, every: DigestEvery, days: int
) -> None:
    user = set_digest(bell.services.users, bell.uid, every, bell.at)
    due = user.digest_due_at
    assert due is not None
    assert told_since(user, due) == due - timedelta(days=days)
    after_outage = due + timedelta(days=20, hours=3)
    user = moved_on(user, after_outage, due)
    assert user.digest_due_at is not None
    assert user.digest_due_at > after_outage
    assert told_since(user, user.digest_due_at) == due


def test_who_ends_the_digest_and_takes_it_up_again_is_not_told_of_the_time_between(
    bell: Bell,
) -> None:
    users = bell.services.users
    set_digest(users, bell.uid, "day", bell.at)
    users.update(bell.uid, digest_sent_at=bell.at)
    assert set_digest(users, bell.uid, "week", bell.at).digest_sent_at == bell.at
    set_digest(users, bell.uid, "never", bell.at)
    bell.later(60 * 24 * 60)
    assert set_digest(users, bell.uid, "day", bell.at).digest_sent_at is None
