"""The mailbox of one machine, shown to that machine alone."""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import wraps
from ipaddress import ip_address
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from services.texts import gettext as _
from web.context import services
from web.security import talisman

SHOWN = 100
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
MAIL_POLICY = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "sandbox": "allow-popups",
}
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,150}\.eml", re.ASCII)
P = ParamSpec("P")
R = TypeVar("R")
pages = Blueprint("local_mail", __name__, url_prefix="/local/mail")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of the mailbox; `at` is in UTC."""

    name: str
    subject: str
    sender: str
    to: str
    at: datetime
    text: str
    html: str


def local_only(view: Callable[P, R]) -> Callable[P, R]:
    """Nobody but this machine sees it, and no page of another site that names it either."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not services().settings.bellwether_local or not _asked_from_here():
            abort(404)
        return view(*args, **kwargs)

    return guarded


def _asked_from_here() -> bool:
    forwarded = {"X-Forwarded-For", "Forwarded"} & set(request.headers.keys())
    if forwarded or urlsplit(f"//{request.host}").hostname not in LOCAL_HOSTS:
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


@pages.get("")
@local_only
def index() -> ResponseReturnValue:
    folder = _folder()
    files = sorted((f for f in folder.glob("*.eml") if _NAME.fullmatch(f.name)), reverse=True)
    mails = [read(file) for file in files[:SHOWN]]
    return render_template("local/mailbox.html", mails=mails, kept=len(files))


@pages.get("/<name>")
@local_only
def show(name: str) -> ResponseReturnValue:
    return render_template("local/mail.html", mail=_mail(name))


@pages.get("/<name>/html")
@talisman(content_security_policy=MAIL_POLICY)  # type: ignore[untyped-decorator]
@local_only
def show_html(name: str) -> ResponseReturnValue:
    """The mail as a mail program would show it, without scripts and without the network."""
    return _mail(name).html or abort(404)


def read(file: Path) -> Mail:
    """A mail from its file; what it lacks is empty."""
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    return Mail(
        name=file.name,
        subject=str(message["Subject"] or _("(no subject)")),
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        at=_date(message, file),
        text=_body(message, "plain"),
        html=_with_pictures(_body(message, "html"), message),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, KeyError, UnicodeDecodeError):  # an unknown character set or type
        return "(This part cannot be shown.)"


def _with_pictures(html: str, message: EmailMessage) -> str:
    """With the pictures that came in the mail itself."""
    for part in message.walk():
        name = str(part["Content-ID"] or "").strip("<>")
        if name and part.get_content_type() == "image/png":
            png = b64encode(part.get_payload(decode=True) or b"").decode()  # type: ignore[arg-type]
            html = html.replace(f"cid:{name}", f"data:image/png;base64,{png}")
    return html


def _date(message: EmailMessage, file: Path) -> datetime:
    try:
        date = parsedate_to_datetime(str(message["Date"]))
    except ValueError:
        date = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _mail(name: str) -> Mail:
    file = _folder() / name
    if not _NAME.fullmatch(name) or not file.is_file():
        abort(404)
    return read(file)


def _folder() -> Path:
    return services().settings.data / "mail"
