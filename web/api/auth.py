"""Who asks: a program by its bearer token, or a page's script by the session and CSRF token."""

from flask import g, request, session

from services.errors import AuthenticationFailed
from services.logs.context import is_of
from web.context import services, signed_in
from web.limits import bearer_token
from web.security import csrf

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_TO_ALL = frozenset({"api.create_token", "api.openapi"})


def authenticate() -> None:
    """Find out who asks, before every view but those open to all.

    Raises AuthenticationFailed, or CSRFError where a session asks without its CSRF token.
    """
    if request.endpoint in OPEN_TO_ALL:
        return
    token = bearer_token()
    if token is not None:
        g.profile = g.token_owner or services().accounts.by_token(token)
        is_of(g.profile.uid)
        _leave_session_alone()
    elif signed_in() is None:
        raise AuthenticationFailed("Send a token: Authorization: Bearer bw....")
    elif request.method not in SAFE_METHODS:
        csrf.protect()


def _leave_session_alone() -> None:
    """An empty, unmodified session is neither stored nor answered with a cookie."""
    session.clear()
    session.modified = False
