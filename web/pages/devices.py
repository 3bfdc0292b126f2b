"""Devices that take push messages, for the browser: templates/notifications/devices.html shows
them, static/js/push.js and push-worker.js turn them on; subscriptions go to the API."""

from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, current_app, flash, redirect, request, send_from_directory
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from services.errors import InvalidInput, PushOff
from services.store.devices import Device
from services.texts import gettext as _
from web.context import me, people_only, services, signed_in
from web.forms import Form, local_path, one_line

pages = Blueprint("devices", __name__)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a page needs to turn push on: the key that browsers subscribe with, or why not."""

    key: str
    off: str


@pages.get("/push-worker.js")
def worker() -> Response:
    """The service worker, at the root, so that it may show what belongs to any page; asked for
    anew each time, so that a new version is taken at once."""
    folder = Path(current_app.static_folder or "static") / "js"
    response = send_from_directory(folder, "push-worker.js", mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@pages.get("/devices/push")
def renewal() -> ResponseReturnValue:
    """What the service worker needs when its browser changes the subscription by itself."""
    if signed_in() is None:
        return {}, 401
    return {"key": setup().key, "csrf_token": generate_csrf()}


@pages.post("/devices/<device_id>/name")
@people_only
def rename(device_id: str) -> ResponseReturnValue:
    try:
        renamed = services().devices.rename(
            me().uid, device_id, one_line(Form.posted("name")["name"])
        )
    except InvalidInput as error:
        flash(_("%(reason)s Nothing was changed.", reason=error.message))
    else:
        flash(_("The device is called %(name)s now.", name=renamed.name))
    return _back()


@pages.post("/devices/<device_id>/remove")
@people_only
def remove(device_id: str) -> ResponseReturnValue:
    services().devices.delete(me().uid, device_id)
    flash(_("The device gets no push messages any more."))
    return _back()


@pages.app_context_processor
def _for_templates() -> dict[str, object]:
    return {"push_setup": setup, "my_devices": my_devices}


def setup() -> Setup:
    try:
        return Setup(services().push_key.public, "")
    except PushOff as error:
        return Setup("", str(error))


def my_devices() -> list[Device]:
    """The oldest first."""
    return services().devices.of(me().uid)


def _back() -> ResponseReturnValue:
    """To the page whose form it was."""
    return redirect((local_path(request.form.get("back")) or "/") + "#devices")
