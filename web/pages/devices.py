"""Devices that take push messages, for the browser: templates/notifications/devices.html shows
them, static/js/push.js and push-worker.js turn them on; subscriptions go to the API."""

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from services.errors import InvalidInput
from services.store.devices import Device
from services.texts import gettext as _
from web import trail
from web.context import me, people_only, services, signed_in
from web.forms import Form, local_path, one_line
from web.push import offered, setup

pages = Blueprint("devices", __name__)


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
    trail.note(me().uid, "device_removed")
    flash(_("The device gets no push messages any more."))
    return _back()


@pages.app_context_processor
def _for_templates() -> dict[str, object]:
    return {"push_setup": setup, "push_offered": offered, "my_devices": my_devices}


def my_devices() -> list[Device]:
    """The oldest first."""
    return services().devices.of(me().uid)


def _back() -> ResponseReturnValue:
    """To the page whose form it was."""
    return redirect((local_path(request.form.get("back")) or "/") + "#devices")
