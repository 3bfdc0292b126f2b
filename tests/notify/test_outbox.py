"""From a trigger to a mail in a real SMTP conversation."""

import smtplib
from datetime import timedelta

import pytest

from services.errors import DeliveryError
from services.notify.channels.email.transport import SmtpTransport
from services.notify.compose import Composer
from services.notify.deliveries import JITTER, RETRIES, after_failure
from services.store.contract import Update
from services.store.triggers import Delivery, trigger_path
from services.store.users import User
from tests.notify.conftest import LINKS, SENDER, Post
from tests.support.market import MONDAY
from tests.support.smtp import text_of


def test_a_trigger_becomes_a_mail_with_its_evidence(post: Post) -> None:
    assert post.deliver().state == "sent"
    (mail,) = post.smtp.accepted
    assert mail["To"] == "ada@example.com"
    assert mail["From"] == SENDER
    assert mail["Subject"] == "AAPL 111.00, rose to 110.00 · Bellwether"
    for part in ("plain", "html"):
        text = text_of(mail, part)
        for fact in ("AAPL", "110.00", "111.00", "112.00", "2 March 2026, 15:05 UTC"):
            assert fact in text, (part, fact)
    assert "sell <half>" in text_of(mail)
    assert "sell &lt;half&gt;" in text_of(mail, "html")


def test_a_delivery_that_was_sent_is_not_sent_again(post: Post) -> None:
    post.deliver()
    post.bell.later(60)
    post.deliver()
    assert len(post.smtp.accepted) == 1
    assert not post.trigger.open


def test_a_refusal_for_now_is_tried_again_later_with_the_same_message_id(post: Post) -> None:
    post.smtp.answer = "451 try later"
    first = post.deliver()
    assert (first.state, first.attempts) == ("retry", 1)
    assert first.due_at == post.bell.at + RETRIES[0] * (1 + JITTER / 2)
    assert "451" in (first.error or "")
    post.smtp.answer = "250 OK"
    assert post.deliver().state == "retry", "not due yet"
    post.bell.later(1)
    assert post.deliver().state == "sent"
    (mail,) = post.smtp.accepted
    assert mail["Message-ID"] == f"<{post.trigger_id}.email@bellwether.example>"


def test_a_connection_that_ends_in_the_middle_is_tried_again(post: Post) -> None:
    post.smtp.hangs_up = True
    assert post.deliver().state == "retry"


def test_a_mailbox_that_does_not_exist_fails_at_once(post: Post) -> None:
    post.smtp.recipient = "550 no such user"
    delivery = post.deliver()
    assert (delivery.state, delivery.due_at) == ("failed", None)
    assert "550" in (delivery.error or "")


def test_after_the_last_retry_a_delivery_fails_visibly() -> None:
    error = DeliveryError("no answer")
    states = []
    for attempts in range(1, len(RETRIES) + 2):
        after = after_failure(Delivery(state="sending", attempts=attempts), error, MONDAY, 0.0)
        states.append((after.state, after.due_at and after.due_at - MONDAY))
    assert states == [*(("retry", wait) for wait in RETRIES), ("failed", None)]


def test_a_delivery_of_a_worker_that_died_is_taken_over_after_its_lease(post: Post) -> None:
    assert post.lease() is not None
    assert post.deliver().state == "sending"
    assert post.smtp.accepted == []
    post.bell.later(3)
    assert post.outbox.sweep(post.bell.at) == 1
    assert post.deliver().state == "sent"


def test_a_worker_whose_lease_ended_does_not_overwrite_its_successor(post: Post) -> None:
    slow = post.lease()
    assert slow is not None
    post.bell.later(3)
    post.deliver()
    failure = DeliveryError("too late", permanent=True)
    after = after_failure(slow.delivery, failure, MONDAY, 0)
    post.outbox._settle(slow.triggers, "email", after, slow.user, MONDAY)
    assert post.delivery.state == "sent"


def test_an_unconfirmed_address_gets_no_mail_until_it_is_confirmed(post: Post) -> None:
    users = post.bell.services.users
    users.update(post.bell.uid, confirmed_at=None)
    assert post.deliver().state == "held"
    assert post.smtp.accepted == []
    assert post.outbox.sweep(post.bell.later(60)) == 0
    users.update(post.bell.uid, confirmed_at=post.bell.at)
    assert post.outbox.release(post.bell.uid, post.bell.at) == 1
    assert post.deliver().state == "sent"


