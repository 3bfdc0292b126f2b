"""Who is told that a channel has ended, and by which other one."""

from dataclasses import dataclass, field
from datetime import datetime

import pytest

from services.errors import DeliveryError
from services.notify.channel_notices import ChannelNotices
from services.notify.channels.email.transport import SmtpTransport
from services.notify.channels.push.push import Push
from services.notify.compose import Composer
from services.store.users import User
from tests.notify.conftest import LINKS, SENDER, Post
from tests.support.bell import Bell
from tests.support.smtp import SmtpPeer, text_of

GONE = "410 Gone: the subscription has ended"


@dataclass
class Phones:
    """Devices that show what they are told, or raise `error`."""

    told: list[Push] = field(default_factory=list)
    error: DeliveryError | None = None

    def tell(self, user: User, push: Push, now: datetime) -> None:
        if self.error:
            raise self.error
        self.told.append(push)


@pytest.fixture
def phones() -> Phones:
    return Phones()


@pytest.fixture
def notices(bell: Bell, smtp: SmtpPeer, phones: Phones) -> ChannelNotices:
    composer = Composer("https://bell.example", SENDER, LINKS)
    transport = SmtpTransport(smtp.url, SENDER)
    return ChannelNotices(bell.services.users, composer, transport, phones, "https://bell.example")


def test_the_owner_of_a_device_that_is_gone_is_told_by_mail(
    bell: Bell, notices: ChannelNotices, smtp: SmtpPeer, phones: Phones
) -> None:
    notices.send(bell.uid, "Ada's phone", GONE, bell.at)
    (mail,) = smtp.accepted
    assert mail["Subject"] == "Ada's phone takes no alerts any more · Bellwether"
    assert mail["To"] == bell.email
    for kind in ("plain", "html"):
        assert GONE in text_of(mail, kind)
        assert "https://bell.example/account/notifications" in text_of(mail, kind)
    assert mail["List-Unsubscribe"] is not None
    assert phones.told == []


@pytest.mark.parametrize("stopped", ["mail_stopped_at", "mail_refused_at"])
def test_where_no_mail_is_wanted_or_taken_the_devices_are_told(
    bell: Bell, notices: ChannelNotices, smtp: SmtpPeer, phones: Phones, stopped: str
) -> None:
    bell.services.users.update(bell.uid, **{stopped: bell.at})
    notices.send(bell.uid, "Chat", GONE, bell.at)
    assert smtp.read == []
    (push,) = phones.told
    assert (push.title, push.body) == ("Chat takes no alerts any more", GONE)


def test_the_owner_of_a_mailbox_that_is_gone_is_told_by_push(
    bell: Bell, notices: ChannelNotices, smtp: SmtpPeer, phones: Phones
) -> None:
    notices.send(bell.uid, "email", "550 5.1.1 unknown", bell.at)
    assert smtp.read == []
    (push,) = phones.told
    assert push.title == "Mail does not reach you any more"
    assert push.link == "https://bell.example/account"


def test_where_nothing_is_left_the_pages_tell_it(
    bell: Bell, notices: ChannelNotices, smtp: SmtpPeer, phones: Phones
) -> None:
    phones.error = DeliveryError("no device", permanent=True)
    notices.send(bell.uid, "email", GONE, bell.at)
    notices.send("nobody", "email", GONE, bell.at)
    assert smtp.read == []


def test_a_server_that_is_away_is_tried_again_with_the_same_message_id(
    bell: Bell, notices: ChannelNotices, smtp: SmtpPeer
) -> None:
    smtp.answer = "451 later"
    with pytest.raises(DeliveryError):
        notices.send(bell.uid, "Chat", GONE, bell.at)
    smtp.answer = "250 OK"
    notices.send(bell.uid, "Chat", GONE, bell.later())
    first, second = smtp.read
    assert first["Message-ID"] == second["Message-ID"]


def test_names_and_words_of_others_mark_up_and_break_nothing(
    bell: Bell, notices: ChannelNotices, smtp: SmtpPeer
) -> None:
    notices.send(bell.uid, "<b>\r\nBcc: eve@example.com\u202e", "<img src=x>\n" * 500, bell.at)
    (mail,) = smtp.accepted
    html = text_of(mail, "html")
    assert mail["Bcc"] is None
    assert "<b>" not in html
    assert "<img" not in html
    assert "\u202e" not in html + str(mail["Subject"])
    assert len(html) < 10_000


def test_the_outbox_has_the_owner_told_of_a_mailbox_that_was_refused(post: Post) -> None:
    post.smtp.recipient = "550 5.1.1 unknown"
    post.deliver()
    ((uid, channel, reason),) = post.bell.jobs.channel_notices
    assert (uid, channel) == (post.bell.uid, "email")
    assert "5.1.1" in reason


def test_a_refusal_for_now_is_told_to_nobody(post: Post) -> None:
    post.smtp.recipient = "450 4.2.1 busy"
    post.deliver()
    assert post.bell.jobs.channel_notices == []
