"""Sessions, CSRF tokens, rate limits and security headers, all by libraries."""

import time
from typing import Any

from flask import Flask, Request, current_app, request, session
from flask_session import Session
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from redis import Redis
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from config import Settings
from services.accounts import Profile
from services.store.users import normal_email
from web.cors import allow_origins
from web.hosts import OwnHosts, own_hosts
from web.limits import find_asker, limiter, say_when

SESSION_LIFE_SECONDS = 30 * 86_400
MAX_REQUEST_BYTES = 256 * 1024
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

NOT_NEEDED = (
    "accelerometer",
    "browsing-topics",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
)
"""What browsers offer to pages and no page of ours may use."""

PROBED = ("health.", "metrics.")
"""Endpoints that balancers and monitors ask."""

WITHOUT_SESSION = (
    "/assets/",
    "/static/",
    "/mail/",
    "/health",
    "/ready",
    "/metrics",
    "/status",
    "/favicon.ico",
    "/manifest.webmanifest",
    "/robots.txt",
    "/theme",
)
"""Paths that say the same to everybody, also while Redis is away."""

csrf = CSRFProtect()
talisman = Talisman()


def protect(app: Flask, settings: Settings, redis: Redis) -> None:
    """Configure everything that stands between the network and the views."""
    https = settings.address.startswith("https://")
    _trust_proxies(app, settings)
    app.config.update(_of_sessions(redis, https), RATE_LIMIT=settings.rate_limit)
    _sign(app, settings.signing_keys())
    Session(app)
    _spare_sessions(app)
    allow_origins(app, settings)
    csrf.init_app(app)
    _limit(app, settings, redis)
    _tell_browsers(app, https)


def _trust_proxies(app: Flask, settings: Settings) -> None:
    """Believe the proxies that are configured about the client, and nobody about our own name."""
    if hosts := own_hosts(settings):
        app.wsgi_app = OwnHosts(app.wsgi_app, hosts)  # type: ignore[method-assign]
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_port=0, x_prefix=0
        )


def _of_sessions(redis: Redis, https: bool) -> dict[str, Any]:
    return {
        "MAX_CONTENT_LENGTH": MAX_REQUEST_BYTES,
        "SESSION_TYPE": "redis",
        "SESSION_REDIS": redis,
        "SESSION_KEY_PREFIX": "session:",
        "SESSION_PERMANENT": True,
        "PERMANENT_SESSION_LIFETIME": SESSION_LIFE_SECONDS,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SESSION_COOKIE_NAME": "__Host-session" if https else "session",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": https,
    }


def _sign(app: Flask, keys: list[str]) -> None:
    """The last key signs, all are believed."""
    app.config.update(SECRET_KEY=keys[-1], SECRET_KEY_FALLBACKS=keys[:-1], WTF_CSRF_SECRET_KEY=keys)


def _limit(app: Flask, settings: Settings, redis: Redis) -> None:
    app.config.update(
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_STORAGE_OPTIONS={"connection_pool": redis.connection_pool},
        RATELIMIT_KEY_PREFIX="limit",
    )
    app.before_request(find_asker)
    limiter.init_app(app)
    app.after_request(say_when)


def _tell_browsers(app: Flask, https: bool) -> None:
    """What pages may do and load, and who may load them."""
    talisman.init_app(
        app,
        force_https=https,
        session_cookie_secure=https,
        strict_transport_security=https,
        content_security_policy=CONTENT_SECURITY_POLICY,
        referrer_policy="same-origin",
        permissions_policy=dict.fromkeys(NOT_NEEDED, "()"),
    )
    app.after_request(_keep_other_sites_out)


def spare_probes(app: Flask) -> None:
    """Answer probes, which come from within, over plain HTTP too; called once all views are
    there."""
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(PROBED):
            talisman(force_https=False)(view)


def _keep_other_sites_out(response: Response) -> Response:
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    return response


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

    def is_null_session(session: object) -> bool:
        """Also where none could be opened: the answer that says so saves none."""
        return session is None or is_null(session)

    is_null = interface.is_null_session
    interface.open_session, interface.is_null_session = open_where_needed, is_null_session


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
