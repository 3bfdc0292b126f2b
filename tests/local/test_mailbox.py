import asyncio
import smtplib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from unittest.mock import patch

import pytest

from local import mailbox
from local.ports import free_port

FROM, TO = "bellwether@localhost", "ann@example.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    """A mailbox that runs as long as the test."""
    port, loop, ended = free_port(), asyncio.new_event_loop(), asyncio.Event()
    listening = threading.Event()

    def serve() -> None:
        serving = loop.create_task(mailbox.serve(port, folder, ended))
        loop.call_later(0.05, listening.set)
        loop.run_until_complete(serving)

    thread = threading.Thread(target=serve)
    thread.start()
    listening.wait(5)
    yield port
    loop.call_soon_threadsafe(ended.set)
    thread.join(5)
    loop.close()


def message(subject: str, body: str = "The bell rang.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = FROM, TO, subject
    mail.set_content(body)
    return mail


def send(port: int, content: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail(FROM, [TO], content, mail_options=["BODY=8BITMIME"])


def kept(folder: Path) -> list[EmailMessage]:
    files = sorted(folder.glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def test_a_mail_sent_over_smtp_is_kept_as_it_came(port: int, folder: Path) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(message("AAPL rose to 200"))
    [mail] = kept(folder)
    assert mail["Subject"] == "AAPL rose to 200"
    assert mail.get_content().strip() == "The bell rang."


def test_eight_bit_bodies_are_kept_byte_for_byte(port: int, folder: Path) -> None:
    content = "Subject: x\r\n\r\nKursziel 200 € erreicht, größer als je\r\n".encode()
    send(port, content)
    [file] = folder.glob("*.eml")
    assert file.read_bytes() == content


def test_lines_that_start_with_a_dot_survive(port: int, folder: Path) -> None:
    send(port, b"Subject: x\r\n\r\n.5 %\r\n..\r\n.\r\nend\r\n")
    [file] = folder.glob("*.eml")
    assert file.read_bytes().endswith(b"\r\n\r\n.5 %\r\n..\r\n.\r\nend\r\n")


def test_addresses_and_subjects_outside_ascii_are_taken(port: int, folder: Path) -> None:
    mail = message("Kurs über 200 €")
    del mail["To"]
    mail["To"] = "jürgen@bücher.example"
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(mail)
    assert [m["Subject"] for m in kept(folder)] == ["Kurs über 200 €"]


def test_a_mail_of_nearly_ten_megabytes_is_kept_whole(port: int, folder: Path) -> None:
    content = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n"
    content += (b"y" * 70 + b"\r\n") * ((mailbox.MAX_BYTES - 1000) // 72)
    send(port, content)
    [file] = folder.glob("*.eml")
    assert file.read_bytes() == content


def test_a_mail_above_ten_megabytes_is_refused_and_the_next_is_kept(
    port: int, folder: Path
) -> None:
    with pytest.raises(smtplib.SMTPResponseException, match="size"):
        send(port, b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * (mailbox.MAX_BYTES // 70))
    send(port, message("next").as_bytes())
    assert [mail["Subject"] for mail in kept(folder)] == ["next"]


def test_mails_sent_at_the_same_time_are_all_kept(port: int, folder: Path) -> None:
    subjects = [f"mail {number}" for number in range(20)]
    with ThreadPoolExecutor(8) as senders:
        list(senders.map(lambda subject: send(port, message(subject).as_bytes()), subjects))
    assert sorted(mail["Subject"] for mail in kept(folder)) == sorted(subjects)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x00\xff\xfe\r\n" * 10,
        b"EHLO " + b"x" * 5000 + b"\r\n",
        b"DATA\r\n.\r\n",
        b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:\r\nDATA\r\nno recipient",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_nonsense_does_not_end_the_mailbox(port: int, folder: Path, nonsense: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(nonsense)
    send(port, message("after the nonsense").as_bytes())
    assert [mail["Subject"] for mail in kept(folder)] == ["after the nonsense"]


def test_a_mail_that_cannot_be_written_is_refused_for_now(port: int, folder: Path) -> None:
    with (
        patch.object(mailbox, "keep", side_effect=OSError(28, "No space left on device")),
        pytest.raises(smtplib.SMTPDataError) as refused,
    ):
        send(port, message("x").as_bytes())
    assert refused.value.smtp_code == 452
    assert list(folder.iterdir()) == []


def test_names_sort_by_time_and_never_clash(tmp_path: Path) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    early = mailbox.keep(b"1", tmp_path, noon)
    same_moment = mailbox.keep(b"2", tmp_path, noon)
    late = mailbox.keep(b"3", tmp_path, noon + timedelta(microseconds=1))
    assert len({early, same_moment, late}) == 3
    assert max(early.name, same_moment.name) < late.name
    assert late.name.startswith("20260301T120000.000001Z-")


def test_no_draft_stays_when_a_mail_cannot_be_renamed(tmp_path: Path) -> None:
    with (
        patch.object(Path, "rename", side_effect=OSError("gone")),
        pytest.raises(OSError, match="gone"),
    ):
        mailbox.keep(b"1", tmp_path, datetime(2026, 3, 1, tzinfo=UTC))
    assert list(tmp_path.iterdir()) == []
