"""Mails about what became of alerts without their owner."""

from dataclasses import dataclass, field
from datetime import date, datetime

import pytest

from services.alerts.notices import Notices
from services.market.models import Split
from services.notify.message import Message
from services.store.alerts import Alert
from tests.support.bell import Bell

DAY_MINUTES = 24 * 60


@dataclass
class Mailbox:
    """A transport that keeps what it is given."""

    mails: list[Message] = field(default_factory=list)

    def send(self, message: Message, now: datetime) -> None:
        self.mails.append(message)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def notices(bell: Bell, mailbox: Mailbox) -> Notices:
    s = bell.services
    return Notices(s.alerts, s.users, bell.parts.composer, mailbox)


def told(bell: Bell, notices: Notices) -> None:
    """Send what was asked for."""
    for kind, uid, ids in bell.jobs.notices:
        notices.send(kind, uid, ids, bell.at)


def dead(bell: Bell, count: int = 1) -> list[Alert]:
    alerts = [bell.alert("price_rises_to", 110 + number) for number in range(count)]
    bell.services.arming.pause_dead("AAPL", date(2026, 5, 12), bell.later())
    return alerts


def test_the_owner_of_paused_alerts_is_told_which_and_why(
    bell: Bell, notices: Notices, mailbox: Mailbox
) -> None:
    alerts = dead(bell, 2)
    told(bell, notices)
    (mail,) = mailbox.mails
    assert mail.to == bell.email
    assert mail.subject == "No prices of AAPL: alerts paused · Bellwether"
    for body in (mail.text, mail.html):
        assert "No prices of AAPL since 12 May 2026." in body
        assert "AAPL rises to 111.00 USD" in body
        assert f"/alerts/{alerts[0].id}" in body


def test_the_owner_of_split_alerts_is_told_the_levels_before_and_after(
    bell: Bell, notices: Notices, mailbox: Mailbox
) -> None:
    bell.alert("price_rises_to", 120)
    bell.later(DAY_MINUTES)
    split = Split(symbol="AAPL", session=bell.at.date(), ratio=2.0)
    bell.services.arming.adjust_for_split(split, bell.at)
    told(bell, notices)
    (mail,) = mailbox.mails
    assert mail.subject == "The levels of your AAPL alerts moved with its split · Bellwether"
    for body in (mail.text, mail.html):
        assert "2 new for each old one, from 3 March 2026 on" in body
        assert "AAPL rises to 60.00 USD" in body
        assert "was 120.00 USD" in body


def test_a_retry_carries_the_same_message_id_and_another_event_another(
    bell: Bell, notices: Notices, mailbox: Mailbox
) -> None:
    (alert,) = dead(bell)
    told(bell, notices)
    told(bell, notices)
    bell.services.arming.rearm(bell.uid, alert.id, bell.facts(), bell.at)
    bell.jobs.notices.clear()
    bell.services.arming.pause_dead("AAPL", date(2026, 6, 1), bell.later())
    told(bell, notices)
    first, again, another = (mail.message_id for mail in mailbox.mails)
    assert first == again != another


def test_nothing_is_told_that_is_no_longer_so(
    bell: Bell, notices: Notices, mailbox: Mailbox
) -> None:
    resumed, deleted = dead(bell, 2)
    bell.services.arming.rearm(bell.uid, resumed.id, bell.facts(), bell.at)
    bell.services.arming.delete(bell.uid, deleted.id, bell.at)
    told(bell, notices)
    assert mailbox.mails == []


def test_an_address_that_is_not_confirmed_gets_no_mail(
    bell: Bell, notices: Notices, mailbox: Mailbox
) -> None:
    dead(bell)
    bell.services.users.update(bell.uid, confirmed_at=None)
    told(bell, notices)
    notices.send("paused", "nobody", ["A"], bell.at)
    assert mailbox.mails == []


def test_very_many_alerts_are_counted_not_listed(
    bell: Bell, notices: Notices, mailbox: Mailbox
) -> None:
    dead(bell, 23)
    told(bell, notices)
    (mail,) = mailbox.mails
    for body in (mail.text, mail.html):
        assert body.count("AAPL rises to") == 20
        assert "and 3 more" in body
