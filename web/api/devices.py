"""Devices that take push messages: browsers and apps."""

from flask import request

from services.errors import InvalidInput
from services.notify.subscriptions import app_device, browser_device
from services.store.devices import Device, device_id
from web import trail
from web.api import schemas
from web.api.blueprint import PREFIX, api
from web.api.openapi import BODY_PROBLEMS, operation
from web.browsers import browser_name
from web.context import me, now, services


@api.get("/devices")
@operation("devices", 200, schemas.Devices)
def read_devices() -> schemas.Devices:
    """Read your devices, the oldest first."""
    return schemas.Devices(items=[_shown(one) for one in services().devices.of(me().uid)])


@api.post("/devices")
@operation("devices", 201, schemas.Device, *BODY_PROBLEMS, 409)
def create_device(json: schemas.NewDevice) -> tuple[schemas.Device, int, dict[str, str]]:
    """Push to a browser or app from now on; one that is there already takes its new keys."""
    wanted, former = _wanted(json), json.replaces and device_id("webpush", json.replaces)
    if former and former != wanted.id:
        wanted = _in_place_of(former, wanted)
    made = services().devices.create(wanted)
    if made.created_at == now():
        trail.note(me().uid, "device_added", made.name)
    return _shown(made), 201, {"Location": f"{PREFIX}/devices/{made.id}"}


@api.patch("/devices/<device_id>")
@operation("devices", 200, schemas.Device, *BODY_PROBLEMS, 404)
def rename_device(device_id: str, json: schemas.DeviceChange) -> schemas.Device:
    """Give a device another name."""
    return _shown(services().devices.rename(me().uid, device_id, json.name))


@api.delete("/devices/<device_id>")
@operation("devices", 204, None, 400, 404)
def delete_device(device_id: str) -> tuple[str, int]:
    """Push to a device no more; one that is gone already is no error."""
    services().devices.delete(me().uid, device_id)
    trail.note(me().uid, "device_removed")
    return "", 204


def _wanted(json: schemas.NewDevice) -> Device:
    if json.token is not None:
        if json.endpoint is not None or json.keys is not None:
            raise InvalidInput("token", "Send a token, or an endpoint with keys.")
        return app_device(me().uid, json.token, json.name or "App", now())
    if json.endpoint is None or json.keys is None:
        raise InvalidInput("endpoint", "Send an endpoint with keys, or a token.")
    name = json.name or browser_name(request.user_agent.string)
    return browser_device(me().uid, json.endpoint, json.keys.p256dh, json.keys.auth, name, now())


def _in_place_of(former: str, wanted: Device) -> Device:
    """The new device under the name of the one that it replaces, which is forgotten."""
    known = {device.id: device for device in services().devices.of(me().uid)}
    if former not in known:
        return wanted
    services().devices.delete(me().uid, former)
    return wanted.replace(name=known[former].name)


def _shown(device: Device) -> schemas.Device:
    return schemas.Device.model_validate(device)
