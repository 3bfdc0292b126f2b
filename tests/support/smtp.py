"""A real SMTP server on loopback that keeps what it accepts, and refuses when told to."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.redis_server import free_port


@dataclass
class SmtpPeer:
    """`answer` is what the server says to a whole message; `recipient` to each RCPT. `read` are
    all whole messages that came, those that it hung up on or refused included; `raw` the same,
    as they came."""

    port: int = 0
    answer: str = "250 OK"
    recipient: str = "250 OK"
    hangs_up: bool = False
    read: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    accepted: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.read.append(message)
        self.raw.append(content)
        if self.hangs_up:
            assert server.transport is not None
            server.transport.abort()
            await asyncio.sleep(0)
        elif self.answer.startswith("250"):
            self.accepted.append(message)
        return self.answer


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    """The text or HTML part of a mail."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.fixture
def smtp() -> Iterator[SmtpPeer]:
    peer = SmtpPeer(port=free_port())
    controller = Controller(peer, hostname="127.0.0.1", port=peer.port)
    controller.start()
    yield peer
    controller.stop()
