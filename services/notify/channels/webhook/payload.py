"""What is posted to a webhook (docs/webhooks.md). Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.alerts import phrases
from services.notify.brief import brief_of
from services.store.triggers import Trigger
from services.store.users import User
from services.texts import gettext as _

VERSION = 1


def triggers_body(triggers: Sequence[Trigger], id_: str, user: User, address: str) -> bytes:
    """Triggers that are one message; the same bytes for the same triggers."""
    brief = brief_of(triggers, user, address)
    return _json(
        {
            "version": VERSION,
            "type": "triggers",
            "id": id_,
            "title": brief.title,
            "text": brief.body,
            "link": brief.link,
            "triggers": [_trigger(trigger, address) for trigger in triggers],
        }
    )


def test_body(id_: str, address: str) -> bytes:
    return _json(
        {
            "version": VERSION,
            "type": "test",
            "id": id_,
            "title": _("This is how an alert reaches you"),
            "text": _("Nothing has happened on the market. This message was sent as a test."),
            "link": f"{address}/account/notifications",
            "triggers": [],
        }
    )


def _trigger(trigger: Trigger, address: str) -> Mapping[str, Any]:
    return {
        "id": trigger.id,
        "alert_id": trigger.alert_id,
        "epoch": trigger.epoch,
        "symbol": trigger.symbol,
        "condition": trigger.condition.model_dump(mode="json"),
        "sentence": phrases.headline(
            trigger.symbol, trigger.condition, trigger.currency, past=True
        ),
        "level": trigger.level,
        "value": trigger.value,
        "price": trigger.price,
        "low": trigger.low,
        "high": trigger.high,
        "peak": trigger.peak,
        "currency": trigger.currency,
        "occurred_at": _instant(trigger.occurred_at),
        "noticed_at": _instant(trigger.noticed_at),
        "source": trigger.source,
        "note": trigger.note,
        "urgent": trigger.urgent,
        "link": f"{address}/alerts/{trigger.alert_id}",
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
