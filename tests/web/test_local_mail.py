"""The mailbox of one machine."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.web.conftest import Reader, words

NAME = "20260302T150000.000000Z-0badcafe.eml"


@pytest.fixture
def mailbox(anybody: Reader) -> Path:
    """The folder of mails of a Bellwether that runs on one machine."""
    settings = anybody.site.services.settings.model_copy(update={"bellwether_local": True})
    anybody.site.services.__dict__["settings"] = settings
    folder = settings.data / "mail"
    folder.mkdir()
    return folder


def keep(folder: Path, name: str = NAME, subject: str = "Hello", text: str = "") -> None:
    mail = EmailMessage()
    mail["Subject"], mail["To"], mail["From"] = subject, "ada@example.com", "b@example.com"
    mail["Date"] = "Mon, 02 Mar 2026 15:00:00 +0000"
    mail.set_content(text or "Confirm here: http://localhost:5000/confirm/abc.def")
    mail.add_alternative("<p style='color:red'>Hello</p><script>alert(1)</script>", subtype="html")
    (folder / name).write_bytes(bytes(mail))


def test_mails_are_listed_newest_first(anybody: Reader, mailbox: Path) -> None:
    keep(mailbox, "20260301T000000Z-a.eml", "Older")
    keep(mailbox, "20260302T000000Z-b.eml", "Newer")
    text = anybody.page("/local/mail")
    assert text.index("Newer") < text.index("Older")


def test_an_empty_or_missing_mailbox_says_so(anybody: Reader, mailbox: Path) -> None:
    assert "No mail yet" in anybody.page("/local/mail")
    mailbox.rmdir()
    assert "No mail yet" in anybody.page("/local/mail")


def test_links_in_a_mail_can_be_followed(anybody: Reader, mailbox: Path) -> None:
    keep(mailbox)
    page = anybody.get(f"/local/mail/{NAME}").text
    assert 'href="http://localhost:5000/confirm/abc.def"' in page


def test_markup_in_a_mail_stays_text(anybody: Reader, mailbox: Path) -> None:
    keep(mailbox, subject="<b>x</b>", text="<script>alert(1)</script>")
    for path in ("/local/mail", f"/local/mail/{NAME}"):
        page = anybody.get(path).text
        assert "<b>x</b>" not in page
        assert "<script>alert" not in page


def test_the_html_of_a_mail_runs_no_script_and_loads_nothing(
    anybody: Reader, mailbox: Path
) -> None:
    keep(mailbox)
    answer = anybody.get(f"/local/mail/{NAME}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_a_picture_that_came_in_the_mail_is_shown_without_the_network(
    anybody: Reader, mailbox: Path
) -> None:
    mail = EmailMessage()
    mail.set_content("Hello")
    html = '<img src="cid:chart@b.example" alt="x"><img src="cid:other" alt="y">'
    mail.add_alternative(html, subtype="html")
    _, part = mail.iter_parts()
    part.add_related(b"\x89PNG...", "image", "png", cid="<chart@b.example>")
    (mailbox / NAME).write_bytes(bytes(mail))
    answer = anybody.get(f"/local/mail/{NAME}/html")
    assert '<img src="data:image/png;base64,iVBORy4uLg==" alt="x">' in answer.text
    assert "cid:other" in answer.text
    assert "img-src data:" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name", ["nope.eml", "..%2F..%2Fsecret_key", "%2e%2e", ".hidden.eml", "a%00.eml", "x.txt"]
)
def test_only_mails_of_the_folder_are_shown(anybody: Reader, mailbox: Path, name: str) -> None:
    (mailbox / ".hidden.eml").write_text("draft")
    (mailbox / "x.txt").write_text("other")
    assert anybody.get(f"/local/mail/{name}").status_code == 404


def test_a_broken_mail_is_shown_as_far_as_it_goes(anybody: Reader, mailbox: Path) -> None:
    (mailbox / NAME).write_bytes(b"Content-Type: text/plain; charset=nonsense\n\n\xff\xfe\x00")
    assert "(no subject)" in anybody.page("/local/mail")
    assert anybody.get(f"/local/mail/{NAME}").status_code == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.168.1.7", {}),
        ("127.0.0.1", {"Host": "evil.example"}),
        ("127.0.0.1", {"Host": "localhost.evil.example"}),
        ("127.0.0.1", {"Host": "localhost", "X-Forwarded-For": "203.0.113.9"}),
        ("", {}),
    ],
)
def test_nobody_else_sees_it(
    anybody: Reader, mailbox: Path, address: str, headers: dict[str, str]
) -> None:
    keep(mailbox)
    for path in ("/local/mail", f"/local/mail/{NAME}", f"/local/mail/{NAME}/html"):
        answer = anybody.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == 404
        assert "Hello" not in words(answer)


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "[::1]:5000"])
def test_this_machine_sees_it_under_each_of_its_names(
    anybody: Reader, mailbox: Path, host: str
) -> None:
    assert anybody.get("/local/mail", headers={"Host": host}).status_code == 200


def test_on_a_server_there_is_no_such_page(anybody: Reader) -> None:
    assert anybody.get("/local/mail").status_code == 404
