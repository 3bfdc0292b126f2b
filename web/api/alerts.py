"""Alerts: setting, changing, pausing and deleting them (ALERTS.md)."""

from services.alerts.arming import IfTrue
from services.alerts.conditions import Condition
from services.errors import InvalidInput
from services.store.alerts import Alert
from web.api import schemas
from web.api.blueprint import PREFIX, api
from web.api.idempotency import Headers, idempotent
from web.api.openapi import BODY_PROBLEMS, operation
from web.api.paging import store_cursor, text_of
from web.context import me, now, services


@api.get("/alerts")
@operation("alerts", 200, schemas.Alerts)
def read_alerts(query: schemas.PageQuery) -> schemas.Alerts:
    """Read your alerts, newest first."""
    after = store_cursor("alerts", query.cursor)
    found, following = services().alerts.page(me().uid, after, query.limit)
    return schemas.Alerts(
        items=[schemas.Alert.model_validate(alert) for alert in found],
        next=text_of("alerts", following),
    )


@api.post("/alerts")
@idempotent
@operation("alerts", 201, schemas.Alert, *BODY_PROBLEMS, 409, headers=Headers)
def create_alert(json: schemas.NewAlert) -> tuple[schemas.Alert, int, dict[str, str]]:
    """Set an alert. A condition that is true already needs `if_true`."""
    quote = services().lookup.find_to_arm(json.symbol, now())
    alert = services().arming.create(
        me().uid,
        quote,
        json.condition,
        now(),
        frequency=json.frequency,
        note=json.note,
        if_true=json.if_true,
    )
    location = {"Location": f"{PREFIX}/alerts/{alert.id}"}
    return schemas.Alert.model_validate(alert), 201, location


@api.get("/alerts/<alert_id>")
@operation("alerts", 200, schemas.Alert, 404)
def read_alert(alert_id: str) -> schemas.Alert:
    """Read one alert."""
    return schemas.Alert.model_validate(services().alerts.get(me().uid, alert_id))


@api.patch("/alerts/<alert_id>")
@operation("alerts", 200, schemas.Alert, *BODY_PROBLEMS, 404, 409)
def change_alert(alert_id: str, json: schemas.AlertChange) -> schemas.Alert:
    """Change, pause or arm an alert; a note alone arms nothing anew."""
    if json.state == "paused" and json.condition is not None:
        raise InvalidInput("state", "A changed condition is armed at once. Pause it afterwards.")
    alert = services().alerts.get(me().uid, alert_id)
    if json.condition is not None or (json.state == "armed" and alert.state != "armed"):
        alert = _rearmed(alert, json.condition, json.if_true)
    if json.state == "paused":
        alert = services().arming.pause(me().uid, alert_id, now())
    if json.note is not None:
        alert = services().arming.annotate(me().uid, alert_id, json.note)
    return schemas.Alert.model_validate(alert)


@api.delete("/alerts/<alert_id>")
@operation("alerts", 204, None, 400, 404)
def delete_alert(alert_id: str) -> tuple[str, int]:
    """Delete an alert; what it rang stays."""
    services().arming.delete(me().uid, alert_id, now())
    return "", 204


def _rearmed(alert: Alert, condition: Condition | None, if_true: IfTrue | None) -> Alert:
    quote = services().lookup.find_to_arm(alert.symbol, now())
    return services().arming.rearm(
        alert.uid, alert.id, quote, now(), condition=condition, if_true=if_true
    )
