"""Alerts: setting, changing, pausing and deleting them (ALERTS.md)."""

from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from services.accounts.preferences import checked_channels
from services.alerts.arming import KEEP, Keep
from services.errors import InvalidInput
from services.notify.naming import kept
from services.store.alerts import Alert, Frequency
from web.api import schemas
from web.api.blueprint import PREFIX, api
from web.api.idempotency import Headers, idempotent
from web.api.openapi import BODY_PROBLEMS, operation
from web.api.paging import store_cursor, text_of
from web.context import me, now, services
from web.limits import while_typing
from web.setting import Wish, facts_to_arm, sentence_of, set_alert, understood

_STORED = schemas.Alert.model_fields.keys() - {"sentence", "channels"}


@api.get("/alerts")
@operation("alerts", 200, schemas.Alerts)
def read_alerts(query: schemas.PageQuery) -> schemas.Alerts:
    """Read your alerts, newest first."""
    after = store_cursor("alerts", query.cursor)
    found, following = services().alerts.page(me().uid, after, query.limit)
    return schemas.Alerts(
        items=[_shown(alert) for alert in found],
        next=text_of("alerts", following),
    )


@api.post("/alerts")
@idempotent
@operation("alerts", 201, schemas.Alert, *BODY_PROBLEMS, 409, headers=Headers)
def create_alert(json: schemas.AnyNewAlert) -> tuple[schemas.Alert, int, dict[str, str]]:
    """Set an alert. A condition that is true already needs `if_true`."""
    alert = set_alert(_wished(json.root), json.root.if_true)
    location = {"Location": f"{PREFIX}/alerts/{alert.id}"}
    return _shown(alert), 201, location


@api.post("/alerts/parse")
@operation("alerts", 200, schemas.Understood, *BODY_PROBLEMS)
@while_typing
def parse_alert(json: schemas.Sentence) -> schemas.Understood:
    """Understand an alert in words; nothing is set."""
    wish = understood(json.text)
    return schemas.Understood.model_validate(wish)


@api.get("/alerts/<alert_id>")
@operation("alerts", 200, schemas.Alert, 404)
def read_alert(alert_id: str) -> schemas.Alert:
    """Read one alert."""
    return _shown(services().alerts.get(me().uid, alert_id))


@api.patch("/alerts/<alert_id>")
@operation("alerts", 200, schemas.Alert, *BODY_PROBLEMS, 404, 409)
def change_alert(alert_id: str, json: schemas.AlertChange) -> schemas.Alert:
    """Change, pause or arm an alert; only a condition or the state arms it anew."""
    if json.state == "paused" and json.condition is not None:
        raise InvalidInput("state", "A changed condition is armed at once. Pause it afterwards.")
    alert = services().alerts.get(me().uid, alert_id)
    if json.condition is not None or (json.state == "armed" and alert.state != "armed"):
        alert = _rearmed(alert, json)
    elif json.model_fields_set & _Terms.__annotations__.keys():
        alert = services().arming.amend(me().uid, alert_id, now(), **_terms(json))
    if json.state == "paused":
        alert = services().arming.pause(me().uid, alert_id, now())
    if json.note is not None:
        alert = services().arming.amend(me().uid, alert_id, now(), note=json.note)
    return _shown(alert)


@api.delete("/alerts/<alert_id>")
@operation("alerts", 204, None, 400, 404)
def delete_alert(alert_id: str) -> tuple[str, int]:
    """Delete an alert; what it rang stays."""
    services().arming.delete(me().uid, alert_id, now())
    return "", 204


def _rearmed(alert: Alert, json: schemas.AlertChange) -> Alert:
    return services().arming.rearm(
        alert.uid,
        alert.id,
        facts_to_arm(alert.symbol, json.condition or alert.condition),
        now(),
        condition=json.condition,
        if_true=json.if_true,
        **_terms(json),
    )


class _Terms(TypedDict):
    """How often, until when and with which margin an alert is to ring from now on."""

    frequency: Frequency | None
    expires_at: datetime | Keep | None
    rearm_margin: float | None
    urgent: bool | None
    channels: tuple[str, ...] | Keep | None


def _terms(json: schemas.AlertChange) -> _Terms:
    return {
        "frequency": json.frequency,
        "expires_at": json.expires_at if "expires_at" in json.model_fields_set else KEEP,
        "rearm_margin": json.rearm_margin,
        "urgent": json.urgent,
        "channels": _channels(json) if "channels" in json.model_fields_set else KEEP,
    }


def _channels(
    json: schemas.AlertChange | schemas.NewAlert | schemas.NewAlertInWords,
) -> tuple[str, ...] | None:
    """Raises InvalidInput."""
    if json.channels is None:
        return None
    return checked_channels("channels", json.channels, me().destinations)


def _wished(json: schemas.NewAlert | schemas.NewAlertInWords) -> Wish:
    if isinstance(json, schemas.NewAlertInWords):
        wish = understood(json.text, json.note)
        return replace(
            wish,
            rearm_margin=json.rearm_margin,
            urgent=json.urgent,
            channels=_channels(json),
        )
    return Wish(
        json.symbol,
        json.condition,
        json.frequency,
        json.expires_at,
        json.note,
        json.rearm_margin,
        json.urgent,
        _channels(json),
    )


def _shown(alert: Alert) -> schemas.Alert:
    fields = {name: getattr(alert, name) for name in _STORED}
    channels = list(kept(alert.channels, me().destinations)) or None
    return schemas.Alert(**fields, channels=channels, sentence=sentence_of(alert))
