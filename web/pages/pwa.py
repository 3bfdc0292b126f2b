"""Bellwether as an app: its manifest, its one service worker, and the page for no connection.

The worker is static/js/push-worker.js (push messages) with offline-worker.js (pages that were seen
last); static/js/kept.js registers it. It tells readers apart by a header of every page.
"""

import hashlib
import hmac
import json
from typing import Any
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    render_template,
    request,
    url_for,
)

from services.accounts import Profile
from services.figures import short_day
from services.texts import gettext as _
from services.texts import pgettext
from web.context import me, now
from web.languages import language
from web.security import WITHOUT_SESSION

READER = "Bellwether-Reader"
GROUND = "#faf9f6"
"""Of the light theme: a manifest has one colour only."""
ICONS = (
    ("icon-192.png", "192x192", "image/png", "any"),
    ("icon-512.png", "512x512", "image/png", "any"),
    ("maskable-192.png", "192x192", "image/png", "maskable"),
    ("maskable-512.png", "512x512", "image/png", "maskable"),
    ("bell.svg", "any", "image/svg+xml", "any"),
)
SCRIPTS = ("push-worker.js", "offline-worker.js")
pages = Blueprint("pwa", __name__)


@pages.get("/manifest.webmanifest")
def manifest() -> Response:
    """In the language of the browser, for it is asked for without cookies."""
    response = make_response(json.dumps(_manifest(), ensure_ascii=False))
    response.mimetype = "application/manifest+json"
    response.vary.add("Accept-Language")
    response.headers["Cache-Control"] = "no-cache"
    return response


@pages.get("/push-worker.js")
def worker() -> Response:
    """The service worker, at the root, so that it may answer for any page; asked for anew each
    time, and different with each version of the static files and in each language."""
    lines = [
        f"self.BELLWETHER = {json.dumps(_given())};",
        f"importScripts({', '.join(json.dumps(_asset(f'js/{name}')) for name in SCRIPTS)});",
    ]
    response = make_response("\n".join(lines) + "\n")
    response.mimetype = "text/javascript"
    response.headers["Cache-Control"] = "no-cache"
    return response


@pages.get("/offline")
def offline() -> str:
    """What the worker shows where no page is kept; the same for everybody."""
    return render_template("offline.html")


@pages.app_template_global("as_of")
def as_of() -> str:
    """The day and time of this request, as the reader will read it later: `21 Nov 2026, 14:05`."""
    local = now().astimezone(ZoneInfo(me().time_zone))
    return f"{short_day(local)}, {local:%H:%M}"


@pages.after_app_request
def _tell_readers_apart(response: Response) -> Response:
    """Pages that have looked who reads them say so, in a word that says nothing to others."""
    is_known = "profile" in g and not request.path.startswith(WITHOUT_SESSION)
    if response.mimetype == "text/html" and is_known:
        reader: Profile | None = g.profile
        response.headers[READER] = _opaque(reader.uid) if reader else "nobody"
    return response


def _opaque(uid: str) -> str:
    key = str(current_app.secret_key).encode()
    return hmac.new(key, f"reader {uid}".encode(), hashlib.sha256).hexdigest()[:16]


def _given() -> dict[str, Any]:
    """What the worker's scripts are told, for they hold no words and know no address."""
    return {
        "version": current_app.jinja_env.globals["asset_version"],
        "offline": url_for("pwa.offline"),
        "icon": _image("icon-192.png"),
        "badge": _image("badge-96.png"),
        "words": {
            "open": pgettext("button", "Open"),
            "snooze": _("Snooze 1 h"),
            "pause": _("Pause"),
            "rang": _("Something rang. Open it to see what."),
        },
    }


def _manifest() -> dict[str, Any]:
    return {
        "id": "/",
        "name": "Bellwether",
        "short_name": "Bellwether",
        "description": _(
            "Bellwether watches prices for you and rings once, at the right moment,"
            " with the evidence."
        ),
        "lang": language(),
        "dir": "ltr",
        "start_url": url_for("home.home"),
        "scope": "/",
        "display": "standalone",
        "theme_color": GROUND,
        "background_color": GROUND,
        "categories": ["finance"],
        "icons": [
            {"src": _image(name), "sizes": sizes, "type": kind, "purpose": purpose}
            for name, sizes, kind, purpose in ICONS
        ],
        "shortcuts": [
            _shortcut(_("Watchlist"), url_for("home.home")),
            _shortcut(_("Set an alert"), url_for("alerts.new")),
            _shortcut(_("Inbox"), url_for("triggers.index")),
        ],
    }


def _shortcut(name: str, address: str) -> dict[str, Any]:
    icon = {"src": _image("icon-192.png"), "sizes": "192x192", "type": "image/png"}
    return {"name": name, "url": address, "icons": [icon]}


def _asset(name: str) -> str:
    version = current_app.jinja_env.globals["asset_version"]
    return url_for("assets", version=version, name=name)


def _image(name: str) -> str:
    """Under a name that stays, for systems take an app's icons by it."""
    return url_for("static", filename=f"img/{name}")
