"""Sessions, CSRF tokens, rate limits and security headers, all by libraries."""

import time
from typing import Any

from flask import Flask, Request, current_app, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_session import Session
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from redis import Redis

from config import Settings
from services.accounts import Profile
from services.store.users import normal_email

SESSION_LIFE_SECONDS = 30 * 86_400
MAX_REQUEST_BYTES = 256 * 1024
SIGN_IN_BY_ADDRESS = "30 per minute; 200 per hour"
SIGN_IN_BY_ACCOUNT = "10 per minute; 50 per hour"
MAIL_BY_ADDRESS = "20 per hour"
MAIL_BY_ACCOUNT = "5 per hour"
TRIALS_BY_ACCOUNT = "5 per minute"
LINKS_BY_ADDRESS = "300 per minute; 3000 per hour"
"""Of links in mails: scanners and mail programs' servers ask for many people."""
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

WITHOUT_SESSION = (
    "/assets/",
    "/static/",
    "/mail/",
    "/health",
    "/ready",
    "/metrics",
    "/favicon.ico",
    "/manifest.webmanifest",
    "/robots.txt",
    "/theme",
)
"""Paths that say the same to everybody, also while Redis is away."""

csrf = CSRFProtect()
talisman = Talisman()
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, headers_enabled=True)


def protect(app: Flask, settings: Settings, redis: Redis) -> None:
    """Configure everything that stands between the network and the views."""
    https, keys = settings.address.startswith("https://"), settings.signing_keys()
    app.config.update(
        SECRET_KEY=keys[-1],
        SECRET_KEY_FALLBACKS=keys[:-1],
        WTF_CSRF_SECRET_KEY=keys,
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        SESSION_TYPE="redis",
        SESSION_REDIS=redis,
        SESSION_KEY_PREFIX="session:",
        SESSION_PERMANENT=True,
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE_SECONDS,
        SESSION_REFRESH_EACH_REQUEST=False,
        SESSION_COOKIE_NAME="__Host-session" if https else "session",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=https,
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_KEY_PREFIX="limit",
    )
    Session(app)
    _spare_sessions(app)
    csrf.init_app(app)
    limiter.init_app(app)
    talisman.init_app(
        app,
        force_https=https,
        session_cookie_secure=https,
        strict_transport_security=https,
        content_security_policy=CONTENT_SECURITY_POLICY,
        referrer_policy="same-origin",
        permissions_policy={"geolocation": "()", "camera": "()", "microphone": "()"},
    )


def _spare_sessions(app: Flask) -> None:
    """Open no session, and so ask Redis nothing, where nobody needs one."""
    interface: Any = app.session_interface
    open_session = interface.open_session

    def open_where_needed(app: Flask, request: Request) -> Any:
        if request.path.startswith(WITHOUT_SESSION):
            return None
        session = open_session(app, request)
        _renew(session)
        return session

    interface.open_session = open_where_needed


def _renew(session: Any) -> None:
    """Let a session that is used last on, by one write a day instead of one for each request."""
    today = int(time.time()) // 86_400
    if "uid" in session and session.get("renewed_on") != today:
        session["renewed_on"] = today


def start_session(profile: Profile) -> None:
    """Sign a person in, under a new session id."""
    interface: Any = current_app.session_interface
    interface.regenerate(session)  # does nothing to an empty session, hence before clear()
    session.clear()
    session.permanent = True
    session["uid"] = profile.uid
    session["auth_epoch"] = profile.auth_epoch


def account_of_request() -> str:
    """The key of per-account limits: the e-mail address that a form names."""
    return f"account:{normal_email(request.form.get('email', ''))[:320]}"
