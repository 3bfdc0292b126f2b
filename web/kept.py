"""What somebody typed into a form whose session had ended, until they have signed in again.

It lies in the new session of the same browser, so nobody else gets it, and waits to be shown
back: nothing is done with it unless it is sent again by a click. What another site had a browser
send is not kept, nor are passwords, files, or more than MOST_CHARACTERS.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import redirect, request, session, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

MOST_CHARACTERS = 16 * 1024
MOST_FIELDS = 100
KEPT = timedelta(hours=1)
SECRETS = frozenset({"password", "present", "secret", "url"})
"""Fields that are not written into any page, nor kept."""
TOKEN = "csrf_token"  # noqa: S105 - the name of a field
_KEY = "typed"


@dataclass(frozen=True, slots=True)
class Typed:
    """A form as it was sent: to which path and endpoint, and all its fields but secrets."""

    path: str
    endpoint: str
    arguments: Mapping[str, Any]
    fields: list[tuple[str, str]]
    has_secrets: bool = False
    has_files: bool = False
    at: float = 0.0

    @property
    def values(self) -> MultiDict[str, str]:
        return MultiDict([(name, value) for name, value in self.fields])


def is_foreign() -> bool:
    """Whether another site had the browser send this request."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def is_by_script() -> bool:
    """Whether a script of a page sent this request, which nobody waits to see again."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


def typed_now(now: datetime) -> Typed:
    """What the present request sends."""
    sent = [(n, v) for n, v in request.form.items(multi=True) if n != TOKEN]
    return Typed(
        path=request.full_path.rstrip("?"),
        endpoint=request.endpoint or "",
        arguments=dict(request.view_args or {}),
        fields=[(name, value) for name, value in sent if name not in SECRETS],
        has_secrets=any(name in SECRETS for name, _ in sent),
        has_files=bool(request.files),
        at=now.timestamp(),
    )


def keep(typed: Typed) -> bool:
    """Keep it for who signs in next in this browser; False where it is too much, or a script
    sent it."""
    if is_by_script():
        return False
    size = sum(len(name) + len(value) for name, value in typed.fields)
    if size > MOST_CHARACTERS or len(typed.fields) > MOST_FIELDS:
        return False
    session[_KEY] = asdict(typed)
    return True


def kept(now: datetime) -> Typed | None:
    """What waits to be shown back."""
    found: dict[str, Any] | None = session.get(_KEY)
    if found is None or datetime.fromtimestamp(found["at"], UTC) < now - KEPT:
        return None
    return Typed(**{**found, "fields": [(name, value) for name, value in found["fields"]]})


def carry() -> Any:
    """What must be put back, by `put_back`, once the session has been begun anew."""
    return session.get(_KEY)


def put_back(carried: Any) -> None:
    if carried is not None:
        session[_KEY] = carried


def drop() -> None:
    session.pop(_KEY, None)


def to_sign_in() -> Response:
    """To the sign-in page and from there to what was typed."""
    return redirect(url_for("accounts.sign_in", next=url_for("resume.show")), 303)