def test_a_sweep_enqueues_only_what_is_due(post: Post) -> None:
    post.bell.jobs.dispatched.clear()
    assert post.outbox.sweep(post.bell.at - timedelta(seconds=1)) == 0
    assert post.outbox.sweep(post.bell.at) == 1
    assert post.bell.jobs.dispatched == [post.bell.uid]


def test_an_account_that_is_gone_fails_its_delivery(post: Post) -> None:
    from services.store.contract import Delete

    post.bell.services.store.write(Delete(f"users/{post.bell.uid}"))
    assert post.deliver().state == "failed"


def test_a_subject_cannot_carry_another_header() -> None:
    user = User(uid="U", email="a@b.example", password_hash="-", created_at=MONDAY)
    message = Composer("https://x.example", SENDER, LINKS).account("confirm", user, "t", "key")
    assert "\n" not in message.subject


def test_no_password_is_sent_to_a_distant_server_without_tls(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notify.channels.email.session._is_loopback", lambda host: False)
    url = post.smtp.url.replace("smtp://", "smtp://user:secret@")
    message = Composer("https://x.example", SENDER, LINKS).trigger(
        post.trigger,
        User(uid="U", email="a@b.example", password_hash="-", created_at=MONDAY),
        MONDAY,
    )
    with pytest.raises(DeliveryError, match="no TLS"):
        SmtpTransport(url, SENDER).send(message, MONDAY)


def test_every_lease_is_told_from_the_others(post: Post) -> None:
    users = post.bell.services.users
    users.update(post.bell.uid, confirmed_at=None)
    post.deliver()
    users.update(post.bell.uid, confirmed_at=post.bell.at)
    post.outbox.release(post.bell.uid, post.bell.at)
    first = post.lease()
    post.bell.later(3)
    second = post.lease()
    assert first is not None
    assert second is not None
    late = DeliveryError("too late", permanent=True)
    after = after_failure(first.delivery, late, MONDAY, 0)
    post.outbox._settle(first.triggers, "email", after, first.user, MONDAY)
    assert post.delivery.state == "sending"


def test_all_that_was_held_is_released(post: Post) -> None:
    users = post.bell.services.users
    users.update(post.bell.uid, confirmed_at=None)
    for _ in range(4):
        post.bell.alert("price_rises_to", 100, if_true="fire_now")
    post.bell.sweep(post.outbox)
    assert post.states == ["held"] * 5
    users.update(post.bell.uid, confirmed_at=post.bell.at)
    assert post.outbox.release(post.bell.uid, post.bell.at) == 5
    assert {t.deliveries["email"].state for t in post.bell.triggers()} == {"pending"}


def test_what_is_held_is_sent_though_the_job_that_releases_it_was_lost(post: Post) -> None:
    users = post.bell.services.users
    users.update(post.bell.uid, confirmed_at=None)
    assert post.deliver().state == "held"
    users.update(post.bell.uid, confirmed_at=post.bell.at)
    assert post.outbox.sweep(post.bell.later(24 * 60)) == 1
    assert post.deliver().state == "sent"


def test_a_mail_that_takes_every_worker_down_fails_visibly_in_the_end(post: Post) -> None:
    for _ in range(len(RETRIES) + 1):
        assert post.lease() is not None
        post.bell.later(3)
    delivery = post.deliver()
    assert (delivery.state, delivery.due_at) == ("failed", None)
    assert "never ended" in (delivery.error or "")
    assert post.smtp.accepted == []


def test_a_mail_that_was_accepted_is_sent_however_the_server_says_goodbye(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtplib.SMTP, "quit", _rude)
    monkeypatch.setattr(smtplib.SMTP, "__exit__", lambda smtp, *_: _rude(smtp))
    assert post.deliver().state == "sent"
    assert len(post.smtp.accepted) == 1


def test_a_server_that_refuses_us_and_not_the_mailbox_is_tried_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password is the operator's to mend; it must not end everybody's bells."""

    def refused(*_: object) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"no")

    monkeypatch.setattr(smtplib.SMTP, "login", refused)
    url = post.smtp.url.replace("smtp://", "smtp://user:secret@")
    monkeypatch.setattr(post.outbox._channels.email, "_transport", SmtpTransport(url, SENDER))
    assert post.deliver().state == "retry"


def test_one_unreadable_trigger_holds_up_no_other(post: Post) -> None:
    post.bell.alert("price_rises_to", 100, if_true="fire_now")
    path = trigger_path(post.bell.uid, post.trigger_id)
    post.bell.services.store.write(Update(path, {"from_the_future": 1}))
    assert post.outbox.sweep(post.bell.at) == 1


def _rude(*_: object) -> None:
    raise smtplib.SMTPResponseException(421, b"too busy to say goodbye")
