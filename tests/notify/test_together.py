"""Triggers of one person that are due together share a mail (ALERTS.md rule 14)."""

from datetime import timedelta
from threading import Thread

import pytest

from services.notify import deliveries
from services.store.contract import Update
from services.store.triggers import Trigger, trigger_path
from services.store.users import User
from tests.notify.conftest import Post
from tests.support.market import MONDAY
from tests.support.smtp import text_of


def test_what_rang_together_is_one_mail_with_the_evidence_of_each(post: Post) -> None:
    post.ring("MSFT", "IBM")
    post.deliver_all()
    (mail,) = post.smtp.accepted
    assert mail["Subject"] == "3 alerts rang: AAPL, MSFT, IBM · Bellwether"
    for part in ("plain", "html"):
        text = text_of(mail, part)
        for trigger in post.bell.triggers():
            assert f"https://bell.example/alerts/{trigger.alert_id}" in text
        for fact in ("AAPL rose to 110.00", "111.00", "MSFT rose to 90.00", "IBM rose to"):
            assert fact in text, (part, fact)
        assert text.count("https://bell.example/mail/pause/") == 3
        assert "https://bell.example/mail/stop/" in text
    assert post.states == ["sent", "sent", "sent"]


def test_a_check_in_which_several_alerts_ring_gives_one_mail(post: Post) -> None:
    post.deliver_all()
    for level in (120, 121, 122):
        post.bell.alert("price_rises_to", level)
    post.bell.check_at(125)
    post.deliver_all()
    assert post.smtp.accepted[-1]["Subject"] == "3 alerts rang: AAPL · Bellwether"
    assert len(post.smtp.accepted) == 2


def test_many_symbols_are_counted_in_a_subject(post: Post) -> None:
    post.ring("MSFT", "IBM", "KO", "PEP", "GE", "F")
    post.deliver()
    (mail,) = post.smtp.accepted
    assert mail["Subject"] == "7 alerts rang: AAPL, MSFT, IBM, KO, PEP and 2 more · Bellwether"


def test_a_group_whose_outcome_is_unknown_is_sent_again_as_it_was(post: Post) -> None:
    """The connection ends after DATA, and another alert rings before the retry."""
    post.ring("MSFT", "IBM")
    post.smtp.hangs_up = True
    post.deliver()
    assert post.states == ["retry"] * 3
    post.smtp.hangs_up = False
    post.bell.later(1)
    post.ring("KO")
    post.deliver_all()
    assert post.states == ["sent"] * 4
    first, *later = post.smtp.read
    again, alone = sorted(later, key=lambda mail: mail["Subject"] != first["Subject"])
    assert again["Message-ID"] == first["Message-ID"]
    assert again["Subject"] == first["Subject"] == "3 alerts rang: AAPL, MSFT, IBM · Bellwether"
    assert "KO 100.00" in alone["Subject"]


def test_a_single_trigger_that_was_tried_is_joined_by_none(post: Post) -> None:
    post.smtp.hangs_up = True
    post.deliver()
    post.smtp.hangs_up = False
    post.bell.later(1)
    post.ring("MSFT", "IBM")
    post.deliver_all()
    subjects = {mail["Subject"] for mail in post.smtp.accepted}
    assert subjects == {
        "AAPL 111.00, rose to 110.00 · Bellwether",
        "2 alerts rang: MSFT, IBM · Bellwether",
    }
    ids = {mail["Message-ID"] for mail in post.smtp.accepted}
    assert f"<{post.trigger_id}.email@bellwether.example>" in ids


def test_a_group_of_a_worker_that_died_is_taken_over_whole(post: Post) -> None:
    post.ring("MSFT")
    leased = post.lease()
    assert leased is not None
    post.ring("IBM")
    post.deliver_all()
    assert post.states == ["sending", "sending", "sent"]
    post.bell.later(3)
    post.deliver_all()
    mail = post.smtp.accepted[-1]
    assert mail["Message-ID"] == f"<{leased.delivery.group}.email@bellwether.example>"
    assert mail["Subject"] == "2 alerts rang: AAPL, MSFT · Bellwether"


