"""Conversations with a mail server: kept open, and given up where they are dead."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.errors import DeliveryError
from services.notify.channels.email import session as sessions
from services.notify.channels.email.transport import SmtpTransport
from services.notify.message import Message
from tests.notify.conftest import SENDER, Post
from tests.support.market import MONDAY
from tests.support.redis_server import free_port
from tests.support.smtp import SmtpPeer


@dataclass
class Listener(SmtpPeer):
    """Writes down who connects and what is said. `dies_at` is the command at which it ends the
    conversation, once."""

    callers: list[object] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    dies_at: str = ""
    refuses_with: dict[str, str] = field(default_factory=dict)
    left: Event = field(default_factory=Event)

    def hears(self, command: str, server: SMTP, session: Session) -> str:
        if session.peer not in self.callers:
            self.callers.append(session.peer)
        self.said.append(command)
        if self.dies_at == command:
            self.dies_at = ""
            assert server.transport is not None
            server.transport.abort()
        return self.refuses_with.pop(command, "250 OK")

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return self.hears("RSET", server, session)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.hears("MAIL", server, session)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        answer = self.hears("DATA", server, session)
        told = await super().handle_DATA(server, session, envelope)
        return told if answer.startswith("250") else answer

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.left.set()
        return "221 Bye"


@pytest.fixture
def listener() -> Iterator[Listener]:
    peer = Listener(port=free_port())
    controller = Controller(peer, hostname="127.0.0.1", port=peer.port, enable_SMTPUTF8=False)
    controller.start()
    yield peer
    controller.stop()


def mail(number: int = 1, to: str = "ada@example.com") -> Message:
    return Message(to, f"Mail {number}", "text", "<p>text</p>", f"{number}.email@bell.example")


def numbers(peer: SmtpPeer) -> list[str]:
    return [message["Subject"].removeprefix("Mail ") for message in peer.accepted]


def test_mails_go_through_one_conversation_with_a_reset_between(listener: Listener) -> None:
    transport = SmtpTransport(listener.url, SENDER)
    for number in range(3):
        transport.send(mail(number), MONDAY)
    assert numbers(listener) == ["0", "1", "2"]
    assert listener.said == ["MAIL", "DATA", "RSET", "MAIL", "DATA", "RSET", "MAIL", "DATA"]
    assert len(listener.callers) == 1


def test_a_conversation_ends_after_so_many_mails(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_MAILS", 2)
    transport = SmtpTransport(listener.url, SENDER)
    for number in range(5):
        transport.send(mail(number), MONDAY)
    assert len(listener.accepted) == 5
    assert len(listener.callers) == 3


def test_a_conversation_that_nobody_needs_is_ended(listener: Listener) -> None:
    transport = SmtpTransport(listener.url, SENDER, idle=0.01)
    transport.send(mail(), MONDAY)
    assert listener.left.wait(10)
    transport.send(mail(2), MONDAY)
    assert len(listener.callers) == 2


@pytest.mark.parametrize("command", ["RSET", "MAIL"])
def test_a_kept_conversation_that_is_dead_is_begun_anew(listener: Listener, command: str) -> None:
    transport = SmtpTransport(listener.url, SENDER)
    transport.send(mail(1), MONDAY)
    listener.dies_at = command
    transport.send(mail(2), MONDAY)
    assert numbers(listener) == ["1", "2"]
    assert len(listener.callers) == 2


@pytest.mark.parametrize("command", ["RSET", "MAIL"])
def test_a_server_that_closes_a_kept_conversation_is_called_anew(
    listener: Listener, command: str
) -> None:
    transport = SmtpTransport(listener.url, SENDER)
    transport.send(mail(1), MONDAY)
    listener.refuses_with[command] = "421 4.4.2 idle for too long"
    transport.send(mail(2), MONDAY)
    assert numbers(listener) == ["1", "2"]


def test_a_mail_is_not_sent_again_once_the_server_may_have_it(listener: Listener) -> None:
    transport = SmtpTransport(listener.url, SENDER)
    transport.send(mail(1), MONDAY)
    listener.dies_at = "DATA"
    with pytest.raises(DeliveryError) as caught:
        transport.send(mail(2), MONDAY)
    assert caught.value.unreachable
    assert not caught.value.permanent
    assert listener.said.count("DATA") == 2
    transport.send(mail(2), MONDAY)
    one, other = (message["Message-ID"] for message in listener.read[1:])
    assert one == other, "what comes again can be recognised"


def test_a_new_conversation_that_ends_is_not_begun_again(listener: Listener) -> None:
    listener.dies_at = "MAIL"
    with pytest.raises(DeliveryError) as caught:
        SmtpTransport(listener.url, SENDER).send(mail(), MONDAY)
    assert caught.value.unreachable
    assert listener.said == ["MAIL"]


def test_an_answer_about_one_mailbox_leaves_the_conversation_open(listener: Listener) -> None:
    transport = SmtpTransport(listener.url, SENDER)
    listener.recipient = "550 5.1.1 no such user"
    with pytest.raises(DeliveryError) as caught:
        transport.send(mail(1), MONDAY)
    assert caught.value.gone
    assert not caught.value.unreachable
    listener.recipient = "250 OK"
    transport.send(mail(2), MONDAY)
    assert len(listener.callers) == 1


def test_threads_share_conversations_and_never_one_at_once(listener: Listener) -> None:
    transport = SmtpTransport(listener.url, SENDER)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: transport.send(mail(number), MONDAY), range(40)))
    assert sorted(map(int, numbers(listener))) == list(range(40))
    assert len(listener.callers) <= 4


def test_a_server_that_is_away_is_unreachable() -> None:
    with pytest.raises(DeliveryError, match="cannot be reached") as caught:
        SmtpTransport(f"smtp://127.0.0.1:{free_port()}", SENDER).send(mail(), MONDAY)
    assert caught.value.unreachable
    assert not caught.value.permanent


def test_a_server_that_takes_no_password_is_unreachable_and_not_the_mailbox(
    listener: Listener,
) -> None:
    url = listener.url.replace("smtp://", "smtp://user:wrong@")
    with pytest.raises(DeliveryError) as caught:
        SmtpTransport(url, SENDER).send(mail(), MONDAY)
    assert caught.value.unreachable
    assert not caught.value.permanent


def test_a_server_that_answers_too_slowly_gets_no_mail_whose_lease_may_end(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PATIENCE_SECONDS", -1)
    with pytest.raises(DeliveryError, match="too slowly") as caught:
        SmtpTransport(listener.url, SENDER).send(mail(), MONDAY)
    assert caught.value.unreachable
    assert listener.read == []


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [("452 4.2.2 over quota", False), ("552 5.2.2 over quota", True), ("552 no room", True)],
)
def test_a_full_mailbox_is_told_as_one_and_switches_nothing_off(
    post: Post, answer: str, permanent: bool
) -> None:
    post.smtp.recipient = answer
    delivery = post.deliver()
    assert delivery.state == ("failed" if permanent else "retry")
    assert "The mailbox is full" in (delivery.error or "")
    assert post.user.mail_refused_at is None


def test_answers_go_where_the_operator_wants_them(listener: Listener) -> None:
    SmtpTransport(listener.url, SENDER, "help@bell.example").send(mail(), MONDAY)
    SmtpTransport(listener.url, SENDER).send(mail(), MONDAY)
    assert [message["Reply-To"] for message in listener.read] == ["help@bell.example", None]


def test_an_address_that_the_server_cannot_take_fails_in_plain_words(listener: Listener) -> None:
    with pytest.raises(DeliveryError, match="letters beyond A to Z") as caught:
        SmtpTransport(listener.url, SENDER).send(mail(to="jürgen@example.com"), MONDAY)
    assert caught.value.permanent


@pytest.mark.parametrize("to", ["a@b.example\r\nBcc: c@d.example", "a@b.example\nX: y"])
def test_an_address_cannot_carry_another_header(listener: Listener, to: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        SmtpTransport(listener.url, SENDER).send(mail(to=to), MONDAY)
    assert caught.value.permanent
    assert listener.said == []


def test_mails_are_lines_of_seven_bits(listener: Listener) -> None:
    message = Message("ada@example.com", "Ärger · 漢字", "漢字" * 600, "<p>漢字</p>", "1@b.example")
    SmtpTransport(listener.url, SENDER).send(message, MONDAY)
    assert listener.raw[0].isascii()
    assert max(map(len, listener.raw[0].splitlines())) < 999
    assert listener.read[0]["Subject"] == "Ärger · 漢字"
