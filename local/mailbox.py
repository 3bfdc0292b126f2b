"""The mailbox of one machine: takes every mail over SMTP and keeps it as an .eml file.

`python -m local.mailbox PORT FOLDER` serves it on loopback until SIGTERM.
"""

import asyncio
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_BYTES = 10 * 1024 * 1024
log = logging.getLogger(__name__)


def keep(message: bytes, folder: Path, now: datetime) -> Path:
    """Write one message whole or not at all; its name sorts by `now` (UTC) and is unique."""
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}.eml"
    draft = folder / f".{name}"
    try:
        with draft.open("xb") as file:
            file.write(message)
            file.flush()
            os.fsync(file.fileno())
        return draft.rename(folder / name)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class Mailbox:
    """What aiosmtpd asks about each message."""

    folder: Path
    clock: Callable[[], datetime]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        try:
            file = keep(envelope.original_content or b"", self.folder, self.clock())
        except OSError as error:
            log.error("A mail could not be kept in %s: %s", self.folder, error.strerror)
            return "452 4.3.1 The message could not be kept; try again later"
        log.info("Kept a mail for %s as %s", ", ".join(envelope.rcpt_tos), file.name)
        return f"250 2.0.0 Kept as {file.name}"


async def serve(port: int, folder: Path, ended: asyncio.Event) -> None:
    """Take mails on a loopback port until `ended` is set. Raises OSError if it is in use."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mailbox = Mailbox(folder, lambda: datetime.now(UTC))

    def conversation() -> SMTP:
        return SMTP(mailbox, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, hostname="localhost")

    server = await asyncio.get_running_loop().create_server(conversation, "127.0.0.1", port)
    try:
        await ended.wait()
    finally:
        server.close()


async def _serve_until_told(port: int, folder: Path) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await serve(port, folder, ended)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    asyncio.run(_serve_until_told(int(sys.argv[1]), Path(sys.argv[2])))
