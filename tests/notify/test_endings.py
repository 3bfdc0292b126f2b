"""Who gets no digest is told of alerts that end, the morning before and the morning after."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.alerts.expiry import Expiry
from services.market.cache import QuoteCache
from services.notify.channels.email.transport import SmtpTransport
from services.notify.compose import Composer
from services.notify.digest import due_of_end, set_digest
from services.notify.digest_mail import DigestWriter
from services.notify.digest_news import Newsroom
from services.notify.digests import Digests
from services.notify.endings import Endings
from services.notify.quiet import QuietHours
from services.store.alerts import Alert
from services.store.users import User
from tests.notify.conftest import LINKS, SENDER
from tests.support.bell import Bell
from tests.support.smtp import SmtpPeer, text_of

DAY = timedelta(days=1)


class Days:
    """Days that go by, with the jobs of the schedule every half hour."""

    def __init__(self, bell: Bell, smtp: SmtpPeer) -> None:
        self.bell = bell
        self.smtp = smtp
        s = bell.services
        newsroom = Newsroom(s.store, QuoteCache(s.redis), s.readings)
        writer = DigestWriter(Composer("https://bell.example", SENDER, LINKS))
        transport = SmtpTransport(smtp.url, SENDER)
        self.digests = Digests(s.users, newsroom, writer, transport, bell.jobs)
        self.endings = Endings(s.store)

    def go_on(self, days: float) -> list[tuple[str, str]]:
        """When mails came, and what they said."""
        came = []
        until = self.bell.at + days * DAY
        while self.bell.at < until:
            self.run()
            for mail in self.smtp.accepted:
                came.append((f"{self.bell.at:%d %H:%M}", str(mail["Subject"])))
            self.smtp.accepted.clear()
            self.bell.later(30)
        return came

    def run(self) -> None:
        bell = self.bell
        self.endings.plan(bell.at)
        plan_for = self.endings.plan_for
        Expiry(bell.services.store, bell.services.arming, lambda _: bell.at, plan_for).run(bell.at)
        bell.jobs.digests.clear()
        self.digests.enqueue_due(bell.at)
        for uid in bell.jobs.digests:
            self.digests.send(uid, bell.at)

    def alert(self, hours: float, **options: Any) -> Alert:
        """One that ends so many hours from now."""
        ends = self.bell.at + timedelta(hours=hours)
        return self.bell.alert("price_rises_to", 110, expires_at=ends, **options)

    @property
    def user(self) -> User:
        user = self.bell.services.users.get(self.bell.uid)
        assert user is not None
        return user


@pytest.fixture
def days(bell: Bell, smtp: SmtpPeer) -> Days:
    """From Monday, 2 March, 15:00 UTC on."""
    return Days(bell, smtp)


SOON, ENDED = "Alerts: 1 ends soon · Bellwether", "Alerts: 1 ended · Bellwether"


def test_an_end_is_told_the_morning_before_it_and_the_morning_after(days: Days) -> None:
    days.alert(3 * 24 + 9)
    assert days.go_on(7) == [("05 07:00", SOON), ("06 07:00", ENDED)]
    assert days.user.digest_due_at is None


@pytest.mark.slow
@pytest.mark.parametrize("hours", [15.9, 16, 16.1, 39.9, 40, 40.1, 41, 55, 64, 100.5])
def test_every_end_is_told_once_before_and_once_after(days: Days, hours: float) -> None:
    days.go_on(1 / 24)
    days.alert(hours)
    told = [subject for _, subject in days.go_on(8)]
    assert told == ([SOON, ENDED] if hours > 28 else [ENDED])


@pytest.mark.slow
def test_the_ends_of_one_day_share_a_mail(days: Days) -> None:
    for hours in (80, 81, 81, 85):
        days.alert(hours)
    told = [subject for _, subject in days.go_on(7)]
    assert told == [f"Alerts: 4 {words} · Bellwether" for words in ("end soon", "ended")]


def test_ends_on_days_in_a_row_are_told_together_as_they_come(days: Days) -> None:
    for count in (2, 3, 4):
        days.alert(24 * count + 1)
    assert days.go_on(8) == [
        ("04 07:00", SOON),
        ("05 07:00", "Alerts: 1 ends soon, 1 ended · Bellwether"),
        ("06 07:00", "Alerts: 1 ends soon, 1 ended · Bellwether"),
        ("07 07:00", ENDED),
    ]


def test_one_that_rang_is_not_told_to_have_ended(days: Days) -> None:
    alert = days.alert(60)
    days.go_on(1)
    days.bell.price(111, day_high=111)
    days.bell.check()
    assert days.bell.now_of(alert).state == "triggered"
    assert days.go_on(5) == []


def test_one_whose_end_was_put_off_is_told_at_its_new_one(days: Days) -> None:
    alert = days.alert(60)
    days.go_on(1)
    later = days.bell.at + 5 * DAY
    days.bell.services.arming.amend(days.bell.uid, alert.id, days.bell.at, expires_at=later)
    assert days.go_on(8) == [("08 07:00", SOON), ("09 07:00", ENDED)]


def test_who_gets_a_digest_is_told_there_and_nowhere_else(days: Days) -> None:
    set_digest(days.bell.services.users, days.bell.uid, "day", days.bell.at)
    days.alert(3 * 24 + 9)
    assert days.go_on(7) == [
        ("05 07:00", "Digest: 1 ends soon · Bellwether"),
        ("06 07:00", "Digest: 1 ended · Bellwether"),
    ]


def test_it_keeps_the_hours_of_its_reader(days: Days) -> None:
    days.bell.services.users.update(
        days.bell.uid, time_zone="Asia/Tokyo", quiet_hours=QuietHours(start="22:00", end="09:30")
    )
    days.alert(3 * 24 + 9)
    assert [at for at, _ in days.go_on(7)] == ["05 00:30", "06 00:30"]


def test_who_wants_no_mail_gets_none(days: Days) -> None:
    days.bell.services.users.update(days.bell.uid, mail_stopped_at=days.bell.at)
    days.alert(60)
    assert days.go_on(6) == []
    assert days.user.digest_due_at is None


def test_an_outage_of_days_loses_no_end(days: Days) -> None:
    days.alert(60)
    days.go_on(0.5)
    days.bell.later(4 * 24 * 60)
    assert [subject for _, subject in days.go_on(2)] == [ENDED]


def test_the_mail_names_the_alert_its_end_and_how_to_change_it(days: Days) -> None:
    alert = days.alert(3 * 24 + 9)
    days.bell.later(2 * 24 * 60 + 16 * 60)
    days.endings.plan_for(days.bell.uid, alert.expires_at or days.bell.at, days.bell.at - DAY)
    assert days.digests.send(days.bell.uid, days.bell.at)
    (mail,) = days.smtp.accepted
    text = text_of(mail).replace("\r\n", "\n")
    assert "End within a day\n  AAPL rises to 110.00 USD\n    6 March 2026, 00:00 UTC" in text
    assert f"https://bell.example/alerts/{alert.id}" in text
    assert "because you gave your alerts a last day." in text
    assert "What rang" not in text
    assert "Get a digest instead" in text_of(mail, "html")


def test_planning_reads_each_hour_of_ends_once_and_may_run_twice(days: Days) -> None:
    days.alert(27)
    assert days.endings.plan(days.bell.at) == 1
    planned = days.user
    days.bell.later(30)
    assert days.endings.plan(days.bell.at) == 0
    days.bell.later(31)
    assert days.endings.plan(days.bell.at) == 0
    Endings(days.bell.services.store).plan_for(
        days.bell.uid, days.bell.at + timedelta(hours=26), days.bell.at
    )
    assert days.user == planned
    days.endings.plan_for("nobody", days.bell.at, days.bell.at)


@pytest.mark.parametrize(
    ("ends", "due"),
    [
        ("2026-03-03T06:00", "2026-03-03T07:00"),
        ("2026-03-03T07:00", "2026-03-03T07:00"),
        ("2026-03-03T07:01", "2026-03-03T07:00"),
        ("2026-03-04T07:00", "2026-03-03T07:00"),
        ("2026-03-04T07:01", "2026-03-04T07:00"),
        ("2026-03-01T07:00", "2026-03-03T07:00"),
    ],
)
def test_the_morning_is_the_last_before_the_end_or_the_first_after_it(
    days: Days, ends: str, due: str
) -> None:
    moment, wanted = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (ends, due))
    assert due_of_end(days.user, moment, days.bell.at) == wanted