def test_a_group_that_was_sent_by_a_worker_that_died_then_keeps_its_message_id(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.ring("MSFT")
    settle = post.outbox._settle

    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(post.outbox, "_settle", die)
    with pytest.raises(SystemExit):
        post.deliver()
    monkeypatch.setattr(post.outbox, "_settle", settle)
    post.bell.later(3)
    post.deliver_all()
    first, second = post.smtp.accepted
    assert first["Message-ID"] == second["Message-ID"]
    assert text_of(first).count("evidence") == text_of(second).count("evidence") == 2


def test_two_workers_at_once_send_one_mail(post: Post) -> None:
    post.ring("MSFT", "IBM", "KO")
    jobs = [
        Thread(target=post.outbox.deliver, args=(post.bell.uid, "email", post.bell.at))
        for _ in range(4)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert len(post.smtp.accepted) == 1
    assert post.states == ["sent"] * 4


def test_a_mail_is_bounded_and_the_rest_is_in_the_next(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notify.channels.email.channel.TOGETHER", 3)
    post.ring("MSFT", "IBM", "KO", "PEP")
    post.deliver_all()
    counts = sorted(mail["Subject"].split()[0] for mail in post.smtp.accepted)
    assert counts == ["2", "3"]
    assert set(post.states) == {"sent"}


def test_other_people_s_triggers_are_in_mails_of_their_own(post: Post) -> None:
    post.ring("MSFT")
    other = User(uid="B" * 26, email="bob@example.com", password_hash="-", created_at=MONDAY,
                 confirmed_at=MONDAY)  # fmt: skip
    post.bell.services.users.create(other)
    theirs = post.trigger.model_copy(update={"uid": other.uid, "id": "bobs-1"})
    from services.store.contract import Create

    path = trigger_path(other.uid, theirs.id)
    post.bell.services.store.write(Create(path, theirs.fields()))
    post.deliver_all()
    assert {mail["To"]: mail["Subject"].split()[0] for mail in post.smtp.accepted} == {
        "ada@example.com": "2",
        "bob@example.com": "AAPL",
    }


def test_a_delivery_stored_before_there_were_groups_is_still_sent(post: Post) -> None:
    path = trigger_path(post.bell.uid, post.trigger_id)
    old = {"state": "retry", "attempts": 1, "due_at": MONDAY, "sent_at": None, "error": "451"}
    post.bell.services.store.write(Update(path, {"deliveries": {"email": old}}))
    post.ring("MSFT", "IBM")
    post.deliver_all()
    assert {len(t.deliveries["email"].group or "") for t in post.bell.triggers()} == {0, 32}
    assert set(post.states) == {"sent"}


def test_quiet_hours_hold_all_but_the_urgent_until_they_end_in_one_mail(post: Post) -> None:
    start, end = post.bell.at, post.bell.at + timedelta(hours=2)
    post.change(quiet_hours={"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"})
    (urgent, _) = post.ring("MSFT", "IBM")
    path = trigger_path(post.bell.uid, urgent.id)
    post.bell.services.store.write(Update(path, {"urgent": True}))
    post.deliver_all()
    assert [mail["Subject"].split()[0] for mail in post.smtp.accepted] == ["MSFT"]
    assert post.states == ["pending", "sent", "pending"]
    post.bell.later(119)
    assert post.outbox.sweep(post.bell.at - timedelta(minutes=10)) == 0
    post.bell.at = end.replace(second=0, microsecond=0)
    post.deliver_all()
    assert post.smtp.accepted[-1]["Subject"] == "2 alerts rang: AAPL, IBM · Bellwether"


def test_a_retry_in_quiet_hours_waits_as_the_group_that_it_is(post: Post) -> None:
    post.ring("MSFT")
    post.smtp.hangs_up = True
    post.deliver()
    post.smtp.hangs_up = False
    post.change(quiet_hours={"start": "00:00", "end": "16:30"})
    post.bell.later(1)
    post.deliver_all()
    assert post.states == ["retry", "retry"]
    post.bell.later(120)
    post.deliver_all()
    first, second = post.smtp.read
    assert first["Message-ID"] == second["Message-ID"]


def test_a_group_is_named_after_its_triggers_in_any_order(post: Post) -> None:
    triggers: list[Trigger] = [post.trigger, *post.ring("MSFT", "IBM")]
    assert deliveries.group_of(triggers, "email") == deliveries.group_of(triggers[::-1], "email")
    assert deliveries.group_of(triggers, "email") != deliveries.group_of(triggers[:2], "email")
    assert deliveries.group_of(triggers[:1], "email") is None
