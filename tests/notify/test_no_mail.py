"""Who gets no mail: a mailbox that is gone (ALERTS.md rule 13), a person who stopped it (14)."""

import re
from datetime import timedelta

import pytest

from services.accounts.mailer import AccountMailer
from services.alerts.notices import Notices
from services.notify.channels.email.transport import SmtpTransport
from services.notify.compose import Composer
from services.notify.message import Message
from services.store.users import User
from tests.notify.conftest import LINKS, SENDER, Post
from tests.support.smtp import text_of

NO_SUCH = "550 5.1.1 no such user"


def test_a_mailbox_that_is_gone_is_switched_off_and_the_delivery_says_so(post: Post) -> None:
    told: list[User] = []
    post.outbox._changed = told.append
    post.smtp.recipient = NO_SUCH
    delivery = post.deliver()
    assert (delivery.state, delivery.due_at) == ("failed", None)
    assert delivery.error == (
        "There is no such mailbox. The mail server answered 550: 5.1.1 no such user"
    )
    assert post.user.mail_refused_at == post.bell.at
    assert told == [post.user]


def test_a_mailbox_that_is_gone_is_not_tried_again(post: Post) -> None:
    post.smtp.recipient = NO_SUCH
    post.deliver()
    post.smtp.recipient = "250 OK"
    (later,) = post.ring("MSFT")
    post.deliver_all()
    assert post.smtp.read == []
    delivery = post.bell.services.triggers.get(post.bell.uid, later.id).deliveries["email"]
    assert delivery.state == "failed"
    assert "Not tried: ada@example.com was refused on 2 March 2026." in (delivery.error or "")


def test_confirming_the_address_again_switches_it_on(post: Post) -> None:
    accounts, links = post.bell.services.accounts, post.bell.services.links
    old = links.make("confirm", post.user, post.bell.at)
    post.bell.later(1)
    post.smtp.recipient = NO_SUCH
    post.deliver()
    with pytest.raises(Exception, match="older than the day on which your mailbox was refused"):
        accounts.confirm(old, post.bell.later(1))
    accounts.confirm(links.make("confirm", post.user, post.bell.at), post.bell.later(1))
    post.smtp.recipient = "250 OK"
    post.ring("MSFT")
    post.deliver_all()
    assert len(post.smtp.accepted) == 1


def test_the_link_to_confirm_goes_to_a_refused_address_and_to_no_confirmed_one(post: Post) -> None:
    mailer = AccountMailer(
        post.bell.services.users,
        LINKS,
        Composer("https://bell.example", SENDER, LINKS),
        SmtpTransport(post.smtp.url, SENDER),
    )
    mailer.send("confirm", post.bell.uid, post.bell.at)
    assert post.smtp.accepted == []
    post.change(mail_refused_at=post.bell.at)
    mailer.send("confirm", post.bell.uid, post.bell.at)
    (mail,) = post.smtp.accepted
    assert mail["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    "answer",
    ["550 5.7.1 relaying denied", "554 relay access denied", "552 5.2.2 mailbox full",
     "550 5.1.8 bad sender"],
)  # fmt: skip
def test_a_refusal_that_is_not_about_the_mailbox_switches_nothing_off(
    post: Post, answer: str
) -> None:
    post.smtp.recipient = answer
    assert post.deliver().state == "failed"
    assert post.user.mail_refused_at is None


def test_a_mailbox_that_is_refused_for_now_is_tried_again(post: Post) -> None:
    post.smtp.recipient = "450 4.2.1 try later"
    assert post.deliver().state == "retry"
    assert post.user.mail_refused_at is None


def test_a_refusal_of_an_address_that_was_changed_meanwhile_switches_nothing_off(
    post: Post,
) -> None:
    leased = post.lease()
    assert leased is not None
    post.smtp.recipient = NO_SUCH
    post.change(email="new@example.com")
    post.outbox._attempt(leased, post.bell.at)
    assert post.user.mail_refused_at is None


def test_who_stopped_all_mail_gets_none_and_is_told_why_on_the_page(post: Post) -> None:
    post.change(mail_stopped_at=post.bell.at)
    delivery = post.deliver()
    assert (delivery.state, delivery.attempts) == ("failed", 0)
    assert delivery.error == ("You stopped all mail on 2 March 2026. Your account page starts it.")
    assert post.smtp.read == []


def test_a_group_that_is_under_way_stops_with_all_mail(post: Post) -> None:
    post.ring("MSFT")
    post.smtp.answer = "451 try later"
    post.deliver()
    post.change(mail_stopped_at=post.bell.at)
    post.smtp.answer = "250 OK"
    post.bell.later(1)
    post.deliver_all()
    assert post.states == ["failed", "failed"]
    assert post.smtp.accepted == []


@pytest.mark.parametrize("why", ["mail_stopped_at", "mail_refused_at"])
def test_notices_go_to_nobody_who_gets_no_mail(post: Post, why: str) -> None:
    s = post.bell.services
    alert = post.bell.alert("price_rises_to", 150)
    s.arming.pause(post.bell.uid, alert.id, post.bell.at, "No prices of AAPL.")
    composer = Composer("https://bell.example", SENDER, LINKS)
    notices = Notices(s.alerts, s.users, composer, SmtpTransport(post.smtp.url, SENDER))
    notices.send("paused", post.bell.uid, [alert.id], post.bell.at)
    post.change(**{why: post.bell.at})
    notices.send("paused", post.bell.uid, [alert.id], post.bell.at)
    (mail,) = post.smtp.accepted
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_address_that_stops_mail_is_neither_folded_nor_encoded_however_long(
    post: Post,
) -> None:
    link = f"https://bell.example/mail/stop/{'long_-' * 60}.x"
    message = Message(
        to=post.bell.email, subject="€", text="x", html="x", message_id="x@x", stop_link=link
    )
    SmtpTransport(post.smtp.url, SENDER).send(message, post.bell.at)
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in post.smtp.raw[0]


def test_every_mail_can_be_ended_by_its_reader_s_program(post: Post) -> None:
    """By RFC 8058, with one click."""
    post.deliver()
    (mail,) = post.smtp.accepted
    found = re.fullmatch(r"<https://bell\.example/mail/stop/([\w.=-]+)>", mail["List-Unsubscribe"])
    assert found
    assert LINKS.stopped(found[1], post.bell.at + timedelta(days=90)) == post.bell.uid
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    paused = re.search(r"/mail/pause/([\w.=-]+)", text_of(mail))
    assert paused
    assert LINKS.paused(paused[1], post.bell.at) == (post.bell.uid, post.trigger.alert_id)
